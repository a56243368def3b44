"""The dial gate, pure: may this number be called now? What cannot be proved lawful is refused, and says why.

This first pack knows a tenant's do-not-call list and one calling window, 16 CFR 310.4(c): no calls before
8 a.m. or after 9 p.m. of the customer's local time. More packs follow; the interface stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PACK = "basic/1"
"""The rule pack and its version, stored with every verdict."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one number at one moment. `now` is aware; the window is in minutes of the local day."""

    number: str
    zones: tuple[str, ...]
    now: datetime
    on_dnc: bool
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may be made; the evidence says on what grounds."""

    evidence: dict[str, str] = field(default_factory=dict)
    rule: str = "allowed"
    pack: str = PACK


@dataclass(frozen=True, slots=True)
class Deny:
    """The call may not be made. `again_at`: when it may be worth asking again; None: not by waiting."""

    rule: str
    reason: str
    evidence: dict[str, str] = field(default_factory=dict)
    again_at: datetime | None = None
    pack: str = PACK


def gate(facts: Facts) -> Allow | Deny:
    """Answer for one number at one moment; the first rule that refuses gives the reason."""
    if not (facts.number.startswith("+") and facts.number[1:].isascii() and facts.number[1:].isdigit()):
        return Deny("bad_number", "The number is not in international form. Correct it in the lead.")
    if facts.on_dnc:
        return Deny("dnc", "The number is on the do-not-call list. It is never dialed.")
    try:
        zones = [ZoneInfo(name) for name in facts.zones]
    except (ZoneInfoNotFoundError, ValueError):
        zones = []
    if not zones:
        return Deny(
            "zone_unknown",
            "Nothing tells in which time zone this number is. Set the lead's time zone.",
        )
    clocks = {zone.key: facts.now.astimezone(zone) for zone in zones}
    evidence = {name: clock.isoformat(timespec="minutes") for name, clock in clocks.items()}
    if all(facts.opens <= clock.hour * 60 + clock.minute < facts.closes for clock in clocks.values()):
        return Allow(evidence)
    return Deny(
        "calling_hours",
        f"It is outside calling hours ({_clock(facts.opens)} to {_clock(facts.closes)}) where this number may be.",
        evidence,
        max(_next_opening(facts.now, zone, facts.opens) for zone in zones),
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _next_opening(now: datetime, zone: ZoneInfo, opens: int) -> datetime:
    """The next moment at which the window opens in `zone`; now itself when it is open by the clock already."""
    local = now.astimezone(zone)
    opening = time(opens // 60, opens % 60)
    for days in (0, 1, 2):
        moment = datetime.combine(local.date() + timedelta(days=days), opening, tzinfo=zone).astimezone(UTC)
        if moment > now:
            return moment
    return now + timedelta(days=1)
