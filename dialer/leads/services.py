"""Writes to leads. Each function is one statement, or says that it belongs into its caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from dialer.campaigns.models import Disposition, LeadList
from dialer.core import prepared
from dialer.core.clock import now
from dialer.core.numbers import NotANumber, parse_number, zones_of_number
from dialer.core.zones import known_zone

from . import callbacks, recycling
from .choosing import EVERY, Where
from .models import Lead, LeadNumber, LeadState, NumberKind
from .rules import (
    CALLBACK_PRIORITY,
    CALLBACK_SNOOZE,
    ENDS,
    after_attempt,
    after_disposition,
    after_number,
    tries_another,
)


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead as somebody typed or sent it; the number is not parsed yet."""

    phone: str
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    notes: str = ""
    time_zone: str = ""
    mobile_phone: str = ""
    home_phone: str = ""
    work_phone: str = ""
    other_phone: str = ""
    custom: dict[str, Any] = field(default_factory=dict)
    """Values of custom fields, checked already."""


@dataclass(frozen=True, slots=True)
class RowError:
    """A row that was not taken, with its 1-based place and what to do about it."""

    row: int
    message: str


def add_leads(*, lead_list: LeadList, rows: Sequence[NewLead], region: str) -> tuple[int, list[RowError]]:
    """Add leads to a list. A row with a bad number is reported and left out; it never stops the others."""
    moment = now()
    good: list[Lead] = []
    others: list[dict[str, NumberKind]] = []
    errors: list[RowError] = []
    for place, row in enumerate(rows, start=1):
        try:
            phone = parse_number(row.phone, region)
            more = _other_numbers(row, phone, region)
        except NotANumber as error:
            errors.append(RowError(place, str(error)))
            continue
        if row.time_zone and known_zone(row.time_zone) is None:
            errors.append(
                RowError(place, f"“{row.time_zone[:40]}” is not a time zone. Write it like America/New_York.")
            )
            continue
        others.append(more)
        good.append(
            Lead(
                tenant_id=lead_list.tenant_id,
                campaign_id=lead_list.campaign_id,
                list=lead_list,
                phone=phone,
                first_name=_kept(row.first_name)[:120],
                last_name=_kept(row.last_name)[:120],
                company=_kept(row.company)[:120],
                notes=_kept(row.notes),
                time_zones=[row.time_zone] if row.time_zone else zones_of_number(phone),
                priority=lead_list.priority,
                custom=row.custom,
                next_attempt_at=moment,
            )
        )
    with transaction.atomic():
        made = Lead.objects.bulk_create(good, batch_size=1000)
        numbers = [
            LeadNumber(tenant_id=lead_list.tenant_id, lead=lead, phone=phone, kind=kind)
            for lead, more in zip(made, others, strict=True)
            for phone, kind in more.items()
        ]
        LeadNumber.objects.bulk_create(numbers, batch_size=1000)
    return len(good), errors


def _other_numbers(row: NewLead, phone: str, region: str) -> dict[str, NumberKind]:
    """The row's other numbers, each once, without its own. Raises NotANumber."""
    typed = {
        NumberKind.MOBILE: row.mobile_phone,
        NumberKind.HOME: row.home_phone,
        NumberKind.WORK: row.work_phone,
        NumberKind.OTHER: row.other_phone,
    }
    found: dict[str, NumberKind] = {}
    for kind, text in typed.items():
        if text and (number := parse_number(text, region)) != phone:
            found.setdefault(number, kind)
    return found


