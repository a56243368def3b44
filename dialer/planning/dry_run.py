"""Dry run: which leads of a campaign the next hour could dial, and why not the others, counted. Nothing is changed.

The gate answers once per class of leads that it cannot tell apart (zones, places, lists, consents, notes, and the
quarter of an hour from which they are due), and PostgreSQL counts the classes; only leads with calls of the last days
are asked about one by one. So a million leads take seconds and every answer is the gate's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection

from dialer.campaigns.models import Campaign
from dialer.compliance import national
from dialer.compliance.facts import Asked, Loaded, load
from dialer.compliance.history import LOOK_BACK, History
from dialer.compliance.rulebook import regions_of_number
from dialer.compliance.rules import Allow, Consent, Deny, gate
from dialer.leads.choosing import where_of

HORIZON = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
SINGLY = 20_000
"""Leads with a history that are asked about one by one; of more, the rest are said to be not looked at."""
_AT_ONCE = 2_000

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
# One bigint stands for all that the gate sees of a lead without a history.
_DUE = """
WITH consent AS (
    SELECT phone, bool_or(revoked_at IS NOT NULL) AS revoked, array_agg(DISTINCT kind) FILTER (
        WHERE given_at <= %(at)s AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > %(at)s)
    ) AS held
    FROM compliance_consent WHERE tenant_id = %(tenant)s GROUP BY phone
), dnc AS (
    SELECT phone, min(CASE WHEN kind = 'litigator' THEN '1litigator' WHEN campaign_id IS NULL THEN '0dnc'
        ELSE '3dnc_campaign' END) AS rule
    FROM compliance_dncentry WHERE tenant_id = %(tenant)s AND (campaign_id IS NULL OR campaign_id = %(campaign)s)
    GROUP BY phone
), called AS (
    SELECT phone, lead_id FROM compliance_gateverdict
    WHERE tenant_id = %(tenant)s AND at > %(since)s AND allowed
), due AS (
    SELECT lead.id, lead.phone, lead.time_zones, upper(lead.custom ->> 'state') AS state,
        greatest(0, ceil(extract(epoch FROM lead.next_attempt_at - %(at)s) / 900))::int AS quarter,
        CASE WHEN lead.phone LIKE '+1%%' THEN left(lead.phone, 5) ELSE left(lead.phone, 4) END AS prefix,
        left(least(dnc.rule, CASE WHEN EXISTS (
            SELECT 1 FROM compliance_dncpattern AS p
            WHERE p.tenant_id = %(tenant)s AND starts_with(lead.phone, p.prefix)
                AND (p.campaign_id IS NULL OR p.campaign_id = %(campaign)s)
        ) THEN '2dnc_pattern' END), 20) AS listed,
        consent.held, coalesce(consent.revoked, false) AS revoked,
        coalesce(note.wireless, false) AS wireless, coalesce(note.by_hand_only, false) AS by_hand_only,
        %(singly)s OR lead.phone IN (SELECT phone FROM called) OR lead.id IN (
            SELECT lead_id FROM called WHERE lead_id IS NOT NULL
        ) AS singly
    FROM leads_lead AS lead JOIN campaigns_leadlist AS list ON list.id = lead.list_id AND list.is_active
    LEFT JOIN dnc ON dnc.phone = lead.phone
    LEFT JOIN consent ON consent.phone = lead.phone
    LEFT JOIN compliance_numbernote AS note ON note.tenant_id = %(tenant)s AND note.phone = lead.phone
    WHERE lead.campaign_id = %(campaign)s AND lead.state = 'waiting' AND lead.promised_to_id IS NULL
        AND lead.next_attempt_at < %(until)s AND ({where})
), one AS (
    SELECT *, hashtextextended(concat_ws('|', time_zones::text, prefix, state, quarter, listed, held::text, revoked,
        wireless, by_hand_only), 0) AS class
    FROM due WHERE NOT singly
)
"""
_CLASSES = """
SELECT class, count(*), min(phone), min(time_zones), min(coalesce(state, '')), min(quarter), min(coalesce(listed, '')),
    min(held), bool_or(revoked), bool_or(wireless), bool_or(by_hand_only)
