"""What the pictures show, and taking them. Run by tests/browser/screenshots.py."""

from __future__ import annotations

import math
import re
import struct
import sys
import tempfile
import wave
from collections.abc import Callable, Container
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connections
from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Page, sync_playwright

from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.agents.services import DESK, apply
from dialer.calls import services as calls
from dialer.calls.management.demo_desk import seed_desk
from dialer.calls.models import CallTask
from dialer.campaigns import history
from dialer.campaigns.models import CallerPool, Campaign, CampaignDraft
from dialer.compliance.laws import Level
from dialer.compliance.ledger import today_of
from dialer.compliance.models import DncEntry
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.handling.models import HandlingSettings, MessageRecording, TransferPreset
from dialer.leads.importing import services
from dialer.leads.importing.models import Import
from dialer.leads.models import Callback, Lead
from dialer.live import publish
from dialer.people.models import User
from tests import factories, switch
from tests.browser.floor import Floor, make_floor, open_as
from tests.browser.site import CHROMIUM, serve
from tests.importing import draft, no_scrub

CONDITION = "field-0=attempts&op-0=at_most&value-0=3"
WIDE = {"width": 1360, "height": 860}
NARROW = {"width": 360, "height": 780}


def call_up(page: Page, floor: Floor) -> None:
    """A call in hand, some minutes into it."""
    join(page, floor)
    page.click("#do-ready")
    page.wait_for_selector("#desk[data-state=ready]")
    call = switch.connect(floor.campaign, floor.lead)
    page.wait_for_selector("#rec")
    since = now() - timedelta(minutes=3, seconds=12)
    CallTask.objects.for_tenant(floor.tenant).filter(pk=call.pk).update(connected_at=since)
    here_since(floor, since)
    page.locator("#call-timer").filter(has_text=re.compile("^3:")).wait_for()


def here_since(floor: Floor, since: datetime) -> None:
    """The agent came in the morning, and has been in this state for a while."""
    session = AgentSession.objects.for_tenant(floor.tenant).filter(user=floor.agent, ended_at=None)
    session.update(state_since=since, started_at=now() - timedelta(hours=2, minutes=14, seconds=41))
    publish.changed(DESK, floor.agent.pk, now())


def join(page: Page, floor: Floor) -> None:
    """In the campaign, phone on the line."""
    page.goto("/desk/")
    page.click(f"#join-{floor.campaign.public_id}")
    page.wait_for_selector("#desk[data-state=paused]")
    switch.phone_up(floor.agent)
    page.wait_for_selector("#do-ready:enabled")


def ready(page: Page, floor: Floor) -> None:
    """Waiting."""
    join(page, floor)
    page.click("#do-ready")
    page.wait_for_selector("#desk[data-state=ready]")
    here_since(floor, now() - timedelta(seconds=14))
    page.locator("#state-timer").filter(has_text=re.compile("^0:1")).wait_for()


def wrapup(page: Page, floor: Floor) -> None:
    """The call is over."""
    call_up(page, floor)
    call = switch.session_of(floor.agent).call_id
    assert call is not None
    switch.hang_up(call)
    page.wait_for_selector("#desk[data-state=wrapup]")


def offline(page: Page, floor: Floor) -> None:
    """In no campaign."""
    page.goto("/desk/")


def preview(page: Page, floor: Floor) -> None:
    """A lead is shown before it is dialed."""
    page.goto("/desk/")
    page.click(f"#join-{floor.preview.public_id}")
    page.wait_for_selector("#desk[data-state=paused]")
    switch.phone_up(floor.agent)
    page.click("#do-next:enabled")
    page.wait_for_selector("#do-dial-shown")


