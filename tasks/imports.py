"""Imports of leads: one job works off all that wait, so that however many are asked for, one thread is taken."""

from __future__ import annotations

from huey import crontab

from dialer.compliance.scrub import never_dialed
from dialer.core.clock import now
from dialer.leads.importing import services

from .queues import job, worker_queue


@worker_queue.task()
@job
def work_off() -> None:
    """Carry out what waits, unless another job does already."""
    services.work_off(never_dialed)


def ask() -> None:
    """Ask for it. Raises redis.RedisError when Redis is away."""
    work_off()


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def take_up_what_was_left() -> None:
    """Take up what was asked for while Redis was away, or was being carried out by a worker that is gone."""
    if services.anything_waits():
        services.work_off(never_dialed)


@worker_queue.periodic_task(crontab(minute="47", hour="3"), expires=3600)
@job
def forget_old_imports() -> None:
    """Remove imports that ended long ago."""
    services.forget_old(at=now())


@worker_queue.periodic_task(crontab(minute="*/10"), expires=500)
@job
def forget_drafts() -> None:
    """Remove uploaded files that nobody confirmed: they are full of people."""
    services.forget_drafts(at=now())
