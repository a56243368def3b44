"""Forms of campaigns, disposition sets and pause codes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.utils.translation import gettext_lazy as lazy

from dialer.core.forms import TenantForm
from dialer.core.language import translated
from dialer.core.numbers import NotANumber, display_number, parse_beginning, parse_number

from .models import (
    MIN_RING_S,
    CallerNumber,
    CallerPool,
    Campaign,
    Disposition,
    DispositionSet,
    PauseCode,
)


class MinuteField(forms.TimeField):
    """A time of day, kept as its minute; empty is None."""

    widget = forms.TimeInput(attrs={"type": "time"})

    def to_python(self, value: Any) -> Any:
        """The minute of the day."""
        read = super().to_python(value)
        return None if read is None else read.hour * 60 + read.minute

    def prepare_value(self, value: Any) -> Any:
        """As the browser's field wants it."""
        return f"{value // 60:02d}:{value % 60:02d}" if isinstance(value, int) else value


WEEKDAYS = [
    *((0, gettext_lazy("Monday")), (1, gettext_lazy("Tuesday")), (2, gettext_lazy("Wednesday"))),
    *((3, gettext_lazy("Thursday")), (4, gettext_lazy("Friday")), (5, gettext_lazy("Saturday"))),
    (6, gettext_lazy("Sunday")),
]


