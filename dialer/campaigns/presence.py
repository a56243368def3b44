"""Which number of a pool the people called see: local presence, rotation, caps of the day. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

NORTH_AMERICA = 5
"""Signs of a North American area code in international form: +1 and three digits."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a pool as it stands at one moment.

    `prefixes`: the beginnings of numbers to which it is local; `cap`: how often it may be shown in a day, 0 for no
    limit; `used`: how often it was today; `turn`: grows with each time that it was shown, so the least waited longest.
    """

    id: int
    phone: str
    prefixes: tuple[str, ...] = ()
    cap: int = 0
    used: int = 0
    turn: int = 0

    @property
    def left(self) -> bool:
        """Whether it may be shown once more today."""
        return self.cap == 0 or self.used < self.cap


def own_prefix(phone: str) -> str:
    """The beginning that a number is local to by itself: its area code in North America, nothing elsewhere."""
    return phone[:NORTH_AMERICA] if phone.startswith("+1") and len(phone) > NORTH_AMERICA else ""


def choose(numbers: Sequence[Number], called: str, local: bool) -> Number | None:
    """The number to show to the one called; None when all have reached their caps.

    With `local`, numbers that share the longest beginning with the one called go first. Among equals it is the turn of
    the one that was shown least today, then of the one that waited longest.
    """
    free = [number for number in numbers if number.left]
    if local:
        near = max((_nearness(number, called) for number in free), default=0)
        free = [number for number in free if _nearness(number, called) == near]
    return min(free, key=lambda number: (number.used, number.turn, number.id), default=None)


def _nearness(number: Number, called: str) -> int:
    prefixes = number.prefixes or (own_prefix(number.phone),)
    return max((len(prefix) for prefix in prefixes if prefix and called.startswith(prefix)), default=0)


def hand_out(numbers: Sequence[Number], called: Sequence[str], local: bool) -> list[Number | None]:
    """A number for each of those called, in their order, as it stands after that; all that are handed out count."""
    standing = {number.id: number for number in numbers}
    turn = max((number.turn for number in numbers), default=0)
    given: list[Number | None] = []
    for one in called:
        chosen = choose(list(standing.values()), one, local)
        if chosen is not None:
            turn += 1
            chosen = replace(chosen, used=chosen.used + 1, turn=turn)
            standing[chosen.id] = chosen
        given.append(chosen)
    return given
