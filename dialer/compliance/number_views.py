"""One number: why it was or was not dialed, its consents, what is known of it, and the evidence as files."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.core import audit
from dialer.core.clock import now
from dialer.core.numbers import display_number
from dialer.people.access import admin, sees_numbers, supervisor, tenant_of, user_of

from . import evidence, services
from .forms import ConsentForm, NoteForm, NumberForm, RemovalForm, RevokeForm, StoryForm
from .laws import Level
from .models import NumberNote
from .story import Story, evidence_rows, story_of


def _number(request: HttpRequest) -> str | None:
    """The number that a request is about, or None when it names none. Not for those from whom numbers are hidden."""
    if not sees_numbers(user_of(request)):
        raise PermissionDenied(_("Telephone numbers are hidden from your role. An administrator can change that."))
    form = NumberForm(request.POST if request.method == "POST" else request.GET, region=tenant_of(request).region)
    return form.cleaned_data["number"] if form.is_valid() else None


def _page_of(number: str) -> str:
    return f"{reverse('compliance:number')}?{urlencode({'number': number})}"


@supervisor
@require_GET
def number(request: HttpRequest) -> HttpResponse:
    """Everything on record of a number; with ?at=, what was decided about it then."""
    tenant = tenant_of(request)
    _number(request)
    form = StoryForm(request.GET if "number" in request.GET else None, region=tenant.region)
    if not form.is_bound or not form.is_valid():
        return render(request, "compliance/number.html", {"form": form, "tab": "number"})
    at = form.cleaned_data["at"]
    story = story_of(tenant, form.cleaned_data["number"], at)
    return _page(request, story, form=form, at=at, yet_to_come=at is not None and at > now())


def _page(request: HttpRequest, story: Story, **context: object) -> HttpResponse:
    """The page about a number; `context` has the forms that were filled in."""
    tenant = tenant_of(request)
    standing = {
        "form": StoryForm(initial={"number": story.number}, region=tenant.region),
        "story": story,
        "removal_form": RemovalForm(tenant=tenant, number=story.number, auto_id="removal-%s"),
        "consent_form": ConsentForm(initial={"given_at": now()}, auto_id="consent-%s"),
        "revoke_form": RevokeForm(auto_id="revoke-%s"),
        "note_form": NoteForm(instance=story.note, auto_id="note-%s"),
        "tab": "number",
    }
    return render(request, "compliance/number.html", {**standing, **context})


@supervisor
@require_POST
def add_consent(request: HttpRequest) -> HttpResponse:
    """Record a consent of a number."""
    tenant, about = tenant_of(request), _number(request)
    if about is None:
        return redirect("compliance:number")
    form = ConsentForm(request.POST, auto_id="consent-%s")
    if not form.is_valid():
        return _page(request, story_of(tenant, about), consent_form=form)
    data = form.cleaned_data
    services.add_consent(
        tenant_id=tenant.pk,
        number=about,
        kind=Level(data["kind"]),
        source=data["source"],
        proof=data["proof"],
        given_at=data["given_at"],
        expires_at=data["expires_at"],
        by=user_of(request),
    )
    messages.success(request, _("The consent of %(number)s is recorded.") % {"number": display_number(about)})
    return redirect(_page_of(about))


@supervisor
@require_POST
def revoke(request: HttpRequest) -> HttpResponse:
    """Take back every consent of a number, at once."""
    about, form = _number(request), RevokeForm(request.POST)
    if about is None:
        return redirect("compliance:number")
    if not form.is_valid():
        messages.error(request, _("Say how they took their consent back, e.g. “told the agent”."))
        return redirect(_page_of(about))
    count = services.revoke_consents(
        tenant_id=tenant_of(request).pk, number=about, how=form.cleaned_data["how"], by=user_of(request)
    )
    messages.success(
        request,
        _("%(count)s consent(s) of %(number)s are taken back. No call rests on them now.")
        % {"count": count, "number": display_number(about)},
    )
    return redirect(_page_of(about))


@admin
@require_POST
def unlist(request: HttpRequest) -> HttpResponse:
    """Take a number off a do-not-call list."""
    tenant, about = tenant_of(request), _number(request)
    if about is None:
        return redirect("compliance:number")
    form = RemovalForm(request.POST, tenant=tenant, number=about, auto_id="removal-%s")
    if not form.is_valid():
        return _page(request, story_of(tenant, about), removal_form=form)
    try:
        services.remove_from_dnc(entry=form.cleaned_data["entry"], why=form.cleaned_data["why"], by=user_of(request))
    except services.StaysListed as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            _("%(number)s is taken off the list, and why is kept. Its leads are dialed again when you say so there.")
            % {"number": display_number(about)},
        )
    return redirect(_page_of(about))


@supervisor
@require_POST
def note(request: HttpRequest) -> HttpResponse:
    """Write down what is known of a number."""
    tenant, about = tenant_of(request), _number(request)
    if about is None:
        return redirect("compliance:number")
    form = NoteForm(request.POST, instance=NumberNote.objects.for_tenant(tenant).filter(phone=about).first())
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect(_page_of(about))
    known = {name: value for name, value in form.cleaned_data.items() if name != "asked_on"}
    services.note_number(tenant_id=tenant.pk, number=about, **known)
    messages.success(request, _("Noted of %(number)s.") % {"number": display_number(about)})
    return redirect(_page_of(about))


@supervisor
@require_http_methods(["POST"])
def files(request: HttpRequest) -> HttpResponse:
    """The evidence of a number as a PDF or a CSV file; that it was taken is in the audit trail."""
    tenant, about = tenant_of(request), _number(request)
    if about is None:
        return redirect("compliance:number")
    moment = now()
    name = f"evidence-{about[1:]}-{moment:%Y%m%d-%H%M}"
    if request.POST.get("format") == "pdf":
        try:
            content: bytes | str = evidence.as_pdf(tenant=tenant, number=about, by=user_of(request), at=moment)
        except evidence.NoPdf as error:
            messages.error(request, str(error))
            return redirect(_page_of(about))
        response = HttpResponse(content, content_type="application/pdf")
        name += ".pdf"
    else:
        response = HttpResponse(evidence.as_csv(evidence_rows(tenant, about)), content_type="text/csv; charset=utf-8")
        name += ".csv"
    audit.record(tenant_id=tenant.pk, actor=user_of(request), action="evidence.taken", data={"format": name[-3:]})
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
