"""The question: with which settings, and on what kind of day."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import MIN_RING_S

from .rules import PLAYED, Settings

_METHODS = [(name, lazy(name.capitalize())) for name in PLAYED]
_DAYS = [
    ("", lazy("A day like the last one")),
    ("2", lazy("Stress: the answer rate doubles")),
    ("0.5", lazy("Stress: the answer rate halves")),
]


class WhatIfForm(forms.Form):
    """Settings to try. Empty means as today."""

    day = forms.ChoiceField(
        choices=_DAYS,
        required=False,
        label=lazy("What is played"),
        help_text=lazy("A stress changes the answer rate half-way."),
    )
    method = forms.ChoiceField(choices=_METHODS, label=lazy("Dial method"))
    agents = forms.IntegerField(min_value=1, max_value=1000, label=lazy("Agents"))
    level = forms.FloatField(
        min_value=1,
        max_value=10,
        label=lazy("Lines per free agent"),
        help_text=lazy("Used by the ratio method: 1.00 to 10.00."),
    )
    cap = forms.FloatField(
        min_value=0.1,
        max_value=10,
        label=lazy("Abandonment at most (%)"),
        help_text=lazy("Used by the predictive method. The law's limit in the US is 3 % (16 CFR 310.4)."),
    )
    ring_timeout = forms.IntegerField(
        min_value=MIN_RING_S,
        max_value=120,
        label=lazy("Ring for (seconds)"),
        help_text=_("At least %(min_ring_s)s s (16 CFR 310.4), at most 120 s.") % {"min_ring_s": MIN_RING_S},
    )
    wrap = forms.FloatField(
        min_value=0,
        max_value=3600,
        required=False,
        label=lazy("Mean wrap-up (seconds)"),
        help_text=lazy("Empty: as it was lately."),
    )
    detection = forms.BooleanField(required=False, label=lazy("Answering-machine detection"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("level", "cap", "wrap"):
            self.fields[name].widget.attrs.update(step="any", inputmode="decimal")

    @staticmethod
    def initial_of(settings: Settings, stress: float | None = None) -> dict[str, Any]:
        """The form's values for settings."""
        return {
            "day": f"{stress:g}" if stress else "",
            "method": settings.method,
            "agents": settings.agents,
            "level": f"{settings.level:.2f}",
            "cap": f"{settings.cap * 100:g}",
            "ring_timeout": int(settings.ring_timeout),
            "wrap": "" if settings.wrap is None else f"{settings.wrap:g}",
            "detection": settings.detection,
        }

    def settings(self) -> Settings:
        """The settings that were typed; the form must be valid."""
        given = self.cleaned_data
        return Settings(
            method=given["method"],
            level=given["level"],
            cap=round(given["cap"] / 100.0, 6),
            ring_timeout=float(given["ring_timeout"]),
            detection=given["detection"],
            agents=given["agents"],
            wrap=given["wrap"],
        )

    def stress(self) -> float | None:
        """What the answer rate is multiplied by half-way, if anything."""
        return float(self.cleaned_data["day"]) if self.cleaned_data["day"] else None
