"""Forms of the desk: what a disposition asks for, and when to call back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dialer.campaigns.models import Campaign, Disposition
from dialer.compliance.rules import Deny
from dialer.compliance.services import allowed_at
from dialer.core.clock import now
from dialer.core.language import translated
from dialer.core.zones import known_zone
from dialer.leads.callbacks import Promise
from dialer.leads.rules import BadTime, promised_moment
from dialer.people.models import User

NOTE_LENGTH = 4000


class LocalTime(forms.Field):
    """A date and time on somebody's clock, without a zone."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "step": 300})

    def to_python(self, value: Any) -> datetime | None:
        """Read what a datetime-local input sends."""
        if value in self.empty_values or isinstance(value, datetime):
            return value or None
        try:
            return datetime.fromisoformat(str(value)[:16]).replace(tzinfo=None)
        except ValueError as error:
            raise forms.ValidationError(_("This is no date and time. Choose them like 24 11 2026, 14:30.")) from error


class CallbackForm(forms.Form):
    """When to call a customer back, on their clock, and who does. `promise` is what was chosen, once it is valid."""

    when = LocalTime(label=gettext_lazy("Call back at, on their clock"))
    zone = forms.ChoiceField(label=gettext_lazy("Their time zone"))
    whose = forms.ChoiceField(
        label=gettext_lazy("Who calls"),
        choices=[("mine", gettext_lazy("I do")), ("anyone", gettext_lazy("Anyone"))],
        initial="mine",
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label=gettext_lazy("Note"),
        required=False,
        max_length=NOTE_LENGTH,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(
        self, *args: Any, campaign: Campaign, user: User, number: str, zones: list[str], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.campaign, self.user, self.number = campaign, user, number
        self.zones = [name for name in zones if known_zone(name) is not None]
        self.promise: Promise | None = None
        if len(self.zones) < 2:
            del self.fields["zone"]  # there is nothing to choose
        else:
            chosen: Any = self.fields["zone"]
            chosen.choices = [(name, name.replace("_", " ")) for name in self.zones]
        if self.zones:
            if self.initial.get("zone") not in self.zones:
                self.initial["zone"] = self.zones[0]
            local = (now() + timedelta(days=1)).astimezone(known_zone(self.initial["zone"])).replace(tzinfo=None)
            self.initial.setdefault("when", local.replace(minute=local.minute // 15 * 15, second=0, microsecond=0))

    def clean(self) -> dict[str, Any]:
        """Hold the time against the gate."""
        data = super().clean() or {}
        if not self.zones:
            raise forms.ValidationError(
                _("Nothing tells in which time zone this customer is. Write it into “Time zone” on the card first.")
            )
        zone = known_zone(data.get("zone", "") if "zone" in self.fields else self.zones[0])
        if data.get("when") is None or zone is None:
            return data
        try:
            moment = promised_moment(data["when"], zone, now())
        except BadTime as error:
            self.add_error("when", translated(str(error)))
            return data
        answer = allowed_at(campaign=self.campaign, number=self.number, zones=self.zones, at=moment)
        if isinstance(answer, Deny):
            again = answer.again_at.astimezone(zone) if answer.again_at is not None else None
            hint = (
                _(" The next time that is allowed: %(when)s.") % {"when": date_format(again, "j M, H:i")}
                if again
                else ""
            )
            self.add_error("when", f"{translated(answer.reason)}{hint}")
            return data
        mine = self.user if data.get("whose") == "mine" else None
        self.promise = Promise(moment, zone.key, mine, data.get("note", ""))
        return data


class AskForm(CallbackForm):
    """What a disposition wants before it can be chosen: a note, a time to call back, or both."""

    def __init__(self, *args: Any, disposition: Disposition, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.disposition = disposition
        self.fields["note"].required = disposition.needs_note
        self.fields["note"].error_messages["required"] = _(
            "“%(label)s” needs a note. Say in a few words what happened."
        ) % {"label": disposition.label}
        if not disposition.needs_callback:
            for name in ("when", "zone", "whose"):
                self.fields.pop(name, None)
        first: Any = next(iter(self.fields.values()))
        first.widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        """A note alone has no time to be held against anything."""
        return super().clean() if self.disposition.needs_callback else forms.Form.clean(self) or {}
