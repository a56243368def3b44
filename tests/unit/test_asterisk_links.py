"""The two connections to Asterisk against servers that misbehave: nothing is sent twice, nothing waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from asterisk import ami as ami_module
from asterisk import ari as ari_module
from asterisk.ami import Ami, AmiUnreachable, check, plain
from asterisk.ari import Ari, AriError, AriUnreachable
from asterisk.settings import AsteriskSettings, SettingsError

Action = dict[str, str]
Answer = Callable[[Action, asyncio.StreamWriter], Awaitable[None]]


class FakeManager:
    """An AMI server: answers what its script says, and remembers every action."""

    def __init__(self, answer: Answer) -> None:
        self.actions: list[Action] = []
        self._answer = answer
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while True:
                text = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in text.strip().split("\r\n"))
                self.actions.append(action)
                await self._answer(action, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def reply(writer: asyncio.StreamWriter, action: Action, response: str = "Success", extra: str = "") -> None:
    writer.write(f"Response: {response}\r\nActionID: {action['ActionID']}\r\n{extra}\r\n".encode())


class Heard(list[Action]):
    """The events that came; with `fail` its handler breaks after each."""

    fail = False

    def take(self, headers: Action) -> None:
        self.append(headers)
        if self.fail:
            raise RuntimeError("a handler's own mistake")


@asynccontextmanager
async def manager(answer: Answer) -> AsyncIterator[tuple[FakeManager, Ami, Heard, asyncio.Event]]:
    fake = FakeManager(answer)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    link = Ami("127.0.0.1", server.sockets[0].getsockname()[1], "user", "secret")
    heard = Heard()
    up = asyncio.Event()
    task = asyncio.create_task(link.run(heard.take, up.set, lambda reason: None))
    try:
        yield fake, link, heard, up
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for writer in fake.writers:
            writer.close()
        server.close()
        await server.wait_closed()
        await asyncio.sleep(0)


async def test_ami_never_repeats_what_got_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_module, "REQUEST_TIMEOUT_S", 0.3)

    async def answer(action: Action, writer: asyncio.StreamWriter) -> None:
        if action["Action"] == "Login":
            reply(writer, action)
            writer.write(b"Event: FullyBooted\r\nStatus: Fully Booted\r\n\r\n")
        else:
            writer.close()

    async with manager(answer) as (fake, link, _, up):
        await asyncio.wait_for(up.wait(), 3)
        up.clear()
        with pytest.raises(AmiUnreachable):
            await link.request("MixMonitor", Channel="c1", File="x.wav")
        await asyncio.wait_for(up.wait(), 3)
        await asyncio.sleep(0.1)
        assert [action["Action"] for action in fake.actions].count("MixMonitor") == 1
        assert [action["Action"] for action in fake.actions].count("Login") == 2


async def test_ami_notices_a_connection_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_module, "PING_EVERY_S", 0.1)
    monkeypatch.setattr(ami_module, "REQUEST_TIMEOUT_S", 0.1)

    async def answer(action: Action, writer: asyncio.StreamWriter) -> None:
        if action["Action"] == "Login":
            reply(writer, action)

    async with manager(answer) as (_, _, _, up):
        for _ in range(2):
            await asyncio.wait_for(up.wait(), 3)
            up.clear()


async def test_ami_waits_for_no_answer_of_a_connection_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of an Asterisk that is starting: the next try must not wait for the answer to the last."""
    monkeypatch.setattr(ami_module, "REQUEST_TIMEOUT_S", 60.0)

    async def answer(action: Action, writer: asyncio.StreamWriter) -> None:
        if len(fake.actions) == 1:
            writer.close()
        elif action["Action"] == "Login":
            reply(writer, action)
        else:
            writer.close()

    async with manager(answer) as (fake, link, _, up):
        await asyncio.wait_for(up.wait(), 5)
        with pytest.raises(AmiUnreachable, match="lost"):
            await asyncio.wait_for(link.request("MixMonitor", Channel="c1", File="x.wav"), 5)


