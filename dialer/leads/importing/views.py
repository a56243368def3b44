"""An import step by step: the file, what its columns mean, a preview, how far it is, what came of it."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.campaigns.selectors import seen_by
from dialer.core.models import TenantQuerySet
from dialer.core.tables import csv_response
from dialer.people.access import fetch, owned, sees_numbers, supervisor, user_of

from . import services
from .forms import SettingsForm, UploadForm
from .models import Import, ImportState
from .reading import BadFile
from .shown import context_of, preview, refused_header, refused_rows, retold


def _seen(request: HttpRequest) -> TenantQuerySet:
    """The imports into campaigns that the user may touch."""
    return owned(request, Import).filter(campaign__in=seen_by(user_of(request)))


@supervisor
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Take a file or pasted rows."""
    campaign = fetch(request, seen_by(user_of(request)).select_related("tenant"), public_id=campaign_id)
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        try:
            made = services.upload(campaign=campaign, user=user_of(request), file=form.cleaned_data["file"])
        except BadFile as error:
            form.add_error("file", retold(str(error)))
        else:
            return redirect("leads:import", made.public_id)
    recent = owned(request, Import).filter(campaign=campaign).select_related("list", "made_by")[:10]
    context = {"campaign": campaign, "form": form, "recent": recent}
    return render(request, "leads/upload.html", context, status=422 if form.errors else 200)


@supervisor
@require_http_methods(["GET", "POST"])
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A draft's settings or preview (`?step=preview`); how far an import is; what came of it."""
    rows = _seen(request).select_related("campaign__tenant", "list", "made_by")
    found = fetch(request, rows, public_id=public_id)
    if found.state != ImportState.DRAFT:
        return render(request, "leads/import.html", {"campaign": found.campaign, **context_of(found)})
    if request.method == "GET" and request.GET.get("step") == "preview" and "phone" in found.mapping.values():
        context = {"import": found, "campaign": found.campaign, "rows": preview(found)}
        return render(request, "leads/import_preview.html", context)
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=found)
    if request.method == "POST" and form.is_valid():
        if not form.reading_changed:
            services.settle(of=found, mapping=form.mapping, values=form.values)
            return redirect(f"{request.path}?step=preview")
        try:
            encoding, delimiter = form.cleaned_data["encoding"], form.cleaned_data["delimiter"]
            services.look_again(of=found, encoding=encoding, delimiter=delimiter)
        except BadFile as error:
            form.add_error("encoding", retold(str(error)))
        else:
            messages.info(request, _("The file was read again. Look at its columns."))
            return redirect(request.path)
    context = {"import": found, "campaign": found.campaign, "form": form}
    return render(request, "leads/import_settings.html", context, status=422 if form.errors else 200)


@supervisor
@require_POST
def confirm(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Have a draft carried out, or thrown away (`discard`)."""
    found = fetch(request, _seen(request).select_related("campaign", "list"), public_id=public_id)
    if "discard" in request.POST:
        services.discard(of=found)
        return redirect("leads:lists", found.campaign.public_id)
    if "phone" in found.mapping.values():
        services.confirm(of=found, user=user_of(request))
    return redirect("leads:import", found.public_id)


@supervisor
@require_POST
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give an import up."""
    found = fetch(request, _seen(request).select_related("campaign"), public_id=public_id)
    services.cancel(of=found)
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    return redirect("leads:import", found.public_id)


@supervisor
@require_GET
def problems(request: HttpRequest, public_id: UUID) -> HttpResponseBase:
    """The rows that were not taken, as a file to mend and upload again."""
    found = fetch(request, _seen(request), public_id=public_id)
    if not sees_numbers(user_of(request)):
        raise PermissionDenied("The file has whole numbers, which your role does not see.")
    return csv_response("rows-to-mend.csv", refused_header(found), partial(refused_rows, found, get_language() or ""))
