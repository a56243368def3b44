"""What agents do with connected calls, on real Asterisk: who hears whom is measured, on phones and at the carrier."""

from __future__ import annotations

import math
import struct
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from asterisk.sandbox.rtp import strength
from dialer.calls import services as calls
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.handling.models import Conversation, HandlingSettings, MessageRecording, Party, TransferPreset
from dialer.people.models import User
from tests import factories
from tests.floor import AGENT_TONE, Floor, Numbers, Seat, until
from tests.hearing import energy, listen

CUSTOMER_TONE, COLLEAGUE_TONE, RINGING_TONE = 1000, 700, 480
RATE = 8000


@dataclass
class Scene:
    """An agent who talks with a customer whose voice is a steady tone."""

    floor: Floor
    campaign: Campaign
    seat: Seat
    number: str
    folder: Path

    @property
    def call(self) -> CallTask:
        return factories.get_call(self.floor.calls_to(self.number)[0].pk)

    def talk(self) -> Conversation | None:
        return Conversation.objects.across_tenants().filter(pk=self.call.pk).first()

    def mode(self) -> str:
        found = self.talk()
        return found.mode if found is not None else "talk"

    def press(self, deed: str, seat: Seat | None = None, **fields: str) -> None:
        """Press a button of the card as it is now."""
        found = self.talk()
        answer = (seat or self.seat).press(deed, seen=str(found.version if found else 0), **fields)
        assert answer.message in ("", found.notice if found else ""), answer.message

    def until_mode(self, mode: str, within_s: float = 10.0) -> None:
        until(lambda: self.mode() == mode, within_s, f"the conversation is {mode}, not {self.mode()}")

    def customer_hears(self, seconds: float = 0.6) -> list[int]:
        """What the customer hears in the next moment, recorded by the carrier."""
        return self.heard_on(self.floor.carrier_channel(self.number), seconds)

    def heard_on(self, channel: str, seconds: float = 0.6) -> list[int]:
        return listen(self.floor, channel, self.folder, seconds)

    def customer_hears_tone(self, tone: int, within_s: float = 15.0) -> None:
        until(lambda: strength(self.customer_hears(0.3), tone) > 250, within_s, f"the customer hears {tone}")

    def customer_hears_music(self) -> None:
        """Something, and no one's voice."""
        until(lambda: energy(self.customer_hears(0.4)) > 40, 8, "the customer hears music")
        heard = self.customer_hears(0.8)
        assert energy(heard) > 20
        assert not {tone for tone in (AGENT_TONE, COLLEAGUE_TONE) if strength(heard, tone) > 400}

    def agent_hears(self, *tones: int, not_tones: tuple[int, ...] = (), seat: Seat | None = None) -> None:
        phone = (seat or self.seat).phone
        self.floor.do(phone.wait_hears(*tones, not_tones=not_tones, timeout_s=20), 25)

    def preset(self, number: str) -> str:
        """A preset of the campaign for a number, whose zone the number itself does not tell."""
        made = TransferPreset.objects.create(
            tenant_id=self.campaign.tenant_id,
            campaign=self.campaign,
            name=f"Preset {number[-6:]}",
            phone=number,
            time_zone="America/New_York",
        )
        return f"preset:{made.public_id}"

    def end(self) -> CallTask:
        """End the call from above, whoever has it; the call as it ended."""
        calls.ask_hang_up(call=self.call, by="supervisor")
        return self.floor.ended(self.number)


def nothing_left(floor: Floor) -> None:
    """No channel but agents' legs, no bridge but theirs."""

    def clean() -> bool:
        lines = floor.cli("pbx", "core", "show", "channels", "concise").splitlines()
        return not [line for line in lines if "!" in line and "carrier" in line.split("!")[0]]

    until(clean, 10, "no channel is left over")


@pytest.fixture
def scene(floor: Floor, tmp_path: Path) -> Iterator[Scene]:
    """The customer and the agent hear each other."""
    campaign = factories.make_campaign(floor.tenant(), wrapup_s=0)
    HandlingSettings.objects.create(tenant_id=campaign.tenant_id, campaign=campaign, may_pause_recording=True)
    seat = floor.seat(campaign).ready()
    number = floor.numbers.steady()
    floor.lead(campaign, number)
    seat.until("in_call", within_s=15)
    made = Scene(floor, campaign, seat, number, tmp_path)
    made.agent_hears(CUSTOMER_TONE)
    yield made
    # A test that failed half-way must not spoil the others.
    for call in CallTask.objects.across_tenants().exclude(state="ended"):
        calls.ask_hang_up(call=call, by="supervisor")
    until(lambda: not CallTask.objects.across_tenants().exclude(state="ended").exists(), 15, "all calls are over")
    campaign.__class__.objects.across_tenants().filter(pk=campaign.pk).update(status="stopped")
    nothing_left(floor)


