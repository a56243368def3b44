"""Everything that is on record of one number: why it was or was not dialed, and the evidence for whoever asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q

from dialer.core.models import AuditEntry
from dialer.leads.models import Lead
from dialer.people.models import Tenant

from .models import Consent, DncEntry, DncPattern, DncRemoval, GateVerdict, NationalList, NumberNote
from .selectors import on_national

LATEST = 100
"""How many decisions a screen shows; the evidence has them all."""
NEAR = timedelta(minutes=10)
"""A decision so near to the moment asked about is taken for the answer."""


@dataclass(frozen=True, slots=True)
class Story:
    """What is on record of a number in one tenant. `answer`: the decision nearest to the moment asked about."""

    number: str
    verdicts: list[GateVerdict]
    answer: GateVerdict | None
    leads: list[Lead]
    listed: list[DncEntry]
    removed: list[DncRemoval]
    patterns: list[DncPattern]
    official: list[NationalList]
    consents: list[Consent]
    note: NumberNote | None

    @property
    def holds_consent(self) -> bool:
        """Whether any consent has not been taken back."""
        return any(one.revoked_at is None for one in self.consents)


def verdicts_of(tenant: Tenant, number: str) -> Any:
    """Every decision on a number, newest first, with the call that came of it."""
    rows = GateVerdict.objects.for_tenant(tenant).filter(phone=number)
    return rows.select_related("campaign", "lead", "call__user", "call__disposition").order_by("-at", "-pk")


def story_of(tenant: Tenant, number: str, at: datetime | None = None) -> Story:
    """What a screen tells of a number; with `at`, the decisions around that moment."""
    rows = verdicts_of(tenant, number)
    if at is not None:
        shown = list(rows.filter(at__lte=at)[: LATEST // 2])
        later = list(rows.filter(at__gt=at).order_by("at", "pk")[: LATEST // 2])
        shown = [*reversed(later), *shown]
    else:
        shown = list(rows[:LATEST])
    patterns = DncPattern.objects.for_tenant(tenant).select_related("campaign")
    return Story(
        number=number,
        verdicts=shown,
        answer=_nearest(shown, at),
        leads=list(
            Lead.objects.for_tenant(tenant)
            .filter(Q(phone=number) | Q(numbers__phone=number))
            .select_related("campaign", "list")
            .distinct()
            .order_by("pk")[:20]
        ),
        listed=list(
            DncEntry.objects.for_tenant(tenant)
            .filter(phone=number)
            .select_related("campaign", "added_by")
            .order_by("pk")
        ),
        removed=list(
            DncRemoval.objects.for_tenant(tenant)
            .filter(phone=number)
            .select_related("campaign", "removed_by")
            .order_by("pk")
        ),
        patterns=[one for one in patterns if number.startswith(one.prefix)],
        official=official_lists_with(number),
        consents=list(
            Consent.objects.for_tenant(tenant)
            .filter(phone=number)
            .select_related("added_by", "revoked_by")
            .order_by("-given_at", "-pk")
        ),
        note=NumberNote.objects.for_tenant(tenant).filter(phone=number).first(),
    )


def _nearest(verdicts: list[GateVerdict], at: datetime | None) -> GateVerdict | None:
    if at is None:
        return None
    nearest = min(verdicts, key=lambda one: abs(one.at - at), default=None)
    return nearest if nearest is not None and abs(nearest.at - at) <= NEAR else None


def official_lists_with(number: str) -> list[NationalList]:
    """The official lists in use on which a number is."""
    if not number[1:].isdigit():
        return []
    lists = NationalList.objects.filter(is_current=True).order_by("name")
    return [one for one in lists if on_national([int(number[1:])], names=[one.name])]


def audited(tenant: Tenant, story: Story) -> list[AuditEntry]:
    """The entries of the audit trail about a number's consents and removals, with their place in the hash chain."""
    subjects = [str(one.public_id) for one in story.consents] + [str(one.public_id) for one in story.removed]
    return list(AuditEntry.objects.for_tenant(tenant).filter(subject__in=subjects).order_by("seq"))


