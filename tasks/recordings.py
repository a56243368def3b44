"""Finishing recordings: a job that looks whether the file of an ended call is whole, and looks again until it is."""

from __future__ import annotations

from uuid import UUID

from dialer.calls import recordings
from dialer.calls.recordings import Look

from .queues import job, worker_queue

AGAIN_AFTER_S = (1, 2, 4, 8, 15, 30)
"""Seconds until each further look; after the last one the recording counts as missing."""


@worker_queue.task()
@job
def finish_recording(call_id: str, looks: int = 0) -> None:
    """Complete the recording of an ended call, or note that it has none. Asking again does no harm."""
    last = looks >= len(AGAIN_AFTER_S)
    if recordings.finish(call_id=UUID(call_id), last_look=last) is Look.LATER:
        finish_recording.schedule((call_id, looks + 1), delay=AGAIN_AFTER_S[looks])


def ask(call_id: UUID) -> None:
    """Ask that a call's recording be finished, once the call has ended. Raises redis.RedisError when Redis is away."""
    finish_recording(str(call_id))