def colleague(scene: Scene, user: User | None = None) -> Seat:
    """Another agent who is ready, in a campaign without leads."""
    empty = factories.make_campaign(scene.campaign.tenant, wrapup_s=0)
    return scene.floor.seat(empty, user, tone=COLLEAGUE_TONE).ready()


def agent_target(seat: Seat) -> str:
    session = seat.user.sessions.get(ended_at=None)
    return f"agent:{session.public_id}"


def finish(scene: Scene, *others: Seat) -> CallTask:
    ended = scene.end()
    for seat in (scene.seat, *others):
        view = seat.robot.view
        if view is not None and view.state == "in_call":
            seat.until("wrapup", "ready", "paused")
        if seat.robot.view is not None and seat.robot.view.state == "wrapup":
            seat.dispose(then="pause")
        seat.leave()
    nothing_left(scene.floor)
    return ended


def test_on_hold_the_customer_hears_music_and_not_the_agent(scene: Scene) -> None:
    scene.customer_hears_tone(AGENT_TONE)
    scene.press("hold")
    scene.press("hold")  # the form is sent again
    scene.until_mode("hold")
    scene.customer_hears_music()
    scene.agent_hears(not_tones=(CUSTOMER_TONE,))
    scene.press("retrieve")
    scene.until_mode("talk")
    scene.customer_hears_tone(AGENT_TONE)
    scene.agent_hears(CUSTOMER_TONE)
    ended = finish(scene)
    talk = scene.talk()
    assert talk is not None
    assert 500 < talk.held_ms < 30_000
    kinds = [kind for kind in ended.events.values_list("kind", flat=True) if kind in ("hold", "retrieve")]
    assert kinds == ["hold", "retrieve"]


def test_a_warm_transfer_to_a_number_with_every_turn(scene: Scene) -> None:
    third = scene.floor.numbers.echo(ring=1)
    scene.press("transfer", to=scene.preset(third), how="consult")
    scene.until_mode("consult")
    until(lambda: Party.objects.across_tenants().filter(phone=third, state="talking").exists(), 10, "they answer")
    scene.agent_hears(AGENT_TONE, not_tones=(CUSTOMER_TONE,))  # it says back what the agent says
    scene.customer_hears_music()
    scene.press("toggle")
    scene.until_mode("alternate")
    scene.customer_hears_tone(AGENT_TONE)
    scene.agent_hears(CUSTOMER_TONE)
    scene.press("conference")
    scene.until_mode("conference")
    scene.agent_hears(CUSTOMER_TONE, AGENT_TONE)
    scene.customer_hears_tone(AGENT_TONE)
    scene.press("complete")
    scene.until_mode("handed")
    scene.seat.until("wrapup")
    scene.customer_hears_tone(CUSTOMER_TONE)  # the third party says it back, without the agent
    scene.agent_hears(not_tones=(CUSTOMER_TONE,))
    call = scene.call
    assert (call.state, call.session_id) == ("connected", None)
    scene.seat.dispose(then="pause")
    ended = finish(scene)
    assert ended.outcome == "connected"
    assert scene.mode() == "over"
    party = Party.objects.across_tenants().get(call=ended)
    assert (party.state, party.verdict_row.allowed) == ("gone", True)


def test_ringing_is_heard_and_the_customer_alone_is_hung_up_on(scene: Scene) -> None:
    third = scene.floor.numbers.echo(ring=6)
    scene.press("transfer", to=scene.preset(third), how="consult")
    # Ringing comes and goes; the agent's own tone would be one of its two, so the other proves it.
    scene.agent_hears(RINGING_TONE)
    scene.customer_hears_music()
    until(lambda: Party.objects.across_tenants().filter(phone=third, state="talking").exists(), 12, "they answer")
    scene.agent_hears(AGENT_TONE, not_tones=(CUSTOMER_TONE, RINGING_TONE))
    scene.press("release")
    ended = scene.floor.ended(scene.number)
    assert (ended.outcome, ended.hung_up_by) == ("connected", "agent")
    scene.until_mode("aside")
    assert scene.seat.until("in_call").call == str(ended.pk)
    scene.agent_hears(AGENT_TONE, not_tones=(CUSTOMER_TONE,))  # who was asked says back what the agent says, still
    assert scene.seat.press("hang-up").message == ""
    scene.seat.until("wrapup")
    scene.until_mode("over")
    scene.seat.dispose(then="pause")
    scene.seat.leave()
    nothing_left(scene.floor)


