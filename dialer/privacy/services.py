"""Forgetting: one person on their request, and everybody after a while. Evidence that the law wants kept is kept.

What stays of a person are the records of calls and their grounds (16 CFR 310.5 wants them for five years): numbers,
times, outcomes, verdicts, consents and the do-not-call list. What goes are names, notes, custom fields, other numbers,
recordings, and the number on their leads. A number on legal hold loses nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from dialer.calls import recordings
from dialer.calls.models import CallEvent, CallTask, Recording, RecordingState
from dialer.calls.services import note_event
from dialer.compliance.models import GateVerdict, NumberNote, Retention
from dialer.compliance.services import ERASED, add_to_dnc
from dialer.core import audit
from dialer.core.clock import now
from dialer.leads import callbacks
from dialer.leads.importing import services as imports
from dialer.leads.models import Callback, Lead, LeadNumber, LeadState
from dialer.people.models import Tenant, User

AT_ONCE = 500
"""Rows that one transaction of the nightly job takes."""


class OnHold(Exception):
    """The number is on legal hold; the message says what to do."""


def held_numbers(tenant: Tenant) -> list[str]:
    """Numbers on legal hold."""
    return list(NumberNote.objects.for_tenant(tenant).filter(legal_hold=True).values_list("phone", flat=True))


def erase(*, tenant: Tenant, number: str, why: str, by: User) -> dict[str, int]:
    """Forget the person with this number, and never call it again; how many rows of each kind were emptied.

    Raises OnHold, and then nothing has changed.
    """
    moment = now()
    files: list[Path] = []
    with transaction.atomic():
        if imports.is_busy(tenant_id=tenant.pk):
            raise OnHold(_("An import is under way, which may have this person in it. Try again when it is over."))
        leads = Lead.objects.for_tenant(tenant).filter(Q(phone=number) | Q(numbers__phone=number)).order_by("pk")
        lead_ids = list(dict.fromkeys(leads.values_list("pk", flat=True)))
        if not {number, *_numbers(tenant, lead_ids)}.isdisjoint(held_numbers(tenant)):
            raise OnHold(_("This number is on legal hold, so nothing of it may be removed. Lift the hold first."))
        # Their calls on other numbers too: whoever answered there was called as this person.
        calls = CallTask.objects.for_tenant(tenant).filter(Q(phone=number) | Q(lead__in=lead_ids))
        live = calls.exclude(state="ended").exists()
        if live:
            raise OnHold(_("This number is in a call at this moment. Try again when it is over."))
        counts = {
            "leads": _empty_leads(tenant, lead_ids, moment),
            "notes": _empty_notes(tenant, calls),
            "refused_rows": imports.refused_rows_of(tenant_id=tenant.pk, number=number).delete()[0],
            "uploads": imports.discard_all(tenant_id=tenant.pk),  # whoever may be in those files
            "recordings": _remove_recordings(
                tenant, Recording.objects.for_tenant(tenant).filter(call__in=calls), files
            ),
        }
        add_to_dnc(tenant_id=tenant.pk, number=number, source=ERASED, by=by)
        audit.record(
            tenant_id=tenant.pk,
            actor=by,
            action="person.erased",
            data={**counts, "why": why[:200], "ends": number[-2:]},
        )
        transaction.on_commit(lambda: _unlink(files))
    return counts


def _numbers(tenant: Tenant, lead_ids: list[int]) -> list[str]:
    """Every number of these leads."""
    own = Lead.objects.for_tenant(tenant).filter(pk__in=lead_ids).values_list("phone", flat=True)
    others = LeadNumber.objects.for_tenant(tenant).filter(lead__in=lead_ids).values_list("phone", flat=True)
    return [*own, *others]


def _empty_leads(tenant: Tenant, lead_ids: list[int], at: datetime) -> int:
    """Take from leads all that says who they are. The row stays: calls and verdicts refer to it."""
    for lead_id in lead_ids:
        callbacks.close_failed(lead_id=lead_id, at=at)
    LeadNumber.objects.for_tenant(tenant).filter(lead__in=lead_ids).delete()
    Callback.objects.for_tenant(tenant).filter(lead__in=lead_ids).update(note="")
    emptied: int = (
        Lead.objects.for_tenant(tenant)
        .filter(pk__in=lead_ids)
        .update(
            **dict.fromkeys(("first_name", "last_name", "company", "notes", "phone"), ""),
            **dict.fromkeys(("address", "city", "postal_code", "region"), ""),
            custom={},
            time_zones=[],
            state=LeadState.DONE,
        )
    )
    return emptied


def _empty_notes(tenant: Tenant, calls: Iterable[CallTask]) -> int:
    keys = [call.pk for call in calls]
    emptied: int = CallTask.objects.for_tenant(tenant).filter(pk__in=keys).exclude(note="").update(note="")
    for event in CallEvent.objects.for_tenant(tenant).filter(call__in=keys, data__has_key="note"):
        event.data = {**event.data, "note": ""}
        event.save(update_fields=["data"])
    return emptied


def _remove_recordings(tenant: Tenant, rows: Iterable[Recording], files: list[Path]) -> int:
    """Remove recordings' rows now and have their files removed after the commit; each call keeps what it was."""
    count = 0
    for recording in rows:
        if recording.state == RecordingState.RUNNING:
            continue
        call = CallTask.objects.for_tenant(tenant).select_for_update(no_key=True).get(pk=recording.call_id)
        told = {"sha256": recording.sha256, "duration_ms": recording.duration_ms}
        note_event(call=call, kind=recordings.GONE, data=told, at=now())
        files.append(Path(settings.RECORDINGS_DIR) / recording.path)
        recording.delete()
        count += 1
    return count


