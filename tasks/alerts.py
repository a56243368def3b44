"""The floor's thresholds: looked at every few seconds, as the beat asks; people are told in jobs of their own."""

from __future__ import annotations

from dialer.floor import alerts

from .queues import job, worker_queue


@worker_queue.task(expires=10)
@job
def look() -> None:
    """Compare the thresholds with the floor, and have people told of what began."""
    for alert_id in alerts.look():
        tell(alert_id)


@worker_queue.task()
@job
def tell(alert_id: int) -> None:
    """Mail an alert and call its webhook."""
    alerts.tell(alert_id)


def ask() -> None:
    """Ask for a look. Raises redis.RedisError when Redis is away."""
    look()
