"""What the call card shows beyond the first glance. It is read once per call, not with every push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState
from dialer.campaigns.models import ScriptPage
from dialer.campaigns.rules import render as render_script
from dialer.compliance.laws import Notice, strength
from dialer.compliance.models import Consent
from dialer.compliance.services import on_dnc
from dialer.core.clock import now
from dialer.core.numbers import display_number
from dialer.leads import fields
from dialer.leads.models import Callback, CallbackState, Lead, LeadNumber
from dialer.people.access import LEADERS, fetch, owned, user_of
from dialer.people.models import User

from .selectors import OWN_METHODS, clock_of

HISTORY = 6
STILL_MINE = timedelta(hours=12)
"""How long after a call its agent may still change what is known of the lead."""


@dataclass(frozen=True, slots=True)
class Badge:
    """A short word on the card: `tone` is good, bad, warn or plain."""

    tone: str
    text: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """Who the card is about: a lead, a call, or both (a typed number has no lead)."""

    user: User
    lead: Lead | None
    call: CallTask | None

    @property
    def phone(self) -> str:
        """The number that is called."""
        return self.call.phone if self.call is not None else self.lead.phone if self.lead is not None else ""

    @property
    def path(self) -> str:
        """What names it in addresses."""
        if self.call is not None:
            return f"call/{self.call.pk}"
        assert self.lead is not None
        return f"lead/{self.lead.public_id}"

    @property
    def campaign(self) -> Any:
        """The campaign that calls."""
        owner = self.call if self.call is not None else self.lead
        assert owner is not None
        return owner.campaign


def subject_of(request: HttpRequest, kind: str, public_id: UUID) -> Subject:
    """The call or lead of an address, if it is the user's: 404 to strangers, 403 to colleagues."""
    user = user_of(request)
    if kind == "call":
        rows = owned(request, CallTask).select_related("campaign", "lead__list", "verdict_row")
        call = fetch(request, rows, pk=public_id)
        if call.user_id != user.pk:
            raise PermissionDenied(_("This is a colleague's call. Agents see their own."))
        return Subject(user, call.lead, call)
    return Subject(user, lead_of(request, public_id), None)


def lead_of(request: HttpRequest, public_id: UUID) -> Lead:
    """A lead that the user may see and change: the one in their hands, one they spoke with, one they promised."""
    lead = fetch(request, owned(request, Lead).select_related("campaign", "list"), public_id=public_id)
    assert isinstance(lead, Lead)
    if not _in_hands(user_of(request), lead):
        raise PermissionDenied(_("This customer is not in your hands now."))
    return lead


def _in_hands(user: User, lead: Lead) -> bool:
    if user.role in LEADERS or lead.promised_to_id == user.pk:
        return True
    shown = AgentSession.objects.for_tenant(user.tenant_id).filter(user=user, ended_at=None, preview_lead=lead)
    spoken = CallTask.objects.for_tenant(user.tenant_id).filter(user=user, lead=lead, queued_at__gte=now() - STILL_MINE)
    return shown.exists() or spoken.exists()


def context_of(subject: Subject) -> dict[str, Any]:
    """Everything on the card."""
    lead = subject.lead
    context: dict[str, Any] = {"subject": subject, "lead": lead, "call": subject.call, "badges": badges_of(subject)}
    pages = first_page(subject)
    context["page"] = pages
    if pages is not None:
        context |= script_context(subject, pages)
    if lead is not None:
        own = fields.custom_fields(lead.campaign_id, lead.tenant_id)
        context |= {
            "form": fields.form_of(lead, own),
            "zones": lead.time_zones,
            **numbers_of(lead, may_dial=subject.call is None),
            "history": history_of(lead, subject.call),
            "attempt": attempt_of(lead, subject.call),
            "callback": open_callback(lead),
        }
    return context


def numbers_of(lead: Lead, *, may_dial: bool, form: fields.NumberForm | None = None) -> dict[str, Any]:
    """The lead's other numbers and the form for one more; `may_dial`: no call of theirs is in hand."""
    return {
        "numbers": LeadNumber.objects.for_tenant(lead.tenant_id).filter(lead=lead),
        "number_form": form or number_form(lead),
        "may_dial": may_dial and lead.campaign.dial_method in OWN_METHODS,
    }


def number_form(lead: Lead, data: Any = None) -> fields.NumberForm:
    """The form for another number of a lead."""
    return fields.NumberForm(data, auto_id=f"lead-{lead.pk}-more-%s")


def shown_to(user: User, lead: Lead) -> bool:
    """Whether the lead is shown to the user before it is dialed."""
    rows = AgentSession.objects.for_tenant(user.tenant_id).filter(user=user, ended_at=None)
    return bool(rows.filter(preview_lead=lead, call=None).exists())


