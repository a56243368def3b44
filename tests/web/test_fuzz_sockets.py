"""Anything that a page's socket may send: it goes on as if nothing had been said."""

from __future__ import annotations

import random

import pytest

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Campaign
from dialer.live.threads import in_thread
from tests import factories

from .conftest import House
from .test_socket import Screen, fresh_layer

__all__ = ["fresh_layer"]

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = ("", "??", "\0", "{", '{"type":"live.told","html":"x"}', "[]", "null", "x" * 100_000, "REGISTER sip:", "🂡")


@pytest.mark.parametrize("path", ["/ws/desk/", "/ws/board/wallboard/", "/ws/nothing/", "/ws/board/../../x/"])
async def test_frames_that_nobody_should_send(house: House, campaign: Campaign, path: str) -> None:
    session = await in_thread(lambda: factories.make_session(campaign, house.agent))
    user = house.agent if "desk" in path else house.supervisor
    screen = await in_thread(lambda: Screen(user, path=path))
    chance = random.Random(path)
    try:
        await screen.connect()
    except ValueError:  # no such address: the server refuses the handshake
        return
    for _ in range(60):
        word = chance.choice(WORDS)
        frame: dict[str, object] = {"text": word} if chance.random() < 0.6 else {"bytes": chance.randbytes(64)}
        await screen.send_input({"type": "websocket.receive", **frame})
    if path == "/ws/desk/":
        await screen.send_input({"type": "websocket.receive", "text": "?"})
        while (await screen.receive_output(timeout=5)).get("text") != "":
            pass
    after = await in_thread(lambda: AgentSession.objects.across_tenants().get(pk=session.pk))
    assert (after.state, after.leg, after.call_id) == (session.state, session.leg, session.call_id)
    await screen.disconnect()
