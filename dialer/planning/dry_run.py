"""Dry run: which leads of a campaign the next hour could dial, and why not the others, counted. Nothing is changed.

The gate answers once per class of leads that it cannot tell apart (zones, places, lists, consents, notes, and the
quarter of an hour from which they are due), and PostgreSQL counts the classes; only leads with calls of the last days
are asked about one by one. So a million leads take seconds and every answer is the gate's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from dialer.campaigns.models import Campaign
from dialer.compliance import national
from dialer.compliance.facts import Asked, Loaded, asked_for, load
from dialer.compliance.history import LOOK_BACK, History
from dialer.compliance.laws import Level
from dialer.compliance.rulebook import regions_of_number
from dialer.compliance.rules import Allow, Consent, Deny, gate
from dialer.leads.choosing import where_of
from dialer.leads.services import with_numbers

HORIZON = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
SINGLY = 20_000
"""Leads with a history that are asked about one by one; of more, the rest are said to be not looked at."""
_AT_ONCE = 2_000
Column = npt.NDArray[np.int64]

_STANDING = """
SELECT CASE
    WHEN lead.state = 'done' AND lead.refused_rule <> '' THEN 'refused:' || lead.refused_rule
    WHEN lead.state = 'done' THEN 'done'
    WHEN lead.state = 'reserved' THEN 'in_hand'
    WHEN NOT list.is_active THEN 'list_off'
    WHEN NOT ({where}) THEN 'filtered'
    WHEN lead.promised_to_id IS NOT NULL THEN 'promised'
    WHEN lead.next_attempt_at >= %(until)s THEN 'later'
    ELSE 'due'
END, count(*)
FROM leads_lead AS lead JOIN campaigns_leadlist AS list ON list.id = lead.list_id
WHERE lead.campaign_id = %(campaign)s GROUP BY 1
"""
# `sight` stands for all that the gate sees of a lead without a history; 0 for one that has one. The flags' bits:
# quarter (0 to 2), do-not-call list (3 to 5), consents held (6 to 8), one revoked (9), wireless (10), by hand (11).
_DUE = """
COPY (
    WITH consent AS (
        SELECT phone, coalesce(bit_or(CASE kind WHEN 'express' THEN 64 WHEN 'written' THEN 128 ELSE 256 END) FILTER (
            WHERE given_at <= %(at)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s)
        ), 0) | CASE WHEN bool_or(revoked_at IS NOT NULL) THEN 512 ELSE 0 END AS bits
        FROM compliance_consent WHERE tenant_id = %(tenant)s GROUP BY phone
    ), dnc AS (
        SELECT phone, min(CASE WHEN kind = 'litigator' THEN 16 WHEN campaign_id IS NULL THEN 8 ELSE 32 END) AS bits
        FROM compliance_dncentry WHERE tenant_id = %(tenant)s AND (campaign_id IS NULL OR campaign_id = %(campaign)s)
        GROUP BY phone
    ), called AS (
        SELECT phone, lead_id FROM compliance_gateverdict WHERE tenant_id = %(tenant)s AND at > %(since)s AND allowed
    )
    SELECT lead.id, substr(lead.phone, 2)::bigint, flags.bits::bigint, CASE WHEN %(singly)s OR lead.turn > 0
        OR lead.phone IN (SELECT phone FROM called)
        OR lead.id IN (SELECT lead_id FROM called WHERE lead_id IS NOT NULL)
    THEN 0 ELSE hashtextextended(
        CASE WHEN starts_with(lead.phone, '+1') THEN left(lead.phone, 5) ELSE left(lead.phone, 4) END
        || lead.region || coalesce('/' || upper(lead.custom ->> 'state'), ''),
        hash_array_extended(lead.time_zones, flags.bits)
    ) END
    FROM leads_lead AS lead JOIN campaigns_leadlist AS list ON list.id = lead.list_id AND list.is_active
    LEFT JOIN dnc ON dnc.phone = lead.phone
    LEFT JOIN consent ON consent.phone = lead.phone
    LEFT JOIN compliance_numbernote AS note ON note.tenant_id = %(tenant)s AND note.phone = lead.phone
    CROSS JOIN LATERAL (
        SELECT greatest(0, ceil(extract(epoch FROM lead.next_attempt_at - %(at)s) / 900))::bigint
            | CASE WHEN dnc.bits < 24 THEN dnc.bits WHEN {pattern} THEN 24 ELSE coalesce(dnc.bits, 0) END
            | coalesce(consent.bits, 0)
            | CASE WHEN note.wireless THEN 1024 ELSE 0 END | CASE WHEN note.by_hand_only THEN 2048 ELSE 0 END AS bits
    ) AS flags
    WHERE lead.campaign_id = %(campaign)s AND lead.state = 'waiting' AND lead.promised_to_id IS NULL
        AND lead.next_attempt_at < %(until)s AND ({where})
) TO STDOUT (FORMAT BINARY)
"""
_MEMORY = "SELECT set_config('work_mem', '128MB', true)"
"""For the transaction: joins and counts of a million rows that go by way of the disk take twice as long."""
_PATTERNS = """
SELECT prefix FROM compliance_dncpattern
WHERE tenant_id = %(tenant)s AND (campaign_id IS NULL OR campaign_id = %(campaign)s)
"""
_PATTERN = "EXISTS (SELECT 1 FROM unnest(%(patterns)s::text[]) AS prefix WHERE starts_with(lead.phone, prefix))"
_COLUMNS = ("lead", "number", "flags", "sight")
_ROW = np.dtype(
    [("head", ">u2"), *((f, t) for name in _COLUMNS for f, t in ((f"{name}_length", ">i4"), (name, ">i8")))]
)
_COPY_HEADER, _COPY_TRAILER = 19, 2
_LISTED = {0: "", 8: "dnc", 16: "litigator", 24: "dnc_pattern", 32: "dnc_campaign"}
_HELD = {64: Level.EXPRESS, 128: Level.WRITTEN, 256: Level.RELATIONSHIP}
_REVOKED, _WIRELESS, _BY_HAND = 512, 1024, 2048


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the next hour could dial, and why not the rest, in leads. `at`: the moment for which this is so.

    `now`: of the dialable, those that may be dialed at this moment already. `refused`: by the gate's rule, with its
    reason in words and the number; `waiting`: by where the lead stands, without asking the gate.
    """

    at: datetime
    total: int
    dialable: int
    now: int
    refused: dict[str, tuple[str, int]] = field(default_factory=dict)
    waiting: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Due:
    """The leads that come up within the hour, a column each; `sight` as in the statement."""

    lead: Column
    number: Column
    flags: Column
    sight: Column

    def where(self, mask: npt.NDArray[np.bool_]) -> _Due:
        """Some of them."""
        return _Due(self.lead[mask], self.number[mask], self.flags[mask], self.sight[mask])


