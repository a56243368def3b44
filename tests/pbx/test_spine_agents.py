"""Agents who dial for themselves, what the desk says when something is wrong, hostile text, and strangers."""

from __future__ import annotations

import asyncio
import html

import aiohttp
import pytest
from django.db import connection

from asterisk.sandbox.robot_desk import DeskError
from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, DialMethod
from dialer.leads.models import Lead, LeadState
from dialer.people.models import Role, User
from tests import factories
from tests.floor import AGENT_TONE, Floor, Numbers, Seat, until

NASTY = (
    'Robert"); DROP TABLE leads_lead;--\r\nX-Evil: 1\r\nAction: Originate\r\n'
    "${SHELL(touch /tmp/x)}<script>alert(1)</script>'"
)


def own_dialing(floor: Floor, method: DialMethod) -> tuple[Campaign, Seat]:
    campaign = factories.make_campaign(floor.tenant(), dial_method=method)
    return campaign, floor.seat(campaign).join()


def finish(floor: Floor, seat: Seat, number: str) -> CallTask:
    """Hang up, dispose and see what was recorded."""
    assert not seat.press("hang-up").message
    seat.dispose()
    return floor.ended(number)


def page(floor: Floor, seat: Seat, path: str) -> tuple[int, str]:
    """Open a page in the seat's browser."""

    async def fetch() -> tuple[int, str]:
        async with seat.robot.desk._browser.get(floor.address + path, allow_redirects=False) as answer:
            return answer.status, await answer.text()

    return floor.do(fetch())


def test_manual_next_lead(floor: Floor) -> None:
    campaign, seat = own_dialing(floor, DialMethod.MANUAL)
    assert "No lead is due" in seat.press("next").message
    number = floor.numbers.echo()
    lead = floor.lead(campaign, number)
    assert seat.press("next").state in ("reserved", "in_call")
    seat.until("in_call")
    seat.hears(AGENT_TONE)
    call = finish(floor, seat, number)
    assert (call.outcome, call.own_agent, call.lead_id, call.user_id) == ("connected", True, lead.pk, seat.user.pk)
    seat.leave()


def test_manual_typed_number(floor: Floor) -> None:
    campaign, seat = own_dialing(floor, DialMethod.MANUAL)
    for text, word in (
        ("12", "not a telephone number"),
        ("call me", "not a telephone number"),
        ("", "Type the number"),
    ):
        answer = seat.press("dial", number=text)
        assert word in answer.message
        assert answer.state == "paused"
    assert not CallTask.objects.for_tenant(campaign.tenant_id).exists()
    number = floor.numbers.table(lambda far: far.kind == "person" and far.delay_s + far.ring_s < 4)
    typed = f"({number[2:5]}) {number[5:8]}-{number[8:]}"
    assert not seat.press("dial", number=typed).message
    seat.until("in_call", within_s=15)
    call = finish(floor, seat, number)
    assert (call.outcome, call.lead_id) == ("connected", None)
    assert floor.truth(number).caller_id == campaign.caller_id
    seat.leave()


def test_preview_skip_and_dial(floor: Floor) -> None:
    campaign, seat = own_dialing(floor, DialMethod.PREVIEW)
    skipped, wanted = floor.numbers.echo(), floor.numbers.echo()
    first = floor.lead(campaign, skipped, priority=5, last_name="Skipped")
    floor.lead(campaign, wanted, last_name="Wanted")
    assert "No lead is shown" in seat.press("dial-shown").message
    seat.press("next")
    assert "Skipped" in page(floor, seat, "/desk/")[1]
    seat.press("skip")
    seat.press("next")
    assert "Wanted" in page(floor, seat, "/desk/")[1]
    seat.press("dial-shown")
    seat.until("in_call")
    seat.hears(AGENT_TONE)
    assert finish(floor, seat, wanted).outcome == "connected"
    assert not floor.calls_to(skipped)
    assert factories.get_lead(first.pk).state == LeadState.WAITING
    seat.leave()
    assert skipped not in {truth.number for truth in floor.truths()}


def test_a_number_on_the_do_not_call_list_is_refused_with_a_reason(floor: Floor) -> None:
    campaign, seat = own_dialing(floor, DialMethod.MANUAL)
    number = floor.numbers.echo()
    floor.lead(campaign, number)
    seat.press("next")
    seat.until("in_call")
    assert not seat.press("hang-up").message
    seat.dispose("DNC")
    floor.ended(number)
    answer = seat.press("dial", number=number)
    assert "do-not-call" in answer.message
    assert answer.call == ""
    assert len(floor.calls_to(number)) == 1
    floor.truth(number)
    seat.leave()


def test_a_phone_that_is_not_registered(floor: Floor) -> None:
    campaign = factories.make_campaign(floor.tenant())
    seat = floor.seat(campaign)
    floor.do(seat.phone.close())
    seat.press("join", campaign=str(campaign.public_id))
    session = until(lambda: _closed(seat.user), what="the session is over")
    view = seat.until("offline")
    until(lambda: seat.robot.view is not None and "not registered" in seat.robot.view.message, what="the message")
    assert seat.user.endpoint in (seat.robot.view or view).message
    assert not AgentSession.objects.for_tenant(campaign.tenant_id).filter(ended_at=None).exists()
    assert str(session.public_id) not in floor.cli("pbx", "core", "show", "channels", "concise")
    floor.close_seat(seat)


def _closed(user: User) -> AgentSession | None:
    return AgentSession.objects.across_tenants().filter(user=user, ended_at__isnull=False).first()


