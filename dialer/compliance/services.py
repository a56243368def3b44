"""Asking the gate about stored leads, and keeping its answers. Call `judge` in the transaction that places the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dialer.campaigns.models import Campaign
from dialer.core import audit
from dialer.core.clock import now
from dialer.people.models import User

from .facts import Asked, asked_for, load, lock_numbers, lock_rules, lock_to_decide
from .history import History
from .laws import Level, Purpose
from .models import (
    CampaignTerms,
    Consent,
    DncEntry,
    DncPattern,
    DncRemoval,
    GateVerdict,
    NumberNote,
    Retention,
    StateStop,
)
from .rules import Allow, Deny, gate, recording_notice

ERASED = "erased"
"""The source of an entry about somebody who asked to be forgotten."""

__all__ = ["ERASED", "Asked", "Judged", "add_to_dnc", "allowed_at", "asked_for", "judge", "on_dnc", "still_allowed"]


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's answer and the row that keeps it."""

    asked: Asked
    answer: Allow | Deny
    row: GateVerdict


def judge(
    *, campaign: Campaign, asked: Sequence[Asked], at: datetime, by_hand: bool = False, purpose: Purpose | None = None
) -> list[Judged]:
    """Ask the gate about each number and store every verdict.

    The numbers are locked until the transaction's end, so that what forbids a call comes either before or after it.
    `by_hand`: an agent asks. `purpose`: the call is for another reason than the campaign's (a third party).
    """
    if not asked:
        return []
    lock_to_decide(tenant_id=campaign.tenant_id, phones=[one.number for one in asked])
    loaded = load(campaign=campaign, asked=asked, at=at, by_hand=by_hand, purpose=purpose)
    judged = []
    for one in asked:
        lead, number = loaded.lead(one), loaded.number(one)
        answer = gate(lead, number, loaded.campaign, at)
        if isinstance(answer, Allow) and campaign.record_calls:
            answer.evidence["recording"] = recording_notice(lead, number, loaded.campaign, at).value
        row = GateVerdict(
            tenant_id=campaign.tenant_id,
            campaign=campaign,
            lead_id=one.lead_id,
            phone=one.number[:16],
            allowed=isinstance(answer, Allow),
            rule=answer.rule,
            pack=answer.pack[:PACK_LENGTH],
            evidence=answer.evidence,
            at=at,
        )
        judged.append(Judged(one, answer, row))
    GateVerdict.objects.bulk_create([one.row for one in judged])
    return judged


PACK_LENGTH = 120


def still_allowed(*, campaign: Campaign, verdict: GateVerdict, at: datetime, by_hand: bool) -> Allow | Deny:
    """Ask the gate again about what it allowed, at a later moment and on the places that it went by then.

    Call it in the transaction in which the call is placed: the number is locked until its end.
    """
    lock_to_decide(tenant_id=campaign.tenant_id, phones=[verdict.phone])
    places = verdict.evidence
    asked = Asked(verdict.phone, tuple(places.get("clocks", ())), verdict.lead_id, tuple(places.get("regions", ())))
    loaded = load(campaign=campaign, asked=[asked], at=at, by_hand=by_hand, without=verdict.pk)
    return gate(loaded.lead(asked), loaded.number(asked), loaded.campaign, at)


def allowed_at(*, campaign: Campaign, number: str, zones: Sequence[str], at: datetime) -> Allow | Deny:
    """What the gate would answer at a later moment, as far as is known now; no verdict is stored, nothing is placed.

    Official lists are taken to be fresh by then, and today's calls to be forgotten.
    """
    asked = Asked(number, tuple(zones))
    loaded = load(campaign=campaign, asked=[asked], at=at, by_hand=True)
    facts = replace(loaded.campaign, lists=dict.fromkeys(loaded.campaign.lists, at), stopped=frozenset())
    fresh = replace(loaded, campaign=facts, history=History())
    return gate(fresh.lead(asked), fresh.number(asked), facts, at)