@dataclass(frozen=True, slots=True)
class _Class:
    """Leads that the gate cannot tell apart; `asked` is one of them."""

    sight: int
    size: int
    asked: Asked
    flags: int

    @property
    def quarter(self) -> int:
        """Of the hour, from which they are due; 0: now."""
        return self.flags & 7

    @property
    def listed(self) -> str:
        """The list of the tenant's own that they are on."""
        return _LISTED[self.flags & 56]


@dataclass(slots=True)
class _Count:
    """The counts as they grow."""

    now: int = 0
    later: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    words: dict[str, str] = field(default_factory=dict)

    def add(self, answers: Sequence[Allow | Deny], leads: int, first_is_now: bool) -> None:
        """Count leads by the first answer that allows, else by the refusal that they begin with."""
        allowed = next((place for place, one in enumerate(answers) if isinstance(one, Allow)), None)
        if allowed is not None:
            self.now += leads if allowed == 0 and first_is_now else 0
            self.later += 0 if allowed == 0 and first_is_now else leads
            return
        refusal = answers[0]
        assert isinstance(refusal, Deny)
        self.refused[refusal.rule] += leads
        self.words.setdefault(refusal.rule, refusal.reason)


def dry_run(*, campaign: Campaign, at: datetime) -> DryRun:
    """Count a campaign's leads by what the hour after `at` would do with them. `campaign.tenant` is read."""
    where, named = where_of(campaign, alias="lead")
    loaded = load(campaign=campaign, asked=[], at=at, by_hand=not campaign.paced)
    values = {
        **{**named, "tenant": campaign.tenant_id, "campaign": campaign.pk},
        **{"at": at, "until": at + HORIZON, "since": at - LOOK_BACK},
        "singly": bool(loaded.campaign.reassigned_days),
    }
    with transaction.atomic():
        _rows(_MEMORY, {})
        standing = dict(_rows(_STANDING.format(where=where), values))
        due = _due(where, values)
    count = _Count()
    _count_classes(due.where(due.sight != 0), loaded, at, count)
    singly = due.where(due.sight == 0)
    _count_singly(singly.where(np.arange(len(singly.lead)) < SINGLY), campaign, at, count)
    waiting = {word: number for word, number in standing.items() if word != "due"}
    if len(singly.lead) > SINGLY:
        waiting["unseen"] = len(singly.lead) - SINGLY
    return DryRun(
        at=at,
        total=sum(standing.values()),
        dialable=count.now + count.later,
        now=count.now,
        refused={rule: (count.words[rule], number) for rule, number in count.refused.most_common()},
        waiting=waiting,
    )


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def _due(where: str, values: dict[str, Any]) -> _Due:
    """Read as PostgreSQL's binary COPY gives it: making Python objects of a million rows takes longer than all else."""
    patterns = [prefix for (prefix,) in _rows(_PATTERNS, values)]
    sql = _DUE.format(where=where, pattern=_PATTERN if patterns else "FALSE")
    with connection.cursor() as cursor, cursor.copy(sql, {**values, "patterns": patterns}) as copy:
        body = b"".join(bytes(part) for part in copy)
    rows = np.frombuffer(body[_COPY_HEADER : len(body) - _COPY_TRAILER], dtype=_ROW)
    return _Due(*(rows[name].astype(np.int64) for name in _COLUMNS))


