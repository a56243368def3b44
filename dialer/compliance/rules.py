"""The dial gate, pure: may this number be called now? What cannot be proved lawful is refused, and says the cure.

All that it goes by is handed in: what is known of the lead and of the number, and what the campaign is and the law asks
of it (laws.py; the packs are data). Where a number may be in several places or zones, the strictest of all decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dialer.core.words import _, said
from dialer.core.zones import known_zone

from .laws import Law, Laws, Level, Notice, Purpose, Rule, strength

OWN_PACK = "tenant"
"""The pack named in refusals on what the tenant itself decided: its lists, its hours, its stops."""

EVERY_DAY = frozenset(range(7))
"""The weekdays."""

_LOOK_AHEAD = timedelta(days=8)
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """What is known of whom the number belongs to. `regions`: where they are said to be, beside what the number says.

    `calls` are the moments of earlier calls to this lead, on any of its numbers; `talked_at` the last conversation.
    """

    zones: tuple[str, ...]
    regions: tuple[str, ...] = ()
    calls: tuple[datetime, ...] = ()
    talked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Consent:
    """One consent: of what level, from when until when. A relationship (a purchase, an enquiry) is kept as one too."""

    level: str
    given_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it counts at a moment; from the moment of its revocation on it does not."""
        over = self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= at)
        return self.given_at <= at and not over


@dataclass(frozen=True, slots=True)
class Reassigned:
    """The last answer of the reassigned-numbers database: yes, no or no_data since `since`, asked at `checked_at`."""

    answer: str
    checked_at: datetime
    since: date


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """What is known of a number. `listed`: why the tenant never dials it (dnc, dnc_campaign, dnc_pattern, litigator).

    `national`: the official lists that it is on. `calls`: the moments of earlier calls to it.
    """

    e164: str
    regions: tuple[str, ...] = ()
    listed: str = ""
    national: frozenset[str] = frozenset()
    consents: tuple[Consent, ...] = ()
    reassigned: Reassigned | None = None
    wireless: bool = False
    by_hand_only: bool = False
    calls: tuple[datetime, ...] = ()
    abandoned_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CampaignFacts:
    """What the campaign is. `opens` and `closes`: the tenant's and its own hours, in minutes of the local day.

    `days`: the local weekdays on which it calls, Monday 0. `lists`: when each official list was fetched. `stopped`:
    regions in which an emergency stop is on. `attempts`: the campaign's own limit of calls to a number in 24 hours, 0
    for none. `reassigned_days`: how old a check for reassignment may be, 0 when none is asked for.
    """

    laws: Laws
    opens: int = 0
    closes: int = 1440
    days: frozenset[int] = EVERY_DAY
    lists: Mapping[str, datetime] = field(default_factory=dict)
    stopped: frozenset[str] = frozenset()
    consent: str = ""
    attempts: int = 0
    wireless_by_hand: bool = False
    reassigned_days: int = 0


@dataclass(frozen=True, slots=True)
class Allow:
    """The call may be made; the evidence says on what grounds."""

    evidence: dict[str, Any] = field(default_factory=dict)
    rule: str = "allowed"
    pack: str = OWN_PACK


@dataclass(frozen=True, slots=True)
class Deny:
    """The call may not be made. `again_at`: when it may be worth asking again; None: not by waiting."""

    rule: str
    reason: str
    evidence: dict[str, Any] = field(default_factory=dict)
    again_at: datetime | None = None
    pack: str = OWN_PACK


