"""Writes to agent sessions; states change only through agents.rules. Each function is, or joins, one transaction."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from dialer.campaigns.models import Campaign, PauseCode
from dialer.core import notify
from dialer.core.clock import now
from dialer.leads import services as leads
from dialer.live import publish
from dialer.people.models import User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from .models import AgentSession, AgentStateChange, LegState
from .rules import JOINED, SYSTEM_CODES, AgentState, Event, Kind, Refusal, advance

DESK = "desk"
"""The topic of an agent's own screen; its key is the user's id."""


class NotNow(Exception):
    """What was asked for cannot be done in this state; the text is for the one who asked."""


def join(*, user: User, campaign: Campaign) -> AgentSession:
    """Open a session, paused, and call the agent's phone. Raises NotNow with what to do."""
    if not user.endpoint:
        raise NotNow("You have no phone account. Ask an administrator to give you one.")
    moment = now()
    try:
        with transaction.atomic():
            session = AgentSession.objects.create(
                tenant_id=campaign.tenant_id,
                user=user,
                campaign=campaign,
                endpoint=user.endpoint,
                state=AgentState.PAUSED,
                pause_code=JOINED,
                state_since=moment,
                started_at=moment,
                screen_seen_at=moment,
            )
            AgentStateChange.objects.create(
                tenant_id=campaign.tenant_id,
                session=session,
                state=session.state,
                pause_code=JOINED,
                event="joined",
                at=moment,
            )
            outbox.send(tenant_id=campaign.tenant_id, kind=CommandKind.CALL_PHONE, target=session.public_id)
            publish.changed(DESK, user.pk, moment)
    except IntegrityError as error:
        raise NotNow("You are in a campaign already. Leave it first.") from error
    assert isinstance(session, AgentSession)
    return session


def call_phone_again(*, session_id: int) -> AgentSession:
    """Call the agent's phone again after its leg was lost. Raises NotNow when it is up or being called."""
    with transaction.atomic():
        session = _locked(session_id)
        if session.leg != LegState.DOWN or session.ended_at is not None:
            raise NotNow("Your phone is on the line or being called already.")
        AgentSession.objects.across_tenants().filter(pk=session_id).update(leg=LegState.CALLING, notice="")
        session.leg = LegState.CALLING
        outbox.send(tenant_id=session.tenant_id, kind=CommandKind.CALL_PHONE, target=session.public_id)
        publish.changed(DESK, session.user_id, now())
    return session


def apply(*, session_id: int, event: Event, at: datetime, notice: str | None = None) -> AgentSession:
    """Let one event happen to a session; raises NotNow when the lifecycle refuses it.

    `notice` replaces what the agent is told to have gone wrong; None leaves it.
    """
    with transaction.atomic():
        session = _locked(session_id)
        before = session.as_agent()
        after = advance(before, event)
        if isinstance(after, Refusal):
            raise NotNow(after.reason)
        if after == before and notice is None:
            return session
        moved = (after.state, after.pause_code, after.call) != (before.state, before.pause_code, before.call)
        session.state, session.pause_code, session.pause_after = after.state, after.pause_code, after.pause_after
        session.call_id = after.call
        if session.leg != LegState.CALLING or after.leg_up or event.kind is Kind.LEG_LOST:
            session.leg = LegState.UP if after.leg_up else LegState.DOWN
        if after.state is AgentState.OFFLINE:
            session.leg = LegState.DOWN
        if notice is not None:
            session.notice = notice[:300]
        if after.state is AgentState.OFFLINE and session.ended_at is None:
            session.ended_at = at
            if session.preview_lead_id is not None:
                leads.put_back(lead_ids=[session.preview_lead_id], at=at)
                session.preview_lead = None
            if before.leg_up or notice is None:
                outbox.send(tenant_id=session.tenant_id, kind=CommandKind.DROP_PHONE, target=session.public_id)
        if moved:
            session.state_since = at
            _note_change(session, event.kind, at)
        session.save(
            update_fields=[
                "state", "pause_code", "pause_after", "call", "leg", "notice", "ended_at", "state_since", "preview_lead",
            ]
        )  # fmt: skip
        if moved and after.state is AgentState.READY:
            notify.notify(notify.READY, str(session.campaign_id))
        publish.changed(DESK, session.user_id, at)
    return session


def _locked(session_id: int) -> AgentSession:
    session = AgentSession.objects.across_tenants().select_for_update().get(pk=session_id)
    assert isinstance(session, AgentSession)
    return session


def _note_change(session: AgentSession, kind: Kind, at: datetime) -> None:
    changes = AgentStateChange.objects.across_tenants().filter(session=session)
    changes.filter(until=None).update(until=at)
    offline = session.state == AgentState.OFFLINE
    AgentStateChange.objects.create(
        tenant_id=session.tenant_id,
        session=session,
        state=session.state,
        pause_code=session.pause_code,
        call_id=session.call_id,
        event=kind,
        at=at,
        until=at if offline else None,
    )


_CLAIM = """
WITH idle AS (
    SELECT id FROM agents_agentsession
    WHERE campaign_id = %(campaign)s AND state = 'ready' AND leg = 'up'
    ORDER BY state_since, id
    LIMIT 1 FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE agents_agentsession AS s
    SET state = 'reserved', pause_code = '', state_since = %(at)s, call_id = %(call)s, notice = ''
    FROM idle WHERE s.id = idle.id
    RETURNING s.id, s.tenant_id, s.user_id
), closed AS (
    UPDATE agents_agentstatechange AS c SET until = %(at)s
    FROM claimed WHERE c.session_id = claimed.id AND c.until IS NULL
    RETURNING c.id
), noted AS (
    INSERT INTO agents_agentstatechange (tenant_id, session_id, state, pause_code, call_id, event, at, until)
    SELECT tenant_id, id, 'reserved', '', %(call)s, 'reserved', %(at)s, NULL FROM claimed
    WHERE (SELECT count(*) FROM closed) >= 0
    RETURNING session_id
)
SELECT claimed.id, claimed.user_id FROM claimed
"""


def claim(*, campaign_id: int, call_id: UUID, at: datetime) -> int | None:
    """Reserve the agent of the campaign who has been ready longest for a call; None when nobody is.

    One statement, so that two calls can never get the same agent and no agent waits on another's lock. It is the
    lifecycle's RESERVED event, written as a conditional update (a test holds the two against each other).
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"campaign": campaign_id, "call": call_id, "at": at})
        row = cursor.fetchone()
    if row is None:
        return None
    session_id, user_id = row
    publish.changed(DESK, user_id, at)
    return int(session_id)


def pause_label(*, tenant_id: int, code: str) -> str:
    """A pause code in words; codes of the system included."""
    own = PauseCode.objects.for_tenant(tenant_id).filter(code=code).values_list("label", flat=True).first()
    return own or SYSTEM_CODES.get(code, code)
