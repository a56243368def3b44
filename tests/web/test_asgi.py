"""Pages through the ASGI application, as uvicorn serves them: middleware and view in one thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponseBase

from dialer.asgi import Pages, application

pytestmark = pytest.mark.django_db(transaction=True)

passed: list[tuple[str, int]] = []


class First:
    """A middleware that notes its thread."""

    name = "first"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        passed.append((self.name, threading.get_ident()))
        return self._get_response(request)


class Last(First):
    """The one nearest the view."""

    name = "last"


async def got(app: Any, path: str) -> tuple[int, dict[bytes, bytes], bytes]:
    """Status, headers and body of a page."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "http_version": "1.1",
        "scheme": "http",
    }
    asked = ApplicationCommunicator(app, scope)
    await asked.send_input({"type": "http.request", "body": b""})
    start = await asked.receive_output(10)
    body = b""
    while True:
        part = await asked.receive_output(10)
        body += part["body"]
        if not part.get("more_body"):
            break
    await asked.wait(10)
    return start["status"], dict(start["headers"]), body


async def test_a_page_is_answered() -> None:
    status, headers, body = await got(application, "/sign-in/")
    assert status == 200
    assert headers[b"Content-Type"] == b"text/html; charset=utf-8"
    assert b"csrfmiddlewaretoken" in body


async def test_what_is_not_there_is_404() -> None:
    status, _, _ = await got(application, "/no-such-page/")
    assert status == 404


async def test_a_request_stays_in_one_thread(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.First", *settings.MIDDLEWARE, f"{__name__}.Last"]
    passed.clear()
    pages: Any = Pages()
    assert not iscoroutinefunction(pages._middleware_chain)
    status, _, _ = await got(pages, "/sign-in/")
    assert status == 200
    assert [name for name, _ in passed] == ["first", "last"]
    assert len({thread for _, thread in passed}) == 1
    assert passed[0][1] != threading.get_ident(), "not in the event loop's"


UPLOAD = "/campaigns/01999999-0000-7000-8000-000000000000/lists/new/"


async def sent(path: str, length: int | None, pieces: int = 0) -> tuple[int, int]:
    """Post a body of that length by its own word, or of so many pieces of 4 MB without one; status, pieces taken."""
    taken = 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken == max(1, pieces):
            await asyncio.get_running_loop().create_future()
        taken += 1
        return {"type": "http.request", "body": bytes(4 * 1024 * 1024), "more_body": taken < pieces}

    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    headers = [(b"host", b"localhost"), (b"content-type", b"application/octet-stream")]
    scope = {
        **{"type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1"},
        **{"scheme": "http", "headers": headers + ([(b"content-length", b"%d" % length)] if length else [])},
    }
    await application(scope, receive, send)
    if answers[0]["status"] == 413:
        assert dict(answers[0]["headers"])[b"Connection"] == b"close"
        assert b"nothing of it was kept" in b"".join(part.get("body", b"") for part in answers[1:])
    return answers[0]["status"], taken


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        (UPLOAD, 1100 * 1024 * 1024, 413),
        (UPLOAD, 100 * 1024 * 1024 * 1024, 413),
        ("/sign-in/", 17 * 1024 * 1024, 413),
        ("/sign-in/", 4 * 1024 * 1024, 403),
        (UPLOAD, 4 * 1024 * 1024, 403),
    ],
)
async def test_what_says_that_it_is_too_large_is_refused_before_any_of_it_is_read(
    path: str, length: int, status: int
) -> None:
    answered, taken = await sent(path, length, pieces=1)
    assert answered == status
    assert taken == (0 if status == 413 else 1)


async def test_what_does_not_say_how_large_it_is_is_read_no_further_than_it_may_be() -> None:
    assert await sent("/sign-in/", None, pieces=1000) == (413, 5)