def gate(lead: LeadFacts, number: NumberFacts, campaign: CampaignFacts, now: datetime) -> Allow | Deny:
    """Answer for one number at one moment (aware); the first rule that refuses gives the reason."""
    digits = number.e164[1:]
    if not (number.e164.startswith("+") and digits.isascii() and digits.isdigit()):
        return Deny("bad_number", _("The number is not in international form. Correct it in the lead."))
    if number.listed:
        return Deny(number.listed, _LISTED[number.listed])
    by_hand = campaign.laws.by_hand
    if not by_hand and (number.by_hand_only or (number.wireless and campaign.wireless_by_hand)):
        reason = _("This number is dialed by hand only. An agent can dial it from the desk.")
        return Deny("by_hand_only", reason, again_at=now + _DAY)
    zones = [zone for name in lead.zones if (zone := known_zone(name)) is not None]
    if not zones or len(zones) != len(lead.zones):
        return Deny("zone_unknown", _("Nothing tells in which time zone this number is. Set the lead's time zone."))
    regions = merged(number.regions, lead.regions)
    if campaign.stopped and (stopped := _stopped(regions, campaign.stopped)):
        return Deny(
            "state_stopped",
            said("An emergency stop is on for %(region)s. A supervisor can lift it.", region=stopped),
            {"regions": list(regions)},
            now + timedelta(hours=1),
        )
    law = campaign.laws.of(regions)
    clocks = [now.astimezone(zone) for zone in zones]
    latest = max(clock.date() for clock in clocks)
    evidence: dict[str, Any] = {
        "clocks": {zone.key: clock.isoformat(timespec="minutes") for zone, clock in zip(zones, clocks, strict=True)},
        "regions": list(regions),
    }
    held = [one for one in number.consents if one.holds(now)]
    refused = (
        _consent(number, held, campaign, law, latest, now, evidence)
        or _national(number, held, campaign, law, latest, now, evidence)
        or _rests(lead, number, campaign, law, latest, now, evidence)
        or _closed(zones, clocks, campaign, law, now, evidence)
    )
    return refused or Allow(evidence, pack=law.pack or OWN_PACK)


_LISTED = {
    "dnc": _("The number is on the do-not-call list. It is never dialed."),
    "dnc_campaign": _("The number is on this campaign's do-not-call list. Other campaigns may dial it."),
    "dnc_pattern": _("The number begins with digits that are on the do-not-call list. It is never dialed."),
    "litigator": _("The number is on the list of litigators. It is never dialed."),
}


