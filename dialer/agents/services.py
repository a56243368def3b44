"""Writes to agent sessions; states change only through agents.rules. Each function is, or joins, one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from dialer.campaigns import facts
from dialer.campaigns.models import Campaign, PauseCode
from dialer.core import notify, prepared
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.core.language import speaking, translated
from dialer.core.numbers import NotANumber, parse_number
from dialer.leads import services as leads
from dialer.live import publish
from dialer.people.models import User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from .models import AgentSession, AgentStateChange, LegState, PhoneKind
from .rules import JOINED, SYSTEM_CODES, Agent, AgentState, Event, Kind, Refusal, advance, moves_now

DESK = "desk"
"""The topic of an agent's own screen; its key is the user's id."""


class NotNow(Exception):
    """What was asked for cannot be done in this state; the text is for the one who asked."""


def join(*, user: User, campaign: Campaign, phone: str = PhoneKind.SIP, number: str = "") -> AgentSession:
    """Open a session, paused, and call the agent's phone (a browser's once it has registered).

    `number` is what the agent typed, for a plain telephone. Raises NotNow with what to do.
    """
    if user.tenant_id != campaign.tenant_id:
        raise NotNow(_("There is no such campaign. Choose one of those shown."))
    public_id = new_id()
    endpoint = _endpoint_of(user, campaign, phone, number, public_id)
    waits = phone == PhoneKind.BROWSER and settings.SWITCH != "simulated"
    moment = now()
    try:
        with transaction.atomic():
            session = AgentSession.objects.create(
                tenant_id=campaign.tenant_id,
                public_id=public_id,
                user=user,
                campaign=campaign,
                phone=phone,
                endpoint=endpoint,
                phone_secret=secrets.token_urlsafe(24) if phone == PhoneKind.BROWSER else "",
                leg=LegState.AWAY if waits else LegState.CALLING,
                leg_since=moment if waits else None,
                state=AgentState.PAUSED,
                pause_code=JOINED,
                state_since=moment,
                started_at=moment,
                screen_seen_at=moment,
            )
            AgentStateChange.objects.create(
                tenant_id=campaign.tenant_id,
                session=session,
                campaign=campaign,
                state=session.state,
                pause_code=JOINED,
                event="joined",
                at=moment,
            )
            if phone == PhoneKind.BROWSER:
                outbox.send(tenant_id=campaign.tenant_id, kind=CommandKind.PROVISION)
            if not waits:
                outbox.send(tenant_id=campaign.tenant_id, kind=CommandKind.CALL_PHONE, target=session.public_id)
            publish.changed(DESK, user.pk, moment)
    except IntegrityError as error:
        raise NotNow(_("You are in a campaign already. Leave it first.")) from error
    assert isinstance(session, AgentSession)
    return session


def _endpoint_of(user: User, campaign: Campaign, phone: str, number: str, session: UUID) -> str:
    """The account or number by which a session's phone is reached. Raises NotNow when there is none."""
    match phone:
        case PhoneKind.BROWSER:
            return f"web-{session.hex}"
        case PhoneKind.SIP if user.endpoint:
            return user.endpoint
        case PhoneKind.SIP:
            raise NotNow(
                _("You have no phone account. Ask an administrator for one, or use this browser as your phone.")
            )
        case PhoneKind.NUMBER if not number.strip():
            raise NotNow(_("Type the number of your telephone, with its area code."))
        case PhoneKind.NUMBER:
            try:
                return parse_number(number, campaign.tenant.region)
            except NotANumber as error:
                raise NotNow(_("Your telephone: %(fault)s") % {"fault": translated(error.args[0])}) from error
        case _:
            raise NotNow(_("Choose one of the phones shown."))


def browser_phone_is_here(*, session_id: int) -> AgentSession:
    """The page's phone has registered (again): call it. A leg that it had before is replaced.

    Raises NotNow when the session is over or has another kind of phone.
    """
    with transaction.atomic():
        session = _locked(session_id)
        if session.ended_at is not None or session.phone != PhoneKind.BROWSER:
            raise NotNow(_("This browser is not your phone now. Reload the page."))
        moment = now()
        away = Event(Kind.LEG_AWAY, own=True)
        session = apply_within(session_id=session_id, event=away, at=moment, notice="")
        outbox.send(tenant_id=session.tenant_id, kind=CommandKind.CALL_PHONE, target=session.public_id)
    return session


