"""What the simulated carrier does with a number: a pure function of the number, the seed and the mix.

Two kinds of North American numbers:

`+1 555 B R DD VVV` says it itself (for tests):
  B   2 person · 3 machine · 4 busy · 5 no answer · 6 congestion · 7 invalid number
      8 hangs up at once after answer · 9 fax
  R   seconds of ringing before that (7: 0 refuses at once, 1-9 plays the operator's tones first; 5: not used)
  DD  the far end hangs up so many seconds after answer, 00 never
      (2: from 60 on ten times as many; 5: it stops ringing after DD s, 00: 90 s; 4 6 7 8: not used)
  VVV the voice, modulo 24 (900: a steady 1000 Hz tone, 901: an echo)

Every other number takes entry `last three digits` of a table of 1000 behaviours, drawn from the seed with the
proportions of the mix. The dialplan (asterisk/conf/carrier) is rendered from the same table, and a test compares the
two.
"""

from __future__ import annotations

import json
import random
import re
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Literal

Kind = Literal[
    "person",
    "hangs_up_at_once",
    "hangs_up_mid_call",
    "machine",
    "fax",
    "busy",
    "no_answer",
    "congestion",
    "invalid",
]
KINDS: tuple[Kind, ...] = (
    "person",
    "hangs_up_at_once",
    "hangs_up_mid_call",
    "machine",
    "fax",
    "busy",
    "no_answer",
    "congestion",
    "invalid",
)
ANSWERED: frozenset[Kind] = frozenset({"person", "hangs_up_at_once", "hangs_up_mid_call", "machine", "fax"})
TABLE_SIZE = 1000
VOICES = 24
SHORTEST_RECORDING_S = 12.0
"""A machine, however scaled, speaks its whole greeting."""
NO_ANSWER_S = 90.0
"""How long a phone rings before the network gives up."""

