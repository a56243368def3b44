"""What changed settings ask of leads by the million: one job goes on for some seconds, then asks for the next."""

from __future__ import annotations

from huey import crontab

from dialer.calls import replanning

from .queues import job, worker_queue


@worker_queue.task()
@job
def go_on() -> None:
    """Carry out batches, and ask again while any are left: others have their turn between."""
    if replanning.work_off():
        ask()


def ask() -> None:
    """Ask for it. Raises redis.RedisError when Redis is away."""
    go_on()


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def go_on_with_what_was_left() -> None:
    """Take up what was asked for while Redis was away, or was left by a worker that is gone."""
    replanning.work_off()