def on_dnc(*, tenant_id: int, number: str, campaign_id: int | None = None) -> bool:
    """Whether the number is on the tenant's do-not-call list now, or on the campaign's, when one is named."""
    rows = DncEntry.objects.for_tenant(tenant_id).filter(phone=number)
    return bool(rows.filter(Q(campaign=None) | Q(campaign=campaign_id)).exists())


@transaction.atomic
def add_to_dnc(
    *,
    tenant_id: int,
    number: str,
    source: str,
    by: User | None,
    campaign: Campaign | None = None,
    kind: str = DncEntry.Kind.DNC,
) -> None:
    """Put a number on the do-not-call list; no call decided after the commit goes there.

    `campaign`: for this one alone. A decision to dial that is under way is waited for. In a longer transaction it comes
    last but for the abandonment ledger.
    """
    lock_numbers(tenant_id=tenant_id, phones=[number])
    DncEntry.objects.across_tenants().get_or_create(
        tenant_id=tenant_id,
        phone=number,
        campaign=campaign,
        defaults={"source": source, "added_by": by, "added_at": now(), "kind": kind},
    )


class StaysListed(Exception):
    """The entry may not be taken off the do-not-call list; the message says why."""


@transaction.atomic
def remove_from_dnc(*, entry: DncEntry, why: str, by: User) -> None:
    """Take a number off the do-not-call list, for a reason that is kept: listed by mistake, or they ask for calls.

    The entry moves to the removals, so the evidence tells of both. Raises StaysListed of somebody who was forgotten.
    """
    if entry.source == ERASED:
        raise StaysListed(_("This person asked to be forgotten. That they are not called again is a part of it."))
    lock_numbers(tenant_id=entry.tenant_id, phones=[entry.phone])
    if not DncEntry.objects.for_tenant(entry.tenant_id).filter(pk=entry.pk).exists():
        return  # somebody else was quicker
    removal = DncRemoval(removed_by=by, removed_at=now(), why=why)
    for name in ("tenant_id", "phone", "campaign_id", "kind", "source", "added_by_id", "added_at"):
        setattr(removal, name, getattr(entry, name))
    removal.save()
    entry.delete()
    subject = str(removal.public_id)
    audit.record(
        tenant_id=removal.tenant_id, actor=by, action="dnc.removed", subject=subject, data={"kind": removal.kind}
    )


def add_many_to_dnc(
    *, tenant_id: int, numbers: Sequence[str], source: str, by: User | None, campaign: Campaign | None, kind: str
) -> int:
    """Put numbers on the list, a thousand in a transaction; returns how many were not on it yet."""
    before = DncEntry.objects.for_tenant(tenant_id).filter(campaign=campaign).count()
    for start in range(0, len(numbers), 1000):
        part = numbers[start : start + 1000]
        with transaction.atomic():
            lock_numbers(tenant_id=tenant_id, phones=part)
            DncEntry.objects.bulk_create(
                [
                    DncEntry(tenant_id=tenant_id, phone=one, campaign=campaign, source=source, added_by=by, kind=kind)
                    for one in part
                ],
                ignore_conflicts=True,
            )
    added: int = DncEntry.objects.for_tenant(tenant_id).filter(campaign=campaign).count() - before
    return added


@transaction.atomic
def add_pattern(*, tenant_id: int, prefix: str, note: str, by: User, campaign: Campaign | None = None) -> DncPattern:
    """Never dial numbers that begin with these digits (E.164 with its +), from the commit on.

    Decisions to dial that are under way are waited for.
    """
    lock_rules(tenant_id=tenant_id)
    made, _created = DncPattern.objects.across_tenants().get_or_create(
        tenant_id=tenant_id,
        prefix=prefix,
        campaign=campaign,
        defaults={"note": note, "added_by": by, "added_at": now()},
    )
    audit.record(tenant_id=tenant_id, actor=by, action="dnc.pattern_added", subject=prefix)
    assert isinstance(made, DncPattern)
    return made


