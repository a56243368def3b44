"""Privacy: what is kept of a person is handed out or forgotten, evidence stays, and old data goes by itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dialer.calls import placing, services
from dialer.calls.models import CallTask, Recording
from dialer.campaigns.models import Campaign
from dialer.compliance.models import EVIDENCE_DAYS, DncEntry, GateVerdict, Retention
from dialer.compliance.services import Asked, add_to_dnc, judge, note_number
from dialer.core.audit import verify
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.leads.importing import services as imports
from dialer.leads.models import Import, ImportProblem, Lead, LeadNumber, LeadState
from dialer.people.models import User
from dialer.privacy.services import forget_old
from tests.factories import get_lead, make_call, make_lead
from tests.importing import confirmed, draft

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]
NUMBER = "+12125550142"
AGO = timedelta(days=400)


@pytest.fixture
def recordings(tmp_path: Path, settings: Any) -> Path:
    settings.RECORDINGS_DIR = tmp_path
    return tmp_path


@pytest.fixture
def person(house: House, campaign: Campaign, recordings: Path) -> Lead:
    """Somebody with a call of long ago, a note, a recording and another number."""
    lead = make_lead(campaign, phone=NUMBER, first_name="Ada", last_name="Byron", notes="likes sums", custom={"a": "b"})
    LeadNumber.objects.create(tenant=house.tenant, lead=lead, phone="+12125550143", kind="home")
    call = make_call(campaign, lead=lead, phone=NUMBER, note="wants a quote")
    services.note_event(call=call, kind="disposed", data={"code": "NI", "note": "wants a quote"}, at=now())
    (recordings / "one.wav").write_bytes(b"RIFF")
    Recording.objects.create(
        tenant=house.tenant, call=call, path="one.wav", state="complete", started_at=now() - AGO, sha256="ab"
    )
    moment = now() - AGO
    CallTask.objects.for_tenant(house.tenant).filter(pk=call.pk).update(
        state="ended", outcome="connected", queued_at=moment, ended_at=moment
    )
    Lead.objects.for_tenant(house.tenant).filter(pk=lead.pk).update(state=LeadState.DONE, created_at=moment)
    return get_lead(lead.pk)


def erase(client: Client, **values: str) -> Any:
    return client.post("/privacy/erase/", {"number": NUMBER, "again": NUMBER, "why": "letter", **values})


@pytest.mark.parametrize("address", ["/privacy/export/", "/privacy/erase/"])
def test_who_may(house: House, as_: As, address: str) -> None:
    lesser = {"agent": as_(house.agent), "supervisor": as_(house.supervisor), "manager": as_(house.manager)}
    assert set(refused(lesser, address, "post", number=NUMBER).values()) == {403}
    assert set(refused(lesser, "/privacy/").values()) == {403}
    assert as_(None).get("/privacy/").status_code == 302
    assert as_(house.admin).get("/privacy/").status_code == 200


def test_all_that_is_kept_of_a_person_is_handed_out(house: House, as_: As, person: Lead) -> None:
    answer = as_(house.admin).post("/privacy/export/", {"number": "212-555-0142"})
    told = json.loads(answer.content)
    assert told["leads"][0]["last_name"] == "Byron"
    assert told["calls"][0]["note"] == "wants a quote"
    assert told["recordings"][0]["path"] == "one.wav"
    assert told["other_numbers"][0]["phone"] == "+12125550143"
    assert told["decisions"][0]["allowed"]
    nothing = json.loads(as_(house.stranger).post("/privacy/export/", {"number": NUMBER}).content)
    assert not any(rows for kind, rows in nothing.items() if isinstance(rows, list))


def test_a_person_is_forgotten_and_the_evidence_stays(
    house: House, as_: As, person: Lead, recordings: Path, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        assert erase(as_(house.admin)).status_code == 302
    lead = get_lead(person.pk)
    assert (lead.first_name, lead.last_name, lead.notes, lead.custom, lead.phone) == ("", "", "", {}, "")
    assert lead.state == LeadState.DONE
    assert not LeadNumber.objects.for_tenant(house.tenant).exists()
    call = CallTask.objects.for_tenant(house.tenant).get()
    assert (call.phone, call.note, call.outcome) == (NUMBER, "", "connected")
    assert [event.data.get("note", "") for event in call.events.order_by("seq")][-2:] == ["", ""]
    assert not Recording.objects.for_tenant(house.tenant).exists()
    assert not (recordings / "one.wav").exists()
    assert GateVerdict.objects.for_tenant(house.tenant).filter(phone=NUMBER).exists()
    assert DncEntry.objects.for_tenant(house.tenant).get().phone == NUMBER
    deed = AuditEntry.objects.for_tenant(house.tenant).get(action="person.erased")
    assert NUMBER not in json.dumps(deed.data)
    assert verify(house.tenant.pk).broken == ""


def test_calls_on_the_person_s_other_numbers_go_too(
    house: House, as_: As, campaign: Campaign, person: Lead, recordings: Path, django_capture_on_commit_callbacks: Any
) -> None:
    call = make_call(campaign, lead=person, phone="+12125550143", note="at home")
    CallTask.objects.for_tenant(house.tenant).filter(pk=call.pk).update(
        state="ended", outcome="connected", ended_at=now()
    )
    (recordings / "two.wav").write_bytes(b"RIFF")
    Recording.objects.create(
        tenant=house.tenant, call=call, path="two.wav", state="complete", started_at=now(), sha256="cd"
    )
    note_number(tenant_id=house.tenant.pk, number="+12125550143", legal_hold=True)
    browser = as_(house.admin)
    assert "legal hold" in browser.get(erase(browser).url).content.decode()
    assert get_lead(person.pk).last_name == "Byron"
    note_number(tenant_id=house.tenant.pk, number="+12125550143", legal_hold=False)
    with django_capture_on_commit_callbacks(execute=True):
        page = browser.get(erase(browser).url).content.decode()
    assert "is forgotten: 1 lead, 2 notes, 2 recordings." in page
    assert "A person was forgotten" in page
    assert not Recording.objects.for_tenant(house.tenant).exists()
    assert not (recordings / "two.wav").exists()
    assert not CallTask.objects.for_tenant(house.tenant).exclude(note="").exists()


def test_rows_that_an_import_refused_are_handed_out_and_forgotten(house: House, as_: As, campaign: Campaign) -> None:
    made = Import.objects.create(
        tenant=house.tenant, campaign=campaign, file_name="a.csv", size=1, region="US", asked_at=now(), state="done"
    )
    rows = (
        ["(212) 555-0142", "Ada", "31 Febuary"],
        ["Ada", "+1 212 555 0142"],
        ["2125550142 ext", "Byron"],
        ["212-555-0143", "her neighbour"],
        ["9" * 20 + "2125550142", "no number at all"],
    )
    for place, cells in enumerate(rows):
        ImportProblem.objects.create(tenant=house.tenant, of=made, row=place + 2, message="Mend it.", cells=cells)
    told = json.loads(as_(house.admin).post("/privacy/export/", {"number": NUMBER}).content)
    assert [row["row"] for row in told["refused_rows"]] == [2, 3, 4]
    assert erase(as_(house.stranger)).status_code == 302
    assert made.problems.count() == 5
    assert erase(as_(house.admin)).status_code == 302
    assert list(made.problems.order_by("row").values_list("row", flat=True)) == [5, 6]


def test_uploads_go_with_the_person_and_none_is_carried_out_meanwhile(
    house: House, as_: As, campaign: Campaign, person: Lead, django_capture_on_commit_callbacks: Any
) -> None:
    rows = f"phone,first_name\n{NUMBER},Ada\n"
    upload, other = draft(campaign, rows), confirmed(campaign, rows)
    browser = as_(house.admin)
    with django_capture_on_commit_callbacks(execute=True):
        assert "An import is under way" in browser.get(erase(browser).url).content.decode()
    assert get_lead(person.pk).first_name == "Ada"
    assert imports.path_of(upload).exists()
    imports.cancel(of=other)
    with django_capture_on_commit_callbacks(execute=True):
        assert "Upload them again" in browser.get(erase(browser).url).content.decode()
    assert not imports.path_of(upload).exists()
    assert not Import.objects.for_tenant(house.tenant).filter(state="draft").exists()
    deed = AuditEntry.objects.for_tenant(house.tenant).get(action="person.erased")
    assert deed.data["uploads"] == 1


def test_nobody_is_forgotten_by_a_slip_a_stranger_or_on_hold(house: House, as_: As, person: Lead) -> None:
    assert "another number" in erase(as_(house.admin), again="+12125550199").content.decode()
    assert "required" in erase(as_(house.admin), why="").content.decode()
    erase(as_(house.stranger))
    note_number(tenant_id=house.tenant.pk, number=NUMBER, legal_hold=True)
    erase(as_(house.admin))
    assert get_lead(person.pk).last_name == "Byron"
    assert Recording.objects.for_tenant(house.tenant).exists()


def test_nobody_is_forgotten_in_a_call(house: House, as_: As, campaign: Campaign) -> None:
    lead = make_lead(campaign, phone=NUMBER, last_name="Byron")
    [judged] = judge(campaign=campaign, asked=[Asked(NUMBER, ("America/New_York",), lead.pk)], at=now())
    placing.queue_calls(campaign=campaign, judged=[judged], at=now())
    erase(as_(house.admin))
    assert get_lead(lead.pk).last_name == "Byron"


def test_retention_is_set_by_admins_and_never_under_the_law(house: House, as_: As) -> None:
    browser = as_(house.admin)
    values = {"recordings": 90, "notes": 365, "leads": 0, "refusals": 0}
    assert browser.post("/privacy/", values).status_code == 302
    assert dict(Retention.objects.for_tenant(house.tenant).values_list("kind", "days")) == values
    assert "five years" in browser.post("/privacy/", {**values, "refusals": 30}).content.decode()
    assert as_(house.supervisor).post("/privacy/", values).status_code == 403


def test_old_data_goes_by_itself(
    house: House, person: Lead, recordings: Path, campaign: Campaign, django_capture_on_commit_callbacks: Any
) -> None:
    young = make_lead(campaign, last_name="Young", state=LeadState.DONE)
    for kind in ("recordings", "notes", "leads"):
        Retention.objects.create(tenant=house.tenant, kind=kind, days=365)
    with django_capture_on_commit_callbacks(execute=True):
        assert forget_old(tenant=house.tenant, at=now()) == {"recordings": 1, "notes": 1, "leads": 1}
    assert get_lead(person.pk).phone == ""
    assert get_lead(young.pk).last_name == "Young"
    assert not (recordings / "one.wav").exists()
    assert forget_old(tenant=house.tenant, at=now()) == {"recordings": 0, "notes": 0, "leads": 0}


def test_what_is_on_hold_is_kept(house: House, person: Lead, recordings: Path) -> None:
    note_number(tenant_id=house.tenant.pk, number=NUMBER, legal_hold=True)
    for kind in ("recordings", "notes", "leads"):
        Retention.objects.create(tenant=house.tenant, kind=kind, days=1)
    assert set(forget_old(tenant=house.tenant, at=now()).values()) == {0}
    assert (recordings / "one.wav").exists()


def test_old_refusals_go_and_grounds_of_calls_stay(house: House, campaign: Campaign, person: Lead) -> None:
    add_to_dnc(tenant_id=house.tenant.pk, number="+12125550177", source="test", by=None)
    judge(campaign=campaign, asked=[Asked("+12125550177", ("America/New_York",))], at=now())
    old = now() - timedelta(days=EVIDENCE_DAYS + 10)
    GateVerdict.objects.for_tenant(house.tenant).update(at=old)
    Retention.objects.create(tenant=house.tenant, kind="refusals", days=EVIDENCE_DAYS)
    assert forget_old(tenant=house.tenant, at=now()) == {"refusals": 1}
    assert list(GateVerdict.objects.for_tenant(house.tenant).values_list("allowed", flat=True)) == [True]


def test_numbers_are_hidden_by_role(house: House, as_: As, campaign: Campaign) -> None:
    number = "+12125550187"  # not the campaign's caller id, which all may see
    call = make_call(campaign, lead=make_lead(campaign, phone=number), phone=number, user=house.agent)
    agent, boss = as_(house.agent), as_(house.supervisor)
    shown = "212-555-0187"
    assert shown in agent.get(f"/calls/{call.pk}/").content.decode()
    assert shown not in as_(house.manager).get(f"/calls/{call.pk}/").content.decode()
    assert boss.post("/privacy/hidden/", {"roles": ["agent"]}).status_code == 403
    assert as_(house.admin).post("/privacy/hidden/", {"roles": ["agent", "supervisor"]}).status_code == 302
    assert shown not in agent.get(f"/calls/{call.pk}/").content.decode()
    assert shown not in boss.get(f"/calls/{call.pk}/").content.decode()
    assert boss.get("/compliance/number/", {"number": number}).status_code == 403
    add_to_dnc(tenant_id=house.tenant.pk, number=number, source="test", by=None)
    assert shown not in boss.get("/dnc/").content.decode()
    assert shown in as_(house.admin).get("/dnc/").content.decode()
    assert shown in as_(house.manager).get(f"/calls/{call.pk}/").content.decode()