def leg_ended(*, session_id: int, at: datetime, notice: str) -> AgentSession:
    """The leg that was up is gone: lost, or of a browser away for a moment, because its page may be loading again."""
    with transaction.atomic():
        session = _locked(session_id)
        if session.phone != PhoneKind.BROWSER:
            return apply_within(session_id=session_id, event=Event(Kind.LEG_LOST), at=at, notice=notice)
        own = session.call is not None and session.call.own_agent
        return apply_within(session_id=session_id, event=Event(Kind.LEG_AWAY, own=own), at=at)


def call_phone_again(*, session_id: int) -> AgentSession:
    """Call the agent's phone again after its leg was lost. Raises NotNow when it is up or being called."""
    with transaction.atomic():
        session = _locked(session_id)
        if session.leg != LegState.DOWN or session.ended_at is not None:
            raise NotNow(_("Your phone is on the line or being called already."))
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
        return apply_within(session_id=session_id, event=event, at=at, notice=notice)


def move(*, session_id: int, campaign: Campaign, at: datetime, notice: str) -> AgentSession:
    """Put an agent into another campaign: at once, or when the call in hand is wrapped up. The agent reads `notice`.

    To the campaign in which they are, it takes back a move that waits. Raises NotNow when they have signed out.
    """
    with transaction.atomic():
        session = _locked(session_id)
        if session.ended_at is not None:
            raise NotNow(_("They have signed out meanwhile."))
        wanted = campaign.pk if campaign.pk != session.campaign_id else None
        AgentSession.objects.for_tenant(campaign.tenant_id).filter(pk=session_id).update(move_to=wanted)
        return apply_within(session_id=session_id, event=Event(Kind.MOVED), at=at, notice=notice)


def apply_within(
    *, session_id: int, event: Event, at: datetime, notice: str | None = None, guest: bool | None = None
) -> AgentSession:
    """The same as `apply`, as a part of a transaction that the caller has begun.

    `guest`: whether the call in hand is a colleague's, who asked this agent in; None leaves it.
    """
    session = _locked(session_id)
    before = session.as_agent()
    after = advance(before, event)
    if isinstance(after, Refusal):
        raise NotNow(translated(after.reason))
    leg = _leg_after(session.leg, event, after)
    guest = after.call is not None and (session.guest if guest is None else guest)
    arrives = session.move_to_id is not None and moves_now(after)
    if after == before and leg == session.leg and notice is None and guest == session.guest and not arrives:
        return session
    session.guest = guest
    moved = (after.state, after.pause_code, after.call) != (before.state, before.pause_code, before.call)
    session.state, session.pause_code, session.pause_after = after.state, after.pause_code, after.pause_after
    if leg == LegState.AWAY and (session.leg != leg or event.kind is Kind.LEG_AWAY):
        session.leg_since = at
    session.call_id, session.leg, session.wrapup_extended = after.call, leg, after.wrapup_extended
    session.beside = after.beside
    if notice is not None:
        session.notice = in_words_of(session.user_id, notice)[:300]
    if after.state is AgentState.OFFLINE and session.ended_at is None:
        _end(session, at, drop_phone=before.leg_up or notice is None)
    if before.state is AgentState.WRAPUP and after.state is not AgentState.WRAPUP:
        _note_wrap_end(session, before, after, at)
    if arrives:
        _arrive(session, at)
    if moved or arrives:
        # Clocks of different machines tell of this: time in state must not run backwards.
        session.state_since = max(at, session.state_since)
        _note_change(session, event.kind)
    prepared.update(session, _WRITTEN_ARRIVING if arrives else _WRITTEN)
    if (moved or arrives) and after.state is AgentState.READY:
        notify.notify(notify.READY, str(session.campaign_id))
    publish.changed(DESK, session.user_id, at)
    return session