@transaction.atomic
def remove_pattern(*, pattern: DncPattern, by: User) -> None:
    """Let numbers with these digits be dialed again."""
    audit.record(tenant_id=pattern.tenant_id, actor=by, action="dnc.pattern_removed", subject=pattern.prefix)
    pattern.delete()


@transaction.atomic
def add_consent(
    *,
    tenant_id: int,
    number: str,
    kind: Level,
    source: str,
    proof: str,
    given_at: datetime,
    expires_at: datetime | None,
    by: User | None,
) -> Consent:
    """Record a consent (or a business relationship) with where it came from and what proves it."""
    made = Consent.objects.create(
        tenant_id=tenant_id,
        phone=number,
        kind=kind,
        source=source,
        proof=proof,
        given_at=given_at,
        expires_at=expires_at,
        added_by=by,
        added_at=now(),
    )
    audit.record(
        tenant_id=tenant_id, actor=by, action="consent.added", subject=str(made.public_id), data={"kind": kind.value}
    )
    assert isinstance(made, Consent)
    return made


@transaction.atomic
def revoke_consents(*, tenant_id: int, number: str, how: str, by: User | None) -> int:
    """Take back every consent of a number: no call decided after the commit rests on one. How many there were."""
    lock_numbers(tenant_id=tenant_id, phones=[number])
    rows = Consent.objects.for_tenant(tenant_id).filter(phone=number, revoked_at=None)
    held = [str(public_id) for public_id in rows.values_list("public_id", flat=True)]
    rows.update(revoked_at=now(), revoked_how=how, revoked_by=by)
    for public_id in held:
        audit.record(tenant_id=tenant_id, actor=by, action="consent.revoked", subject=public_id)
    return len(held)


@transaction.atomic
def note_number(*, tenant_id: int, number: str, **values: object) -> None:
    """Write down what is known of a number: wireless, by_hand_only, reassigned with its two dates."""
    lock_numbers(tenant_id=tenant_id, phones=[number])
    NumberNote.objects.across_tenants().update_or_create(tenant_id=tenant_id, phone=number, defaults=values)


@transaction.atomic
def stop_region(*, tenant_id: int, region: str, why: str, by: User) -> None:
    """Stop dialing into a state or country (US-FL, GB): no call decided or placed after the commit goes there.

    Decisions to dial that are under way are waited for.
    """
    lock_rules(tenant_id=tenant_id)
    StateStop.objects.across_tenants().get_or_create(
        tenant_id=tenant_id, region=region, lifted_at=None, defaults={"why": why, "by": by, "at": now()}
    )
    audit.record(tenant_id=tenant_id, actor=by, action="region.stopped", subject=region)


@transaction.atomic
def lift_stop(*, stop: StateStop, by: User) -> None:
    """Dial into the region again."""
    StateStop.objects.for_tenant(stop.tenant_id).filter(pk=stop.pk, lifted_at=None).update(
        lifted_at=now(), lifted_by=by
    )
    audit.record(tenant_id=stop.tenant_id, actor=by, action="region.stop_lifted", subject=stop.region)


@transaction.atomic
def set_terms(*, terms: CampaignTerms, by: User) -> None:
    """Write what a campaign says of itself to the gate."""
    terms.save()
    data = {name: getattr(terms, name) for name in ("purpose", "consent", "attempts", "reassigned_days")}
    audit.record(
        tenant_id=terms.tenant_id,
        actor=by,
        action="campaign.terms",
        subject=str(terms.campaign.public_id),
        data={**data, "wireless_by_hand": terms.wireless_by_hand},
    )


@transaction.atomic
def set_retention(*, tenant_id: int, days: Mapping[str, int], by: User) -> None:
    """For how many days each kind of data is kept from now on."""
    for kind, count in days.items():
        Retention.objects.across_tenants().update_or_create(
            tenant_id=tenant_id, kind=Retention.Kind(kind), defaults={"days": count}
        )
    audit.record(tenant_id=tenant_id, actor=by, action="retention.set", data=dict(days))