async def test_ami_tries_at_once_when_it_is_told_that_asterisk_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ami_module, "FIRST_PAUSE_S", 60.0)
    refused = asyncio.Event()

    async def answer(action: Action, writer: asyncio.StreamWriter) -> None:
        if refused.is_set():
            reply(writer, action)
        else:
            writer.close()
            refused.set()

    async with manager(answer) as (_, link, _, up):
        await asyncio.wait_for(refused.wait(), 5)
        async with asyncio.timeout(5):
            while not up.is_set():
                link.hurry()
                await asyncio.sleep(0.01)


async def test_ami_says_why_it_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    refused = asyncio.Event()

    async def answer(action: Action, writer: asyncio.StreamWriter) -> None:
        reply(writer, action, "Error", "Message: Authentication failed\r\n")
        refused.set()

    async with manager(answer) as (_, link, _, _):
        await asyncio.wait_for(refused.wait(), 3)
        with pytest.raises(AmiUnreachable):
            await link.request("Ping")
        async with asyncio.timeout(10):
            while "ASTERISK_AMI_PASSWORD" not in caplog.text:
                await asyncio.sleep(0.01)
        assert "secret" not in caplog.text


async def test_ami_events_survive_a_handler_that_fails_and_odd_bytes() -> None:
    async def answer(action: Action, writer: asyncio.StreamWriter) -> None:
        reply(writer, action)
        if action["Action"] == "Provoke":
            name = "Zoë ☎".encode()
            writer.write(b"Event: Hangup\r\nUniqueid: 1\r\nUniqueid: 2\r\nName: " + name[:2])
            await writer.drain()
            await asyncio.sleep(0.05)  # the character is cut between two packets
            writer.write(name[2:] + b"\r\nBad: \xff\r\n\r\n")

    async with manager(answer) as (_, link, heard, up):
        await asyncio.wait_for(up.wait(), 3)
        heard.fail = True
        for count in (1, 2):
            await link.request("Provoke")
            async with asyncio.timeout(10):
                while len(heard) < count:
                    await asyncio.sleep(0.01)
        assert (heard[0]["Uniqueid"], heard[0]["Name"]) == ("1", "Zoë ☎")
        assert link.up


@pytest.mark.parametrize("value", ["a\r\nAction: Originate", "a\nb", "ü", "\x00", "a\x7f"])
def test_no_value_can_become_a_second_header(value: str) -> None:
    with pytest.raises(ValueError) as refused:
        check("File", value)
    assert value not in str(refused.value)


def test_plain_headers() -> None:
    assert plain({"A": ["1", "2"], "B": "Ã¼", "C": 5}) == {"A": "1", "B": "ü", "C": "5"}
    assert plain({"ChanVariable": ["A=1", "B=2=2", "A=3"]}) == {"ChanVariable(A)": "1", "ChanVariable(B)": "2=2"}
    assert plain({"ChanVariable": "A=1"}) == {"ChanVariable(A)": "1"}


