"""Writes of what-if: asking, playing, cancelling, forgetting. One simulation is played at a time, the oldest first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from dialer.calls.rules import wait_limit_ms
from dialer.campaigns.models import Campaign
from dialer.core import jobs
from dialer.core.clock import now
from dialer.live import publish
from dialer.people.models import User

from .models import OPEN, Simulation, SimulationState
from .rules import Settings, day_of, world_of, world_to_json
from .runner import WITHIN_S, Cancelled, CannotPlay, play_all
from .selectors import observed, todays

log = logging.getLogger(__name__)

TOPIC = "whatif"
JOB = "simulate"
MOST_WAITING = 20
"""Simulations that may wait at once, of all tenants together: the last of them then waits some minutes."""
DEAD_AFTER = timedelta(seconds=15)
"""A worker that has not said for so long that it plays is gone."""
KEPT_FOR = timedelta(days=14)
MOST_STARTS = 2


class TooMany(Exception):
    """So many simulations wait already that no further one is taken; the text says what to do."""


def ask(*, campaign: Campaign, user: User, settings: Settings, stress: float | None) -> Simulation:
    """Have a simulation played. The same question asked again while it is open is that one; another one replaces it."""
    moment = now()
    with transaction.atomic():
        _one_at_a_time()
        open_one = Simulation.objects.for_tenant(campaign.tenant_id).filter(asked_by=user, state__in=OPEN).first()
        if open_one is not None:
            if open_one.campaign_id == campaign.pk and (open_one.settings, open_one.stress) == (settings, stress):
                assert isinstance(open_one, Simulation)
                return open_one
            _end(open_one, SimulationState.CANCELLED, moment)
        elif Simulation.objects.across_tenants().filter(state__in=OPEN).count() >= MOST_WAITING:
            raise TooMany(
                _("%(most_waiting)s simulations are waiting already. Try again in a minute.")
                % {"most_waiting": MOST_WAITING}
            )
        made = Simulation.objects.create(
            tenant_id=campaign.tenant_id,
            campaign=campaign,
            asked_by=user,
            tried=settings.to_json(),
            stress=stress,
            asked_at=moment,
        )
        jobs.ask(JOB)
    assert isinstance(made, Simulation)
    return made


def cancel(*, simulation: Simulation) -> None:
    """Give a simulation up; the worker that plays it stops within a second."""
    with transaction.atomic():
        _end(simulation, SimulationState.CANCELLED, now())


def work_off() -> int:
    """Play what waits, one after the other, unless somebody does already; how many were played."""
    played = 0
    while (simulation := _claim()) is not None:
        _carry_out(simulation)
        played += 1
    return played


def anything_waits() -> bool:
    """Whether `work_off` would find something."""
    return Simulation.objects.across_tenants().filter(state__in=OPEN).exists()


def forget_old() -> int:
    """Delete what was asked long ago; how many."""
    rows = Simulation.objects.across_tenants().filter(asked_at__lt=now() - KEPT_FOR).exclude(state__in=OPEN)
    return rows.delete()[0]


def answer(
    *,
    campaign: Campaign,
    settings: Settings,
    stress: float | None,
    progress: Callable[[float], bool] = lambda _: True,
    within_s: float = WITHIN_S,
    seed: int = 0,
) -> dict[str, Any]:
    """Fit the campaign's figures and play today's settings beside the others; blocks for up to ten seconds.

    Raises runner.Cancelled when `progress` answers False, and runner.CannotPlay.
    """
    told, day = observed(campaign)
    present = todays(campaign)
    asked: list[dict[str, Any]] = []
    guessed: tuple[str, ...] = ()
    for one in [settings] if settings == present else [present, settings]:
        world, guesses = world_of(
            told,
            one,
            patience=campaign.connect_limit_ms / 1000.0,
            lines=campaign.max_lines,
            may_cancel=campaign.may_cancel,
            wait=wait_limit_ms(campaign.connect_limit_ms, one.detection) / 1000.0,
        )
        guessed = guesses.words
        asked.append(
            {
                "world": world_to_json(world),
                "method": one.method,
                "level": one.level,
                "day": day_of(world, told.hours),
                "stress": stress,
                "within_s": within_s,
                "seed": seed,
            }
        )
    played = play_all(asked, progress)
    return {
        "now": {"settings": present.to_json(), **played[0]},
        "other": {"settings": settings.to_json(), **played[1]} if len(played) > 1 else None,
        "day": {**asdict(day), "day": day.day.isoformat() if day.day else None},
        "hours": [one.hour for one in told.hours],
        "dials": len(told.ages),
        "conversations": len(told.talk),
        "wrapups": len(told.wrap),
        "guessed": list(guessed),
    }


def _one_at_a_time() -> None:
    """Hold up everybody else who asks for or takes a simulation, until this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cordboard.whatif'))")


def _claim() -> Simulation | None:
    """Take the oldest that waits; None when there is none or another worker plays one."""
    moment = now()
    with transaction.atomic():
        _one_at_a_time()
        rows = Simulation.objects.across_tenants().select_related("campaign__tenant")
        running = rows.filter(state=SimulationState.RUNNING)
        if running.filter(beat_at__gte=moment - DEAD_AFTER).exists():
            return None
        for dead in running:
            if dead.starts >= MOST_STARTS:
                _end(dead, SimulationState.FAILED, moment, problem=_("The simulation broke off twice. Try again."))
        chosen = rows.filter(state__in=OPEN).order_by("asked_at").first()
        if chosen is None:
            return None
        chosen.state, chosen.beat_at, chosen.starts = SimulationState.RUNNING, moment, chosen.starts + 1
        chosen.save(update_fields=["state", "beat_at", "starts"])
        _tell(chosen, moment)
    assert isinstance(chosen, Simulation)
    return chosen


def _carry_out(simulation: Simulation) -> None:
    """Play it and store what came of it, unless it was given up meanwhile."""
    try:
        result = answer(
            campaign=simulation.campaign,
            settings=simulation.settings,
            stress=simulation.stress,
            progress=lambda share: _beat(simulation, share),
        )
    except Cancelled:
        return
    except CannotPlay as error:
        log.warning("simulation %s was not played: %s", simulation.public_id, error)
        with transaction.atomic():
            _end(simulation, SimulationState.FAILED, now(), problem=str(error))
    else:
        with transaction.atomic():
            _end(simulation, SimulationState.DONE, now(), result=result, progress=1.0)


def _beat(simulation: Simulation, share: float) -> bool:
    """Say how far it is; False when nobody wants it any more."""
    moment = now()
    with transaction.atomic():
        rows = Simulation.objects.for_tenant(simulation.tenant_id)
        wanted = rows.filter(pk=simulation.pk, state=SimulationState.RUNNING).update(progress=share, beat_at=moment)
        if wanted:
            _tell(simulation, moment)
    return bool(wanted)


def _end(simulation: Simulation, state: str, moment: datetime, **values: Any) -> None:
    """End it, if it is open."""
    rows = Simulation.objects.for_tenant(simulation.tenant_id).filter(pk=simulation.pk, state__in=OPEN)
    if rows.update(state=state, ended_at=moment, **values):
        _tell(simulation, moment)


def _tell(simulation: Simulation, moment: datetime) -> None:
    publish.changed(TOPIC, simulation.asked_by_id, moment)