def attempt_of(lead: Lead, call: CallTask | None) -> int:
    """Which attempt this is: the lead counts those that are over."""
    over = call is not None and call.state == CallState.ENDED
    return lead.attempts + (0 if over else 1)


def history_of(lead: Lead, call: CallTask | None) -> list[CallTask]:
    """The lead's last calls before this one, newest first."""
    rows = CallTask.objects.for_tenant(lead.tenant_id).filter(lead=lead, state=CallState.ENDED)
    if call is not None:
        rows = rows.exclude(pk=call.pk)
    return list(rows.select_related("user", "disposition").order_by("-queued_at")[:HISTORY])


def open_callback(lead: Lead) -> Callback | None:
    """The promise that this call keeps, or that comes next."""
    return (
        Callback.objects.for_tenant(lead.tenant_id)
        .filter(lead=lead, state=CallbackState.OPEN)
        .select_related("user", "made_by")
        .first()
    )


def badges_of(subject: Subject) -> list[Badge]:
    """What the law says of this number, as far as it is on record."""
    tenant_id = subject.campaign.tenant_id
    found = []
    if on_dnc(tenant_id=tenant_id, number=subject.phone, campaign_id=subject.campaign.pk):
        found.append(Badge("bad", _("Do not call"), _("The number is on the do-not-call list.")))
    else:
        found.append(Badge("good", _("Not on the do-not-call list")))
    call = subject.call
    verdict = call.verdict_row if call is not None else None
    if call is not None and call.inbound:
        found.append(Badge("plain", _("They called you"), _("Nobody was dialed, so the gate was not asked.")))
    if verdict is not None:
        found.append(Badge("good", _("Allowed by the gate"), verdict.pack))
        found.append(_consent_badge(str(verdict.evidence.get("consent", ""))))
        if verdict.evidence.get("recording") == Notice.ANNOUNCE:
            where = _("The switch tells everybody on the call, as the law asks where this person may be.")
            found.append(Badge("plain", _("The call is recorded"), where))
    elif call is None:  # the gate is asked when it is dialed
        found.append(_consent_badge(level_of(tenant_id=tenant_id, number=subject.phone, at=now())))
    return found


def _consent_badge(level: str) -> Badge:
    if level not in Consent.Kind.values:
        return Badge("plain", _("No consent on record"))
    return Badge("good", str(Consent.Kind(level).label))


def level_of(*, tenant_id: int, number: str, at: datetime) -> str:
    """The strongest consent (or relationship) that is on record for a number and holds; empty for none."""
    held = Consent.objects.for_tenant(tenant_id).filter(phone=number, revoked_at=None, given_at__lte=at)
    levels = held.exclude(expires_at__lte=at).values_list("kind", flat=True)
    return max(levels, key=strength, default="")


def first_page(subject: Subject) -> ScriptPage | None:
    """Where the campaign's script begins; None when it has none."""
    return pages_of(subject).first()


def pages_of(subject: Subject) -> Any:
    """The pages of the campaign's script."""
    return (
        ScriptPage.objects.for_tenant(subject.campaign.tenant_id)
        .filter(campaign=subject.campaign)
        .prefetch_related("answers")
    )


def script_context(subject: Subject, page: ScriptPage) -> dict[str, Any]:
    """One page of the script as this customer hears it."""
    return {"page": page, "text": script_text(page.body, values_of(subject)), "answers": page.answers.all()}


def script_text(body: str, values: dict[str, str]) -> SafeString:
    """The page's HTML: the renderer escapes everything that people wrote."""
    return mark_safe(render_script(body, values))  # noqa: S308 - see campaigns.rules.render and its property test


def values_of(subject: Subject) -> dict[str, str]:
    """The merge fields' values."""
    lead, user = subject.lead, subject.user
    values = {
        "lead.phone": display_number(subject.phone),
        "agent.name": user.shown_name,
        "agent.first_name": user.first_name or user.shown_name,
        "campaign.name": subject.campaign.name,
    }
    if lead is not None:
        clock = clock_of(lead.time_zones)
        values |= {
            "lead.name": " ".join(part for part in (lead.first_name, lead.last_name) if part),
            "lead.first_name": lead.first_name,
            "lead.last_name": lead.last_name,
            "lead.company": lead.company,
            "customer.time": f"{clock.earliest:%H:%M}" if clock is not None and clock.sure else "",
        }
        values |= {f"lead.custom.{name}": fields.shown(value) for name, value in lead.custom.items()}
    return values


def spoken_of(user: User, text: str) -> Q:
    """Calls of a search: by name, company or part of a number."""
    digits = "".join(sign for sign in text if sign.isdigit())
    found = Q(lead__first_name__icontains=text) | Q(lead__last_name__icontains=text) | Q(lead__company__icontains=text)
    return found | Q(phone__contains=digits) if len(digits) >= 3 else found