class CampaignForm(TenantForm):
    """All of a campaign that a user sets. Whether it dials is Start and Stop, not a field."""

    thing = "a campaign"

    window_opens = MinuteField(
        required=False,
        label=gettext_lazy("Dial from"),
        help_text=gettext_lazy(
            "On the clock of whoever is called, within the hours that the law and you allow anyway."
        ),
    )
    window_closes = MinuteField(required=False, label=gettext_lazy("Dial until"))
    window_days = forms.TypedMultipleChoiceField(
        required=False,
        coerce=int,
        choices=WEEKDAYS,
        label=gettext_lazy("Weekdays"),
        help_text=gettext_lazy("None chosen: every day."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Campaign
        fields = (
            "name",
            "dial_method",
            "caller_id",
            "caller_pool",
            "dial_level",
            "disposition_set",
            "wrapup_s",
            "ring_timeout_s",
            "connect_limit_ms",
            "window_opens",
            "window_closes",
            "window_days",
            "max_attempts",
            "max_lines",
            "abandonment_cap",
            "seats",
            "priority",
            "trunk",
            "teams",
            "may_cancel",
            "record_calls",
            "amd",
            "amd_unsure_to_agent",
        )
        labels = {
            "name": gettext_lazy("Name"),
            "dial_method": gettext_lazy("Dial method"),
            "disposition_set": gettext_lazy("Disposition set"),
            "teams": gettext_lazy("Teams"),
            "priority": gettext_lazy("Priority"),
            "trunk": gettext_lazy("Trunk"),
            "caller_id": gettext_lazy("Caller id"),
            "caller_pool": gettext_lazy("Pool of caller ids"),
            "dial_level": gettext_lazy("Lines per free agent"),
            "ring_timeout_s": gettext_lazy("Ring for (seconds)"),
            "wrapup_s": gettext_lazy("Wrap-up time (seconds)"),
            "connect_limit_ms": gettext_lazy("Connect within (milliseconds)"),
            "record_calls": gettext_lazy("Record calls"),
            "amd": gettext_lazy("Answering-machine detection"),
            "amd_unsure_to_agent": gettext_lazy("When detection is not sure, put the call through to an agent"),
            "max_attempts": gettext_lazy("Attempts at most"),
            "max_lines": gettext_lazy("Lines at most"),
            "abandonment_cap": gettext_lazy("Abandonment cap (percent)"),
            "seats": gettext_lazy("Agents planned for"),
            "may_cancel": gettext_lazy("Give up calls that ring long when nobody will be free"),
        }
        help_texts = {
            "caller_id": gettext_lazy("The number that the people called see, with its area code. Needed to start."),
            "caller_pool": gettext_lazy("Each call shows one of its numbers; third parties see the caller id above."),
            "dial_level": gettext_lazy("Used by the ratio method: 1.00 to 10.00."),
            "ring_timeout_s": format_lazy(
                gettext_lazy("At least {least} s (16 CFR 310.4), at most 120 s."), least=MIN_RING_S
            ),
            "wrapup_s": gettext_lazy(
                "When it runs out, the default disposition is used. 0: wrap-up waits for the agent."
            ),
            "connect_limit_ms": gettext_lazy(
                "How long an answered person may wait for an agent before the safe-harbour message: 200 to 2000."
            ),
            "max_attempts": gettext_lazy(
                "Per lead. How long it rests between them: the recycle rules. Lowered, it ends leads that wait, too."
            ),
            "abandonment_cap": gettext_lazy(
                "Predictive and blended: 0.10 to 3.00 % of the people who answer (16 CFR 310.4)."
            ),
            "seats": gettext_lazy("Predictive and blended: sets how fast to steer. 0: those who are signed in."),
            "may_cancel": format_lazy(
                gettext_lazy("Predictive and blended; never before {least} s of ringing (16 CFR 310.4)."),
                least=MIN_RING_S,
            ),
            "teams": gettext_lazy("Whose agents may join. None chosen: every team's."),
            "priority": gettext_lazy("Higher goes first when lines are short."),
            "trunk": gettext_lazy("The trunk's name on the switch. Empty: the default."),
            "amd": gettext_lazy("Listens for a machine before an agent is taken; costs about a second of silence."),
            "amd_unsure_to_agent": "",
        }
        widgets = {"teams": forms.CheckboxSelectMultiple}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What is typed is longer than what is stored: spaces, brackets.
        self.fields["caller_id"] = forms.CharField(
            required=False,
            max_length=40,
            label=self.fields["caller_id"].label,
            help_text=self.fields["caller_id"].help_text,
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
            initial=display_number(self.instance.caller_id) if self.instance.caller_id else "",
        )
        if self.instance.caller_id:
            self.initial["caller_id"] = display_number(self.instance.caller_id)
        sets = DispositionSet.objects.for_tenant(self.tenant).values_list("pk", flat=True)[:2]
        if self.instance.pk is None and len(sets) == 1:
            self.initial["disposition_set"] = sets[0]

    def clean_window_closes(self) -> int | None:
        """After the opening, and something left of the tenant's own hours."""
        opens, closes = self.cleaned_data.get("window_opens"), self.cleaned_data["window_closes"]
        first, last = max(opens or 0, self.tenant.window_opens), min(closes or 1440, self.tenant.window_closes)
        if first >= last:
            words = _("Nothing is left of the day: your own hours are %(opens)s to %(closes)s. Choose a later end.")
            hours = {"opens": _clock(self.tenant.window_opens), "closes": _clock(self.tenant.window_closes)}
            raise forms.ValidationError(words % hours)
        return closes  # type: ignore[no-any-return]

    def clean_caller_id(self) -> str:
        """Keep the number in E.164; an active campaign cannot go without."""
        text = self.cleaned_data["caller_id"].strip()
        if not text:
            if self.instance.status == "active":
                raise forms.ValidationError(
                    _("An active campaign shows a number. Stop it first, or keep the caller id.")
                )
            return ""
        try:
            return parse_number(text, self.tenant.region)
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


class CopyForm(TenantForm):
    """The name of a campaign's copy."""

    thing = "a campaign"

    class Meta:
        model = Campaign
        fields = ("name",)
        labels = {"name": gettext_lazy("Name")}


class MethodForm(forms.ModelForm):
    """The dial method, changed while the campaign runs."""

    class Meta:
        model = Campaign
        fields = ("dial_method",)
        labels = {"dial_method": lazy("Dial method")}


class LevelForm(forms.ModelForm):
    """Lines per free agent, changed while the campaign runs."""

    class Meta:
        model = Campaign
        fields = ("dial_level",)


class LinesForm(forms.ModelForm):
    """How many lines a campaign may use at once."""

    class Meta:
        model = Campaign
        fields = ("max_lines",)


class DispositionSetForm(TenantForm):
    """The name of a disposition set."""

    thing = "a disposition set"

    class Meta:
        model = DispositionSet
        fields = ("name",)
        labels = {"name": gettext_lazy("Name")}


class DispositionForm(TenantForm):
    """One disposition of a set."""

    class Meta:
        model = Disposition
        fields = (
            *("key", "code", "label", "is_contact", "is_conversion", "is_dnc", "is_final", "is_default"),
            *("is_recycled", "is_machine", "needs_note", "needs_callback"),
        )
        labels = {
            "code": gettext_lazy("Code"),
            "label": gettext_lazy("Label"),
            "key": gettext_lazy("Number key"),
            "is_contact": gettext_lazy("Contact"),
            "is_conversion": gettext_lazy("Conversion"),
            "is_dnc": gettext_lazy("Do not call"),
            "is_final": gettext_lazy("Final"),
            "is_recycled": gettext_lazy("Recycle"),
            "is_default": gettext_lazy("Default"),
            "is_machine": gettext_lazy("Machine"),
            "needs_note": gettext_lazy("Needs a note"),
            "needs_callback": gettext_lazy("Asks when to call back"),
        }
        help_texts = {
            "code": gettext_lazy("Short, for reports: capitals and digits, e.g. SALE."),
            "is_contact": gettext_lazy("The right person was spoken to."),
            "is_dnc": gettext_lazy("The number goes on the do-not-call list at once."),
            "is_final": gettext_lazy("The lead is not called again."),
            "is_default": gettext_lazy("Used when wrap-up runs out."),
            "is_machine": gettext_lazy("No person answered: the call does not count as a live answer."),
            "needs_note": gettext_lazy("It cannot be chosen without a note."),
            "needs_callback": gettext_lazy("It asks when to call back, in the customer's time."),
            "is_recycled": gettext_lazy(
                "The lead is called again as the campaign's recycle rules say. Neither final nor this: it rests."
            ),
        }

    thing = "a disposition"

    def __init__(self, *args: Any, disposition_set: DispositionSet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.disposition_set = disposition_set
        self.fields["code"].widget.attrs["pattern"] = "[A-Z0-9]+"

    def _rivals(self) -> Any:
        return super()._rivals().filter(disposition_set=self.instance.disposition_set)

    def clean_code(self) -> str:
        """Capitals and digits, once in the set."""
        code = self.cleaned_data["code"].strip().upper()
        if not (code.isascii() and code.isalnum()):
            raise forms.ValidationError(
                _("“%(code)s” is no code: use capitals and digits only, e.g. SALE.") % {"code": code}
            )
        self.cleaned_data["code"] = code
        return self._own("code")

    def clean_key(self) -> int:
        """1 to 9, once in the set."""
        key: int = self.cleaned_data["key"]
        rival = self._rivals().filter(key=key).exclude(pk=self.instance.pk).first()
        if rival is not None:
            raise forms.ValidationError(
                _("Key %(key)s is “%(label)s” already. Choose another from 1 to 9.")
                % {"key": key, "label": rival.label}
            )
        return key

    def clean(self) -> dict[str, Any]:
        """Whom we promise a call is called again."""
        data = super().clean() or {}
        if data.get("is_recycled") and (data.get("is_final") or data.get("is_dnc")):
            self.add_error(
                "is_recycled",
                _("Who is recycled is called again: take away “Final” and “Do not call”, or this."),
            )
        if data.get("needs_callback") and (data.get("is_final") or data.get("is_dnc")):
            self.add_error(
                "needs_callback",
                _("A customer who is called back is called again: take away “Final” and “Do not call”, or this."),
            )
        return data

    def clean_is_default(self) -> bool:
        """At most one in the set."""
        chosen: bool = self.cleaned_data["is_default"]
        rival = self._rivals().filter(is_default=True).exclude(pk=self.instance.pk).first()
        if chosen and rival is not None:
            raise forms.ValidationError(
                _("“%(label)s” is the default already. Take it from there first.") % {"label": rival.label}
            )
        return chosen


class CallerPoolForm(TenantForm):
    """A pool of caller ids."""

    thing = "a pool"

    class Meta:
        model = CallerPool
        fields = ("name", "local_presence")
        labels = {"name": gettext_lazy("Name"), "local_presence": gettext_lazy("Local presence")}
        help_texts = {
            "local_presence": gettext_lazy("Whoever is called sees a number of their own area when the pool has one.")
        }


class CallerNumberForm(TenantForm):
    """A number of a pool."""

    thing = "a number"

    class Meta:
        model = CallerNumber
        fields = ("phone", "prefixes", "daily_cap", "is_active")
        labels = {
            "daily_cap": gettext_lazy("Calls a day at most"),
            "is_active": gettext_lazy("In use"),
        }
        help_texts = {"daily_cap": gettext_lazy("0: no limit. The day is the tenant's.")}

    def __init__(self, *args: Any, pool: CallerPool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.pool = pool
        # What is typed is longer than what is stored: spaces, brackets.
        self.fields["phone"] = forms.CharField(
            max_length=40,
            label=gettext_lazy("Telephone number"),
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        )
        self.fields["prefixes"] = forms.CharField(
            required=False,
            max_length=400,
            label=gettext_lazy("Local to numbers that begin with"),
            help_text=gettext_lazy(
                "Area codes such as 212 646, or + and digits. Empty: its own area code, in North America."
            ),
        )
        if self.instance.pk is not None:
            self.initial["phone"] = display_number(self.instance.phone)
            self.initial["prefixes"] = " ".join(self.instance.prefixes)

    def clean_phone(self) -> str:
        """E.164, in one pool of the tenant only: its cap is one."""
        try:
            phone = parse_number(self.cleaned_data["phone"], self.tenant.region)
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error
        rival = self._rivals().filter(phone=phone).exclude(pk=self.instance.pk).select_related("pool").first()
        if rival is not None:
            raise forms.ValidationError(
                _("%(number)s is in the pool “%(pool)s” already. Take it out there first.")
                % {"number": display_number(phone), "pool": rival.pool.name}
            )
        return phone

    def clean_prefixes(self) -> list[str]:
        """In international form, each once."""
        typed = self.cleaned_data["prefixes"].replace(",", " ").split()
        try:
            return list(dict.fromkeys(parse_beginning(one, self.tenant.region) for one in typed))
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error


class PauseCodeForm(TenantForm):
    """A pause code."""

    thing = "a pause code"

    class Meta:
        model = PauseCode
        fields = ("code", "label", "is_paid", "position")
        labels = {
            "code": lazy("Code"),
            "label": lazy("Label"),
            "is_paid": lazy("Paid"),
            "position": lazy("Place in the menu"),
        }
        help_texts = {"code": lazy("Capitals and digits, e.g. LUNCH.")}

    def clean_code(self) -> str:
        """Once in the tenant."""
        return self._own("code")
