"""A shift of two agents: real Chromium with microphones, real Asterisk, sound measured on every leg of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.utils import timezone
from playwright.sync_api import Page, Playwright, expect

from asterisk.sandbox.rtp import strength
from dialer.agents.models import AgentStateChange
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.handling.models import Conversation, HandlingSettings, Party
from dialer.leads.models import Callback
from dialer.people.models import User
from tests import factories
from tests.floor import Floor, until
from tests.hearing import energy, listen

from .phones import agent_browser, hears, join, on_the_line, sign_in
from .test_phone import STEADY, VOICE, call_in_talk, desk_in, floor, ready

__all__ = ["floor"]  # the fixture
COLLEAGUE = 700


def customer_hears(floor: Floor, channel: str, folder: Path, *tones: int) -> None:
    """Each of these voices, which come and go, and no other agent's."""
    for tone in tones:
        until(lambda tone=tone: strength(listen(floor, channel, folder), tone) > 300, 8, f"the customer hears {tone}")  # type: ignore[misc]
    others = {VOICE, COLLEAGUE} - set(tones)
    heard = listen(floor, channel, folder, 1.0)
    assert not [tone for tone in others if strength(heard, tone) > 300]


def customer_hears_music(floor: Floor, channel: str, folder: Path) -> None:
    until(lambda: energy(listen(floor, channel, folder)) > 40, 8, "the customer hears music")
    customer_hears(floor, channel, folder)


def check_devices(page: Page) -> None:
    """What an agent does before the first call: choose the devices, see the level, hear themselves."""
    page.click("#phone-sound > summary")
    expect(page.locator("#phone-mic option").first).to_be_attached()
    page.select_option("#phone-mic", index=page.locator("#phone-mic option").count() - 1)
    until(lambda: page.locator("#phone-level").evaluate("(meter) => meter.value") > 0.02, 15, "the meter moves")
    page.click("#phone-echo")
    expect(page.locator("#phone-echo")).to_have_text("End the echo test")
    until(
        lambda: page.locator("#phone-echo-audio").evaluate("(audio) => Boolean(audio.srcObject)"), 5, "the echo is up"
    )
    hears(page, VOICE, STEADY, COLLEAGUE, element="phone-echo-audio")
    page.click("#phone-echo")
    expect(page.locator("#phone-echo")).to_have_text("Echo test")
    page.keyboard.press("Escape")


def shift(floor: Floor) -> tuple[Campaign, Campaign, User, User]:
    """A campaign that dials, one that does not, and an agent for each."""
    campaign = factories.make_campaign(floor.tenant(), wrapup_s=0)
    quiet = factories.make_campaign(campaign.tenant, wrapup_s=0)
    HandlingSettings.objects.create(tenant_id=campaign.tenant_id, campaign=campaign, may_pause_recording=True)
    campaign.disposition_set.dispositions.filter(code="CALLBK").update(needs_callback=True)
    factories.make_pause_code(campaign.tenant, "LUNCH", "Lunch")
    ann = factories.make_user(campaign.tenant, first_name="Ann", last_name="Ames")
    bob = factories.make_user(campaign.tenant, first_name="Bob", last_name="Berg")
    return campaign, quiet, ann, bob


