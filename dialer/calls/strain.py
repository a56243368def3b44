"""Pacing's decision while the dialer itself is behind: fewer calls, and the reason where supervisors read it."""

from __future__ import annotations

from dataclasses import replace

from dialer.core import health
from dialer.core.clock import now
from dialer.pacing import Decision

from .pressure import Signs, pressure


def under_pressure(decision: Decision) -> Decision:
    """The decision, cut to what we are up to now. Nothing is asked when nothing is to be dialed."""
    if not decision.launch:
        return decision
    strain = pressure(signs())
    launch = strain.cut(decision.launch)
    if launch == decision.launch:
        return decision
    return replace(decision, launch=launch, worth=decision.worth[:launch], reason=f"{strain.why} {decision.reason}")


def trouble_now() -> str:
    """Why less is dialed than pacing wants, whatever it wants; empty when all is well."""
    return pressure(signs()).why


def signs() -> Signs:
    """What the switchboards and the webs said of themselves last."""
    boards = health.pulses(health.SWITCHBOARD)
    screens = [one.lag_ms for one in health.fresh(health.pulses(health.WEB))]
    return Signs(
        events_ms=max((one.lag_ms for one in health.fresh(boards)), default=None),
        screens_ms=max(screens, default=None),
        unheard_s=(now() - boards[0].at).total_seconds() if boards else None,
    )