def dress(floor: Floor) -> None:
    """What a campaign and its agent have after some weeks: a script, fields, goals, callbacks, what was said before."""
    for campaign in (floor.campaign, floor.preview):
        seed_desk(campaign)
        here = {"tenant_id": campaign.tenant_id, "campaign": campaign}
        HandlingSettings.objects.create(**here, may_pause_recording=True)
        TransferPreset.objects.create(**here, name="Harbour office", phone="+12125550166")
        MessageRecording.objects.create(**here, name="Please call us", path="messages/call.wav", duration_ms=9000)
    campaigns = Campaign.objects.for_tenant(floor.tenant)
    campaigns.filter(pk=floor.campaign.pk).update(goal_calls=40, goal_talk_min=90, goal_conversions=5)
    campaigns.filter(pk=floor.preview.pk).update(preview_s=90, preview_then="dial", goal_calls=40, goal_talk_min=90)
    floor.campaign.disposition_set.dispositions.filter(code="CALLBK").update(needs_callback=True)
    previewed = Lead.objects.for_tenant(floor.tenant).filter(campaign=floor.preview).order_by("pk")[0]
    for lead, berth, feet in ((floor.lead, "North 14", "31"), (previewed, "East 3", "24")):
        custom = {"berth": berth, "boat_length": feet, "plan": "One year", "winter_storage": True}
        place = {"address": "12 Quay Street", "city": "New York", "postal_code": "10004"}
        earlier(floor, lead)
        Lead.objects.for_tenant(floor.tenant).filter(pk=lead.pk).update(**place, custom=custom, state="waiting")
        factories.compliance.add_consent(
            tenant_id=floor.tenant.pk, number=lead.phone, kind=Level.WRITTEN, source="Berth contract", proof="",
            given_at=now() - timedelta(days=300), expires_at=None, by=floor.admin,
        )  # fmt: skip
    promised = (("Lucía", "Ferrer", timedelta(minutes=40)), ("Henrik", "Dahl", timedelta(hours=20)))
    for first, last, ahead in promised:
        lead = factories.make_leads(floor.leads, 1, first_name=first, last_name=last)[0]
        due = {"promised_to": floor.agent, "next_attempt_at": now() + ahead}
        Lead.objects.for_tenant(floor.tenant).filter(pk=lead.pk).update(**due)
        Callback.objects.create(
            tenant=floor.tenant, lead=lead, user=floor.agent, made_by=floor.agent, zone="America/New_York",
            promised_for=now() + ahead, made_at=now() - timedelta(hours=1), note="Wants to ask at home first.",
        )  # fmt: skip


def earlier(floor: Floor, lead: Lead) -> None:
    """A lead's calls of the weeks before."""
    other = floor.campaign.disposition_set.dispositions.get(code="CALLBK")
    for days, outcome, note in ((21, "no_answer", ""), (9, "connected", "In a meeting; mornings are better.")):
        began = now() - timedelta(days=days, minutes=37)
        said = {"disposition": other, "user": floor.supervisor, "note": note} if note else {}
        factories.make_call(
            lead.campaign, lead=lead, state="ended", outcome=outcome, queued_at=began, cause=16,
            ended_at=began + timedelta(seconds=68), **said,
        )  # fmt: skip
    Lead.objects.for_tenant(floor.tenant).filter(pk=lead.pk).update(attempts=2)


def as_this_morning(floor: Floor) -> None:
    """The calls of the pictures so far leave the lead and the day: each picture is the first of its kind."""
    taken = CallTask.objects.for_tenant(floor.tenant).filter(lead=floor.lead, user=floor.agent)
    taken.update(lead=None, queued_at=now() - timedelta(days=2))
    Lead.objects.for_tenant(floor.tenant).filter(pk=floor.lead.pk).update(attempts=2, state="waiting")


def make_history(floor: Floor) -> None:
    """A morning's calls of the agent, ended in various ways, and a recording to play."""
    morning = (
        # minutes ago, first name, last name, outcome, disposition, talk in seconds
        (96, "Jonas", "Weiss", "connected", "NI", 74),
        (81, "Priya", "Raman", "connected", "SALE", 312),
        (64, "Lucía", "Ferrer", "connected", "CALLBK", 141),
        (47, "Tomasz", "Zieliński", "connected", "SALE", 268),
        (29, "Grace", "Adeyemi", "connected", "NI", 52),
        (14, "Henrik", "Dahl", "connected", "CALLBK", 187),
    )
    quiet = (
        (90, "no_answer", 19),
        (70, "busy", 17),
        (55, "machine", 16),
        (33, "invalid_number", 1),
        (21, "abandoned", 16),
    )
    dispositions = {one.code: one for one in floor.campaign.disposition_set.dispositions.all()}
    for minutes, first, last, outcome, code, talk in morning:
        lead = factories.make_leads(floor.leads, 1, first_name=first, last_name=last)[0]
        began = now() - timedelta(minutes=minutes)
        ended = began + timedelta(seconds=9 + talk)
        factories.make_call(
            floor.campaign, lead=lead, state="ended", outcome=outcome, queued_at=began, ended_at=ended, cause=16,
            connected_at=began + timedelta(seconds=9), user=floor.agent, disposition=dispositions[code],
        )  # fmt: skip
    for minutes, outcome, cause in quiet:
        lead = factories.make_leads(floor.leads, 1, first_name="Noor", last_name="Haddad")[0]
        began = now() - timedelta(minutes=minutes)
        ended = began + timedelta(seconds=22)
        factories.make_call(
            floor.campaign, lead=lead, state="ended", outcome=outcome, queued_at=began, ended_at=ended, cause=cause
        )
    factories.make_compliance_rows(floor.tenant, phone=lead.phone)
    add_to_dnc(tenant_id=floor.tenant.pk, number=lead.phone, source="disposition", by=floor.agent)


