"""What a campaign puts on its agents' desks: goals, custom fields, the script. Admins only."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.people.access import admin, fetch, owned, tenant_of, user_of

from . import history
from .desk_forms import AnswerForm, CustomFieldForm, DeskForm, ScriptPageForm, answer_forms, merge_fields
from .models import Campaign, CustomField, ScriptAnswer, ScriptPage
from .rules import problems_in
from .rules import render as render_script

EXAMPLE = {
    "lead.name": "Ada Byron",
    "lead.first_name": "Ada",
    "lead.last_name": "Byron",
    "lead.company": "Analytical Ltd",
    "lead.phone": "+1 212-555-0100",
    "customer.time": "14:30",
}


def _campaign(request: HttpRequest, public_id: UUID) -> Campaign:
    campaign = fetch(request, owned(request, Campaign).select_related("tenant"), public_id=public_id)
    assert isinstance(campaign, Campaign)
    return campaign


@admin
@require_http_methods(["GET", "POST"])
def desk(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Goals and extension; the lists of custom fields and of script pages."""
    campaign = _campaign(request, public_id)
    form = DeskForm(request.POST or None, instance=campaign, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        with history.change(campaign, by=user_of(request)):
            form.save()
        messages.success(request, _("What agents see of “%(name)s” is saved.") % {"name": campaign.name})
        return redirect("campaigns:desk", public_id)
    pages = list(campaign.script_pages.prefetch_related("answers__leads_to"))
    reached = {answer.leads_to_id for page in pages for answer in page.answers.all()}
    context = {
        "campaign": campaign,
        "form": form,
        "fields": campaign.custom_fields.all(),
        "pages": pages,
        "lonely": [page.pk for page in pages[1:] if page.pk not in reached],
    }
    return render(request, "campaigns/desk.html", context)


@admin
@require_http_methods(["GET", "POST"])
def custom_field(request: HttpRequest, public_id: UUID, pk: int | None = None) -> HttpResponse:
    """Make or change a custom field."""
    campaign = _campaign(request, public_id)
    chosen = fetch(request, owned(request, CustomField).filter(campaign=campaign), pk=pk) if pk else None
    form = CustomFieldForm(request.POST or None, instance=chosen, tenant=tenant_of(request), campaign=campaign)
    if request.method == "POST" and form.is_valid():
        with history.change(campaign, by=user_of(request)):
            form.save()
        messages.success(request, _("“%(label)s” is saved.") % {"label": form.instance.label})
        return redirect("campaigns:desk", public_id)
    return render(request, "campaigns/custom_field.html", {"campaign": campaign, "form": form, "field": chosen})


@admin
@require_POST
def custom_field_delete(request: HttpRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Take a field off the card; what leads have under its name stays with them."""
    campaign = _campaign(request, public_id)
    chosen = fetch(request, owned(request, CustomField).filter(campaign=campaign), pk=pk)
    with history.change(campaign, by=user_of(request)):
        chosen.delete()
    messages.success(request, _("“%(label)s” is no longer on the card.") % {"label": chosen.label})
    return redirect("campaigns:desk", public_id)


@admin
@require_http_methods(["GET", "POST"])
def script_page(request: HttpRequest, public_id: UUID, pk: int | None = None) -> HttpResponse:
    """Make or change a page of the script, with the answers that lead on from it."""
    campaign = _campaign(request, public_id)
    rows = owned(request, ScriptPage).filter(campaign=campaign)
    chosen = fetch(request, rows, pk=pk) if pk else None
    data = request.POST or None
    form = ScriptPageForm(data, instance=chosen, tenant=tenant_of(request), campaign=campaign)
    answers = answer_forms(form.instance, campaign, data)
    if request.method == "POST" and all([form.is_valid(), *(one.is_valid() for one in answers)]):
        with history.change(campaign, by=user_of(request)):
            page = form.save()
            _save_answers(page, answers)
        messages.success(request, _("The page “%(title)s” is saved.") % {"title": page.title})
        return redirect("campaigns:desk", public_id)
    context = {
        "campaign": campaign,
        "form": form,
        "answers": answers,
        "page": chosen,
        "merge_fields": merge_fields(campaign),
    }
    return render(
        request, "campaigns/script_page.html", context | _preview(request, campaign, form["body"].value() or "")
    )


def _save_answers(page: ScriptPage, forms: list[AnswerForm]) -> None:
    for place, form in enumerate(forms):
        answer: ScriptAnswer = form.instance
        if form.cleaned_data.get("label"):
            answer.page, answer.position, answer.tenant_id = page, place, page.tenant_id
            answer.save()
        elif answer.pk is not None:
            answer.delete()


@admin
@require_POST
def script_preview(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The page as an agent would see it, for a made-up customer."""
    campaign = _campaign(request, public_id)
    body = request.POST.get("body", "")[:8000]
    return render(request, "campaigns/script_page.html#preview", _preview(request, campaign, body))


def _preview(request: HttpRequest, campaign: Campaign, body: str) -> dict[str, object]:
    user = user_of(request)
    known = merge_fields(campaign)
    values = {name: f"[{label}]" for name, label in known.items()} | EXAMPLE
    values |= {"agent.name": user.shown_name, "agent.first_name": user.first_name, "campaign.name": campaign.name}
    text = mark_safe(render_script(body, values))  # noqa: S308 - it escapes; see its property test
    return {"text": text, "problems": problems_in(body, known)}


@admin
@require_POST
def script_page_delete(request: HttpRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Remove a page and the answers that lead to it."""
    campaign = _campaign(request, public_id)
    chosen = fetch(request, owned(request, ScriptPage).filter(campaign=campaign), pk=pk)
    with history.change(campaign, by=user_of(request)):
        chosen.delete()
    messages.success(request, _("The page “%(title)s” is removed.") % {"title": chosen.title})
    return redirect("campaigns:desk", public_id)
