"""Agents are moved between campaigns with their phones on the line: one who is free, and one who is in a call."""

from __future__ import annotations

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Campaign
from dialer.people.models import Role, User
from tests import factories
from tests.floor import AGENT_TONE, Floor, Seat, until


def as_supervisor(floor: Floor, boss: User, to: Campaign, *seats: Seat) -> None:
    """Tick these agents on the floor's page and move them."""
    rows = AgentSession.objects.across_tenants().filter(ended_at=None, user__in=[seat.user for seat in seats])
    ids = [str(one.public_id) for one in rows]
    data = [("campaign", str(to.public_id)), ("reason", "They are short"), *(("session", one) for one in ids)]

    async def post() -> int:
        desk, url = await floor._desk(boss), f"{floor.address}/floor/agents/move/"
        headers = {"X-CSRFToken": await desk._token()}
        async with desk._browser.post(url, data=data, headers=headers, allow_redirects=False) as answer:
            return answer.status

    assert floor.do(post()) == 302


def where(seat: Seat) -> tuple[int, str, str]:
    """The campaign, state and phone that the agent's session has now."""
    found = AgentSession.objects.across_tenants().filter(user=seat.user, ended_at=None)
    row: tuple[int, str, str] = found.values_list("campaign_id", "state", "leg").get()
    return row


def test_the_free_move_at_once_and_the_busy_after_their_call(floor: Floor) -> None:
    one = factories.make_campaign(floor.tenant())
    other = factories.make_campaign(one.tenant)
    boss = factories.make_user(one.tenant, Role.SUPERVISOR)
    busy, free = floor.seat(one).ready(), floor.seat(one).join()
    number = floor.numbers.echo()
    floor.lead(one, number)
    busy.until("in_call")
    call = floor.live(number, "connected")
    busy.hears(AGENT_TONE)
    phones = busy.phone.calls, free.phone.calls

    as_supervisor(floor, boss, other, busy, free)
    until(lambda: where(free) == (other.pk, "paused", "up"), what="who is free is in the other campaign")
    assert where(busy)[:2] == (one.pk, "in_call")
    busy.hears(AGENT_TONE)  # the customer is still on the line
    assert factories.get_call(call.pk).ended_at is None

    busy.press("hang-up")
    busy.dispose()
    until(lambda: where(busy) == (other.pk, "ready", "up"), what="who was busy is in the other campaign")
    assert floor.ended(number).campaign_id == one.pk
    again = floor.numbers.echo()
    floor.lead(other, again)  # calls of the other campaign come to them, over the same leg
    busy.until("in_call")
    busy.hears(AGENT_TONE)
    assert floor.live(again, "connected").user_id == busy.user.pk
    assert (busy.phone.calls, free.phone.calls) == phones, "no phone rang again"
    busy.leave()
    free.leave()
