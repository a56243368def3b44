"""Playing simulations: one job works off all that wait, so that however many are asked for, one thread is taken."""

from __future__ import annotations

from huey import crontab

from dialer.whatif import services

from .queues import job, worker_queue


@worker_queue.task()
@job
def simulate() -> None:
    """Play what waits, unless another job does already."""
    services.work_off()


def ask() -> None:
    """Ask for it. Raises redis.RedisError when Redis is away."""
    simulate()


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def simulate_what_was_left() -> None:
    """Take up what was asked for while Redis was away, or was being played by a worker that is gone."""
    if services.anything_waits():
        services.work_off()


@worker_queue.periodic_task(crontab(minute="41", hour="3"), expires=3600)
@job
def forget_old_simulations() -> None:
    """Delete simulations that were asked for long ago."""
    services.forget_old()
