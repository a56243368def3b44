"""What the gate goes by, loaded for a whole batch in a few prepared statements, whatever its size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dialer.campaigns.models import Campaign
from dialer.core import prepared
from dialer.core.numbers import zones_of_number
from dialer.leads.models import Lead

from . import national
from .history import History, history_of
from .laws import DAY_MINUTES, Purpose
from .models import CampaignTerms
from .rulebook import laws_for, regions_of_number
from .rules import EVERY_DAY, CampaignFacts, Consent, LeadFacts, NumberFacts, Reassigned


@dataclass(frozen=True, slots=True)
class Asked:
    """A number that somebody or something wants to dial. `regions`: where its owner is said to live (US-FL)."""

    number: str
    zones: tuple[str, ...]
    lead_id: int | None = None
    regions: tuple[str, ...] = ()


def asked_for(lead: Lead) -> Asked:
    """The question that a lead puts to the gate."""
    if not lead.dialed:
        return Asked(lead.phone, tuple(lead.time_zones), lead.pk, said_regions(lead))
    zones = dict.fromkeys((*lead.time_zones, *zones_of_number(lead.dialed)))
    return Asked(lead.dialed, tuple(zones), lead.pk, said_regions(lead))


def said_regions(lead: Lead) -> tuple[str, ...]:
    """Where the lead is said to live, beside what its number says: its own state, when a list brought one."""
    if lead.region:
        return (lead.region,)
    state = str(lead.custom.get("state", "")).strip().upper() if isinstance(lead.custom, dict) else ""
    return (f"US-{state}",) if len(state) == 2 and state.isalpha() else ()


_LOCK = """
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(%(tenant)s::text || phone, 4242) AS key
    FROM unnest(%(phones)s::text[]) AS phone ORDER BY key
) AS keys
"""


def lock_numbers(*, tenant_id: int, phones: Sequence[str]) -> None:
    """Have these numbers to oneself until the transaction's end.

    Whoever decides to dial a number, and whoever forbids it, holds its lock while doing so: what was forbidden is seen
    by all who decide later, and two who decide at once count each other's call. Taken last of a transaction's locks
    (but for the abandonment ledger's day), in one order.
    """
    prepared.run(_LOCK, {"tenant": tenant_id, "phones": list(phones)}).fetchall()


# Its share of the rules first: whoever waits for that must hold no number for which a decision under way may ask next.
_LOCK_TO_DECIDE = """
WITH rules AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(hashtextextended('rules of ' || %(tenant)s::text, 4242)),
        pg_advisory_xact_lock_shared(hashtextextended('official lists', 4242)), 1 AS held
)
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(%(tenant)s::text || phone, 4242) AS key
    FROM unnest(%(phones)s::text[]) AS phone WHERE (SELECT held FROM rules) = 1 ORDER BY key
) AS keys
"""


def lock_to_decide(*, tenant_id: int, phones: Sequence[str]) -> None:
    """Have these numbers to oneself, and what forbids numbers without naming them as it is, until the end.

    Deciders share the second, so they never wait for each other by it.
    """
    prepared.run(_LOCK_TO_DECIDE, {"tenant": tenant_id, "phones": list(phones)}).fetchall()


def lock_rules(*, tenant_id: int) -> None:
    """Before a pattern or a stop is written: decisions under way are waited for, later ones see it.

    Taken first of a transaction's locks, and for the moment of a commit.
    """
    prepared.run("SELECT pg_advisory_xact_lock(hashtextextended('rules of ' || %s::text, 4242))", [tenant_id])


LISTED = """
SELECT d.phone, CASE
    WHEN d.kind = 'litigator' THEN 'litigator' WHEN d.campaign_id IS NULL THEN 'dnc' ELSE 'dnc_campaign'
END
FROM compliance_dncentry d
WHERE d.tenant_id = %(tenant)s AND d.phone = ANY(%(phones)s::text[])
    AND (d.campaign_id IS NULL OR d.campaign_id = %(campaign)s)
UNION ALL
SELECT phone, 'dnc_pattern' FROM compliance_dncpattern p, unnest(%(phones)s::text[]) AS phone
WHERE p.tenant_id = %(tenant)s AND starts_with(phone, p.prefix)
    AND (p.campaign_id IS NULL OR p.campaign_id = %(campaign)s)
