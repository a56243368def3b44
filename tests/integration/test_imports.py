"""Imports against PostgreSQL: duplicates, do-not-call lists, crashes in the middle, files that can be mended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.conf import settings
from django.db import connection
from pytest_django import DjangoCaptureOnCommitCallbacks

from dialer.campaigns.models import Campaign, LeadList
from dialer.compliance.scrub import never_dialed
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.core.models import AuditEntry
from dialer.core.tables import csv_lines
from dialer.leads.importing import child, services, writing
from dialer.leads.importing.models import Import, ImportState, Scope
from dialer.leads.importing.reading import BadFile
from dialer.leads.importing.shown import progress_of, refused_header, refused_rows
from dialer.leads.models import Lead, LeadNumber
from tests import factories
from tests.importing import confirmed, counts, draft, imported, messages, no_scrub

HEADER = "phone,first_name,last_name,company\n"


def number(index: int) -> str:
    return f"+1212{5550000 + index:07d}"


def people(first: int, last: int) -> str:
    return HEADER + "".join(f"{number(index)},First {index},Last,Co\n" for index in range(first, last))


def leads(campaign: Campaign) -> dict[str, Lead]:
    return {lead.phone: lead for lead in Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)}


def test_a_file_becomes_a_list(
    campaign: Campaign, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    text = "Telefono;Nombre;Estado;PLZ;note\n(212) 555-0101;José;;94110;a\tb\\c\n"
    with django_capture_on_commit_callbacks(execute=True):
        done = imported(campaign, text.encode("utf-16"), list_name="North", priority=3)
    assert (done.state, counts(done)) == (ImportState.DONE, {"added": 1})
    lead = Lead.objects.for_tenant(campaign.tenant).get()
    assert (lead.phone, lead.first_name, lead.notes) == ("+12125550101", "José", "a b\\c")
    assert (lead.region, lead.postal_code) == ("US-CA", "94110")
    assert lead.time_zones == ["America/New_York", "America/Los_Angeles"]
    assert (lead.list.name, lead.list.priority, lead.priority, lead.state) == ("North", 3, 3, "waiting")
    assert not services.path_of(done).exists()
    assert AuditEntry.objects.for_tenant(campaign.tenant).filter(action="leads.import").count() == 1


def test_a_workbook_too(campaign: Campaign, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["phone", "first_name", "phone"], [2125550101, "Ada", 1], ["1.5E+10", "x"], ["2125550102", "=1+1"]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    done = imported(campaign, (tmp_path / "a.xlsx").read_bytes(), name="a.xlsx")
    assert counts(done) == {"added": 2, "refused": 1}
    assert set(leads(campaign)) == {"+12125550101", "+12125550102"}


def test_duplicated_headers_are_columns_of_their_own(campaign: Campaign) -> None:
    mapping = {0: "mobile_phone", 1: "phone"}
    done = imported(campaign, "phone,phone\n2125550101,2125550102\n", mapping=mapping)
    lead = leads(campaign)["+12125550102"]
    assert counts(done) == {"added": 1}
    assert LeadNumber.objects.for_tenant(campaign.tenant).get().lead == lead


def test_bad_rows_stop_no_other_and_come_back_as_a_file(campaign: Campaign) -> None:
    rows = HEADER + "\n555,Short,=1+1,\n2125550102,Fine,,\n1.5E+10,Round,,\n" + "2125550103," * 50_000 + "\n"
    done = imported(campaign, rows)
    assert counts(done) == {"added": 1, "refused": 3}
    said = messages(done)
    assert [(row, words in said[row]) for row, words in ((3, "“555”"), (5, "rounded"), (6, "50,001 cells"))] == [
        (3, True),
        (5, True),
        (6, True),
    ]
    piece, following = refused_rows(done, "en", 0)
    file = (csv_lines([refused_header(done)]) + piece).decode()
    assert following is None
    assert file.splitlines()[:2] == ["phone,first_name,last_name,company,problem", f"555,Short,'=1+1,,{said[3]}"]
    mended = file.replace("\n555,", "\n2125550104,").replace("1.5E+10", "2125550105")
    again = imported(campaign, mended, list_name="North")
    assert counts(again) == {"added": 2, "refused": 1}
    assert LeadList.objects.for_tenant(campaign.tenant).count() == 1
    assert leads(campaign)["+12125550104"].last_name == "=1+1"


def test_what_the_columns_mean_is_remembered(campaign: Campaign) -> None:
    strange = "Kontakt,Wer\n2125550101,Ada\n"
    imported(campaign, strange, mapping={0: "phone", 1: "last_name"})
    assert draft(campaign, strange.replace("0101", "0102")).mapping == {"0": "phone", "1": "last_name"}
    other = factories.make_campaign(factories.make_tenant())
    assert draft(other, strange).mapping == {}


DUPLICATES = HEADER + f"{number(1)},New,,\n{number(2)},Two,,\n{number(2)},,Later,\n"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"scope": "none"}, {"added": 3}),
        ({"scope": "list"}, {"added": 2, "skipped": 1}),
        ({"scope": "campaign"}, {"added": 1, "skipped": 2}),
        ({"scope": "campaign", "on_duplicate": "update"}, {"added": 1, "updated": 2}),
        ({"scope": "campaign", "on_duplicate": "move"}, {"added": 1, "moved": 1, "skipped": 1}),
        ({"scope": "campaign", "days": 7}, {"added": 2, "skipped": 1}),
    ],
)
def test_duplicates(campaign: Campaign, values: dict[str, Any], expected: dict[str, int]) -> None:
    old = factories.make_lead(campaign, phone=number(1), first_name="Old", company="Kept", attempts=2)
    Lead.objects.for_tenant(campaign.tenant).update(created_at=now() - timedelta(days=30))
    done = imported(campaign, DUPLICATES, list_name="New", **values)
    assert counts(done) == expected
    old.refresh_from_db()
    updated = values.get("on_duplicate") == "update"
    assert (old.first_name, old.company) == ("New" if updated else "Old", "Kept")
    assert (old.list_id == done.list_id) == (values.get("on_duplicate") == "move")
    if updated:
        two = leads(campaign)[number(2)]
        assert (two.first_name, two.last_name) == ("Two", "Later")


def test_duplicates_of_another_campaign_and_never_of_another_tenant(campaign: Campaign) -> None:
    factories.make_lead(factories.make_campaign(campaign.tenant), phone=number(1))
    factories.make_lead(factories.make_campaign(factories.make_tenant()), phone=number(2))
    assert counts(imported(campaign, DUPLICATES, scope="tenant")) == {"added": 1, "skipped": 2}


def test_a_lead_on_a_call_or_with_a_callback_is_not_moved(campaign: Campaign) -> None:
    busy = factories.make_lead(campaign, phone=number(1), state="reserved")
    promised = factories.make_lead(campaign, phone=number(2), priority=20_000)
    done = imported(campaign, DUPLICATES, on_duplicate="move")
    assert counts(done) == {"skipped": 3}
    for lead in (busy, promised):
        before = lead.list_id
        lead.refresh_from_db()
        assert lead.list_id == before


@pytest.mark.django_db(transaction=True)
def test_numbers_that_may_never_be_dialed_are_left_out() -> None:
    campaign = factories.make_campaign(factories.make_tenant())
    add_to_dnc(tenant_id=campaign.tenant_id, number=number(3), source="test", by=None)
    add_to_dnc(tenant_id=factories.make_tenant().pk, number=number(4), source="test", by=None)
    done = imported(campaign, people(1, 6), scrub=never_dialed)
    assert counts(done) == {"added": 4, "on_dnc": 1}
    assert number(3) not in leads(campaign)


def test_what_is_no_list_keeps_nothing(campaign: Campaign) -> None:
    for data in ("", "phone\n", b"\x00\x01\x02\x00", b"PK\x03\x04"):
        with pytest.raises(BadFile):
            draft(campaign, data)
    assert not Import.objects.for_tenant(campaign.tenant).exists()
    assert not [path for path in Path(settings.IMPORTS_DIR).glob("*") if path.stat().st_size < 20]


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of ten rows, in the child process too."""
    monkeypatch.setenv("PYTHONPATH", str(settings.BASE_DIR))
    from dialer.leads.importing import runner

    small = f"import sys; from {child.__name__} import *; import {child.__name__} as c; c.ROWS_AT_ONCE = 10; "
    monkeypatch.setattr(runner, "_command", lambda what: [sys.executable, "-c", f"{small}c.main(['{what}'])"])


