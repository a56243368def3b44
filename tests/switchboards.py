"""A switchboard that runs in a test, on real PostgreSQL, and the rows that it works on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import transaction

from asterisk.switchboard.switchboard import Switchboard
from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import placing
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.compliance.services import asked_for, judge
from dialer.core.clock import now
from dialer.leads.services import reserve
from tests import factories
from tests.scripted import ScriptedSwitch


@asynccontextmanager
async def board(switch: ScriptedSwitch, name: str = "test") -> AsyncIterator[Switchboard]:
    """A running switchboard, drained at the end."""
    running = Switchboard(switch, name)
    task = asyncio.create_task(running.run())
    try:
        yield running
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(test: Callable[[], bool | Awaitable[bool]], what: str = "") -> None:
    """Wait until the rows say so."""
    async with asyncio.timeout(10):
        while not await sync_to_async(test)():
            await asyncio.sleep(0.01)


def ready_agent(campaign: Campaign) -> AgentSession:
    """An agent of the campaign, on the phone and ready."""
    session = factories.make_session(campaign, state="paused", leg="calling")
    agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.LEG_UP), at=now())
    return agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.READY_ASKED), at=now())


def queue(campaign: Campaign, count: int = 1) -> list[UUID]:
    """Calls to the campaign's leads, to be placed."""
    with transaction.atomic():
        leads = reserve(campaign_id=campaign.pk, count=count, at=now())
        judged = judge(campaign=campaign, asked=[asked_for(lead) for lead in leads], at=now())
        return placing.queue_calls(campaign=campaign, judged=judged, at=now())


def call_of(call_id: UUID) -> CallTask:
    """The call as its row has it now."""
    return CallTask.objects.across_tenants().get(pk=call_id)


def session_of(session: AgentSession) -> AgentSession:
    """The session as its row has it now."""
    return AgentSession.objects.across_tenants().get(pk=session.pk)