def test_text_from_outside_stays_text(floor: Floor) -> None:
    tenant = floor.tenant()
    campaign = factories.make_campaign(tenant, name=NASTY[:80])
    user = factories.make_user(tenant, first_name=NASTY[:150], last_name="Tables")
    number = floor.numbers.echo()
    lead = floor.lead(campaign, number, first_name=NASTY[:120], company=NASTY[:120], notes=NASTY * 20)
    seat = floor.seat(campaign, user).ready()
    seat.until("in_call")
    seat.hears(AGENT_TONE)
    call = floor.live(number, "connected")
    assert "X-Evil" not in floor.cli("pbx", "core", "show", "channels", "verbose")
    assert seat.phone.invite is not None
    assert seat.phone.invite.get("x-evil") == ""
    status, text = page(floor, seat, "/desk/")
    assert status == 200
    assert "<script>alert" not in text
    assert html.escape("<script>alert(1)</script>", quote=False) in text
    for path in (f"/calls/{call.pk}/", "/calls/"):
        status, text = page(floor, seat, path)
        assert status == 200, path
        assert "<script>alert" not in text
    call = finish(floor, seat, number)
    assert call.outcome == "connected"
    assert floor.truth(number).caller_id == campaign.caller_id
    assert factories.get_lead(lead.pk).notes == NASTY * 20
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('leads_lead') IS NOT NULL")
        assert cursor.fetchone() == (True,)
    seat.leave()
    logs = "".join(log.read_text(errors="replace") for log in floor.stack.log_dir.glob("*.log"))
    asterisk = (floor.stack.state_dir / "asterisk/pbx/log/messages").read_text(errors="replace")
    for secret in ("DROP TABLE leads", "X-Evil", "Tables", number):
        assert secret not in logs
    assert "SHELL" not in asterisk


def test_a_stranger_sees_nothing(floor: Floor) -> None:
    """Another tenant's agent, with an open desk and socket, while a call comes and goes."""
    campaign = factories.make_campaign(floor.tenant(), name="Ours alone")
    theirs = factories.make_campaign(floor.tenant(), name="Their own")
    stranger = floor.seat(theirs).ready()
    boss = floor.seat(
        theirs, factories.make_user(theirs.tenant, Role.ADMIN, endpoint="phoneboss", endpoint_secret="x1")
    )
    stranger.until("ready")
    pushed = len(stranger.robot.seen)
    number = floor.numbers.echo()
    lead = floor.lead(campaign, number, first_name="Zebedee")
    seat = floor.seat(campaign).ready()
    seat.until("in_call")
    call = floor.live(number, "connected")
    paths = [f"/calls/{call.pk}/", f"/calls/{call.pk}/recording/", f"/campaigns/{campaign.public_id}/"]
    for who in (stranger, boss):
        for path in paths:
            status, text = page(floor, who, path)
            assert status in (403, 404) if who is stranger else status == 404, (path, status)
            assert "Zebedee" not in text
        for path in ("/desk/", "/calls/"):
            _, text = page(floor, who, path)
            assert "Zebedee" not in text
            assert "Ours alone" not in text
            assert str(call.pk) not in text
        with pytest.raises(DeskError, match="404"):
            who.press("join", campaign=str(campaign.public_id))
    stolen = stranger.press("dispose", call=str(call.pk), code="NI", note="")
    assert stolen.message
    assert finish(floor, seat, number).outcome == "connected"
    assert {view.state for view in stranger.robot.seen[pushed:]} <= {"ready"}
    assert all(view.call == "" for view in stranger.robot.seen)
    assert factories.get_lead(lead.pk).state == LeadState.DONE
    for one in (seat, stranger):
        one.leave()
    floor.close_seat(boss)


def test_the_socket_is_for_those_who_signed_in(floor: Floor) -> None:
    async def knock(origin: str) -> int:
        async with aiohttp.ClientSession(headers={"Origin": origin}) as browser:
            try:
                async with browser.ws_connect(floor.address.replace("http", "ws") + "/ws/desk/") as socket:
                    async with asyncio.timeout(5):
                        message = await socket.receive()
                    return int(message.data or socket.close_code or 0)
            except aiohttp.WSServerHandshakeError as refused:
                return refused.status

    assert floor.do(knock(floor.address)) in (4401, 403)
    assert floor.do(knock("http://evil.example")) == 403


def test_an_empty_list_and_a_stopped_campaign(floor: Floor) -> None:
    campaign = factories.make_campaign(floor.tenant())
    seat = floor.seat(campaign).ready()
    assert seat.until("ready").message == ""
    Campaign.objects.for_tenant(campaign.tenant).filter(pk=campaign.pk).update(status="stopped")
    number = floor.numbers.of(Numbers.PERSON)
    floor.lead(campaign, number)
    other = factories.make_campaign(floor.tenant())
    control = floor.numbers.of(Numbers.PERSON)
    floor.lead(other, control)
    working = floor.seat(other).ready()
    working.until("in_call")  # pacing has run since
    # a tick that was under way when the campaign stopped may have queued one: it is let go of, not placed
    until(lambda: all(call.ended_at for call in floor.calls_to(number)), 15, "what was queued is let go of")
    assert not [call for call in floor.calls_to(number) if call.placed_at is not None]
    assert Lead.objects.for_tenant(campaign.tenant).get(phone=number).state == LeadState.WAITING
    for one in (working, seat):
        one.leave()
    late = floor.seat(campaign, factories.make_user(campaign.tenant))
    answer = late.press("join", campaign=str(campaign.public_id))
    assert "is stopped" in answer.message
    assert answer.state == "offline"
    floor.close_seat(late)
