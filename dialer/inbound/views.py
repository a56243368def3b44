"""Queues and the numbers that lead to them. Admins only."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.core import audit
from dialer.people.access import admin, fetch, owned, tenant_of, user_of

from .forms import DidForm, QueueForm
from .models import Did, Queue


@admin
@require_http_methods(["GET", "POST"])
def queues(request: HttpRequest) -> HttpResponse:
    """All queues, and a form for a new one."""
    form = QueueForm(request.POST or None, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            made = form.save()
            _note(request, made, "queue.made")
        messages.success(request, _("“%(name)s” is made. Now give it a number that people call.") % {"name": made.name})
        return redirect("inbound:queue", made.public_id)
    found = owned(request, Queue).prefetch_related("dids", "campaigns")
    return render(request, "inbound/queues.html", {"queues": found, "form": form})


@admin
@require_http_methods(["GET", "POST"])
def queue(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change one queue; beside it its numbers."""
    chosen = fetch(request, Queue, public_id=public_id)
    form = QueueForm(request.POST or None, instance=chosen, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            _note(request, chosen, "queue.saved")
        messages.success(request, _("“%(name)s” is saved.") % {"name": chosen.name})
        return redirect("inbound:queue", public_id)
    return _page(request, public_id, form, DidForm(tenant=tenant_of(request), queue=chosen))


def _page(request: HttpRequest, public_id: UUID, form: QueueForm, did_form: DidForm) -> HttpResponse:
    saved = fetch(request, owned(request, Queue).prefetch_related("dids"), public_id=public_id)
    return render(request, "inbound/queue.html", {"queue": saved, "form": form, "did_form": did_form})


@admin
@require_POST
def queue_delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Remove a queue to which no number leads; calls that came through it stay."""
    chosen = fetch(request, Queue, public_id=public_id)
    try:
        with transaction.atomic():
            _note(request, chosen, "queue.removed")
            chosen.delete()
    except ProtectedError:
        messages.error(request, _("Numbers still lead to “%(name)s”. Take them out first.") % {"name": chosen.name})
        return redirect("inbound:queue", public_id)
    messages.success(request, _("“%(name)s” is removed.") % {"name": chosen.name})
    return redirect("inbound:queues")


@admin
@require_POST
def did_add(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Let a number lead to a queue."""
    chosen = fetch(request, Queue, public_id=public_id)
    form = DidForm(request.POST, tenant=tenant_of(request), queue=chosen)
    if form.is_valid():
        try:
            with transaction.atomic():
                form.save()
                _note(request, chosen, "queue.number_added")
            messages.success(request, _("Calls to the number come to this queue now."))
            return redirect("inbound:queue", public_id)
        except IntegrityError:  # another tenant's, of which nothing is told
            form.add_error("phone", _("This number cannot be used here. Check it, or ask whoever runs this system."))
    return _page(request, public_id, QueueForm(instance=chosen, tenant=tenant_of(request)), form)


@admin
@require_POST
def did_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a number lead nowhere: its calls are refused from now on."""
    chosen = fetch(request, owned(request, Did).select_related("queue"), pk=pk)
    with transaction.atomic():
        _note(request, chosen.queue, "queue.number_removed")
        chosen.delete()
    messages.success(request, _("Calls to the number are refused now."))
    return redirect("inbound:queue", chosen.queue.public_id)


def _note(request: HttpRequest, chosen: Queue, action: str) -> None:
    audit.record(
        tenant_id=chosen.tenant_id,
        actor=user_of(request),
        action=action,
        subject=str(chosen.public_id),
        data={"name": chosen.name},
    )