@pytest.mark.usefixtures("few_at_once")
def test_an_import_that_broke_off_goes_on_where_its_rows_end(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = confirmed(campaign, people(0, 95) + "555,bad,,\n")
    write = writing.write
    written: list[int] = []

    def break_off(**values: Any) -> None:
        if len(written) == 3:
            raise RuntimeError("pulled the plug")
        write(**values)
        written.append(1)

    monkeypatch.setattr(services, "write", break_off)
    with pytest.raises(RuntimeError):
        services.work_off(no_scrub)
    monkeypatch.setattr(services, "write", write)
    made.refresh_from_db()
    assert (made.state, made.next_row, made.added) == (ImportState.RUNNING, 32, 30)
    assert services.work_off(no_scrub) == 0, "somebody may be carrying it out still"
    Import.objects.for_tenant(campaign.tenant).update(beat_at=now() - services.DEAD_AFTER - timedelta(seconds=1))
    assert services.work_off(no_scrub) == 1
    made.refresh_from_db()
    assert (made.state, counts(made)) == (ImportState.DONE, {"added": 95, "refused": 1})
    assert set(leads(campaign)) == {number(index) for index in range(95)}


@pytest.mark.usefixtures("few_at_once")
def test_two_who_carry_out_one_import_write_each_row_once(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first was only slow: another takes the import up, and the first can write no more."""
    made = confirmed(campaign, people(0, 50), scope="none")
    write = writing.write
    taken_up: list[int] = []

    def overtaken(**values: Any) -> None:
        write(**values)
        if not taken_up:
            taken_up.append(1)
            Import.objects.for_tenant(campaign.tenant).update(beat_at=now() - timedelta(hours=1))
            monkeypatch.setattr(services, "write", write)
            assert services.work_off(no_scrub) == 1

    monkeypatch.setattr(services, "write", overtaken)
    services.work_off(no_scrub)
    made.refresh_from_db()
    assert (made.state, counts(made)) == (ImportState.DONE, {"added": 50})
    assert Lead.objects.for_tenant(campaign.tenant).count() == 50


@pytest.mark.usefixtures("few_at_once")
def test_cancelling_keeps_what_was_taken(
    campaign: Campaign,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    made = confirmed(campaign, people(0, 50))
    write = writing.write

    def then_cancel(**values: Any) -> None:
        write(**values)
        services.cancel(of=made)

    monkeypatch.setattr(services, "write", then_cancel)
    with django_capture_on_commit_callbacks(execute=True):
        services.work_off(no_scrub)
    made.refresh_from_db()
    assert (made.state, counts(made)) == (ImportState.CANCELLED, {"added": 10})
    assert Lead.objects.for_tenant(campaign.tenant).count() == 10
    assert not services.path_of(made).exists()


KILLED = """
import sys, time
import django
from dialer.settings import use_environment
use_environment()
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from dialer.leads.importing import runner, services, child
small = "import dialer.leads.importing.child as c; c.ROWS_AT_ONCE = 10; "
runner._command = lambda what: [sys.executable, "-c", small + f"c.main(['{what}'])"]
write = services.write
def slowly(**values):
    write(**values)
    print("chunk", flush=True)
    sys.stdin.readline()
services.write = slowly
services.work_off(lambda tenant, numbers: set())
"""


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_loses_and_doubles_nothing() -> None:
    campaign = factories.make_campaign(factories.make_tenant())
    made = confirmed(campaign, people(0, 100), scope="none")
    name = str(connection.settings_dict["NAME"])
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=settings.BASE_DIR,
        text=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "dialer.settings.test"},
    ) as worker:
        assert worker.stdin is not None and worker.stdout is not None
        for _ in range(4):
            assert worker.stdout.readline() == "chunk\n"
            worker.stdin.write("\n")
            worker.stdin.flush()
        worker.send_signal(signal.SIGKILL)
        worker.wait()
    made.refresh_from_db()
    rows = Lead.objects.for_tenant(campaign.tenant)
    assert made.state == ImportState.RUNNING
    assert rows.count() == made.added == made.next_row - 2 >= 40
    Import.objects.for_tenant(campaign.tenant).update(beat_at=now() - timedelta(hours=1))
    services.work_off(no_scrub)
    made.refresh_from_db()
    assert (made.state, counts(made)) == (ImportState.DONE, {"added": 100})
    assert sorted(rows.values_list("phone", flat=True)) == sorted(number(index) for index in range(100))


def test_a_file_that_went_is_said(campaign: Campaign) -> None:
    made = confirmed(campaign, people(0, 3))
    services.path_of(made).unlink()
    services.work_off(no_scrub)
    made.refresh_from_db()
    assert made.state == ImportState.FAILED
    assert "Try again" in made.problem


def test_the_rate_and_the_time_left(campaign: Campaign) -> None:
    made = confirmed(campaign, people(0, 3))
    began = now() - timedelta(seconds=10)
    made.state, made.began_at, made.beat_at = ImportState.RUNNING, began, began + timedelta(seconds=10)
    made.next_row, made.share, made.added = 1002, 0.25, 1000
    shown = progress_of(made)
    assert (shown.rows, shown.rate) == (1000, 100)
    assert shown.left == timedelta(seconds=30)


def test_what_is_old_is_forgotten(campaign: Campaign) -> None:
    done = imported(campaign, people(0, 3) + "555,x,,\n")
    kept = imported(campaign, people(0, 3))
    rows = Import.objects.for_tenant(campaign.tenant)
    rows.filter(pk=done.pk).update(ended_at=now() - timedelta(days=31))
    services.forget_old(at=now())
    assert list(rows) == [kept]


def test_a_file_that_nobody_confirms_goes_after_four_hours(
    campaign: Campaign,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(settings, "IMPORTS_DIR", tmp_path)
    old, waiting, kept = draft(campaign, people(0, 3)), confirmed(campaign, people(0, 3)), draft(campaign, people(0, 3))
    stray = services.path_of(old).with_name(f"{new_id()}.upload")  # of an upload that a crash cut short
    fresh = stray.with_name(f"{new_id()}.upload")  # of one that is under way
    long_ago = (now() - timedelta(hours=5)).timestamp()
    for path in (stray, fresh):
        path.write_bytes(b"phone\n")
    for path in (stray, services.path_of(waiting)):
        os.utime(path, (long_ago, long_ago))
    rows = Import.objects.for_tenant(campaign.tenant)
    rows.filter(pk__in=[old.pk, waiting.pk]).update(asked_at=now() - timedelta(hours=5))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.forget_drafts(at=now()) == 2
    assert set(rows) == {waiting, kept}
    left = {services.path_of(waiting), services.path_of(kept), fresh}
    assert set(tmp_path.iterdir()) == left
    assert services.forget_drafts(at=now()) == 0


def test_the_scrub_is_asked_for_every_number(campaign: Campaign) -> None:
    asked: list[int] = []

    def scrub(of: Campaign, numbers: Sequence[int]) -> set[int]:
        asked.extend(numbers)
        return {numbers[0]}

    done = imported(campaign, people(0, 5), scrub=scrub)
    assert asked == [int(number(index)) for index in range(5)]
    assert counts(done) == {"added": 4, "on_dnc": 1}


@pytest.mark.parametrize("scope", [Scope.LIST, Scope.CAMPAIGN, Scope.TENANT])
def test_duplicates_are_found_by_their_number_however_new_the_campaign_is(campaign: Campaign, scope: Scope) -> None:
    """Once a list or campaign is no longer empty, its own index would be read whole for each row."""
    factories.make_leads(factories.make_list(campaign), 300)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE leads_lead")
        cursor.execute(writing.STAGE)
        cursor.execute(writing._FOR_A_CHUNK)
        there = writing._THERE.format(scope=writing._SCOPES[scope])
        new = {"tenant": campaign.tenant_id, "campaign": campaign.pk + 1, "list": 10**6, "since": now(), "at": now()}
        cursor.execute(f"EXPLAIN {writing._INSERT_NEW.format(there=there)}", {**new, "priority": 0})
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "lead_by_phone" in plan
    assert "lead_in_list" not in plan
    assert "campaign_id_" not in plan
