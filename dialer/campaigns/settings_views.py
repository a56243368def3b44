"""What campaigns are made of: disposition sets and pause codes. Admins only."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.people.access import admin, fetch, owned, tenant_of

from .forms import DispositionForm, DispositionSetForm, PauseCodeForm
from .models import Disposition, DispositionSet, PauseCode


@admin
@require_http_methods(["GET", "POST"])
def disposition_sets(request: HttpRequest) -> HttpResponse:
    """All disposition sets, and a form for a new one."""
    form = DispositionSetForm(request.POST or None, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        made = form.save()
        messages.success(request, _("“%(name)s” is made. Now add its dispositions.") % {"name": made.name})
        return redirect("campaigns:disposition-set", made.pk)
    sets = owned(request, DispositionSet).order_by("name").prefetch_related("dispositions", "campaigns")
    return render(request, "campaigns/disposition_sets.html", {"sets": sets, "form": form})


@admin
@require_http_methods(["GET", "POST"])
def disposition_set(request: HttpRequest, pk: int) -> HttpResponse:
    """One set: its dispositions, and a form for a new one."""
    chosen = fetch(request, DispositionSet, pk=pk)
    form = DispositionForm(request.POST or None, tenant=tenant_of(request), disposition_set=chosen)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("“%(label)s” is added.") % {"label": form.instance.label})
        return redirect("campaigns:disposition-set", pk)
    context = {"set": chosen, "form": form, "dispositions": chosen.dispositions.all()}
    return render(request, "campaigns/disposition_set.html", context)


@admin
@require_http_methods(["GET", "POST"])
def disposition(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one disposition."""
    chosen = fetch(request, owned(request, Disposition).select_related("disposition_set"), pk=pk)
    form = DispositionForm(
        request.POST or None, instance=chosen, tenant=tenant_of(request), disposition_set=chosen.disposition_set
    )
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("“%(label)s” is saved.") % {"label": form.instance.label})
        return redirect("campaigns:disposition-set", chosen.disposition_set_id)
    return render(request, "campaigns/disposition.html", {"form": form, "disposition": chosen})


@admin
@require_POST
def disposition_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a disposition that no call has."""
    chosen = fetch(request, Disposition, pk=pk)
    try:
        chosen.delete()
    except ProtectedError:
        messages.error(
            request,
            _("“%(label)s” is on calls already and stays in the records. Change it instead.") % {"label": chosen.label},
        )
    else:
        messages.success(request, _("“%(label)s” is removed.") % {"label": chosen.label})
    return redirect("campaigns:disposition-set", chosen.disposition_set_id)


@admin
@require_http_methods(["GET", "POST"])
def pause_codes(request: HttpRequest) -> HttpResponse:
    """All pause codes, and a form for a new one."""
    form = PauseCodeForm(request.POST or None, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("“%(label)s” is added.") % {"label": form.instance.label})
        return redirect("campaigns:pause-codes")
    return render(request, "campaigns/pause_codes.html", {"codes": owned(request, PauseCode), "form": form})


@admin
@require_http_methods(["GET", "POST"])
def pause_code(request: HttpRequest, pk: int) -> HttpResponse:
    """Change one pause code."""
    chosen = fetch(request, PauseCode, pk=pk)
    form = PauseCodeForm(request.POST or None, instance=chosen, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("“%(label)s” is saved.") % {"label": form.instance.label})
        return redirect("campaigns:pause-codes")
    return render(request, "campaigns/pause_code.html", {"form": form, "code": chosen})


@admin
@require_POST
def pause_code_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a pause code; what was recorded with it keeps the code itself."""
    chosen = fetch(request, PauseCode, pk=pk)
    chosen.delete()
    messages.success(request, _("“%(label)s” is removed.") % {"label": chosen.label})
    return redirect("campaigns:pause-codes")