@dataclass
class Managed:
    """What an admin has made of the campaign."""

    pool: CallerPool
    draft: CampaignDraft


def manage(floor: Floor) -> Managed:
    """A pool that is nearly used up, a filter, a change, a draft left half-way."""
    today = {"used_on": today_of(floor.tenant, now())}
    pool = factories.make_pool(floor.tenant, "+12125550190", "+16465550171", daily_cap=80, used=80, **today)
    factories.add_numbers(pool, "+13125550113", daily_cap=120, used=37, prefixes=["+1312", "+1773"], **today)
    with history.change(floor.campaign, by=floor.admin):
        conditions = [
            {"field": "company", "op": "filled", "value": ""},
            {"field": "attempts", "op": "at_most", "value": "3"},
        ]
        Campaign.objects.for_tenant(floor.tenant).filter(pk=floor.campaign.pk).update(
            wrapup_s=45, max_attempts=4, lead_filter={"match": "all", "conditions": conditions}
        )
    data = {"name": ["Spring renewals"], "dial_method": ["predictive"], "caller_id": ["12"], "ring_timeout_s": ["22"]}
    draft = CampaignDraft.objects.create(
        tenant=floor.tenant, user=floor.admin, data=data, step=1, saved_at=now() - timedelta(hours=20)
    )
    return Managed(pool, draft)


def write_recording(call: CallTask) -> None:
    """Two seconds of a low tone where the call's recording should be."""
    path = Path(settings.RECORDINGS_DIR) / call.recording.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(struct.pack("<h", round(4000 * math.sin(n / 6))) for n in range(16000)))


def close_desk(floor: Floor) -> None:
    """Back to no campaign, so that the next picture starts afresh."""
    session = AgentSession.objects.for_tenant(floor.tenant).filter(user=floor.agent, ended_at=None).first()
    if session is None:
        return
    if session.call is not None:
        write_recording(session.call)
    if session.call_id is not None and session.state != "wrapup":
        switch.hang_up(session.call_id)
    if session.call_id is not None:
        calls.dispose(session_id=session.pk, code="SALE", by=floor.agent)
    apply(session_id=session.pk, event=AgentEvent(AgentKind.LEAVE_ASKED), at=now())


def commands(page: Page, floor: Floor) -> None:
    """The command bar during a call."""
    call_up(page, floor)
    page.keyboard.press("Control+k")
    page.wait_for_selector('#command-list [aria-selected="true"]')


def spanish(page: Page, floor: Floor) -> None:
    """A call, in Spanish."""
    User.objects.filter(pk=floor.agent.pk).update(language="es")
    try:
        call_up(page, floor)
    finally:
        User.objects.filter(pk=floor.agent.pk).update(language="")


def contrast(page: Page, floor: Floor) -> None:
    """A call, in high contrast."""
    User.objects.filter(pk=floor.agent.pk).update(contrast="more")
    try:
        call_up(page, floor)
    finally:
        User.objects.filter(pk=floor.agent.pk).update(contrast="")


DESKS: dict[str, Callable[[Page, Floor], None]] = {
    "desk": call_up,
    "desk-offline": offline,
    "desk-paused": join,
    "desk-ready": ready,
    "desk-wrapup": wrapup,
    "desk-preview": preview,
    "desk-commands": commands,
    "desk-spanish": spanish,
    "desk-contrast": contrast,
}
IN_DOCS = (
    *("desk", "desk-dark", "desk-narrow", "desk-ready", "desk-wrapup", "desk-preview"),
    *("desk-commands", "desk-spanish", "desk-contrast", "campaigns", "call"),
)
"""The pictures that docs/img keeps."""
LOOKS = (("light", WIDE, ""), ("dark", WIDE, "-dark"), ("light", NARROW, "-narrow"))


