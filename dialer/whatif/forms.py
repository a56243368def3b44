"""The question: with which settings, and on what kind of day."""

from __future__ import annotations

from typing import Any

from django import forms

from dialer.campaigns.models import MIN_RING_S

from .rules import PLAYED, Settings

_METHODS = [(name, name.capitalize()) for name in PLAYED]
_DAYS = [
    ("", "A day like the last one"),
    ("2", "Stress: the answer rate doubles"),
    ("0.5", "Stress: the answer rate halves"),
]


class WhatIfForm(forms.Form):
    """Settings to try. Empty means as today."""

    day = forms.ChoiceField(
        choices=_DAYS, required=False, label="What is played", help_text="A stress changes the answer rate half-way."
    )
    method = forms.ChoiceField(choices=_METHODS, label="Dial method")
    agents = forms.IntegerField(min_value=1, max_value=1000, label="Agents")
    level = forms.FloatField(
        min_value=1, max_value=10, label="Lines per free agent", help_text="Used by the ratio method: 1.00 to 10.00."
    )
    cap = forms.FloatField(
        min_value=0.1,
        max_value=10,
        label="Abandonment at most (%)",
        help_text="Used by the predictive method. The law's limit in the US is 3 % (16 CFR 310.4).",
    )
    ring_timeout = forms.IntegerField(
        min_value=MIN_RING_S,
        max_value=120,
        label="Ring for (seconds)",
        help_text=f"At least {MIN_RING_S} s (16 CFR 310.4), at most 120 s.",
    )
    wrap = forms.FloatField(
        min_value=0,
        max_value=3600,
        required=False,
        label="Mean wrap-up (seconds)",
        help_text="Empty: as it was lately.",
    )
    detection = forms.BooleanField(required=False, label="Answering-machine detection")

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
