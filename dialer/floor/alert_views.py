"""Thresholds and alerts: which figures are watched, and what they said lately."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.campaigns.models import Campaign
from dialer.core import audit, hooks
from dialer.people.access import admin, fetch, owned, tenant_of, user_of

from .models import Alert, Threshold


class ThresholdForm(forms.ModelForm):  # type: ignore[type-arg]
    """When to tell whom."""

    class Meta:
        model = Threshold
        fields = ("campaign", "figure", "above", "value", "for_s", "mail_to", "webhook")
        field_classes = {"webhook": partial(forms.URLField, assume_scheme="https")}

    def __init__(self, *args: Any, campaigns: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["campaign"].queryset = campaigns  # type: ignore[attr-defined]
        self.fields["campaign"].empty_label = _("All campaigns")  # type: ignore[attr-defined]

    def clean_webhook(self) -> str:
        """Only an address that would be called: it is looked up again, and held to the same rule, each time."""
        address = str(self.cleaned_data["webhook"] or "")
        if address:
            try:
                hooks.look_up(address)
            except hooks.NotCalled as refusal:
                raise forms.ValidationError(_("The webhook cannot be used: %(why)s.") % {"why": refusal}) from refusal
        return address


@admin
@require_http_methods(["GET", "POST"])
def thresholds(request: HttpRequest) -> HttpResponse:
    """What is watched, a form for one more, and the last alerts."""
    mine = Threshold(tenant=tenant_of(request))
    form = ThresholdForm(request.POST or None, instance=mine, campaigns=owned(request, Campaign).order_by("name"))
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            made = form.save()
            told = {"figure": made.figure, "above": made.above, "value": made.value}
            _note(request, "threshold.made", made, told)
        messages.success(request, _("The threshold is saved."))
        return redirect("floor:alerts")
    context = {
        "form": form,
        "thresholds": owned(request, Threshold).select_related("campaign"),
        "alerts": owned(request, Alert).order_by("-began_at")[:20],
    }
    return render(request, "floor/alerts.html", context)


@admin
@require_POST
def remove(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Watch it no more; its alerts go with it."""
    one = fetch(request, Threshold, public_id=public_id)
    with transaction.atomic():
        _note(request, "threshold.removed", one, {"figure": one.figure})
        one.delete()
    messages.success(request, _("The threshold is removed."))
    return redirect("floor:alerts")


def _note(request: HttpRequest, action: str, one: Threshold, told: dict[str, Any]) -> None:
    audit.record(tenant_id=one.tenant_id, actor=user_of(request), action=action, subject=str(one.public_id), data=told)
