"""What screens can be shown live. Apps register their topics; this app knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID


class Refused(Exception):
    """This user may not see this topic (any more)."""


class NoSuch(Exception):
    """What this user asks for does not exist, as far as they may know."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of screen. All functions are synchronous and run in a thread, with the database at hand.

    `authorise(user)` returns the key whose changes this user sees, or raises Refused. `render(key, at)` returns the
    HTML to send; `at` is the ISO time of the switch event that caused it, or "". `heartbeat(keys)` is told every few
    seconds, and on opening, which keys somebody is looking at.

    A topic of things that are chosen from, such as campaigns, has `choose(user, wanted)` instead of `authorise`: it is
    shown under /ws/<name>/<wanted>/, and raises NoSuch for what is not there or another tenant's.

    `of_switch`: it shows whether the switch is there, so it is shown afresh when that changes.
    """

    name: str
    authorise: Callable[[Any], object] | None
    render: Callable[[Any, str], str]
    heartbeat: Callable[[Sequence[Any]], None] | None = None
    choose: Callable[[Any, UUID], object] | None = None
    of_switch: bool = False

    def key_for(self, user: Any, wanted: UUID | None) -> object:
        """The key that this user sees. Raises Refused or NoSuch."""
        if wanted is not None and self.choose is not None:
            return self.choose(user, wanted)
        if wanted is None and self.authorise is not None:
            return self.authorise(user)
        raise NoSuch


_topics: dict[str, Topic] = {}


def register(topic: Topic) -> None:
    """Make a topic known, under /ws/<name>/. Call from AppConfig.ready."""
    _topics[topic.name] = topic


def find(name: str) -> Topic | None:
    """The topic of that name, if an app registered it."""
    return _topics.get(name)
