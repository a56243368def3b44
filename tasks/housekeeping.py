"""What nobody asks for and yet must be done: periodic jobs of the worker queue."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.core.management import call_command
from huey import crontab

from dialer.calls import decisions, hours, promises, recordings
from dialer.campaigns import facts
from dialer.core.clock import now
from dialer.floor import alerts, counters
from dialer.people.models import Tenant
from dialer.privacy.services import forget_old
from dialer.telephony import outbox

from . import alerts as alert_jobs
from . import recordings as recording_jobs
from .queues import job, worker_queue

log = logging.getLogger(__name__)

FORGOTTEN_AFTER = timedelta(minutes=2)
"""How long after a call's end its recording is taken to have been forgotten: its own job gives up after a minute."""


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def finish_forgotten_recordings() -> None:
    """Ask again for recordings whose call is long over: the first ask was lost, or nobody could carry it out."""
    for call_id in recordings.forgotten(before=now() - FORGOTTEN_AFTER):
        recording_jobs.ask(call_id)


@worker_queue.periodic_task(crontab(minute="7", hour="1"), expires=3600)
@job
def see_to_stray_recordings() -> None:
    """See to yesterday's recordings that no row tells of."""
    adopted, removed = recordings.see_to_strays(day=(now() - timedelta(days=1)).date())
    if adopted or removed:
        log.warning("recordings without a row: %d have one now, %d should have been gone and are", adopted, removed)


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def judge_decisions() -> None:
    """Hold pacing's forecasts against what happened, and let go of facts that nobody will learn from."""
    moment = now()
    decisions.judge(at=moment)
    facts.forget_old(at=moment)


@worker_queue.periodic_task(crontab(minute="27", hour="3"), expires=3600)
@job
def forget_decisions() -> None:
    """Remove pacing's decisions that are past their time."""
    decisions.forget(at=now())


@worker_queue.periodic_task(crontab(minute="37", hour="3"), expires=3600)
@job
def forget_what_is_done() -> None:
    """Remove commands to the switch that were carried out long ago, and counters that no board shows any more."""
    moment = now()
    outbox.forget(at=moment)
    counters.let_go(at=moment)


@worker_queue.periodic_task(crontab(minute="41"), expires=1800)
@job
def count_answer_hours() -> None:
    """Learn anew at which hours people answer, for campaigns whose recycle rules ask for the best one."""
    hours.refresh(at=now())


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def fold_counters() -> None:
    """Move the floor's tallies into its counters, so that boards have little to add up."""
    for _ in range(20):
        if not counters.fold():
            break


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def tell_of_forgotten_alerts() -> None:
    """Tell again of alerts whose job was lost."""
    for alert_id in alerts.untold():
        alert_jobs.tell(alert_id)


@worker_queue.periodic_task(crontab(minute="*/10"), expires=500)
@job
def compare_counters() -> None:
    """Hold the floor's counters of the last hours against the rows that they count, and put right what differs."""
    moment = now()
    for tenant_id in Tenant.objects.values_list("pk", flat=True):
        counters.compare(tenant_id=tenant_id, starts=moment - timedelta(hours=3), ends=moment)


@worker_queue.periodic_task(crontab(minute="*"), expires=50)
@job
def hand_over_callbacks() -> None:
    """Callbacks whose agent is not there are anyone's after a while."""
    if handed := promises.hand_over(at=now()):
        log.info("%d callbacks whose agent is away are anyone's now", handed)


@worker_queue.periodic_task(crontab(minute="47", hour="2"), expires=3600)
@job
def forget_old_data() -> None:
    """Remove what is past its time by each tenant's own retention."""
    for tenant in Tenant.objects.all():
        if any((done := forget_old(tenant=tenant, at=now())).values()):
            log.info("past its time and removed for tenant %s: %s", tenant.pk, done)


@worker_queue.periodic_task(crontab(minute="17", hour="3"), expires=3600)
@job
def clear_sessions() -> None:
    """Remove sign-ins that have expired."""
    call_command("clearsessions")