@asynccontextmanager
async def rest(
    routes: dict[tuple[str, str], Callable[[web.Request], Awaitable[web.StreamResponse]]],
) -> AsyncIterator[str]:
    app = web.Application()
    for (method, path), handler in routes.items():
        app.router.add_route(method, path, handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ari"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(url: str) -> AsyncIterator[tuple[Ari, list[str], asyncio.Event, asyncio.Event]]:
    link = Ari(url, "user", "secret", "app")
    reasons: list[str] = []
    up, down = asyncio.Event(), asyncio.Event()

    def lost(reason: str) -> None:
        reasons.append(reason)
        down.set()

    task = asyncio.create_task(link.run(lambda event: None, up.set, lost))
    try:
        yield link, reasons, up, down
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _events(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for _ in socket:
        pass
    return socket


async def test_ari_sends_a_request_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    async def drop(request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    async with (
        rest({("GET", "/ari/events"): _events, ("POST", "/ari/channels"): drop}) as url,
        running(url) as (link, _, up, _),
    ):
        await asyncio.wait_for(up.wait(), 3)
        with pytest.raises(AriUnreachable):
            await link.request("POST", "/channels", body={})
        assert asked == 1


async def test_ari_errors_are_typed() -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "Channel not found"}, status=404)

    async def rubbish(request: web.Request) -> web.Response:
        return web.Response(text="<html>", status=200)

    routes = {("GET", "/ari/events"): _events, ("GET", "/ari/refuse"): refuse, ("GET", "/ari/rubbish"): rubbish}
    async with rest(routes) as url, running(url) as (link, _, up, _):
        await asyncio.wait_for(up.wait(), 3)
        with pytest.raises(AriError) as refused:
            await link.request("GET", "/refuse")
        assert (refused.value.status, refused.value.message) == (404, "Channel not found")
        with pytest.raises(AriUnreachable):
            await link.request("GET", "/rubbish")
    with pytest.raises(AriUnreachable):
        await link.request("GET", "/refuse")


async def test_ari_gives_up_a_request_without_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ari_module, "REQUEST_TIMEOUT", ari_module.aiohttp.ClientTimeout(total=0.2))
    release = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        await release.wait()
        return web.Response()

    routes = {("GET", "/ari/events"): _events, ("GET", "/ari/hang"): hang}
    async with rest(routes) as url, running(url) as (link, _, up, _):
        await asyncio.wait_for(up.wait(), 3)
        with pytest.raises(AriUnreachable):
            await link.request("GET", "/hang")
        release.set()


async def test_ari_reconnects_after_a_drop_and_survives_rubbish_events() -> None:
    connections = 0

    async def events(request: web.Request) -> web.WebSocketResponse:
        nonlocal connections
        connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for text in ("{", "[]", "null", '{"type": "X"}'):
            await socket.send_str(text)
        if connections == 1:
            await socket.close()
        else:
            async for _ in socket:
                pass
        return socket

    async with rest({("GET", "/ari/events"): events}) as url, running(url) as (_, reasons, up, down):
        await asyncio.wait_for(down.wait(), 3)
        up.clear()
        await asyncio.wait_for(up.wait(), 3)
        assert reasons == ["the event connection was closed"]


async def test_ari_that_was_replaced_does_not_fight(monkeypatch: pytest.MonkeyPatch) -> None:
    connections = 0

    async def events(request: web.Request) -> web.WebSocketResponse:
        nonlocal connections
        connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str('{"type": "ApplicationReplaced"}')
        async for _ in socket:
            pass
        return socket

    async with rest({("GET", "/ari/events"): events}) as url, running(url) as (_, reasons, _, down):
        await asyncio.wait_for(down.wait(), 3)
        await asyncio.sleep(0.6)  # an ordinary reconnect would have come by now
        assert (connections, reasons) == (1, ["another client took the application over"])


ENVIRONMENT = {
    "ASTERISK_ARI_URL": "http://pbx.example:8088/ari/",
    "ASTERISK_ARI_USER": "u",
    "ASTERISK_ARI_PASSWORD": "hidden",
    "ASTERISK_AMI_USER": "u",
    "ASTERISK_AMI_PASSWORD": "hidden",
    "ASTERISK_RECORDINGS_DIR": "/var/spool/asterisk/monitor",
}


def test_settings_and_their_defaults() -> None:
    settings = AsteriskSettings.from_env(ENVIRONMENT)
    assert settings.ari_url == "http://pbx.example:8088/ari"
    assert (settings.ami_host, settings.ami_port, settings.sip_host) == ("pbx.example", 5038, "pbx.example")
    assert (settings.app, settings.trunk) == ("cordboard", "carrier")
    assert settings.recordings_dir == Path("/var/spool/asterisk/monitor")
    assert "hidden" not in repr(settings)


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
def test_a_missing_setting_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        AsteriskSettings.from_env({key: value for key, value in ENVIRONMENT.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASTERISK_ARI_URL", "pbx:8088"),
        ("ASTERISK_AMI_PORT", "many"),
        ("ASTERISK_SIP_PORT", "0"),
        ("ASTERISK_ARI_APP", "a,b"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        AsteriskSettings.from_env({**ENVIRONMENT, name: value})