def tell_desks(*, at: datetime) -> None:
    """Have the desk of everybody who works shown afresh: of a change as the database went they may not have heard."""
    for user_id in AgentSession.objects.across_tenants().filter(ended_at=None).values_list("user_id", flat=True):
        publish.changed(DESK, user_id, at)


def _arrive(session: AgentSession, at: datetime) -> None:
    """The agent is in the campaign that a supervisor moved them to; what they were shown of the old one goes back."""
    if session.ended_at is None and session.move_to_id is not None:
        session.campaign_id = session.move_to_id
    session.move_to_id = None
    if session.preview_lead_id is not None:
        leads.put_back(lead_ids=[session.preview_lead_id], at=at)
        session.preview_lead = None


def _note_wrap_end(session: AgentSession, before: Agent, after: Agent, at: datetime) -> None:
    """Let pacing learn from a wrap-up. Who said before that they will pause after it has not changed their mind."""
    facts.note_wrap_end(
        tenant_id=session.tenant_id,
        campaign_id=session.campaign_id,
        call=before.call,
        seconds=(at - session.state_since).total_seconds(),
        stayed=after.state is AgentState.READY or bool(before.pause_after),
        at=at,
    )


def in_words_of(user_id: int, notice: str) -> str:
    """A notice in the language of the agent who will read it: whoever writes it serves all of them."""
    if not notice:
        return ""
    with speaking(User.objects.values_list("language", flat=True).get(pk=user_id)):
        return translated(notice)


_WRITTEN = (
    "state",
    "pause_code",
    "pause_after",
    "call",
    "guest",
    "beside",
    "leg",
    "leg_since",
    "phone_secret",
    "notice",
    "ended_at",
    "state_since",
    "preview_lead",
    "wrapup_extended",
)
_WRITTEN_ARRIVING = (*_WRITTEN, "campaign", "move_to")


def _leg_after(leg: str, event: Event, after: Agent) -> str:
    """Where the leg is: a phone that is being called stays so until it is up, is lost, or the session is over."""
    if after.leg_up:
        return LegState.UP
    if after.leg_away:
        return LegState.AWAY
    if leg == LegState.CALLING and event.kind is not Kind.LEG_LOST and after.state is not AgentState.OFFLINE:
        return LegState.CALLING
    return LegState.DOWN


def _end(session: AgentSession, at: datetime, *, drop_phone: bool) -> None:
    """What the end of a session takes with it: the lead that was shown goes back, the phone hangs up."""
    session.ended_at = at
    session.phone_secret = ""
    if session.preview_lead_id is not None:
        leads.put_back(lead_ids=[session.preview_lead_id], at=at)
        session.preview_lead = None
    in_browser = session.phone == PhoneKind.BROWSER
    if drop_phone or in_browser:
        outbox.send(tenant_id=session.tenant_id, kind=CommandKind.DROP_PHONE, target=session.public_id)
    if in_browser:  # its account goes with it
        outbox.send(tenant_id=session.tenant_id, kind=CommandKind.PROVISION)


def _locked(session_id: int) -> AgentSession:
    session = prepared.lock(AgentSession, session_id)
    if session is None:
        raise AgentSession.DoesNotExist(f"There is no session {session_id}.")
    return session


_NOTE = """
WITH closed AS (
    UPDATE agents_agentstatechange SET until = %(at)s WHERE session_id = %(session)s AND until IS NULL RETURNING id
)
INSERT INTO agents_agentstatechange (tenant_id, session_id, campaign_id, state, pause_code, call_id, event, at, until)
SELECT %(tenant)s, %(session)s, %(campaign)s, %(state)s, %(pause_code)s, %(call)s, %(event)s, %(at)s, %(until)s
WHERE (SELECT count(*) FROM closed) >= 0
"""


