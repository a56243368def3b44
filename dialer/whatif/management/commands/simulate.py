"""`./run simulate --campaign ID`: what a campaign would do with other settings, on its own figures."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, BooleanOptionalAction
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from dialer.campaigns.models import MIN_RING_S, Campaign
from dialer.core.clock import now
from dialer.whatif.models import Simulation
from dialer.whatif.rules import PLAYED
from dialer.whatif.runner import WITHIN_S, CannotPlay
from dialer.whatif.selectors import todays
from dialer.whatif.services import answer
from dialer.whatif.shown import Shown, shown

BLOCKS = "▁▂▃▄▅▆▇█"


class Command(BaseCommand):
    """Play today's settings and others side by side, and print both."""

    help = (
        "What a campaign would do with other settings: utilisation, wait, abandonment and calls, with 95 % intervals."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The campaign, the settings to try (each as today unless given), and how to print."""
        parser.add_argument("--campaign", required=True, metavar="ID", help="its id (as in its address) or its name")
        parser.add_argument("--method", choices=PLAYED)
        parser.add_argument("--level", type=float, metavar="N", help="lines per free agent (ratio)")
        parser.add_argument("--cap", type=float, metavar="PERCENT", help="abandonment at most (predictive)")
        parser.add_argument("--ring", type=int, metavar="S", help=f"seconds to ring, {MIN_RING_S} or more")
        parser.add_argument("--amd", action=BooleanOptionalAction, default=None, help="answering-machine detection")
        parser.add_argument("--agents", type=int, metavar="N")
        parser.add_argument("--wrap", type=float, metavar="S", help="mean wrap-up in seconds")
        parser.add_argument("--stress", type=float, metavar="X", help="multiply the answer rate by X half-way")
        parser.add_argument("--within", type=float, metavar="S", default=WITHIN_S, help="seconds to play in")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="one JSON object instead of words")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fit, play, print."""
        campaign = _campaign(options["campaign"])
        tried = _settings(campaign, options)
        try:
            result = answer(
                campaign=campaign,
                settings=tried,
                stress=options["stress"],
                within_s=options["within"],
                seed=options["seed"],
                progress=self._progress,
            )
        except CannotPlay as error:
            raise CommandError(str(error)) from error
        finally:
            if sys.stderr.isatty():
                sys.stderr.write("\r\033[K")
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        simulation = Simulation(
            campaign=campaign, tried=tried.to_json(), stress=options["stress"], result=result, asked_at=now()
        )
        told = shown(simulation)
        assert told is not None
        self.stdout.write("\n".join(_lines(campaign, told, result)))

    def _progress(self, share: float) -> bool:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{'█' * round(share * 30):<30} {share * 100:3.0f} %")
            sys.stderr.flush()
        return True


def _campaign(wanted: str) -> Campaign:
    rows = Campaign.objects.across_tenants().select_related("tenant")
    try:
        found = list(rows.filter(public_id=UUID(wanted)))
    except ValueError:
        found = list(rows.filter(name=wanted))
    if len(found) == 1:
        assert isinstance(found[0], Campaign)
        return found[0]
    if found:
        ids = ", ".join(f"{one.public_id} ({one.tenant})" for one in found)
        raise CommandError(f"There are {len(found)} campaigns called “{wanted}”. Give the id of one: {ids}.")
    known = ", ".join(f"“{name}”" for name in rows.order_by("name").values_list("name", flat=True)[:20])
    raise CommandError(f"There is no campaign “{wanted}”. There are: {known or 'none'}.")


def _settings(campaign: Campaign, options: dict[str, Any]) -> Any:
    """Today's settings with what was given in its place."""
    tried = todays(campaign)
    if options["ring"] is not None and options["ring"] < MIN_RING_S:
        raise CommandError(f"--ring {options['ring']}: a call must ring for at least {MIN_RING_S} s (16 CFR 310.4).")
    if options["agents"] is not None and options["agents"] < 1:
        raise CommandError(f"--agents {options['agents']}: give 1 or more.")
    if options["cap"] is not None and not 0 < options["cap"] <= 10:
        raise CommandError(f"--cap {options['cap']}: give a percentage above 0, up to 10.")
    given = {
        "method": options["method"],
        "level": options["level"],
        "cap": None if options["cap"] is None else options["cap"] / 100.0,
        "ring_timeout": None if options["ring"] is None else float(options["ring"]),
        "detection": options["amd"],
        "agents": options["agents"],
        "wrap": options["wrap"],
    }
    return replace(tried, **{name: value for name, value in given.items() if value is not None})


def _lines(campaign: Campaign, told: Shown, result: dict[str, Any]) -> list[str]:
    """The answer as text: figures side by side, their course, what they rest on."""
    lines = [f"{campaign.name}: {'; '.join(told.changes) or 'as today'}", ""]
    lines.append(f"{'':<18}{'measured':>12}{'today':>20}{'other':>20}   difference")
    for row in told.rows:
        cells = [f"{one.text} {row.unit} {one.margin}" if one else "" for one in (row.now, row.other)]
        lines.append(f"{row.name:<18}{row.measured or '–':>12}{cells[0]:>20}{cells[1]:>20}   {row.verdict}".rstrip())
    lines.append("")
    for key, word in (("now", "today"), ("other", "other")):
        if result[key] is not None:
            for which, name in ((0, "utilisation"), (1, "abandonment")):
                lines.append(f"{name:<12} {word:<6} {_sparks([span[which] for span in result[key]['series']], which)}")
    return [*lines, "", *told.summary, *told.basis]


def _sparks(values: list[float], which: int) -> str:
    """A row of blocks, full at 100 % of utilisation or 10 % of abandonment."""
    full = 0.1 if which else 1.0
    return "".join(BLOCKS[min(len(BLOCKS) - 1, int(value / full * len(BLOCKS)))] for value in values)
