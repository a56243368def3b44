"""Pools of caller ids and their numbers, with the figures of the day. Admins only."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.db.models import Count, ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.campaigns.forms import CallerNumberForm, CallerPoolForm
from dialer.campaigns.models import CallerNumber, CallerPool
from dialer.compliance.ledger import today_of
from dialer.core import audit
from dialer.core.clock import now
from dialer.people.access import admin, fetch, owned, tenant_of, user_of

from . import caller_ids


@admin
@require_http_methods(["GET", "POST"])
def pools(request: HttpRequest) -> HttpResponse:
    """All pools, and a form for a new one."""
    form = CallerPoolForm(request.POST or None, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            made = form.save()
            _note(request, made, "caller_pool.made")
        messages.success(request, _("“%(name)s” is made. Now add its numbers.") % {"name": made.name})
        return redirect("calls:caller-pool", made.public_id)
    found = owned(request, CallerPool).annotate(size=Count("numbers")).prefetch_related("campaigns")
    return render(request, "calls/caller_pools.html", {"pools": found, "form": form})


@admin
@require_http_methods(["GET", "POST"])
def pool(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One pool: its numbers with today's figures, and a form for a new one."""
    chosen = fetch(request, CallerPool, public_id=public_id)
    form = CallerNumberForm(request.POST or None, tenant=tenant_of(request), pool=chosen)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            _note(request, chosen, "caller_pool.number_added")
        messages.success(request, _("The number is added."))
        return redirect("calls:caller-pool", public_id)
    day = today_of(tenant_of(request), now())
    context = {"pool": chosen, "form": form, "numbers": caller_ids.figures_of(pool=chosen, day=day), "day": day}
    return render(request, "calls/caller_pool.html", context)


@admin
@require_http_methods(["GET", "POST"])
def pool_edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change a pool's name and local presence."""
    chosen = fetch(request, CallerPool, public_id=public_id)
    form = CallerPoolForm(request.POST or None, instance=chosen, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            form.save()
            _note(request, chosen, "caller_pool.saved")
        messages.success(request, _("“%(name)s” is saved.") % {"name": chosen.name})
        return redirect("calls:caller-pool", public_id)
    return render(request, "calls/caller_pool_form.html", {"pool": chosen, "form": form})


@admin
@require_POST
def pool_delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Remove a pool that no campaign uses."""
    chosen = fetch(request, CallerPool, public_id=public_id)
    try:
        with transaction.atomic():
            _note(request, chosen, "caller_pool.removed")
            chosen.delete()
    except ProtectedError:
        messages.error(
            request, _("“%(name)s” is used by a campaign. Choose another pool there first.") % _named(chosen)
        )
        return redirect("calls:caller-pool", public_id)
    messages.success(request, _("“%(name)s” is removed.") % _named(chosen))
    return redirect("calls:caller-pools")


@admin
@require_http_methods(["GET", "POST"])
def number(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a number of a pool."""
    chosen = fetch(request, owned(request, CallerNumber).select_related("pool"), pk=pk)
    form = CallerNumberForm(request.POST or None, instance=chosen, tenant=tenant_of(request), pool=chosen.pool)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            # A cap below what was used today already is a cap that is reached, not an error.
            if form.cleaned_data["daily_cap"]:
                _cut(chosen, form.cleaned_data["daily_cap"])
            form.save()
            _note(request, chosen.pool, "caller_pool.number_saved")
        messages.success(request, _("The number is saved."))
        return redirect("calls:caller-pool", chosen.pool.public_id)
    return render(request, "calls/caller_pool_form.html", {"pool": chosen.pool, "form": form, "number": chosen})


def _cut(chosen: CallerNumber, cap: int) -> None:
    rows = CallerNumber.objects.for_tenant(chosen.tenant_id).select_for_update(no_key=True)
    locked = rows.get(pk=chosen.pk)
    rows.filter(pk=chosen.pk).update(used=min(locked.used, cap))


@admin
@require_POST
def number_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a number out of its pool; calls that showed it keep it in their records."""
    chosen = fetch(request, owned(request, CallerNumber).select_related("pool"), pk=pk)
    with transaction.atomic():
        _note(request, chosen.pool, "caller_pool.number_removed")
        chosen.delete()
    messages.success(request, _("The number is out of the pool."))
    return redirect("calls:caller-pool", chosen.pool.public_id)


def _named(chosen: CallerPool) -> dict[str, str]:
    return {"name": chosen.name}


def _note(request: HttpRequest, chosen: CallerPool, action: str) -> None:
    subject = str(chosen.public_id)
    audit.record(
        tenant_id=chosen.tenant_id, actor=user_of(request), action=action, subject=subject, data=_named(chosen)
    )
