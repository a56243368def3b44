"""The dial gate, pure: may this number be called now? What cannot be proved lawful is refused, and says why.

This first pack knows a tenant's do-not-call list and one calling window, 16 CFR 310.4(c): no calls before
8 a.m. or after 9 p.m. of the customer's local time. More packs follow; the interface stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dialer.core.words import _, said
from dialer.core.zones import known_zone

PACK = "basic/1"
"""The rule pack and its version, stored with every verdict."""

_LOOK_AHEAD = timedelta(days=3)


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
        return Deny("bad_number", _("The number is not in international form. Correct it in the lead."))
    if facts.on_dnc:
        return Deny("dnc", _("The number is on the do-not-call list. It is never dialed."))
    zones = [zone for name in facts.zones if (zone := known_zone(name)) is not None]
    if not zones or len(zones) != len(facts.zones):
        return Deny(
            "zone_unknown",
            _("Nothing tells in which time zone this number is. Set the lead's time zone."),
        )
    clocks = {zone.key: facts.now.astimezone(zone) for zone in zones}
    evidence = {name: clock.isoformat(timespec="minutes") for name, clock in clocks.items()}
    if all(_is_open(clock, facts) for clock in clocks.values()):
        return Allow(evidence)
    again_at = _next_common_opening(zones, facts)
    if again_at is None:
        return Deny(
            "no_common_hours",
            _("The time zones where this number may be have no calling hours in common. Set the lead's own time zone."),
            evidence,
        )
    return Deny(
        "calling_hours",
        said(
            "It is outside calling hours (%(opens)s to %(closes)s) where this number may be.",
            opens=_clock(facts.opens),
            closes=_clock(facts.closes),
        ),
        evidence,
        again_at,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _is_open(local: datetime, facts: Facts) -> bool:
    return facts.opens <= local.hour * 60 + local.minute < facts.closes


def _next_common_opening(zones: list[ZoneInfo], facts: Facts) -> datetime | None:
    """The first moment found, within a few days, at which the window is open in every zone."""
    moment = facts.now.astimezone(UTC)
    while moment - facts.now <= _LOOK_AHEAD:
        latest = moment
        for zone in zones:
            opening = _next_opening(moment, zone, facts)
            if opening is None:
                return None
            latest = max(latest, opening)
        if latest == moment:
            return moment
        moment = latest
    return None


def _next_opening(moment: datetime, zone: ZoneInfo, facts: Facts) -> datetime | None:
    """The next moment at which the window is open in `zone`: this one, or the next time it opens.

    Where the clock is set back the window may open twice in a day; where it is set forward past the opening, the
    moment found is a little later than the first lawful one.
    """
    local = moment.astimezone(zone)
    if _is_open(local, facts):
        return moment
    opening = time(facts.opens // 60, facts.opens % 60)
    found = []
    for days in (0, 1, 2):
        for fold in (0, 1):
            wall = datetime.combine(local.date() + timedelta(days=days), opening, tzinfo=zone).replace(fold=fold)
            candidate = wall.astimezone(UTC)
            if candidate > moment and _is_open(candidate.astimezone(zone), facts):
                found.append(candidate)
    return min(found, default=None)
