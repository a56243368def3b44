"""The wizard that makes a campaign. Admins only, each their own drafts."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.core import audit
from dialer.core.clock import now
from dialer.core.numbers import display_number
from dialer.people.access import admin, fetch, tenant_of, user_of

from . import wizard
from .forms import WEEKDAYS, MinuteField
from .models import Campaign, CampaignDraft, DialMethod


def _draft(request: HttpRequest, public_id: UUID) -> CampaignDraft:
    draft = fetch(request, wizard.drafts_of(user_of(request)), public_id=public_id)
    assert isinstance(draft, CampaignDraft)
    return draft


@admin
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """A new draft, at its first step."""
    made = CampaignDraft.objects.create(tenant=tenant_of(request), user=user_of(request), saved_at=now())
    return redirect("campaigns:wizard", made.public_id, 0)


@admin
@require_http_methods(["GET", "POST"])
def step(request: HttpRequest, public_id: UUID, place: int) -> HttpResponse:
    """One step. Each change is kept at once; the page moves on only when the step is right, or leaves when asked to."""
    draft, tenant = _draft(request, public_id), tenant_of(request)
    if place == wizard.REVIEW:
        return _review(request, draft)
    if place > wizard.REVIEW:
        raise Http404
    if request.method == "POST":
        wizard.keep(draft=draft, step=place, data=request.POST, reached=place)
        if getattr(request, "htmx", False):
            form = wizard.form_of(draft, place, tenant, lenient=True)
            return render(request, "campaigns/wizard.html#fields", {"form": form})
        if "leave" in request.POST:
            messages.success(request, _("The draft is kept. Go on with it whenever you like."))
            return redirect("campaigns:list")
        form = wizard.form_of(draft, place, tenant)
        if form.is_valid():
            wizard.keep(draft=draft, step=place, data=request.POST, reached=place + 1)
            return redirect("campaigns:wizard", public_id, place + 1)
    else:
        form = wizard.form_of(draft, place, tenant, lenient=draft.step <= place)
    context = {"draft": draft, "form": form, "place": place, "steps": wizard.STEPS, "review": wizard.REVIEW}
    return render(request, "campaigns/wizard.html", context)


def _review(request: HttpRequest, draft: CampaignDraft) -> HttpResponse:
    form = wizard.whole_form(draft, tenant_of(request))
    if form.is_valid() and request.method == "POST":
        with transaction.atomic():
            made: Campaign = form.save()
            draft.delete()
            subject = str(made.public_id)
            audit.record(tenant_id=made.tenant_id, actor=user_of(request), action="campaign.made", subject=subject)
        messages.success(
            request, _("“%(name)s” is made. Its checklist says what is still missing.") % {"name": made.name}
        )
        return redirect("campaigns:detail", made.public_id)
    wrong = wizard.first_wrong(form)
    if wrong != wizard.REVIEW:
        messages.error(request, _("Something is still missing here."))
        return redirect("campaigns:wizard", draft.public_id, wrong)
    chosen = [(step.title, [_told(form, name) for name in step.fields]) for step in wizard.STEPS]
    context = {
        **{"draft": draft, "form": form, "place": wizard.REVIEW, "steps": wizard.STEPS, "review": wizard.REVIEW},
        "chosen": chosen,
    }
    return render(request, "campaigns/wizard.html", context)


def _told(form: wizard.CampaignForm, name: str) -> tuple[str, str]:
    """A field's label and its value in words."""
    value, field = form.cleaned_data.get(name), form.fields[name]
    if name == "teams":
        shown = ", ".join(str(one) for one in value) if value else _("every team")
    elif name == "window_days":
        shown = ", ".join(str(label) for day, label in WEEKDAYS if day in (value or ())) or _("every day")
    elif isinstance(field, MinuteField):
        shown = "–" if value is None else field.prepare_value(value)
    elif name == "caller_id" and value:
        shown = display_number(value)
    elif isinstance(value, bool):
        shown = _("yes") if value else _("no")
    elif name == "dial_method":
        shown = str(DialMethod(str(value)).label)
    else:
        shown = "–" if value in (None, "") else str(value)
    return str(field.label), shown


@admin
@require_POST
def drop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Throw a draft away."""
    _draft(request, public_id).delete()
    messages.success(request, _("The draft is thrown away."))
    return redirect("campaigns:list")