def _kept(text: str) -> str:
    """Text as it came, whatever it says, without the few signs that PostgreSQL cannot keep."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


_IN_LINE = """
WITH RECURSIVE lane (list_id, priority, mix, draw) AS (
    SELECT list.id, (
        SELECT max(priority) FROM leads_lead WHERE list_id = list.id AND is_open AND promised_to_id IS NULL
    ), list.mix, -ln(1 - random())
    FROM campaigns_leadlist AS list WHERE list.campaign_id = %(campaign)s AND list.is_active
    UNION ALL
    SELECT lane.list_id, (
        SELECT max(lower.priority) FROM leads_lead AS lower
        WHERE lower.list_id = lane.list_id AND lower.is_open AND lower.promised_to_id IS NULL
            AND lower.priority < lane.priority
    ), lane.mix, lane.draw
    FROM lane WHERE lane.priority IS NOT NULL
), candidate AS (
    SELECT first.place_on_disk,
        CASE WHEN lane.mix > 0 THEN (lane.draw + first.place - 1) / lane.mix ELSE 0 END AS lane_turn
    FROM (SELECT * FROM lane WHERE priority IS NOT NULL ORDER BY priority DESC OFFSET 0) AS lane
    CROSS JOIN LATERAL (
        SELECT due.*, row_number() OVER (ORDER BY next_attempt_at, id) AS place FROM (
            SELECT id, next_attempt_at, ctid AS place_on_disk FROM leads_lead
            WHERE list_id = lane.list_id AND priority = lane.priority AND is_open AND promised_to_id IS NULL
                AND state = 'waiting' AND next_attempt_at <= %(at)s AND ({where})
            ORDER BY next_attempt_at, id LIMIT %(looked_at)s
        ) AS due
    ) AS first
    ORDER BY lane.priority DESC, lane_turn, first.next_attempt_at, first.id LIMIT %(looked_at)s
)
"""
"""Each lane (a list's leads of one priority) lies in the index in the order of its leads' next attempts, so only those
that are due are read, however many wait for later or lie in lists that are switched off. Lanes are gone through from
the highest priority down (the order that they are given in lets PostgreSQL sort priority by priority), and those below
the one that fills the order are not looked into.

Lists of one priority that have a mix take turns in its proportion: the first turn of each is drawn (exponentially, so
that a single lead comes from a list as often as its share says), the next ones follow at even distances. `where`: the
campaign's filter (choosing.py).

Within the statement a lead is found again by its row's place on the disk, which is one page to look at instead of four.
Whoever changed it meanwhile has moved it, and then it is passed over."""
_CHOSEN = """
FROM leads_lead JOIN candidate ON candidate.place_on_disk = leads_lead.ctid
WHERE state = 'waiting' AND promised_to_id IS NULL AND next_attempt_at <= %(at)s
ORDER BY priority DESC, candidate.lane_turn, next_attempt_at, leads_lead.id LIMIT %(count)s
"""
# What reserving, the gate and the calls ask of a lead; names and notes are read from the database if anybody asks.
_READ = [
    field.attname
    for field in Lead._meta.concrete_fields
    if field.attname in ("id", "phone", "time_zones", "region", "custom", "turn", "priority", "next_attempt_at")
]
_ASKED = ", ".join(f"leads_lead.{name}" for name in _READ)
SHOW = f"{_IN_LINE} SELECT {_ASKED}, candidate.lane_turn {_CHOSEN}"
RESERVE = f"""{_IN_LINE}, picked AS (
    SELECT leads_lead.ctid AS place_on_disk, candidate.lane_turn {_CHOSEN} FOR NO KEY UPDATE OF leads_lead SKIP LOCKED
)
UPDATE leads_lead SET state = 'reserved' FROM picked WHERE leads_lead.ctid = picked.place_on_disk
RETURNING {_ASKED}, picked.lane_turn
"""  # noqa: S608 - parts of ours

_AT_LEAST, _MORE = 60, 10
"""How many leads are looked at: so many, or so many more than asked for. Each is a page to fetch, and some may be in
others' hands at this moment: agents who ask for their next lead all at once, each for the first one."""


def reserve(*, campaign_id: int, count: int, at: datetime, where: Where = EVERY) -> list[Lead]:
    """Reserve up to `count` leads that are due and pass, highest priority first, in the placing transaction."""
    chosen = _ask(RESERVE, campaign_id, count, at, where)
    chosen.sort(key=lambda lead: (-lead.priority, lead.lane_turn, lead.next_attempt_at, lead.pk))
    _choose_numbers(chosen)
    return chosen


def first_in_line(*, campaign_id: int, count: int, at: datetime, where: Where = EVERY) -> list[Lead]:
    """The leads that `reserve` would take now, left where they are."""
    chosen = _ask(SHOW, campaign_id, count, at, where)
    _choose_numbers(chosen)
    return chosen


def _ask(statement: str, campaign_id: int, count: int, at: datetime, where: Where) -> list[Lead]:
    condition, named = where
    values = {**named, "campaign": campaign_id, "at": at, "count": count, "looked_at": max(_AT_LEAST, count + _MORE)}
    return [_read(row) for row in prepared.run(statement.format(where=condition), values, binary=True)]


def _read(row: Sequence[Any]) -> Lead:
    lead: Lead = Lead.from_db(connection.alias, _READ, row[:-1])
    lead.lane_turn = row[-1]
    return lead


def reserve_promised(*, user_id: int, campaign_id: int, at: datetime, lead_id: int | None = None) -> Lead | None:
    """Reserve the lead that was promised this agent's call and is due longest, or a certain one of theirs, due or not.

    Call inside the placing transaction.
    """
    rows = Lead.objects.across_tenants().filter(promised_to=user_id, campaign=campaign_id, state=LeadState.WAITING)
    rows = rows.filter(next_attempt_at__lte=at) if lead_id is None else rows.filter(pk=lead_id)
    lead = rows.order_by("next_attempt_at", "id").select_for_update(skip_locked=True, no_key=True).first()
    if lead is not None:
        Lead.objects.across_tenants().filter(pk=lead.pk).update(state=LeadState.RESERVED)
    return lead


def snooze(*, lead_id: int, at: datetime, delay: timedelta) -> None:
    """Give back a lead that its agent skipped: one that was promised their call comes up again soon."""
    promised = Lead.objects.across_tenants().filter(pk=lead_id, promised_to__isnull=False).exists()
    put_back(lead_ids=[lead_id], at=at, delay=CALLBACK_SNOOZE if promised else delay)


def put_back(*, lead_ids: Sequence[int], at: datetime, delay: timedelta = timedelta(0)) -> None:
    """Give reserved leads back, due again after `delay`."""
    Lead.objects.across_tenants().filter(pk__in=lead_ids, state=LeadState.RESERVED).update(
        state=LeadState.WAITING, next_attempt_at=at + delay
    )


def refuse(*, lead_ids: Sequence[int], rule: str, again_at: datetime | None) -> None:
    """Note that the gate refused these leads by a rule, and when (if ever) they are worth asking for again."""
    Lead.objects.across_tenants().filter(pk__in=lead_ids).update(
        refused_rule=rule,
        **(
            {"state": LeadState.WAITING, "next_attempt_at": again_at}
            if again_at is not None
            else {"state": LeadState.DONE}
        ),
    )
    if again_at is None:
        for lead_id in lead_ids:
            callbacks.close_failed(lead_id=lead_id, at=now())


_OTHERS = "SELECT phone FROM leads_leadnumber WHERE lead_id = %s ORDER BY id"


def with_numbers(lead_ids: Sequence[int]) -> list[Lead]:
    """These leads, each with the number whose turn it is; nothing is written."""
    found = list(Lead.objects.across_tenants().filter(pk__in=list(lead_ids)))
    _choose_numbers(found)
    return found


def _choose_numbers(chosen: Sequence[Lead]) -> None:
    """Say of leads whose turn it is for another number which one that is; one that is no longer there: their own."""
    turned = {lead.pk: lead for lead in chosen if lead.turn}
    if not turned:
        return
    others: dict[int, list[str]] = {}
    rows = LeadNumber.objects.across_tenants().filter(lead__in=list(turned)).order_by("pk")
    for lead_id, phone in rows.values_list("lead_id", "phone"):
        others.setdefault(lead_id, []).append(phone)
    for lead in turned.values():
        phones = others.get(lead.pk, [])
        lead.dialed = phones[lead.turn - 1] if lead.turn <= len(phones) else ""


def finish_attempt(
    *, lead_id: int, outcome: str, placed: bool, at: datetime, call_id: UUID | None = None, number: str = ""
) -> None:
    """Write what a call's end makes of its lead, in the transaction that ends the call.

    `number`: which was dialed, so that another of the lead's may come next. A lead that was done before an agent dialed
    it all the same stays done.
    """
    lead = prepared.lock(Lead, lead_id)
    assert lead is not None, "a call protects its lead"
    numbers: list[str] = []
    if placed and number and tries_another(outcome) and lead.priority != CALLBACK_PRIORITY:
        numbers = [lead.phone, *(phone for (phone,) in prepared.run(_OTHERS, [lead_id]))]
    plan = None
    if placed and (outcome not in ENDS or len(numbers) > 1):
        plan = recycling.after_outcome(
            campaign_id=lead.campaign_id, lead_id=lead_id, zones=lead.time_zones, outcome=outcome, call_id=call_id
        )
    following, turn = after_attempt(outcome, lead.attempts, placed, at, plan), None
    if number in numbers:
        dialed = numbers.index(number)
        turn = after_number(outcome, lead.attempts, at, plan, dialed=dialed, numbers=len(numbers))
    if turn is not None:
        following, lead.turn = turn.following, turn.number
    done = following.at is None or lead.state == LeadState.DONE
    lead.state = LeadState.DONE if done else LeadState.WAITING
    lead.next_attempt_at = following.at or at
    lead.attempts += 1 if following.counts else 0
    lead.last_outcome = outcome
    changed = ("state", "next_attempt_at", "attempts", "last_outcome")
    prepared.update(lead, changed if turn is None else (*changed, "turn"))
    if lead.priority == CALLBACK_PRIORITY:
        callbacks.after_attempt(lead_id=lead_id, outcome=outcome, lead_done=done, at=at)


def dispose(*, lead_id: int, disposition: Disposition, at: datetime, call_id: UUID | None = None) -> None:
    """Write what the agent's disposition makes of the lead: done, or due again as its campaign's rules say.

    A lead that is in its next call by now is left to that call.
    """
    lead = prepared.lock(Lead, lead_id)
    assert lead is not None, "a call protects its lead"
    final = disposition.is_final or disposition.is_dnc
    if lead.state != LeadState.RESERVED:
        plan = recycling.after_disposition(
            campaign_id=lead.campaign_id,
            lead_id=lead_id,
            zones=lead.time_zones,
            disposition_id=disposition.pk,
            call_id=call_id,
        )
        again_at = after_disposition(disposition.is_recycled and not final, lead.attempts, at, plan)
        lead.state = LeadState.DONE if again_at is None else LeadState.WAITING
        lead.next_attempt_at = again_at or at
        prepared.update(lead, ("state", "next_attempt_at"))
    if final:
        callbacks.close_failed(lead_id=lead_id, at=at)
