"""One number: why it was or was not dialed, its consents, and the evidence as files."""

from __future__ import annotations

import csv
import importlib
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.compliance import evidence
from dialer.compliance.models import Consent, DncPattern, NumberNote
from dialer.compliance.services import Asked, add_to_dnc, judge
from dialer.core.audit import verify
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.people.models import User
from tests.factories import make_call, make_lead

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]
NUMBER = "+12125550142"
PAGE = "/compliance/number/"
POSTS = ["consent/", "revoke/", "note/", "evidence/"]


@pytest.fixture
def called(house: House, campaign: Campaign) -> Campaign:
    """A number that was called, and was refused later."""
    make_call(campaign, lead=make_lead(campaign, phone=NUMBER), phone=NUMBER)
    add_to_dnc(tenant_id=house.tenant.pk, number=NUMBER, source="test", by=None)
    judge(campaign=campaign, asked=[Asked(NUMBER, ("America/New_York",))], at=now())
    return campaign


def page(client: Client, **values: str) -> str:
    return client.get(PAGE, {"number": NUMBER, **values}).content.decode()


@pytest.mark.parametrize("action", POSTS)
def test_who_may(house: House, as_: As, action: str) -> None:
    lesser = {"agent": as_(house.agent), "manager": as_(house.manager)}
    assert refused(lesser, PAGE + action, "post", number=NUMBER) == {"agent": 403, "manager": 403}
    assert as_(None).post(PAGE + action).status_code == 302
    assert as_(house.supervisor).post(PAGE + action, {"number": "x"}).status_code == 302


def test_why_it_was_and_was_not_dialed(house: House, as_: As, called: Campaign) -> None:
    told = page(as_(house.supervisor))
    assert "On the do-not-call list" in told
    assert "America/New_York" in told
    local = now().astimezone().strftime("%Y-%m-%dT%H:%M")
    assert "Allowed" in told
    assert "nobody" not in page(as_(house.supervisor), at=local).lower().split("<main", 1)[0]


def test_at_a_moment_when_nobody_asked(house: House, as_: As, called: Campaign) -> None:
    assert "Nobody asked to dial it" in page(as_(house.supervisor), at="2020-01-01T14:03")


def test_a_moment_that_is_yet_to_come(house: House, as_: As, called: Campaign) -> None:
    assert "is yet to come" in page(as_(house.supervisor), at="2999-01-01T14:03")


def test_a_stranger_learns_nothing(house: House, as_: As, called: Campaign) -> None:
    told = page(as_(house.stranger))
    assert "Nobody ever asked to dial it" in told
    assert called.name not in told
    answer = as_(house.stranger).post(PAGE + "evidence/", {"number": NUMBER, "format": "csv"})
    assert len(answer.content.decode().splitlines()) == 1


