"""`load_numbers`: what a file says of numbers is written down, and a bad line is named and stops no other."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from dialer.compliance import known
from dialer.compliance.models import Consent, DncEntry, NumberNote
from dialer.core.audit import verify
from dialer.core.models import AuditEntry
from dialer.people.models import Tenant
from tests.factories import make_compliance_rows

CONSENTS = """number;consent;source;proof;given_at;expires_at
212-555-0101;written;web form;form 12;2026-01-05;2031-01-05T10:00
+12125550102;express;call;;2026-02-03T14:30;
+12125550103;written;web form;;2026-01-05;
+12125550104;express;call;;2999-01-01;
+12125550105;express;call;;2026-01-05;2025-01-05
+12125550106;express;;;2026-01-05;
+12125550107;perhaps;call;;2026-01-05;
555;express;call;;2026-01-05;
+12125550108;express;call;;5 January;
"""
NOTES = """number,list,wireless,by_hand_only,reassigned,reassigned_since,asked_on
+12125550101,,yes,,,,
+12125550102,litigator,,,,,
+12125550103,,no,yes,no,2026-01-05,2026-11-01
+12125550104,,,,no,2026-01-05,2999-01-01
+12125550105,,maybe,,,,
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "numbers.csv"


def load(file: Path, text: str, tenant: Tenant) -> known.Loaded:
    file.write_text(text, encoding="utf-8-sig")
    return known.load(path=file, tenant=tenant)


def test_consents_are_recorded_once(tenant: Tenant, stranger: Tenant, file: Path) -> None:
    done = load(file, CONSENTS, tenant)
    assert done.consents == 2
    assert [line for line, _words in done.problems] == [4, 5, 6, 7, 8, 9, 10]
    words = dict(done.problems)
    for line, said in ((4, "proof"), (5, "future"), (6, "not after"), (7, "source"), (8, "one of"), (9, "555")):
        assert said in words[line]
    one = Consent.objects.for_tenant(tenant).get(phone="+12125550101")
    assert (one.kind, one.source, one.proof) == ("written", "web form", "form 12")
    assert (one.given_at.isoformat(), one.expires_at is not None) == ("2026-01-05T05:00:00+00:00", True)
    assert load(file, CONSENTS, tenant).consents == 0
    assert Consent.objects.for_tenant(tenant).count() == 2
    assert not Consent.objects.for_tenant(stranger).exists()
    deeds = AuditEntry.objects.for_tenant(tenant)
    assert deeds.filter(action="consent.added", subject=str(one.public_id)).count() == 1
    assert deeds.filter(action="numbers.loaded").count() == 2
    assert verify(tenant.pk).broken == ""


def test_marks_and_lists_and_what_a_line_does_not_say_stays(tenant: Tenant, file: Path) -> None:
    make_compliance_rows(tenant, phone="+12125550103")
    done = load(file, NOTES, tenant)
    assert (done.notes, done.listed, [line for line, _words in done.problems]) == (2, 1, [5, 6])
    rows = {row.phone: row for row in NumberNote.objects.for_tenant(tenant)}
    assert (rows["+12125550101"].wireless, rows["+12125550101"].reassigned) == (True, "")
    third = rows["+12125550103"]
    assert (third.wireless, third.by_hand_only, third.reassigned) == (False, True, "no")
    assert third.reassigned_at is not None
    assert third.reassigned_at.isoformat() == "2026-11-01T04:00:00+00:00"
    assert DncEntry.objects.for_tenant(tenant).get().kind == "litigator"
    load(file, "number,wireless\n+12125550103,yes\n", tenant)
    third.refresh_from_db()
    assert (third.wireless, third.by_hand_only, third.reassigned) == (True, True, "no")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("number,colour\n+12125550101,red\n", "colour"),
        ("wireless\nyes\n", "needs a column “number”"),
        ("number\n+12125550101\n", "at least one more"),
        ("", "needs a column"),
    ],
)
def test_a_file_that_is_none(tenant: Tenant, file: Path, text: str, words: str) -> None:
    with pytest.raises(known.BadFile, match=words):
        load(file, text, tenant)


def test_the_command_says_what_was_taken(tenant: Tenant, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(NOTES)
    call_command("load_numbers", str(file), tenant=tenant.slug)
    told = capsys.readouterr()
    assert "1 numbers listed, 2 noted; 2 lines not taken" in told.out
    assert "line 6: wireless “maybe”" in told.err
    with pytest.raises(CommandError, match="There is no tenant"):
        call_command("load_numbers", str(file), tenant="nobody")
    with pytest.raises(CommandError, match="There is no file"):
        call_command("load_numbers", "nowhere.csv", tenant=tenant.slug)
