"""FastAGI: whatever is said to the server, it goes on, asks for numbers only, and gives words of its own only."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agi import server as module
from agi.protocol import LINE_LIMIT, LINES_LIMIT, parse, set_variable
from agi.server import Server

REQUEST = b"agi_network: yes\nagi_network_script: did\nagi_extension: +16465550177\n\n"
ANSWER = b'SET VARIABLE CORDBOARD_QUEUE "open"\n'

lines = st.lists(st.binary(max_size=60) | st.sampled_from(REQUEST.splitlines()), max_size=12)


@given(lines)
def test_any_lines_are_parsed(said: list[bytes]) -> None:
    found = parse(said)
    assert all(isinstance(value, str) and "\n" not in name for name, value in found.items())


@given(st.text(max_size=20), st.text(max_size=20))
def test_only_plain_words_are_given_to_asterisk(name: str, value: str) -> None:
    try:
        command = set_variable(name, value)
    except ValueError:
        return
    assert command.count(b"\n") == 1 and command.endswith(b"\n") and command.count(b'"') == 2


def serving(work: Callable[[int, list[str]], Awaitable[None]], answer: str | Exception = "open") -> list[str]:
    """Run a server while `work` talks with it; what was looked up."""
    asked: list[str] = []

    def look_up(dialed: str) -> str:
        asked.append(dialed)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def both() -> None:
        served = Server(look_up)
        running = asyncio.create_task(served.run("127.0.0.1", 0))
        while not served.port:
            await asyncio.sleep(0)
        try:
            await work(served.port, asked)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())
    return asked


async def say(port: int, *said: bytes, reply: bytes = b"200 result=1\n") -> bytes:
    """Say something, end, and return what is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    heard = b""
    try:
        writer.writelines(said)
        if said and b"".join(said).endswith(b"\n\n"):
            heard = await reader.readline()
            writer.write(reply)
        writer.write_eof()
        heard += await reader.read()
    except OSError:  # it has been let go already
        pass
    finally:
        writer.close()
    return heard


def test_a_question_is_answered() -> None:
    async def work(port: int, asked: list[str]) -> None:
        assert await say(port, REQUEST) == ANSWER
        assert await say(port, REQUEST, reply=b"510 Invalid or unknown command\n") == ANSWER

    assert serving(work) == ["+16465550177"] * 2


@settings(max_examples=40, deadline=None)
@given(said=st.lists(lines, max_size=3), tail=st.binary(max_size=30))
def test_nothing_that_is_said_stops_it(said: list[list[bytes]], tail: bytes) -> None:
    async def work(port: int, asked: list[str]) -> None:
        for one in said:
            await say(port, b"\n".join(one) + b"\n\n")
        await say(port, tail)
        assert await say(port, REQUEST) == ANSWER

    serving(work)


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\n\n",
        b"agi_network_script: did\n\n",
        b"agi_network_script: other\nagi_extension: 1\n\n",
        b"agi_x: " + b"x" * (2 * LINE_LIMIT) + b"\n\n",
        b"agi_x: y\n" * (LINES_LIMIT + 5) + b"\n",
        b"\xff\xfe\x00\n\n",
    ],
)
def test_what_is_no_question_has_no_answer(said: bytes) -> None:
    async def work(port: int, asked: list[str]) -> None:
        assert await say(port, said) == b""

    assert serving(work) == []


def test_a_look_up_that_fails_or_hangs_has_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(port: int, asked: list[str]) -> None:
        assert await say(port, REQUEST) == b""

    serving(work, RuntimeError("the database is away"))
    serving(work, "two words")


def test_whoever_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ASK_WITHIN_S", 0.2)

    async def work(port: int, asked: list[str]) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        assert await reader.read() == b""
        writer.close()
        assert await say(port, REQUEST) == ANSWER

    serving(work)


def test_no_more_than_it_can_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 1)

    async def work(port: int, asked: list[str]) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"agi_network_script: did\n")
        await writer.drain()
        while True:  # the first one has its place once a second one is turned away
            if await say(port, REQUEST) == b"":
                break
        writer.close()

    serving(work)