def merged(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    """Both sets of regions, in one order whichever came first."""
    return first if not second or first == second else tuple(sorted({*first, *second}))


def _stopped(regions: tuple[str, ...], stopped: frozenset[str]) -> str:
    return next((region for region in regions if region in stopped or region.partition("-")[0] in stopped), "")


def _consent(
    number: NumberFacts,
    held: list[Consent],
    campaign: CampaignFacts,
    law: Law,
    day: date,
    now: datetime,
    evidence: dict[str, Any],
) -> Deny | None:
    """Consent where the law or the campaign needs it; one that was revoked is worse than none."""
    if held:
        evidence["consent"] = max(held, key=lambda one: strength(one.level)).level
    elif campaign.laws.purpose != Purpose.SERVICE and any(one.revoked_at is not None for one in number.consents):
        return Deny(
            "consent_revoked",
            _("The person took their consent back. Call again only when they give a new one."),
            evidence,
        )
    asking = law.consent_on(day)
    needed = max(campaign.consent, asking.level if asking else "", key=strength)
    if not needed:
        return None
    good = [one for one in held if strength(one.level) >= strength(needed)]
    if not good:
        words = _WRITTEN if needed == Level.WRITTEN else _EXPRESS
        by_law = asking is not None and asking.level == needed
        return Deny("consent_needed", words, evidence, now + _DAY, asking.pack if asking and by_law else OWN_PACK)
    if campaign.reassigned_days:
        return _reassigned(number, campaign.reassigned_days, min(one.given_at for one in good), now, evidence)
    return None


_WRITTEN = _("The person has not consented in writing. Record their written consent, or have it dialed by hand.")
_EXPRESS = _("The person has not consented to these calls. Record their consent with its source and proof.")


def _reassigned(
    number: NumberFacts, days: int, given_at: datetime, now: datetime, evidence: dict[str, Any]
) -> Deny | None:
    """The number must still belong to whoever consented (47 CFR 64.1200(m), the reassigned numbers database)."""
    check = number.reassigned
    if check is not None:
        evidence["reassigned"] = f"{check.answer} {check.checked_at.date().isoformat()}"
        if check.answer == "yes" and check.since <= given_at.date():
            return Deny(
                "reassigned", _("The number has another owner since the consent. Find the person's new one."), evidence
            )
    too_old = check is not None and now - check.checked_at > timedelta(days=days)
    if check is None or check.answer != "no" or check.since > given_at.date() or too_old:
        return Deny(
            "reassigned_unknown",
            said(
                "No check within %(days)s days says that the number still has its owner. Load new results.", days=days
            ),
            evidence,
        )
    return None


def _national(
    number: NumberFacts,
    held: list[Consent],
    campaign: CampaignFacts,
    law: Law,
    day: date,
    now: datetime,
    evidence: dict[str, Any],
) -> Deny | None:
    """The official lists: one that is missing or too old refuses every number, for nothing can be said of any."""
    for rule in law.national:
        if not rule.holds_on(day):
            continue
        fetched = campaign.lists.get(rule.list)
        if fetched is None or now - fetched > rule.within or fetched > now:
            return Deny(
                "list_stale",
                said(
                    "The do-not-call list “%(list)s” is missing or older than %(days)s days. Load a fresh one.",
                    list=rule.list,
                    days=rule.within.days,
                ),
                evidence,
                now + timedelta(hours=1),
                rule.pack,
            )
        evidence[rule.list] = fetched.isoformat(timespec="minutes")
        excused = any(one.level in (Level.WRITTEN, Level.RELATIONSHIP) for one in held)
        if rule.list in number.national and not excused:
            return Deny(
                "national_list",
                _("The number is on the official do-not-call list, and no written consent is on record."),
                evidence,
                pack=rule.pack,
            )
    return None


def _rests(
    lead: LeadFacts,
    number: NumberFacts,
    campaign: CampaignFacts,
    law: Law,
    day: date,
    now: datetime,
    evidence: dict[str, Any],
) -> Deny | None:
    """What earlier calls forbid: too many of them, a conversation just had, an abandoned call."""
    if number.abandoned_at is not None:
        for rule in law.abandoned:
            if rule.holds_on(day) and now < number.abandoned_at + rule.within:
                return _wait(rule, _ABANDONED, number.abandoned_at + rule.within, evidence, rule.within)
    if lead.talked_at is not None:
        for rule in law.conversation:
            if rule.holds_on(day) and now < lead.talked_at + rule.within:
                return _wait(rule, _TALKED, lead.talked_at + rule.within, evidence, rule.within)
    for rule in law.attempts:
        calls = lead.calls if rule.per == "lead" else number.calls
        if rule.holds_on(day) and (until := _until(calls, rule.calls, rule.within, now)):
            return _wait(rule, _TOO_OFTEN, until, evidence, rule.within, rule.calls)
    if campaign.attempts and (until := _until(number.calls, campaign.attempts, _DAY, now)):
        return _wait(None, _TOO_OFTEN, until, evidence, _DAY, campaign.attempts)
    return None


_ABANDONED = _(
    "An earlier call to this number was abandoned. It rests for %(hours)s hours, or an agent dials it by hand."
)
_TALKED = _("There was a conversation already. It is not called again for %(hours)s hours.")
_TOO_OFTEN = _("It was called %(calls)s times within %(hours)s hours, which is as often as is allowed.")


def _wait(
    rule: Rule | None, words: str, until: datetime, evidence: dict[str, Any], within: timedelta, calls: int = 0
) -> Deny:
    reason = said(words, hours=int(within.total_seconds() // 3600), calls=calls)
    if rule is None:
        return Deny("campaign_attempts", reason, evidence, until)
    return Deny(rule.id, reason, evidence, until, rule.pack)


def _until(calls: tuple[datetime, ...], limit: int, within: timedelta, now: datetime) -> datetime | None:
    """When fewer than `limit` calls will lie within the time; None when that is so already."""
    recent = sorted(call for call in calls if call > now - within)
    return recent[len(recent) - limit] + within if len(recent) >= limit else None


def _closed(
    zones: list[ZoneInfo],
    clocks: list[datetime],
    campaign: CampaignFacts,
    law: Law,
    now: datetime,
    evidence: dict[str, Any],
) -> Deny | None:
    """Calling hours: within those of the tenant and of every rule, on the clock of every zone."""
    binding: Rule | None = None
    hours = (campaign.opens, campaign.closes)
    for clock in clocks:
        opens, closes, rule = _hours(clock.date(), campaign, law)
        if not opens <= clock.hour * 60 + clock.minute < closes:
            hours, binding = (opens, closes), rule
            break
    else:
        return None
    again_at = _next_common_opening(zones, campaign, law, now)
    if again_at is None:
        return Deny(
            "no_common_hours",
            _("The time zones where this number may be have no calling hours in common. Set the lead's own time zone."),
            evidence,
        )
    if hours[0] >= hours[1]:
        reason = _("No calls are allowed on this day where this number may be.")
    else:
        reason = said(
            "It is outside calling hours (%(opens)s to %(closes)s) where this number may be.",
            opens=_clock(hours[0]),
            closes=_clock(hours[1]),
        )
    return Deny(
        binding.id if binding else "calling_hours", reason, evidence, again_at, binding.pack if binding else OWN_PACK
    )


def _hours(day: date, campaign: CampaignFacts, law: Law) -> tuple[int, int, Rule | None]:
    """The hours of a day by the law and by the tenant; the rule is None where the tenant's own bind more."""
    opens, closes, rule = law.hours(day)
    if day.weekday() not in campaign.days:
        return 0, 0, None
    if campaign.opens > opens or campaign.closes < closes:
        rule = rule if opens >= closes else None
        opens, closes = max(opens, campaign.opens), min(closes, campaign.closes)
    return opens, closes, rule


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _is_open(local: datetime, campaign: CampaignFacts, law: Law) -> bool:
    opens, closes, _rule = _hours(local.date(), campaign, law)
    return opens <= local.hour * 60 + local.minute < closes


def _next_common_opening(zones: list[ZoneInfo], campaign: CampaignFacts, law: Law, now: datetime) -> datetime | None:
    """The first moment found, within a few days, at which it is open in every zone."""
    moment = now.astimezone(UTC)
    while moment - now <= _LOOK_AHEAD:
        latest = moment
        for zone in zones:
            opening = _next_opening(moment, zone, campaign, law)
            if opening is None:
                return None
            latest = max(latest, opening)
        if latest == moment:
            return moment
        moment = latest
    return None


def _next_opening(moment: datetime, zone: ZoneInfo, campaign: CampaignFacts, law: Law) -> datetime | None:
    """The next moment at which it is open in `zone`: this one, or the next time that it opens.

    Where the clock is set back the window may open twice in a day; where it is set forward past the opening, the
    moment found is a little later than the first lawful one.
    """
    local = moment.astimezone(zone)
    if _is_open(local, campaign, law):
        return moment
    for days in range(_LOOK_AHEAD.days + 1):
        day = local.date() + timedelta(days=days)
        opens, closes, _rule = _hours(day, campaign, law)
        if opens >= closes:
            continue
        found = []
        for fold in (0, 1):
            wall = datetime.combine(day, time(opens // 60, opens % 60), tzinfo=zone).replace(fold=fold)
            candidate = wall.astimezone(UTC)
            if candidate > moment and _is_open(candidate.astimezone(zone), campaign, law):
                found.append(candidate)
        if found:
            return min(found)
    return None


def recording_notice(lead: LeadFacts, number: NumberFacts, campaign: CampaignFacts, now: datetime) -> Notice:
    """What the person called must hear if the call is recorded: the strictest of the places where they may be."""
    law = campaign.laws.of(merged(number.regions, lead.regions))
    return law.notice_on(now.date())