FROM one GROUP BY class
"""
_NUMBERS = "SELECT substr(phone, 2)::bigint, class FROM one WHERE class = ANY(%(classes)s::bigint[])"
_SINGLES = """
SELECT id, phone, time_zones, coalesce(state, ''), quarter FROM due WHERE singly ORDER BY id LIMIT %(limit)s
"""
_SINGLES_COUNT = "SELECT count(*) FROM due WHERE singly"
_ROW = np.dtype([("head", ">u2"), ("n1", ">i4"), ("number", ">i8"), ("n2", ">i4"), ("class", ">i8")])
_COPY_HEADER, _COPY_TRAILER = 19, 2


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
class _Class:
    """Leads that the gate cannot tell apart; `asked` is one of them."""

    key: int
    size: int
    asked: Asked
    quarter: int
    listed: str
    held: tuple[str, ...]
    revoked: bool
    wireless: bool
    by_hand_only: bool


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
    where, parameters = where_of(campaign, alias="lead")
    loaded = load(campaign=campaign, asked=[], at=at, by_hand=not campaign.paced)
    values = {
        **parameters,
        "tenant": campaign.tenant_id,
        "campaign": campaign.pk,
        "at": at,
        "until": at + HORIZON,
        "since": at - LOOK_BACK,
        "singly": bool(loaded.campaign.reassigned_days),
    }
    standing = {word: number for word, number in _rows(_STANDING.format(where=where), values)}
    due = _DUE.format(where=where)
    count = _Count()
    _count_classes(due, values, loaded, at, count)
    unseen = _count_singles(due, values, campaign, at, count)
    waiting = {word: number for word, number in standing.items() if word != "due"}
    if unseen:
        waiting["unseen"] = unseen
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


def _count_classes(due: str, values: dict[str, Any], loaded: Loaded, at: datetime, count: _Count) -> None:
    classes = [_class(row) for row in _rows(due + _CLASSES, values)]
    listed = _on_national_lists(due, values, loaded, classes)
    for one in classes:
        rest = one.size
        for names, number in listed.get(one.key, {}).items():
            rest -= number
            count.add(_answers(loaded, one, names, at), number, one.quarter == 0)
        if rest:
            count.add(_answers(loaded, one, frozenset(), at), rest, one.quarter == 0)


def _class(row: tuple[Any, ...]) -> _Class:
    key, size, phone, zones, state, quarter, listed, held, revoked, wireless, by_hand_only = row
    regions = (f"US-{state}",) if len(state) == 2 and state.isalpha() else ()
    asked = Asked(phone, tuple(zones), None, regions)
    return _Class(key, size, asked, quarter, listed[1:], tuple(held or ()), revoked, wireless, by_hand_only)


def _answers(loaded: Loaded, one: _Class, names: frozenset[str], at: datetime) -> list[Allow | Deny]:
    """What the gate says of a class from when it is due, and again when a window opens within the hour."""
    phone = one.asked.number
    given = (*(Consent(level, at - timedelta(days=1)) for level in one.held),)
    if one.revoked:
        given = (*given, Consent("express", at - timedelta(days=2), None, at - timedelta(days=1)))
    facts = replace(
        loaded,
        listed={phone: one.listed} if one.listed else {},
        national={phone: names},
        consents={phone: given},
        notes={phone: ("", None, None, one.wireless, one.by_hand_only)},
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


def _on_national_lists(
    due: str, values: dict[str, Any], loaded: Loaded, classes: Sequence[_Class]
) -> dict[int, dict[frozenset[str], int]]:
    """How many leads of each class are on which official lists, of those that the law asks for where they may be."""
    asking: dict[frozenset[str], list[int]] = {}
    for one in classes:
        law = loaded.campaign.laws.of(tuple(sorted({*regions_of_number(one.asked.number), *one.asked.regions})))
        names = frozenset(rule.list for rule in law.national if rule.list in loaded.campaign.lists)
        if names and not one.listed:
            asking.setdefault(names, []).append(one.key)
    if not asking:
        return {}
    lists = dict(_rows("SELECT name, id FROM compliance_nationallist WHERE is_current", {}))
    found: dict[int, dict[frozenset[str], int]] = {}
    for names, keys in asking.items():
        numbers, of_class = _numbers(due, {**values, "classes": keys})
        hits = [(name, np.isin(numbers, _listed(lists[name], numbers))) for name in sorted(names)]
        for on in {tuple(row) for row in np.unique(np.stack([hit for _, hit in hits], axis=1), axis=0).tolist()}:
            which = frozenset(name for (name, _), there in zip(hits, on, strict=True) if there)
            if which:
                mask = np.logical_and.reduce([hit == there for (_, hit), there in zip(hits, on, strict=True)])
                for key, number in zip(*np.unique(of_class[mask], return_counts=True), strict=True):
                    found.setdefault(int(key), {})[which] = int(number)
    return found


def _listed(list_id: int, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.fromiter(national.listed(list_id, np.sort(numbers).tolist()), np.int64)


def _numbers(due: str, values: dict[str, Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The numbers of leads and their classes, as PostgreSQL's binary COPY gives them."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY ({due + _NUMBERS}) TO STDOUT (FORMAT BINARY)", values) as copy,
    ):
        body = b"".join(bytes(part) for part in copy)
    rows = np.frombuffer(body[_COPY_HEADER : len(body) - _COPY_TRAILER], dtype=_ROW)
    return rows["number"].astype(np.int64), rows["class"].astype(np.int64)


def _count_singles(due: str, values: dict[str, Any], campaign: Campaign, at: datetime, count: _Count) -> int:
    """Ask the gate about each lead that has a history; returns how many were too many to be asked about."""
    [(there,)] = _rows(due + _SINGLES_COUNT, values)
    if not there:
        return 0
    rows = _rows(due + _SINGLES, {**values, "limit": SINGLY})
    for part in _parts(rows):
        asked = [
            (Asked(phone, tuple(zones), pk, (f"US-{state}",) if len(state) == 2 and state.isalpha() else ()), quarter)
            for pk, phone, zones, state, quarter in part
        ]
        loaded = load(campaign=campaign, asked=[one for one, _ in asked], at=at, by_hand=not campaign.paced)
        for one, quarter in asked:
            count.add(_asked_until(loaded, one, at + quarter * QUARTER, at + HORIZON), 1, quarter == 0)
    return max(0, int(there) - len(rows))


def _parts(rows: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    for start in range(0, len(rows), _AT_ONCE):
        yield rows[start : start + _AT_ONCE]
