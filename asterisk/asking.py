"""Asking Asterisk for something: values that are safe to give to it, and its errors in the port's terms."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from typing import Any, TypeVar

from dialer.telephony.port import AlreadyThere, SwitchRefused, SwitchUnreachable

from .ari import AriError, AriUnreachable

NUMBER = re.compile(r"\+?[0-9*#]{1,32}")
CALLER_ID = re.compile(r"\+?[0-9]{0,32}")
DIGITS = re.compile(r"[0-9*#A-D]{1,32}")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
RECORDING = re.compile(r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9_./-]{0,200}\.(wav|sln|ulaw)")

CAUSE_NO_ROUTE, CAUSE_UNREGISTERED, CAUSE_INVALID_FORMAT, CAUSE_FAILURE = 3, 20, 28, 38

T = TypeVar("T")


class Group(asyncio.TaskGroup):
    """A task group whose failure comes out as SwitchRefused or SwitchUnreachable."""

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        except BaseExceptionGroup as errors:
            raise _as_switch_error(errors) from errors


def _as_switch_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    first = errors.exceptions[0]
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    if isinstance(first, AriError):
        return SwitchRefused(str(first))
    if isinstance(first, AriUnreachable):
        return SwitchUnreachable(str(first))
    return first


async def answered(request: Awaitable[T]) -> T:
    """Await a request, its errors in the port's terms."""
    try:
        return await request
    except AriError as error:
        if error.status in (401, 403):
            raise SwitchUnreachable("Asterisk refuses our sign-in") from error
        raise SwitchRefused(error.message or str(error), CAUSE_FAILURE if error.status >= 500 else 0) from error
    except AriUnreachable as error:
        raise SwitchUnreachable(str(error)) from error


async def unless_taken(request: Awaitable[object]) -> None:
    """Await the making of a channel; AlreadyThere when its id is in use."""
    try:
        await request
    except AriError as error:
        if error.status == 409:
            raise AlreadyThere(error.message or str(error)) from error
        raise


async def unless_gone(request: Awaitable[object], *gone: int) -> None:
    """Await a request for which "there is none" (404, or another status in `gone`) is as good as done."""
    try:
        await request
    except AriError as error:
        if error.status not in (404, *gone):
            raise


def require(pattern: re.Pattern[str], value: str, what: str) -> None:
    """Refuse a value that Asterisk could read as something else.

    It is not repeated in the message, it may be personal.
    """
    if not pattern.fullmatch(value):
        raise SwitchRefused(f"that is not {what} that can be given to Asterisk", CAUSE_INVALID_FORMAT)


def plain_name(text: str) -> str:
    """A name for a SIP display.

    Control characters and the signs that structure a SIP address become spaces; at most 60 characters.
    """
    cleaned = "".join(sign if sign.isprintable() and sign not in '"<>\\' else " " for sign in text)
    return " ".join(cleaned.split())[:60]
