"""Forms of what a campaign offers its agents for calls: transfer presets, recorded messages, what is allowed."""

from __future__ import annotations

import wave
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import pgettext_lazy

from dialer.core.forms import TenantForm
from dialer.core.numbers import NotANumber, parse_number, zones_of_number
from dialer.core.zones import known_zone

from .models import HandlingSettings, MessageRecording, Target, TransferPreset

LONGEST_S = 120
"""Longest recorded message."""


class HandlingForm(TenantForm):
    """What agents may do with calls."""

    class Meta:
        model = HandlingSettings
        fields = ("may_pause_recording", "may_dial_out")
        labels = {
            "may_pause_recording": lazy("Pause recordings, and say why"),
            "may_dial_out": lazy("Transfer to numbers that they type"),
        }


class PresetForm(TenantForm):
    """A place where calls are often transferred to."""

    thing = "a preset"

    class Meta:
        model = TransferPreset
        fields = ("name", "target", "phone", "time_zone", "agent", "to_campaign")
        labels = {
            "name": lazy("Name"),
            "target": lazy("Leads to"),
            "phone": lazy("Number"),
            "time_zone": lazy("The number's time zone"),
            "agent": lazy("Agent"),
            "to_campaign": lazy("Campaign"),
        }
        help_texts = {
            "phone": lazy("With its area code. It goes through the dial gate like any other."),
            "time_zone": lazy(
                "Needed for toll-free numbers, which say nothing of where they are; like America/New_York."
            ),
            "to_campaign": lazy("Whoever has been ready longest there gets the call."),
        }

    def __init__(self, *args: Any, campaign: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.instance.campaign = campaign
        # Typed as people write it; kept in international form.
        self.fields["phone"] = forms.CharField(
            label=_("Number"), required=False, max_length=40, help_text=self.fields["phone"].help_text
        )
        agents = self.fields["agent"]
        assert isinstance(agents, forms.ModelChoiceField) and agents.queryset is not None
        agents.queryset = agents.queryset.filter(tenant=self.tenant, is_active=True)

    def _rivals(self) -> Any:
        return TransferPreset.objects.for_tenant(self.tenant).filter(campaign=self.campaign)

    def clean(self) -> dict[str, Any]:
        """Keep only what belongs to the chosen kind, and see that it is there."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        target = data.get("target")
        if target == Target.NUMBER:
            self._clean_number(data)
            data["agent"] = data["to_campaign"] = None
        elif target == Target.AGENT:
            if data.get("agent") is None:
                self.add_error("agent", _("Choose an agent."))
            data["phone"], data["time_zone"], data["to_campaign"] = "", "", None
        elif target == Target.CAMPAIGN:
            if data.get("to_campaign") is None:
                self.add_error("to_campaign", _("Choose a campaign."))
            data["phone"], data["time_zone"], data["agent"] = "", "", None
        return data

    def _clean_number(self, data: dict[str, Any]) -> None:
        text, zone = data.get("phone", ""), data.get("time_zone", "")
        if zone and known_zone(zone) is None:
            self.add_error(
                "time_zone", _("“%(zone)s” is not a time zone. Write it like America/New_York.") % {"zone": zone[:40]}
            )
        if not text:
            self.add_error("phone", _("Give the number, with its area code."))
            return
        try:
            data["phone"] = parse_number(text, self.tenant.region)
        except NotANumber as error:
            self.add_error("phone", str(error))
            return
        if not zone and not zones_of_number(data["phone"]):
            self.add_error(
                "time_zone", _("Nothing tells where this number is, so the gate would refuse it. Give a zone.")
            )


class MessageForm(TenantForm):
    """A recorded message, uploaded as a WAV file that the switch can play as it is."""

    thing = "a message"
    sound = forms.FileField(
        label=pgettext_lazy("what was recorded", "Recording"),
        help_text=lazy("A WAV file: 8 kHz, 16 bit, one channel, at most two minutes."),
    )

    class Meta:
        model = MessageRecording
        fields = ("name",)
        labels = {"name": lazy("Name")}

    def __init__(self, *args: Any, campaign: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.instance.campaign = campaign

    def _rivals(self) -> Any:
        return MessageRecording.objects.for_tenant(self.tenant).filter(campaign=self.campaign)

    def clean_sound(self) -> Any:
        """Refuse what the switch cannot play."""
        upload = self.cleaned_data["sound"]
        try:
            with wave.open(upload) as file:
                found = (file.getframerate(), file.getsampwidth(), file.getnchannels())
                seconds = file.getnframes() / max(1, file.getframerate())
        except (wave.Error, EOFError, RuntimeError) as error:
            raise forms.ValidationError(_("That is no WAV file. Save the recording as WAV, then try again.")) from error
        if found != (8000, 2, 1):
            rate, width, channels = found
            raise forms.ValidationError(
                _(
                    "That file has %(rate)s Hz, %(width)s bit, %(channels)s channels. Save it with 8000 Hz, 16 "
                    "bit, one channel."
                )
                % {"rate": rate, "width": 8 * width, "channels": channels}
            )
        if not 0.2 <= seconds <= LONGEST_S:
            raise forms.ValidationError(
                _("That file is %(long)s s long. It may be 0.2 to %(most)s s.")
                % {"long": f"{seconds:.1f}", "most": LONGEST_S}
            )
        self.instance.duration_ms = int(seconds * 1000)
        upload.seek(0)
        return upload
