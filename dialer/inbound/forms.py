"""Forms of queues and of the numbers that lead to them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dialer.campaigns.forms import WEEKDAYS, MinuteField
from dialer.core.forms import TenantForm
from dialer.core.language import translated
from dialer.core.numbers import NotANumber, display_number, parse_number
from dialer.core.zones import known_zone

from .models import Did, Queue
from .rules import DAY_MIN


class QueueForm(TenantForm):
    """A queue."""

    thing = "a queue"

    opens = MinuteField(
        required=False,
        label=gettext_lazy("Open from"),
        help_text=gettext_lazy("Empty: all day. When it closes before it opens, it closes the next day."),
    )
    closes = MinuteField(required=False, label=gettext_lazy("Open until"))
    days = forms.TypedMultipleChoiceField(
        required=False,
        coerce=int,
        choices=WEEKDAYS,
        label=gettext_lazy("Weekdays"),
        help_text=gettext_lazy("None chosen: every day."),
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = Queue
        fields = ("name", "campaigns", "priority", "max_wait_s", "time_zone", "opens", "closes", "days", "music")
        widgets = {"campaigns": forms.CheckboxSelectMultiple}
        help_texts = {"time_zone": gettext_lazy("The clock of its hours, like America/New_York.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.initial.setdefault("time_zone", self.tenant.time_zone)
        if (self.instance.opens, self.instance.closes) == (0, DAY_MIN):
            self.initial["opens"] = self.initial["closes"] = None
        elif self.instance.closes == DAY_MIN:
            self.initial["closes"] = 0

    def clean_time_zone(self) -> str:
        """One that is known."""
        zone: str = self.cleaned_data["time_zone"]
        if known_zone(zone) is None:
            raise forms.ValidationError(
                _("“%(zone)s” is not a time zone. Write it like America/New_York.") % {"zone": zone[:40]}
            )
        return zone

    def clean(self) -> dict[str, Any]:
        """Both ends of the day, or neither."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        opens, closes = data.get("opens"), data.get("closes")
        if opens is None and closes is None:
            data["opens"], data["closes"] = 0, DAY_MIN
        elif opens is None or closes is None:
            missing = "opens" if opens is None else "closes"
            self.add_error(missing, _("Give both times, or none for a queue that is open all day."))
        elif opens == closes:
            self.add_error("closes", _("It would never be open. Choose another time, or none at all."))
        return data


class DidForm(TenantForm):
    """A number that leads to a queue."""

    thing = "a number"

    class Meta:
        model = Did
        fields = ("phone",)

    def __init__(self, *args: Any, queue: Queue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.queue = queue
        self.fields["phone"] = forms.CharField(  # what is typed is longer than what is stored
            max_length=40,
            label=gettext_lazy("Telephone number"),
            help_text=gettext_lazy("The trunk has to bring its calls here."),
            widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
        )

    def validate_unique(self) -> None:
        """Left to the database: that a number is another tenant's is nothing to tell (the view does not)."""

    def clean_phone(self) -> str:
        """E.164, and nobody's yet."""
        try:
            phone = parse_number(self.cleaned_data["phone"], self.tenant.region)
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error
        own = Did.objects.for_tenant(self.tenant).filter(phone=phone).select_related("queue").first()
        if own is not None:
            raise forms.ValidationError(
                _("%(number)s leads to “%(queue)s” already. Take it out there first.")
                % {"number": display_number(phone), "queue": own.queue.name}
            )
        return phone