def _count_classes(due: _Due, loaded: Loaded, at: datetime, count: _Count) -> None:
    classes = _classes(due)
    listed = _on_official_lists(due, loaded, classes)
    for one in classes:
        rest = one.size
        for names, number in listed.get(one.sight, {}).items():
            rest -= number
            count.add(_answers(loaded, one, names, at), number, one.quarter == 0)
        if rest:
            count.add(_answers(loaded, one, frozenset(), at), rest, one.quarter == 0)


def _classes(due: _Due) -> list[_Class]:
    sights, first, sizes = np.unique(due.sight, return_index=True, return_counts=True)
    leads = due.lead[first].tolist()
    seen = _asked(leads)
    return [
        _Class(sight, size, replace(seen[lead], lead_id=None), flags)
        for sight, size, lead, flags in zip(
            sights.tolist(), sizes.tolist(), leads, due.flags[first].tolist(), strict=True
        )
        if lead in seen  # one that was erased meanwhile is not dialed either
    ]


def _asked(lead_ids: Sequence[int]) -> dict[int, Asked]:
    """The questions that these leads put to the gate, by lead."""
    return {lead.pk: asked_for(lead) for lead in with_numbers(lead_ids)}


def _answers(loaded: Loaded, one: _Class, names: frozenset[str], at: datetime) -> list[Allow | Deny]:
    """What the gate says of a class from when it is due, and again when a window opens within the hour."""
    phone, day = one.asked.number, timedelta(days=1)
    given = tuple(Consent(level, at - day) for bit, level in _HELD.items() if one.flags & bit)
    if one.flags & _REVOKED:
        given = (*given, Consent(Level.EXPRESS, at - 2 * day, None, at - day))
    facts = replace(
        loaded,
        listed={phone: one.listed} if one.listed else {},
        national={phone: names},
        consents={phone: given},
        notes={phone: ("", None, None, bool(one.flags & _WIRELESS), bool(one.flags & _BY_HAND))},
        history=History(),
    )
    return _asked_until(facts, one.asked, at + one.quarter * QUARTER, at + HORIZON)


def _asked_until(facts: Loaded, asked: Asked, first: datetime, until: datetime) -> list[Allow | Deny]:
    lead, number = facts.lead(asked), facts.number(asked)
    answers = [gate(lead, number, facts.campaign, first)]
    refusal = answers[0]
    if isinstance(refusal, Deny) and refusal.again_at is not None and refusal.again_at < until:
        answers.append(gate(lead, number, facts.campaign, refusal.again_at))
    return answers


def _on_official_lists(due: _Due, loaded: Loaded, classes: Sequence[_Class]) -> dict[int, dict[frozenset[str], int]]:
    """How many leads of each class are on which official lists, of those that the law asks for where they may be."""
    asking: dict[frozenset[str], list[int]] = {}
    for one in classes:
        # The same regions as load() goes by for a number that is asked for singly.
        law = loaded.campaign.laws.of(regions_of_number(one.asked.number))
        names = frozenset(rule.list for rule in law.national if rule.list in loaded.campaign.lists)
        if names and not one.listed:
            asking.setdefault(names, []).append(one.sight)
    lists = dict(_rows("SELECT name, id FROM compliance_nationallist WHERE is_current", {})) if asking else {}
    found: dict[int, dict[frozenset[str], int]] = {}
    for names, sights in asking.items():
        these = due.where(np.isin(due.sight, sights))
        on = np.zeros(len(these.number), np.int64)
        for place, name in enumerate(sorted(names)):
            on |= np.isin(these.number, _listed(lists[name], these.number)).astype(np.int64) << place
        for bits in np.unique(on[on > 0]).tolist():
            which = frozenset(name for place, name in enumerate(sorted(names)) if bits >> place & 1)
            for sight, number in zip(*np.unique(these.sight[on == bits], return_counts=True), strict=True):
                found.setdefault(int(sight), {})[which] = int(number)
    return found


def _listed(list_id: int, numbers: Column) -> Column:
    return np.fromiter(national.listed(list_id, np.sort(numbers).tolist()), np.int64)


def _count_singly(due: _Due, campaign: Campaign, at: datetime, count: _Count) -> None:
    """Ask the gate about each lead that has a history."""
    for start in range(0, len(due.lead), _AT_ONCE):
        quarters = dict(zip(due.lead[start : start + _AT_ONCE].tolist(), due.flags[start:].tolist(), strict=False))
        asked = list(_asked(list(quarters)).values())
        loaded = load(campaign=campaign, asked=asked, at=at, by_hand=not campaign.paced)
        for one in asked:
            assert one.lead_id is not None
            quarter = quarters[one.lead_id] & 7
            count.add(_asked_until(loaded, one, at + quarter * QUARTER, at + HORIZON), 1, quarter == 0)
