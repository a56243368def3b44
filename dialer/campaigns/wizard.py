"""Making a campaign step by step. What was typed is kept as a draft at every change, so it can be left and resumed.

Each step is a part of `CampaignForm`, and the end of it is that form itself: nothing is checked in a second way.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as lazy

from dialer.core.clock import now
from dialer.people.models import Tenant, User

from .forms import CampaignForm
from .models import CampaignDraft

LONGEST = 400
"""Signs of one typed value that a draft keeps."""


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the wizard."""

    title: Any
    fields: tuple[str, ...]


STEPS = (
    Step(lazy("Name and method"), ("name", "dial_method", "dial_level", "seats")),
    Step(
        lazy("Numbers and ringing"),
        ("caller_id", "caller_pool", "ring_timeout_s", "amd", "amd_unsure_to_agent", "trunk"),
    ),
    Step(lazy("Agents' work"), ("disposition_set", "teams", "wrapup_s", "record_calls")),
    Step(
        lazy("Limits"),
        (
            *("window_opens", "window_closes", "window_days", "max_attempts", "max_lines"),
            *("abandonment_cap", "connect_limit_ms", "may_cancel", "priority"),
        ),
    ),
)
REVIEW = len(STEPS)


class StepForm(CampaignForm):
    """The fields of one step. `lenient`: what was not filled in yet is not complained about."""

    def __init__(self, *args: Any, step: Step, lenient: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name] for name in step.fields}
        if lenient:
            for name in [name for name in self.errors if name != "__all__" and not self.data.get(name)]:
                del self.errors[name]


def typed_in(data: Mapping[str, list[str]]) -> QueryDict:
    """A draft's values as a form takes them."""
    found = QueryDict(mutable=True)
    for name, values in data.items():
        found.setlist(name, values)
    return found


def keep(*, draft: CampaignDraft, step: int, data: QueryDict, reached: int) -> None:
    """Keep what was typed on a step, right or wrong."""
    names = STEPS[step].fields
    typed = {name: [value[:LONGEST].replace("\0", "") for value in data.getlist(name)] for name in names}
    draft.data = {**draft.data, **{name: values for name, values in typed.items()}}
    draft.step, draft.saved_at = max(draft.step, reached), now()
    draft.save(update_fields=["data", "step", "saved_at"])


def form_of(draft: CampaignDraft, step: int, tenant: Tenant, lenient: bool = False) -> StepForm:
    """A step's form, with what was typed there."""
    seen = any(name in draft.data for name in STEPS[step].fields)
    data = typed_in(draft.data) if seen else None
    return StepForm(data, tenant=tenant, step=STEPS[step], lenient=lenient and seen)


def whole_form(draft: CampaignDraft, tenant: Tenant) -> CampaignForm:
    """All steps as the one form that makes the campaign; steps that were never opened have its defaults."""
    blank = CampaignForm(tenant=tenant)
    data = typed_in(draft.data)
    for step in STEPS:
        if not any(name in draft.data for name in step.fields):
            for name in step.fields:
                value = blank.get_initial_for_field(blank.fields[name], name)
                if value not in (None, "", False):
                    data.setlist(name, [str(value)] if not isinstance(value, list) else [str(one) for one in value])
    return CampaignForm(data, tenant=tenant)


def first_wrong(form: CampaignForm) -> int:
    """The first step that has something to mend; the review when none has."""
    return next((place for place, step in enumerate(STEPS) if any(name in form.errors for name in step.fields)), REVIEW)


def drafts_of(user: User) -> Any:
    """What somebody has begun and not finished, newest first."""
    return CampaignDraft.objects.for_tenant(user.tenant_id).filter(user=user)