def _note_change(session: AgentSession, kind: Kind) -> None:
    """Close the row of the state that was, and open that of the state that is. The session must be locked."""
    offline = session.state == AgentState.OFFLINE
    values: dict[str, Any] = {
        "tenant": session.tenant_id,
        "session": session.pk,
        "campaign": session.campaign_id,
        "state": session.state,
        "pause_code": session.pause_code,
        "call": session.call_id,
        "event": kind.value,
        "at": session.state_since,
        "until": session.state_since if offline else None,
    }
    prepared.run(_NOTE, values)


_CLAIM = """
UPDATE agents_agentsession
SET state = 'reserved', pause_code = '', notice = '', call_id = %(call)s, state_since = GREATEST(%(at)s, state_since)
WHERE id = (
    SELECT id FROM agents_agentsession
    WHERE campaign_id = %(campaign)s AND state = 'ready' AND leg = 'up'
    ORDER BY state_since, id
    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, tenant_id, user_id, campaign_id, state, call_id, state_since
"""
_CLAIM_OF_ANY = _CLAIM.replace("campaign_id = %(campaign)s", "campaign_id = ANY(%(campaign)s)")


def claim(*, campaign_id: int, call_id: UUID, at: datetime) -> int | None:
    """Reserve the agent of the campaign who has been ready longest for a call; None when nobody is.

    One statement, so that two calls can never get the same agent and no agent waits on another's lock. It is the
    lifecycle's RESERVED event, written as a conditional update (a test holds the two against each other). Call it
    in a transaction: the row of the new state follows in a statement of its own, because only that is sure to see
    the one before, whoever changed it last.

    The agent's screen is not told: the bridge follows within milliseconds, and a fragment in between would only make
    the one with the customer on it later.
    """
    session = _claimed(_CLAIM, campaign_id, call_id, at)
    return session.pk if session is not None else None


def claim_of_any(*, campaigns: Sequence[int], call_id: UUID, at: datetime) -> AgentSession | None:
    """The same among the agents of several campaigns, who serve a queue together; the session with its campaign."""
    return _claimed(_CLAIM_OF_ANY, list(campaigns), call_id, at)


def _claimed(statement: str, campaign: int | list[int], call_id: UUID, at: datetime) -> AgentSession | None:
    row = prepared.run(statement, {"campaign": campaign, "call": call_id, "at": at}).fetchone()
    if row is None:
        return None
    names = ("id", "tenant_id", "user_id", "campaign_id", "state", "call_id", "state_since")
    session = AgentSession(**dict(zip(names, row, strict=True)))
    _note_change(session, Kind.RESERVED)
    return session


_ASK_IN = """
UPDATE agents_agentsession
SET state = 'reserved', pause_code = '', notice = '', call_id = %(call)s, guest = TRUE,
    state_since = GREATEST(%(at)s, state_since)
WHERE id = (
    SELECT id FROM agents_agentsession
    WHERE tenant_id = %(tenant)s AND state = 'ready' AND leg = 'up'
      AND (user_id = %(user)s OR campaign_id = %(campaign)s) AND call_id IS NULL
    ORDER BY state_since, id
    LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id, tenant_id, user_id, state, call_id, state_since
"""


def ask_in(
    *, tenant_id: int, call_id: UUID, at: datetime, user_id: int | None = None, campaign_id: int | None = None
) -> AgentSession | None:
    """Reserve a colleague for a call that is another agent's: that user, or who is ready longest in a campaign.

    None when they are not ready. Like `claim`, one statement and then the row of the new state, in a transaction.
    """
    values: dict[str, Any] = {"tenant": tenant_id, "call": call_id, "at": at, "user": user_id, "campaign": campaign_id}
    row = prepared.run(_ASK_IN, values).fetchone()
    if row is None:
        return None
    names = ("id", "tenant_id", "user_id", "state", "call_id", "state_since")
    session = AgentSession(**dict(zip(names, row, strict=True)))
    _note_change(session, Kind.RESERVED)
    return session


def pause_label(*, tenant_id: int, code: str) -> str:
    """A pause code in words; codes of the system included."""
    own = PauseCode.objects.for_tenant(tenant_id).filter(code=code).values_list("label", flat=True).first()
    return own or translated(SYSTEM_CODES.get(code, code))