def test_a_warm_transfer_to_a_colleague(scene: Scene) -> None:
    other = colleague(scene)
    scene.press("transfer", to=agent_target(other), how="consult")
    scene.until_mode("consult")
    other.until("in_call")
    scene.agent_hears(COLLEAGUE_TONE, not_tones=(CUSTOMER_TONE,))
    scene.agent_hears(AGENT_TONE, not_tones=(CUSTOMER_TONE,), seat=other)
    scene.customer_hears_music()
    scene.press("conference")
    scene.until_mode("conference")
    scene.agent_hears(COLLEAGUE_TONE, CUSTOMER_TONE)
    scene.agent_hears(AGENT_TONE, CUSTOMER_TONE, seat=other)
    scene.customer_hears_tone(AGENT_TONE)
    scene.customer_hears_tone(COLLEAGUE_TONE)
    scene.press("complete")
    scene.seat.until("wrapup")
    scene.agent_hears(CUSTOMER_TONE, not_tones=(AGENT_TONE,), seat=other)
    scene.customer_hears_tone(COLLEAGUE_TONE)
    call = scene.call
    assert call.user_id == other.user.pk
    assert scene.mode() == "talk"
    scene.seat.dispose(then="pause")
    assert other.press("hang-up").message == ""
    other.dispose("SALE", then="pause")
    ended = finish(scene, other)
    assert ended.disposition.code == "SALE"
    assert list(ended.events.filter(kind="disposed").values_list("data__code", flat=True)) == ["NI", "SALE"]
    recording = Path(scene.floor.env["ASTERISK_RECORDINGS_DIR"]) / ended.recording.path
    until(lambda: recording.exists() and recording.stat().st_size > RATE * 2, 10, "it was recorded all through")


def test_a_colleague_leaves_and_one_is_sent_away(scene: Scene) -> None:
    other = colleague(scene)
    scene.press("transfer", to=agent_target(other), how="consult")
    other.until("in_call")
    assert other.press("hang-up").message == ""
    scene.until_mode("hold")  # the customer was on hold and stays so
    other.until("ready")
    scene.press("transfer", to=agent_target(other), how="consult")
    other.until("in_call")
    scene.press("cancel")
    scene.until_mode("talk")
    other.until("ready")
    scene.agent_hears(CUSTOMER_TONE, not_tones=(COLLEAGUE_TONE,))
    scene.customer_hears_tone(AGENT_TONE)
    finish(scene, other)


def test_a_blind_transfer_to_a_colleague(scene: Scene) -> None:
    other = colleague(scene)
    scene.press("transfer", to=agent_target(other), how="blind")
    scene.seat.until("wrapup")
    view = other.until("in_call")
    assert view.call == str(scene.call.pk)
    scene.agent_hears(CUSTOMER_TONE, not_tones=(AGENT_TONE,), seat=other)
    scene.customer_hears_tone(COLLEAGUE_TONE)
    finish(scene, other)


def test_a_blind_transfer_to_a_number_and_to_one_that_is_busy(scene: Scene) -> None:
    busy = scene.floor.numbers.of(Numbers.BUSY)
    scene.press("transfer", to=scene.preset(busy), how="blind")
    until(lambda: Party.objects.across_tenants().filter(phone=busy, state="gone").exists(), 10, "it is busy")
    scene.until_mode("talk")
    scene.customer_hears_tone(AGENT_TONE)
    talk = scene.talk()
    assert talk is not None
    assert "busy" in talk.notice
    third = scene.floor.numbers.echo(ring=1)
    scene.press("transfer", to=scene.preset(third), how="blind")
    scene.until_mode("handed")
    scene.seat.until("wrapup")
    scene.customer_hears_tone(CUSTOMER_TONE)
    finish(scene)


def test_a_paused_recording_holds_silence(scene: Scene) -> None:
    began = time.monotonic()
    until(lambda: time.monotonic() - began > 1.5, 5)
    answer = scene.seat.press("pause-recording", seen="0", reason="")
    assert "why" in answer.message
    scene.press("pause-recording", reason="Card number")
    until(lambda: (talk := scene.talk()) is not None and talk.paused, 15, "it is paused")
    paused = time.monotonic()
    until(lambda: time.monotonic() - paused > 2.0, 5)
    scene.press("resume-recording")
    until(lambda: (talk := scene.talk()) is not None and not talk.paused, 15, "it goes on")
    resumed = time.monotonic()
    until(lambda: time.monotonic() - resumed > 1.5, 5)
    ended = finish(scene)
    event = ended.events.get(kind="pause_recording")
    assert event.data["reason"] == "Card number"
    path = Path(scene.floor.env["ASTERISK_RECORDINGS_DIR"]) / ended.recording.path
    data = path.read_bytes()[44:]
    samples = list(struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2]))
    tenths = [energy(samples[start : start + 800]) > 100 for start in range(0, len(samples) - 800, 800)]
    quiet = [index for index, loud in enumerate(tenths) if not loud]
    assert 16 <= len(quiet) <= 28, f"two seconds of silence: {tenths}"
    assert quiet[-1] - quiet[0] + 1 - len(quiet) < 2, "in one piece"
    assert all(tenths[3:10]) and all(tenths[-8:-2]), "before and after it is there"


