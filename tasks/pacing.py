"""Pacing's tick as a job: one campaign, one decision, one transaction. `ask` is cheap and may be called for any reason.

The switchboard asks each second for campaigns that have somebody ready, and at once when somebody becomes ready or a
call ends. Asks for a campaign whose tick is queued already are that tick; an ask made while a tick runs gets one of
its own, which waits for the first. A tick older than three seconds is dropped: the beat has asked again since.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress

from redis.exceptions import RedisError

from dialer.calls.placing import pace

from .queues import job, pacing_queue

log = logging.getLogger(__name__)

GOOD_FOR_S = 3
"""Seconds for which an ask is worth carrying out."""


def _key(campaign_id: int) -> str:
    return f"cordboard:tick-queued:{campaign_id}"


@pacing_queue.task(expires=GOOD_FOR_S)
@job
def tick(campaign_id: int) -> None:
    """Decide and queue calls for one campaign."""
    with suppress(RedisError):  # from here on an ask is a new tick, for this one may have looked already
        pacing_queue.storage.conn.delete(_key(campaign_id))
    paced = pace(campaign_id=campaign_id)
    if paced.queued or paced.refused:
        reason = paced.decision.reason if paced.decision else ""
        log.info("campaign %s: queued %d, refused %d. %s", campaign_id, len(paced.queued), paced.refused, reason)


def ask(campaign_id: int) -> None:
    """Ask for a tick of a campaign; blocks for a round trip or two. Raises redis.RedisError when Redis is away."""
    redis = pacing_queue.storage.conn
    if not redis.set(_key(campaign_id), 1, nx=True, px=GOOD_FOR_S * 1000):
        return
    try:
        tick(campaign_id)
    except RedisError:
        with suppress(RedisError):
            redis.delete(_key(campaign_id))
        raise


def ask_many(campaign_ids: Iterable[int]) -> None:
    """Ask for a tick of each campaign. Raises redis.RedisError when Redis is away."""
    for campaign_id in campaign_ids:
        ask(campaign_id)
