"""What a campaign offers its agents for calls: what is allowed, transfer presets, recorded messages. Admins only."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.campaigns.models import Campaign
from dialer.people.access import admin, fetch, owned, tenant_of

from .forms import HandlingForm, MessageForm, PresetForm
from .models import HandlingSettings, MessageRecording, TransferPreset


@admin
@require_http_methods(["GET", "POST"])
def handling(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """All of it on one page; each form posts what it is about as `form`."""
    campaign = fetch(request, Campaign, public_id=public_id)
    tenant, which = tenant_of(request), request.POST.get("form", "")
    stored = owned(request, HandlingSettings).filter(pk=campaign.pk).first()
    data = {name: request.POST if which == name else None for name in ("allowed", "preset", "message")}
    ids = {name: f"{name}-%s" for name in data}  # two of the forms have a field of the same name
    of_campaign = stored or HandlingSettings(campaign=campaign)
    allowed = HandlingForm(data["allowed"], instance=of_campaign, tenant=tenant, auto_id=ids["allowed"])
    if stored is None:
        allowed.instance.tenant = tenant
    here = {"tenant": tenant, "campaign": campaign}
    preset = PresetForm(data["preset"], auto_id=ids["preset"], **here)
    message = MessageForm(data["message"], request.FILES or None, auto_id=ids["message"], **here)
    chosen = {"allowed": allowed, "preset": preset, "message": message}.get(which)
    if chosen is not None and chosen.is_valid():
        if isinstance(chosen, MessageForm):
            _keep(chosen)
        if stored is None and chosen is allowed:
            allowed.instance.save(force_insert=True)
        else:
            chosen.save()
        messages.success(request, _("Saved."))
        return redirect("handling:settings", public_id)
    context = {
        "campaign": campaign,
        "allowed": allowed,
        "preset": preset,
        "message": message,
        "presets": owned(request, TransferPreset).filter(campaign=campaign).select_related("agent", "to_campaign"),
        "recordings": owned(request, MessageRecording).filter(campaign=campaign),
    }
    return render(request, "handling/settings.html", context)


def _keep(form: MessageForm) -> None:
    """Write an uploaded message below the recordings folder, where the switch finds it."""
    form.instance.path = f"messages/{form.tenant.pk}/{form.instance.public_id}.wav"
    path = Path(settings.RECORDINGS_DIR) / form.instance.path
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for chunk in form.cleaned_data["sound"].chunks():
            file.write(chunk)


@admin
@require_POST
def preset_delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Remove a preset; transfers that are under way go on."""
    chosen = fetch(request, owned(request, TransferPreset).select_related("campaign"), public_id=public_id)
    chosen.delete()
    messages.success(request, _("“%(name)s” is removed.") % {"name": chosen.name})
    return redirect("handling:settings", chosen.campaign.public_id)


@admin
@require_POST
def message_delete(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Remove a message. Its file stays: a call may be playing it."""
    chosen = fetch(request, owned(request, MessageRecording).select_related("campaign"), public_id=public_id)
    chosen.delete()
    messages.success(request, _("“%(name)s” is removed.") % {"name": chosen.name})
    return redirect("handling:settings", chosen.campaign.public_id)