def test_a_shift_of_two_agents(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    """Everything that agents do in a day, by two of them, with what each of the three hears measured on the way."""
    campaign, quiet, ann_user, bob_user = shift(floor)
    with (
        agent_browser(playwright_, tmp_path, VOICE) as anns,
        agent_browser(playwright_, tmp_path, COLLEAGUE) as bobs,
    ):
        ann, bob = sign_in(anns, floor.address, ann_user), sign_in(bobs, floor.address, bob_user)
        join(ann, campaign)
        join(bob, quiet)
        check_devices(ann)
        ready(ann)
        ready(bob)

        call = call_in_talk(floor, ann, campaign)
        customer = floor.carrier_channel(call.phone)
        hears(ann, STEADY)
        customer_hears(floor, customer, tmp_path, VOICE)

        ann.keyboard.press("l")
        expect(ann.locator("#talk-line")).to_contain_text("On hold")
        customer_hears_music(floor, customer, tmp_path)
        ann.keyboard.press("l")
        expect(ann.locator("#talk-line")).to_have_count(0)
        hears(ann, STEADY)

        ann.keyboard.press("x")
        ann.get_by_role("button", name="Ask Bob Berg first").click()
        desk_in(bob, "in_call")
        expect(ann.locator("#talk-line")).to_contain_text("Bob Berg: talking with you")
        hears(ann, COLLEAGUE, STEADY)
        hears(bob, VOICE, STEADY)
        customer_hears_music(floor, customer, tmp_path)

        ann.keyboard.press("c")
        expect(ann.locator("#talk-line")).to_contain_text("Conference")
        customer_hears(floor, customer, tmp_path, VOICE, COLLEAGUE)
        for page in (ann, bob):
            hears(page, STEADY)

        ann.keyboard.press("u")
        ann.get_by_role("button", name="Card number").click()
        expect(ann.locator("#paused-line")).to_be_visible()
        ann.keyboard.press("u")
        expect(ann.locator("#paused-line")).to_have_count(0)

        ann.reload()
        on_the_line(ann)
        assert floor.carrier_channel(call.phone) == customer
        hears(ann, STEADY)
        expect(ann.locator("#talk-line")).to_contain_text("Conference")

        ann.keyboard.press("g")
        desk_in(ann, "wrapup")
        hears(bob, STEADY, VOICE)
        customer_hears(floor, customer, tmp_path, COLLEAGUE)

        ann.keyboard.press("t")
        ann.keyboard.type("Bob knows the berth")
        ann.keyboard.press("Escape")
        ann.keyboard.press("1")
        desk_in(ann, "ready")

        bob.keyboard.press("h")
        desk_in(bob, "wrapup")
        bob.keyboard.press(str(campaign.disposition_set.dispositions.get(code="CALLBK").key))
        tomorrow = timezone.now().astimezone(ZoneInfo("America/New_York")) + timedelta(days=1)
        bob.get_by_label("Call back at, on their clock").fill(f"{tomorrow:%Y-%m-%d}T14:30")
        bob.get_by_role("button", name="Save “Call back”").click()
        desk_in(bob, "ready")

        for page in (ann, bob):
            page.keyboard.press("p")
            page.click("#pause-LUNCH")
            desk_in(page, "paused")
            page.click("#do-leave")
            desk_in(page, "offline")
    check_rows(call, ann_user, bob_user, f"{tomorrow:%Y-%m-%d} 14:30")


def check_rows(call: CallTask, ann: User, bob: User, promised: str) -> None:
    """What is left of that shift in the database."""
    ended = factories.get_call(call.pk)
    assert (ended.outcome, ended.hung_up_by, ended.user_id, ended.disposition.code) == (
        "connected",
        "agent",
        bob.pk,
        "CALLBK",
    )
    talk = Conversation.objects.across_tenants().get(pk=call.pk)
    assert (talk.mode, talk.paused) == ("over", False)
    assert talk.held_ms > 500
    assert talk.paused_ms > 0
    party = Party.objects.across_tenants().get(call=call)
    assert (party.took_over, party.state, party.session.user_id) == (True, "gone", bob.pk)
    events = list(ended.events.order_by("seq"))
    asked = ("hold", "retrieve", "consult", "conference", "pause_recording", "resume_rec", "complete", "handed")
    assert [event.kind for event in events if event.kind in asked] == list(asked)
    assert next(event for event in events if event.kind == "pause_recording").data["reason"] == "Card number"
    assert [event.data["code"] for event in events if event.kind == "disposed"] == ["SALE", "CALLBK"]
    [handed_on] = [event for event in events if event.kind == "disposed" and event.data["code"] == "SALE"]
    assert handed_on.data["note"] == "Bob knows the berth"
    callback = Callback.objects.across_tenants().get(lead=ended.lead)
    local = callback.promised_for.astimezone(ZoneInfo("America/New_York"))
    assert (callback.user_id, callback.state, f"{local:%Y-%m-%d %H:%M}") == (bob.pk, "open", promised)
    for user in (ann, bob):
        changes = AgentStateChange.objects.across_tenants().filter(session__user=user).order_by("at", "pk")
        states = list(changes.values_list("state", "pause_code"))
        assert [state for state, _code in states] == [
            *("paused", "ready", "reserved", "in_call", "wrapup", "ready", "paused", "offline"),
        ]
        assert states[-2] == ("paused", "LUNCH")
