"""/phone/ws/: who may reach the switch through it, and that what is said is passed on both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from dialer.agents.models import PhoneKind
from dialer.agents.services import join
from dialer.campaigns.models import Campaign
from dialer.live.threads import in_thread
from dialer.people.models import User

from .conftest import House
from .test_socket import Screen

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def switch(settings: Any) -> AsyncIterator[list[str]]:
    """A switch's socket that says everything back in capitals; all that it was told."""
    told: list[str] = []

    async def serve(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=["sip"])
        await socket.prepare(request)
        assert socket.ws_protocol == "sip"
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                told.append(message.data)
                if message.data == "leave":
                    await socket.close()
                    break
                await socket.send_str(message.data.upper())
        told.append("closed")
        return socket

    app = web.Application()
    app.router.add_get("/ws", serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert site._server is not None
    settings.PHONE_SOCKET_UPSTREAM = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/ws"
    yield told
    await runner.cleanup()


async def phone(user: User | None, **options: Any) -> Screen:
    """The socket of a user's page, asked for but not answered."""
    made: Screen = await in_thread(lambda: Screen(user, path="/phone/ws/", protocols=["sip"], **options))
    return made


async def with_session(house: House, campaign: Campaign, kind: str = PhoneKind.BROWSER) -> User:
    await in_thread(lambda: join(user=house.agent, campaign=campaign, phone=kind))
    return house.agent


async def test_what_is_said_is_passed_on_both_ways(house: House, campaign: Campaign, switch: list[str]) -> None:
    socket = await phone(await with_session(house, campaign))
    await socket.send_input({"type": "websocket.connect"})
    assert (await socket.receive_output(timeout=5))["subprotocol"] == "sip"
    await socket.send_input({"type": "websocket.receive", "text": "register"})
    assert (await socket.receive_output(timeout=5))["text"] == "REGISTER"
    await socket.send_input({"type": "websocket.disconnect", "code": 1001})
    await socket.wait(timeout=5)
    assert switch[0] == "register"


async def test_a_switch_that_goes_away_takes_the_socket_with_it(
    house: House, campaign: Campaign, switch: list[str]
) -> None:
    socket = await phone(await with_session(house, campaign))
    assert await socket.connect()
    await socket.send_input({"type": "websocket.receive", "text": "leave"})
    assert await socket.closed_with() == 1013
    await socket.disconnect()


async def test_no_switch_asks_the_page_to_come_again(house: House, campaign: Campaign, settings: Any) -> None:
    settings.PHONE_SOCKET_UPSTREAM = "ws://127.0.0.1:9/ws"
    socket = await phone(await with_session(house, campaign))
    assert await socket.connect()
    assert await socket.closed_with() == 1013
    await socket.disconnect()


@pytest.mark.parametrize("who", ["nobody", "without session", "with a desk phone", "a stranger's page"])
async def test_others_do_not_reach_the_switch(house: House, campaign: Campaign, switch: list[str], who: str) -> None:
    options: dict[str, Any] = {}
    user: User | None = house.agent
    if who == "nobody":
        user = None
    elif who == "with a desk phone":
        await with_session(house, campaign, PhoneKind.SIP)
    elif who == "a stranger's page":
        await with_session(house, campaign)
        options["origin"] = "https://elsewhere.example"
    socket = await phone(user, **options)
    await socket.send_input({"type": "websocket.connect"})
    assert await socket.closed_with() in (4401, 4403)
    assert switch == []
    await socket.disconnect()