EVIDENCE_COLUMNS = (
    "what",
    "at_utc",
    "local_time",
    "campaign",
    "answer",
    "rule",
    "packs",
    "grounds",
    "call",
    "outcome",
    "talk_s",
    "by",
    "hash",
)


def evidence_rows(tenant: Tenant, number: str) -> Iterator[dict[str, str]]:
    """The whole evidence of a number, oldest first within each kind: consents, lists, decisions and calls, audit."""
    story = story_of(tenant, number)
    for consent in reversed(story.consents):
        until = f"until {consent.expires_at.isoformat(timespec='seconds')}" if consent.expires_at else ""
        grounds = "; ".join(part for part in (consent.source, consent.proof, until) if part)
        yield _row("consent", consent.given_at, answer=consent.kind, grounds=grounds)
        if consent.revoked_at:
            yield _row("consent revoked", consent.revoked_at, answer=consent.kind, grounds=consent.revoked_how)
    for gone in story.removed:
        yield _row("do not call", gone.added_at, campaign=_where(gone), answer=gone.kind, grounds=gone.source)
        by = gone.removed_by.shown_name if gone.removed_by else ""
        yield _row("taken off", gone.removed_at, campaign=_where(gone), answer=gone.kind, grounds=gone.why, by=by)
    for entry in story.listed:
        yield _row("do not call", entry.added_at, campaign=_where(entry), answer=entry.kind, grounds=entry.source)
    for pattern in story.patterns:
        answer = f"begins with {pattern.prefix}"
        yield _row("do not call", pattern.added_at, campaign=_where(pattern), answer=answer)
    for one in story.official:
        yield _row("official list", one.as_of, answer=one.name, grounds=f"on it; loaded {one.loaded_at.isoformat()}")
    yield from _checks(story.note)
    for verdict in verdicts_of(tenant, number).order_by("at", "pk").iterator(chunk_size=500):
        yield _verdict_row(verdict)
    for deed in audited(tenant, story):
        yield _row("audit", deed.at, answer=deed.action, by=deed.actor_name, hash=f"{deed.seq} {deed.hash}")


def _where(entry: DncEntry | DncRemoval | DncPattern) -> str:
    return entry.campaign.name if entry.campaign else "every campaign"


def _checks(note: NumberNote | None) -> Iterator[dict[str, str]]:
    """What was found out about the number itself."""
    if note is None:
        return
    if note.reassigned and note.reassigned_at:
        yield _row("check", note.reassigned_at, answer=f"reassigned since {note.reassigned_since}: {note.reassigned}")
    for name in ("wireless", "by_hand_only", "legal_hold"):
        if getattr(note, name):
            yield {**dict.fromkeys(EVIDENCE_COLUMNS, ""), "what": "note", "answer": name}


def _verdict_row(verdict: GateVerdict) -> dict[str, str]:
    call = getattr(verdict, "call", None)
    clocks = verdict.evidence.get("clocks", {})
    grounds = {name: value for name, value in verdict.evidence.items() if name != "clocks"}
    return _row(
        "decision",
        verdict.at,
        local_time="; ".join(f"{zone} {clock}" for zone, clock in clocks.items()),
        campaign=verdict.campaign.name,
        answer="allowed" if verdict.allowed else "refused",
        rule=verdict.rule,
        packs=verdict.pack,
        grounds="; ".join(f"{name}: {value}" for name, value in grounds.items()),
        call=str(call.pk) if call else "",
        outcome=call.outcome if call else "",
        talk_s=f"{call.talk_time.total_seconds():.0f}" if call and call.talk_time else "",
        by=call.user.shown_name if call and call.user else "",
    )


def _row(what: str, at: datetime, **values: str) -> dict[str, str]:
    return {**dict.fromkeys(EVIDENCE_COLUMNS, ""), "what": what, "at_utc": at.isoformat(timespec="seconds"), **values}