def shoot(folder: Path, names: Container[str]) -> None:
    """Write the pictures named: the desk's states, then other pages, light and dark, wide and narrow."""
    folder.mkdir(parents=True, exist_ok=True)
    with serve() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        floor = make_floor()
        make_history(floor)
        dress(floor)
        managed = manage(floor)
        for scheme, size, mark in LOOKS:
            for name, arrange in DESKS.items():
                if f"{name}{mark}" not in names:
                    continue
                page = open_as(browser, site.address, floor.agent, color_scheme=scheme, viewport=size)
                as_this_morning(floor)
                arrange(page, floor)
                page.locator(".more:empty").first.wait_for(state="detached")
                page.screenshot(path=str(folder / f"{name}{mark}.png"))
                page.context.close()
                close_desk(floor)
        called = DncEntry.objects.for_tenant(floor.tenant).latest("pk").phone
        imports = import_steps(floor)
        pages = {
            "campaigns": (floor.admin, "/campaigns/"),
            "campaign": (floor.admin, f"/campaigns/{floor.campaign.public_id}/"),
            "campaign-form": (floor.admin, f"/campaigns/{floor.campaign.public_id}/edit/"),
            "campaign-recycling": (floor.admin, f"/calls/recycling/{floor.campaign.public_id}/"),
            "campaign-filter": (floor.admin, f"/campaigns/{floor.campaign.public_id}/filter/"),
            "campaign-changes": (floor.admin, f"/campaigns/{floor.campaign.public_id}/changes/"),
            "campaign-dry-run": (floor.admin, f"/campaigns/{floor.campaign.public_id}/dry-run/?counts=1"),
            "campaign-wizard": (floor.admin, f"/campaigns/drafts/{managed.draft.public_id}/1/"),
            "caller-pool": (floor.admin, f"/calls/caller-ids/{managed.pool.public_id}/"),
            "lists": (floor.supervisor, f"/campaigns/{floor.campaign.public_id}/lists/"),
            "leads": (floor.supervisor, f"/lists/{floor.leads.public_id}/"),
            "leads-search": (floor.supervisor, f"/campaigns/{floor.campaign.public_id}/leads/?{CONDITION}"),
            "import": (floor.supervisor, f"/campaigns/{floor.campaign.public_id}/lists/new/"),
            **{name: (floor.supervisor, address) for name, address in imports.items()},
            "calls": (floor.supervisor, "/calls/"),
            "call": (floor.supervisor, "/calls/"),
            "agents": (floor.manager, "/agents/"),
            "dnc": (floor.supervisor, "/dnc/?number=2125550100"),
            "number": (floor.admin, f"/compliance/number/?number={quote(called)}"),
            "official-lists": (floor.supervisor, "/compliance/lists/"),
            "stops": (floor.supervisor, "/compliance/stops/"),
            "calling-rules": (floor.admin, f"/compliance/campaigns/{floor.campaign.public_id}/"),
            "privacy": (floor.admin, "/privacy/"),
            "users": (floor.admin, "/users/"),
            "user": (floor.admin, "/users/new/"),
            "preferences": (floor.agent, "/preferences/"),
            "dispositions": (floor.admin, f"/disposition-sets/{floor.campaign.disposition_set_id}/"),
        }
        for scheme, size, mark in LOOKS:
            for name, (user, address) in pages.items():
                if f"{name}{mark}" not in names:
                    continue
                page = open_as(browser, site.address, user, color_scheme=scheme, viewport=size)
                page.goto(address)
                if name == "call":
                    page.locator("td a").first.click()
                page.screenshot(path=str(folder / f"{name}{mark}.png"), full_page=True)
                page.context.close()
            if f"sign-in{mark}" in names:
                page = browser.new_page(base_url=site.address, color_scheme=scheme, viewport=size)
                page.goto("/sign-in/")
                page.screenshot(path=str(folder / f"sign-in{mark}.png"))
                page.close()
        browser.close()
        connections.close_all()  # those of Playwright's event loop, which nobody else would close


def import_steps(floor: Floor) -> dict[str, str]:
    """An import at each of its steps, by the picture's name."""
    rows = "Phone,First Name,Estado,ZIP,berth\n(212) 555-0101,Ada,NY,10001,12.5\n555,Bob,TX,78701,\n"
    settings, running, done = (draft(floor.campaign, rows, user=floor.supervisor) for _ in range(3))
    for one, name in ((running, "Under way"), (done, "Done")):
        mapping = {int(place): target for place, target in one.mapping.items()}
        services.settle(of=one, mapping=mapping, values={"list_name": name})
    services.confirm(of=done, user=floor.supervisor)
    services.work_off(no_scrub)
    services.confirm(of=running, user=floor.supervisor)
    began = now() - timedelta(seconds=20)
    Import.objects.for_tenant(floor.tenant).filter(pk=running.pk).update(
        state="running", began_at=began, beat_at=now(), next_row=620_002, share=0.62, added=612_345, refused=7_655
    )
    at = f"/imports/{settings.public_id}/"
    return {
        "import-settings": at,
        "import-preview": f"{at}?step=preview",
        "import-progress": f"/imports/{running.public_id}/",
        "import-result": f"/imports/{done.public_id}/",
    }


class Every:
    """All names."""

    def __contains__(self, name: object) -> bool:
        return True


def main() -> None:
    """Make a database, shoot, drop it. Arguments: the folder, then names (none: those of docs; `all`: every one)."""
    folder, *names = sys.argv[1:] or ["docs/img"]
    made = setup_databases(verbosity=0, interactive=False)
    try:
        with tempfile.TemporaryDirectory() as recordings:
            settings.RECORDINGS_DIR = Path(recordings)
            shoot(Path(folder), Every() if names == ["all"] else names or IN_DOCS)
    finally:
        teardown_databases(made, verbosity=0)