@pytest.mark.parametrize("mode", ["hold", "consult", "conference"])
def test_the_switchboard_is_restarted_meanwhile(scene: Scene, mode: str) -> None:
    third = scene.floor.numbers.echo(ring=1)
    if mode == "hold":
        scene.press("hold")
    else:
        scene.press("transfer", to=scene.preset(third), how="consult")
        until(lambda: Party.objects.across_tenants().filter(phone=third, state="talking").exists(), 10, "they answer")
        if mode == "conference":
            scene.press("conference")
    scene.until_mode(mode)
    scene.floor.processes.take_away("switchboard")
    if mode == "conference":
        scene.customer_hears_tone(AGENT_TONE)
    else:
        scene.customer_hears_music()
    scene.floor.processes.bring_back("switchboard")
    scene.press("retrieve" if mode == "hold" else "complete")
    if mode == "hold":
        scene.until_mode("talk", 15)
        scene.agent_hears(CUSTOMER_TONE)
    else:
        scene.until_mode("handed", 15)
        scene.customer_hears_tone(CUSTOMER_TONE)
    finish(scene)


def test_a_call_is_parked_and_a_colleague_takes_it(scene: Scene) -> None:
    other = colleague(scene)
    scene.press("park")
    scene.seat.until("wrapup")
    scene.until_mode("parked")
    scene.customer_hears_music()
    answer = other.press("unpark", call=str(scene.call.pk))
    assert not answer.message
    other.until("in_call")
    scene.agent_hears(CUSTOMER_TONE, seat=other)
    scene.customer_hears_tone(COLLEAGUE_TONE)
    assert scene.call.user_id == other.user.pk
    finish(scene, other)


def test_digits_reach_the_customer(scene: Scene) -> None:
    before = len(scene.call.events.filter(kind="dtmf"))
    answer = scene.seat.press("digits", digits="12#", key="0190aaaa-0000-7000-8000-000000000001")
    again = scene.seat.press("digits", digits="12#", key="0190aaaa-0000-7000-8000-000000000001")
    assert not answer.message and not again.message
    until(lambda: len(scene.call.events.filter(kind="dtmf")) == before + 1, 15, "they are sent once")
    finish(scene)


def test_a_message_is_left_after_the_beep(floor: Floor, tmp_path: Path) -> None:
    """The agent hears that it is a machine, and goes on to the next call while the switch leaves the message."""
    campaign = factories.make_campaign(floor.tenant(), wrapup_s=0)
    name = f"messages/{campaign.tenant_id}/{uuid4()}.wav"
    tone_file(Path(floor.env["ASTERISK_RECORDINGS_DIR"]) / name, seconds=3, tone=COLLEAGUE_TONE)
    message = MessageRecording.objects.create(
        tenant_id=campaign.tenant_id, campaign=campaign, name="Call back", path=name, duration_ms=3000
    )
    seat = floor.seat(campaign).ready()
    number = floor.numbers.of(Numbers.MACHINE)
    floor.lead(campaign, number)
    seat.until("in_call", within_s=15)
    made = Scene(floor, campaign, seat, number, tmp_path)
    made.press("drop", message=str(message.public_id))
    seat.until("ready")
    channel = floor.carrier_channel(number)
    until(lambda: strength(made.heard_on(channel, 0.3), COLLEAGUE_TONE) > 250, 30, "the machine hears the message")
    ended = floor.ended(number, 20)
    assert (ended.outcome, ended.hung_up_by, ended.session_id) == ("message_left", "system", None)
    assert factories.get_lead(ended.lead_id).last_outcome == "message_left"
    seat.leave()
    nothing_left(floor)


def tone_file(path: Path, *, seconds: int, tone: int) -> None:
    """A recorded message that a measurement can tell from everything else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        samples = [int(6000 * math.sin(2 * math.pi * tone * place / RATE)) for place in range(RATE * seconds)]
        file.writeframes(struct.pack(f"<{len(samples)}h", *samples))