def test_consents_are_given_and_taken_back(house: House, as_: As) -> None:
    browser = as_(house.supervisor)
    given = (now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    values = {"number": NUMBER, "kind": "written", "source": "web form", "proof": "form 12", "given_at": given}
    assert browser.post(PAGE + "consent/", values).status_code == 302
    for wrong, words in [
        ({"proof": ""}, "needs its proof"),
        ({"given_at": "2999-01-01T00:00"}, "in the future"),
        ({"expires_at": "2001-01-01T00:00"}, "end before it was given"),
    ]:
        assert words in browser.post(PAGE + "consent/", {**values, **wrong}).content.decode()
    [consent] = Consent.objects.for_tenant(house.tenant)
    assert (consent.phone, consent.kind, consent.added_by) == (NUMBER, "written", house.supervisor)
    assert as_(house.stranger).post(PAGE + "revoke/", {"number": NUMBER, "how": "letter"}).status_code == 302
    consent.refresh_from_db()
    assert consent.revoked_at is None
    assert browser.post(PAGE + "revoke/", {"number": NUMBER, "how": "told the agent"}).status_code == 302
    consent.refresh_from_db()
    assert (consent.revoked_how, consent.revoked_by) == ("told the agent", house.supervisor)
    deeds = AuditEntry.objects.for_tenant(house.tenant).filter(subject=str(consent.public_id)).order_by("seq")
    assert [deed.action for deed in deeds] == ["consent.added", "consent.revoked"]


def test_what_is_known_of_a_number(house: House, as_: As) -> None:
    browser = as_(house.supervisor)
    values = {"number": NUMBER, "wireless": "on", "reassigned": "no", "reassigned_since": "2026-01-05"}
    assert browser.post(PAGE + "note/", values).status_code == 302
    note = NumberNote.objects.for_tenant(house.tenant).get()
    assert (note.wireless, note.by_hand_only, note.reassigned) == (True, False, "no")
    assert note.reassigned_at is not None
    browser.post(PAGE + "note/", {"number": NUMBER, "reassigned": "yes"})
    note.refresh_from_db()
    assert note.reassigned == "no"


def test_a_check_gets_no_younger_by_other_marks(house: House, as_: As) -> None:
    browser = as_(house.supervisor)
    values = {"number": NUMBER, "reassigned": "no", "reassigned_since": "2026-01-05", "asked_on": "2026-02-03"}
    browser.post(PAGE + "note/", values)
    note = NumberNote.objects.for_tenant(house.tenant).get()
    asked_at = note.reassigned_at
    assert asked_at is not None
    assert asked_at.date().isoformat() == "2026-02-03"
    assert 'value="2026-02-03"' in page(browser)
    browser.post(PAGE + "note/", {**values, "legal_hold": "on"})
    note.refresh_from_db()
    assert (note.legal_hold, note.reassigned_at) == (True, asked_at)
    browser.post(PAGE + "note/", {**values, "asked_on": "2999-01-01"})
    note.refresh_from_db()
    assert note.reassigned_at == asked_at


def test_consents_and_checks_are_evidence_and_an_expired_one_says_so(house: House, as_: As) -> None:
    given, until = now() - timedelta(days=9), now() - timedelta(days=2)
    Consent.objects.create(
        tenant=house.tenant,
        phone=NUMBER,
        kind="express",
        source="call",
        given_at=given,
        expires_at=until,
        added_at=given,
    )
    NumberNote.objects.create(
        tenant=house.tenant,
        phone=NUMBER,
        wireless=True,
        reassigned="no",
        reassigned_at=given,
        reassigned_since=given.date(),
    )
    DncPattern.objects.create(tenant=house.tenant, prefix="+1212", added_at=given)
    browser = as_(house.supervisor)
    assert "It has expired" in page(browser)
    answer = browser.post(PAGE + "evidence/", {"number": NUMBER, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["what"] for row in rows] == ["consent", "do not call", "check", "note"]
    assert f"until {until.date().isoformat()}" in rows[0]["grounds"]
    assert "no" in rows[2]["answer"]
    assert rows[3]["answer"] == "wireless"


def test_the_evidence_as_csv(house: House, as_: As, called: Campaign) -> None:
    answer = as_(house.supervisor).post(PAGE + "evidence/", {"number": NUMBER, "format": "csv"})
    assert answer["Content-Disposition"].startswith('attachment; filename="evidence-12125550142-')
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["what"] for row in rows] == ["do not call", "decision", "decision"]
    assert [row["answer"] for row in rows[1:]] == ["allowed", "refused"]
    assert "America/New_York" in rows[1]["local_time"]
    assert rows[1]["call"]
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="evidence.taken").count() == 1
    assert verify(house.tenant.pk).broken == ""


def test_the_evidence_as_pdf(house: House, as_: As, called: Campaign) -> None:
    try:
        importlib.import_module("weasyprint")
    except OSError as missing:
        pytest.skip(f"this machine has no Pango: {missing}")
    answer = as_(house.supervisor).post(PAGE + "evidence/", {"number": NUMBER, "format": "pdf"})
    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert len(answer.content) > 3000


def test_no_cell_is_a_formula() -> None:
    row = dict.fromkeys(evidence.EVIDENCE_COLUMNS, "")
    made = evidence.as_csv([{**row, "grounds": "=HYPERLINK(1)", "by": "@x", "what": "plain"}])
    assert "'=HYPERLINK(1)" in made
    assert "'@x" in made
    assert "\r\nplain" in made