_EXPLICIT: dict[str, Kind] = {
    "2": "person",
    "3": "machine",
    "4": "busy",
    "5": "no_answer",
    "6": "congestion",
    "7": "invalid",
    "8": "hangs_up_at_once",
    "9": "fax",
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What the far end does with one call."""

    kind: Kind
    delay_s: float = 0.0
    """Silence before the network says anything (post-dial delay)."""
    ring_s: float = 0.0
    style: Literal["ring", "early"] = "ring"
    """Ringing by signal, or by tones in early media; for `invalid`: refused at once, or after the operator's tones."""
    voice: int = 0
    talk_s: float = 0.0
    """Seconds from answer until the far end hangs up by itself; 0: it does not."""

    @property
    def answers(self) -> bool:
        """The call is answered if the caller waits long enough."""
        return self.kind in ANSWERED


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of each kind, scaled to sum to one, and factors on times so that a bench need not take an hour."""

    person: float = 0.22
    hangs_up_at_once: float = 0.03
    hangs_up_mid_call: float = 0.05
    machine: float = 0.18
    fax: float = 0.01
    no_answer: float = 0.34
    busy: float = 0.08
    congestion: float = 0.04
    invalid: float = 0.05
    ring_scale: float = 1.0
    """Factor on delays and ring times of numbers that ring (the clamp of 1-25 s comes before it)."""
    talk_scale: float = 1.0
    """Factor on the time after which people hang up by themselves."""

    def __post_init__(self) -> None:
        if any(getattr(self, field.name) < 0 for field in fields(self)):
            raise ValueError("a mix has no negative figures")
        if self.total <= 0 or self.ring_scale <= 0 or self.talk_scale <= 0:
            raise ValueError("a mix needs at least one share above zero, and factors above zero")

    @property
    def total(self) -> float:
        """The sum of all shares."""
        return sum(float(getattr(self, kind)) for kind in KINDS)

    @classmethod
    def read(cls, path: Path) -> Mix:
        """Read a mix from a JSON object; figures left out keep their default. Raises ValueError for unknown names."""
        data = json.loads(path.read_text())
        known = {field.name for field in fields(cls)}
        if not isinstance(data, dict) or set(data) - known:
            raise ValueError(f"{path}: a mix is a JSON object with some of {', '.join(sorted(known))}")
        return cls(**{name: float(value) for name, value in data.items()})

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


DEFAULT_MIX = Mix()


def normalise(number: str) -> str | None:
    """The ten digits of a North American number as the carrier sees them, or None when it is none."""
    found = re.fullmatch(r"(?:\+?1)?([2-9][0-9]{2}[2-9][0-9]{6})", number)
    return found.group(1) if found else None


def behaviour_of(number: str, seed: int, mix: Mix = DEFAULT_MIX) -> Behaviour:
    """What the carrier will do with `number` (E.164 or national digits)."""
    digits = normalise(number)
    if digits is None:
        return Behaviour("invalid")
    if digits.startswith("555"):
        return _explicit(digits)
    return table(seed, mix)[int(digits[-3:])]


def _explicit(digits: str) -> Behaviour:
    kind = _EXPLICIT[digits[3]]
    ring, seconds, voice = int(digits[4]), int(digits[5:7]), int(digits[7:])
    if kind == "invalid":
        return Behaviour(kind, style="early" if ring else "ring")
    if kind == "no_answer":
        return Behaviour(kind, ring_s=seconds or NO_ANSWER_S)
    if kind in ("busy", "congestion"):
        return Behaviour(kind, ring_s=ring)
    if kind == "hangs_up_at_once":
        return Behaviour(kind, ring_s=ring, talk_s=0.3)
    if kind == "fax":
        return Behaviour(kind, ring_s=ring, talk_s=seconds)
    patient = kind == "person" and seconds >= 60  # a test that needs them may take long on a busy machine
    return Behaviour(kind, ring_s=ring, voice=voice, talk_s=seconds * 10 if patient else seconds)


@lru_cache(maxsize=8)
def table(seed: int, mix: Mix = DEFAULT_MIX) -> tuple[Behaviour, ...]:
    """The behaviours of the numbers ending in 000 to 999: shares are exact to one entry, their order is the seed's."""
    shuffler = random.Random(f"order {seed}")
    kinds: list[Kind] = []
    share = 0.0
    for kind in KINDS:
        share += getattr(mix, kind)
        kinds += [kind] * (round(TABLE_SIZE * share / mix.total) - len(kinds))
    shuffler.shuffle(kinds)
    return tuple(_draw(kind, random.Random(f"{seed} {entry}"), mix) for entry, kind in enumerate(kinds))


def _draw(kind: Kind, rng: random.Random, mix: Mix) -> Behaviour:
    delay = _clamp(rng.lognormvariate(-0.5, 0.5), 0.2, 2.0) * mix.ring_scale
    ring = _clamp(rng.lognormvariate(1.95, 0.55), 1.0, 25.0) * mix.ring_scale
    early = rng.random() < 0.25
    voice = rng.randrange(VOICES)
    talk = _clamp(rng.lognormvariate(3.2, 0.5), 10.0, 60.0) * mix.talk_scale
    brief = max(0.6, rng.uniform(1.0, 6.0) * mix.talk_scale)
    recording = max(SHORTEST_RECORDING_S, rng.uniform(20.0, 45.0) * mix.talk_scale)
    rejects = rng.random() < 0.3
    match kind:
        case "person":
            talk_s = talk
        case "hangs_up_mid_call":
            talk_s = brief
        case "hangs_up_at_once":
            talk_s = 0.3
        case "machine" | "fax":
            talk_s = recording
        case _:
            talk_s = 0.0
    match kind:
        case "no_answer":
            ring = NO_ANSWER_S
        case "invalid" | "congestion":
            ring = 0.0
        case "busy" if not rejects:  # engaged; the others look at the screen and press reject
            ring = 0.0
    style: Literal["ring", "early"] = "early" if early and (ring or kind == "invalid") else "ring"
    return Behaviour(kind, round(delay, 2), round(ring, 2), style, voice, round(talk_s, 2))


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


def dialplan_table(seed: int, mix: Mix = DEFAULT_MIX) -> str:
    """The same table as extensions of the carrier's dialplan."""
    lines = []
    for entry, b in enumerate(table(seed, mix)):
        args = f"{b.kind},{b.delay_s:g},{b.ring_s:g},{b.style},{b.voice},{b.talk_s:g}"
        lines.append(f"exten => {entry:03d},1,Gosub(far,begin,1({args}))\n")
    return "".join(lines)