"""
_ORDER = {"dnc": 0, "litigator": 1, "dnc_pattern": 2, "dnc_campaign": 3}
_KNOWN = """
SELECT phone, 'consent', kind, given_at, expires_at, revoked_at, NULL::date, NULL::boolean, NULL::boolean
FROM compliance_consent WHERE tenant_id = %(tenant)s AND phone = ANY(%(phones)s::text[])
UNION ALL
SELECT phone, 'number', reassigned, reassigned_at, NULL, NULL, reassigned_since, wireless, by_hand_only
FROM compliance_numbernote WHERE tenant_id = %(tenant)s AND phone = ANY(%(phones)s::text[])
"""
_TERMS = """
SELECT 'stop', region, NULL::timestamptz, NULL::bigint FROM compliance_statestop
WHERE tenant_id = %(tenant)s AND lifted_at IS NULL
UNION ALL
SELECT 'list', name, as_of, id FROM compliance_nationallist WHERE is_current
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The facts of one batch at one moment."""

    campaign: CampaignFacts
    listed: Mapping[str, str]
    national: Mapping[str, frozenset[str]]
    consents: Mapping[str, tuple[Consent, ...]]
    notes: Mapping[str, tuple[Any, ...]]
    history: History

    def lead(self, asked: Asked) -> LeadFacts:
        """What is known of whom a number is asked for."""
        if asked.lead_id is None:
            return LeadFacts(asked.zones, asked.regions)
        calls = tuple(self.history.lead_calls.get(asked.lead_id, ()))
        return LeadFacts(asked.zones, asked.regions, calls, self.history.talked.get(asked.lead_id))

    def number(self, asked: Asked) -> NumberFacts:
        """What is known of a number."""
        phone = asked.number
        answer, checked_at, since, wireless, by_hand = self.notes.get(phone, _NOTHING)
        return NumberFacts(
            phone,
            regions_of_number(phone),
            self.listed.get(phone, ""),
            self.national.get(phone, _NOWHERE),
            self.consents.get(phone, ()),
            Reassigned(answer, checked_at, since) if answer and checked_at and since else None,
            wireless,
            by_hand,
            tuple(self.history.calls.get(phone, ())),
            self.history.abandoned.get(phone),
        )


_NOTHING: tuple[Any, ...] = ("", None, None, False, False)
_NOWHERE: frozenset[str] = frozenset()


def load(
    *,
    campaign: Campaign,
    asked: Sequence[Asked],
    at: datetime,
    by_hand: bool,
    purpose: Purpose | None = None,
    without: int | None = None,
) -> Loaded:
    """Everything that the gate needs to judge these numbers. `purpose`: another than the campaign's own.

    `without`: the verdict whose own call does not count as an earlier one.
    """
    tenant = campaign.tenant
    phones = [one.number for one in asked]
    lead_ids = [one.lead_id for one in asked if one.lead_id is not None]
    terms = terms_of(campaign)
    why = purpose or Purpose(terms.purpose)
    stops: list[str] = []
    lists: dict[str, tuple[datetime, int]] = {}
    for what, name, as_of, key in prepared.run(_TERMS, {"tenant": tenant.pk}):
        if what == "stop":
            stops.append(name)
        else:
            lists[name] = (as_of, key)
    facts = CampaignFacts(
        laws=laws_for(why, by_hand),
        opens=max(tenant.window_opens, campaign.window_opens or 0),
        closes=min(tenant.window_closes, campaign.window_closes or DAY_MINUTES),
        days=frozenset(campaign.window_days) or EVERY_DAY,
        lists={name: as_of for name, (as_of, _key) in lists.items()},
        stopped=frozenset(stops),
        consent=terms.consent if purpose is None else "",
        attempts=terms.attempts,
        wireless_by_hand=terms.wireless_by_hand,
        reassigned_days=terms.reassigned_days,
    )
    batch: dict[str, Any] = {"tenant": tenant.pk, "phones": phones, "campaign": campaign.pk}
    listed: dict[str, str] = {}
    for phone, rule in prepared.run(LISTED, batch):
        if phone not in listed or _ORDER[rule] < _ORDER[listed[phone]]:
            listed[phone] = rule
    consents: dict[str, tuple[Consent, ...]] = {}
    notes: dict[str, tuple[Any, ...]] = {}
    for phone, what, word, first, second, third, day, wireless, by_hand_only in prepared.run(_KNOWN, batch):
        if what == "consent":
            consents[phone] = (*consents.get(phone, ()), Consent(word, first, second, third))
        else:
            notes[phone] = (word, first, day, wireless, by_hand_only)
    return Loaded(
        campaign=facts,
        listed=listed,
        national=_national(facts, phones, lists),
        consents=consents,
        notes=notes,
        history=history_of(tenant_id=tenant.pk, phones=phones, lead_ids=lead_ids, at=at, without=without),
    )


def _national(
    campaign: CampaignFacts, phones: Sequence[str], lists: Mapping[str, tuple[datetime, int]]
) -> dict[str, frozenset[str]]:
    """The official lists that each number is on, of those that the law asks for where the number may be."""
    wanted: dict[str, list[int]] = {}
    for phone in phones:
        if phone[1:].isascii() and phone[1:].isdigit():
            for rule in campaign.laws.of(regions_of_number(phone)).national:
                wanted.setdefault(rule.list, []).append(int(phone[1:]))
    found: dict[str, frozenset[str]] = {}
    for name, numbers in wanted.items():
        if name in lists:
            for number in national.listed(lists[name][1], numbers):
                phone = f"+{number}"
                found[phone] = found.get(phone, _NOWHERE) | {name}
    return found


def terms_of(campaign: Campaign) -> CampaignTerms:
    """What the campaign said of itself; one that said nothing calls to sell, which is judged most strictly."""
    return _TERMS_OF.first(campaign.pk) or CampaignTerms(tenant_id=campaign.tenant_id, campaign=campaign)


_TERMS_OF: prepared.Read[CampaignTerms] = prepared.Read(
    lambda campaign_id: CampaignTerms.objects.across_tenants().filter(campaign_id=campaign_id), -4242
)
