"""What a list is set to: its name, its priority, its share among lists of the same one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods

from dialer.campaigns import rework
from dialer.campaigns.models import LeadList
from dialer.campaigns.selectors import seen_by
from dialer.campaigns.services import changed
from dialer.core import audit
from dialer.core.forms import TenantForm
from dialer.people.access import fetch, owned, supervisor, tenant_of, user_of

from . import priorities


class ListForm(TenantForm):
    """A list's name, priority and share."""

    thing = "a list"

    class Meta:
        model = LeadList
        fields = ("name", "priority", "mix")
        labels = {"name": lazy("Name"), "priority": lazy("Priority"), "mix": lazy("Share")}
        help_texts = {
            "priority": lazy("Leads of a list with a higher number are called first."),
            "mix": lazy("Lists of one priority take turns in this proportion, e.g. 70 and 30. 0: by their times."),
        }

    def _rivals(self) -> Any:
        return super()._rivals().filter(campaign=self.instance.campaign)

    def clean_priority(self) -> int:
        """Below what promised callbacks have."""
        priority: int = self.cleaned_data["priority"]
        if not -1000 <= priority <= 1000:
            raise forms.ValidationError(_("Give a priority from -1000 to 1000."))
        return priority


@supervisor
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change a list; its leads take a new priority at once when they are few, else by and by."""
    rows = owned(request, LeadList).filter(campaign__in=seen_by(user_of(request)))
    lead_list = fetch(request, rows.select_related("campaign"), public_id=public_id)
    form = ListForm(request.POST or None, instance=lead_list, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        words = _("“%(name)s” is saved.")
        with transaction.atomic():
            form.save()
            if "priority" in form.changed_data:
                row = rework.reprioritise(lead_list=lead_list)
                priorities.step(row)
                if row.done_at is None:
                    words = _("“%(name)s” is saved. Its leads take the new priority in the next minutes.")
            changed(lead_list.campaign)
            audit.record(
                tenant_id=lead_list.tenant_id,
                actor=user_of(request),
                action="list.saved",
                subject=str(lead_list.public_id),
                data={"fields": sorted(form.changed_data)},
            )
        messages.success(request, words % {"name": lead_list.name})
        return redirect("leads:list", public_id)
    return render(request, "leads/list_form.html", {"list": lead_list, "form": form})