def _unlink(files: Iterable[Path]) -> None:
    root = Path(settings.RECORDINGS_DIR).resolve()
    for path in files:
        if path.resolve().is_relative_to(root):
            path.unlink(missing_ok=True)


def forget_old(*, tenant: Tenant, at: datetime) -> dict[str, int]:
    """Remove what is past its time by the tenant's own retention; how many rows of each kind."""
    days = dict(Retention.objects.for_tenant(tenant).filter(days__gt=0).values_list("kind", "days"))
    held = held_numbers(tenant)
    done: dict[str, int] = {}
    for kind, forget in _KINDS.items():
        if kind in days:
            done[kind] = 0
            while count := forget(tenant, at - timedelta(days=days[kind]), held):
                done[kind] += count
    if any(done.values()):
        audit.record(tenant_id=tenant.pk, actor=None, action="retention.done", data=done)
    return done


def _old_recordings(tenant: Tenant, before: datetime, held: list[str]) -> int:
    files: list[Path] = []
    with transaction.atomic():
        rows = (
            Recording.objects.for_tenant(tenant)
            .filter(started_at__lt=before)
            .exclude(call__phone__in=held)
            .exclude(state=RecordingState.RUNNING)
            .order_by("pk")[:AT_ONCE]
        )
        count = _remove_recordings(tenant, list(rows), files)
        transaction.on_commit(lambda: _unlink(files))
    return count


def _old_notes(tenant: Tenant, before: datetime, held: list[str]) -> int:
    with transaction.atomic():
        calls = CallTask.objects.for_tenant(tenant).filter(queued_at__lt=before, state="ended")
        some = calls.exclude(note="").exclude(phone__in=held).order_by("pk")[:AT_ONCE]
        return _empty_notes(tenant, list(some))


def _old_leads(tenant: Tenant, before: datetime, held: list[str]) -> int:
    with transaction.atomic():
        leads = (
            Lead.objects.for_tenant(tenant)
            .filter(state=LeadState.DONE, created_at__lt=before)
            .exclude(phone="")
            .exclude(phone__in=held)
            .exclude(numbers__phone__in=held)
            .annotate(called=Max("calls__queued_at"))
            .filter(Q(called=None) | Q(called__lt=before))
        )
        keys = list(leads.order_by("pk").values_list("pk", flat=True)[:AT_ONCE])
        return _empty_leads(tenant, keys, now())


def _old_refusals(tenant: Tenant, before: datetime, held: list[str]) -> int:
    rows = GateVerdict.objects.for_tenant(tenant).filter(at__lt=before, allowed=False).exclude(phone__in=held)
    some = rows.filter(call=None, party=None).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    count, _by_model = GateVerdict.objects.for_tenant(tenant).filter(pk__in=list(some)).delete()
    return count


_KINDS = {
    Retention.Kind.RECORDINGS: _old_recordings,
    Retention.Kind.NOTES: _old_notes,
    Retention.Kind.LEADS: _old_leads,
    Retention.Kind.REFUSALS: _old_refusals,
}


@transaction.atomic
def hide_numbers(*, tenant: Tenant, roles: Sequence[str], by: User) -> None:
    """Show these roles only the last digits of people's numbers from now on."""
    Tenant.objects.filter(pk=tenant.pk).update(numbers_hidden_from=list(roles))
    audit.record(tenant_id=tenant.pk, actor=by, action="numbers.hidden", data={"from": list(roles)})
