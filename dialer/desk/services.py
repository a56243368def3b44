"""What an agent does at the desk. Refusals are agents.NotNow, with words for the agent; nothing half-done stays."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, PhoneKind
from dialer.agents.rules import AgentState, Event, Kind
from dialer.agents.services import NotNow
from dialer.calls import placing
from dialer.calls import services as calls
from dialer.campaigns.models import Campaign, PauseCode
from dialer.core.clock import now
from dialer.core.prepared import Read
from dialer.handling import asking, monitoring
from dialer.handling import services as handling
from dialer.handling.terms import Kind as HandlingKind
from dialer.leads.callbacks import Promise
from dialer.people.models import User

from . import selectors

MAX_REFUSALS = 20
"""Leads that the gate may refuse one after another before `dial_next` gives up."""
NOTE_LENGTH = 4000


def session_of(user: User) -> AgentSession:
    """The session that the user is in; raises NotNow when there is none."""
    session = _SESSION.first(user.tenant_id, user.pk)
    if session is None:
        raise NotNow(_("You are in no campaign. Join one first."))
    return session


def _open_session(tenant_id: int, user_id: int) -> QuerySet[AgentSession]:
    sessions = AgentSession.objects.for_tenant(tenant_id).filter(user_id=user_id, ended_at=None)
    return sessions.select_related("campaign", "call")[:1]


_SESSION: Read[AgentSession] = Read(_open_session, -1, -2)


def join(*, user: User, campaign: Campaign, phone: str = PhoneKind.SIP, number: str = "") -> None:
    """Join a campaign with a phone (`number`: the plain telephone, as typed). Doing it twice is once."""
    open_id = selectors.open_session_id(user.pk)
    if open_id is not None and session_of(user).campaign_id == campaign.pk:
        return
    if selectors.waits_for_start(campaign):
        raise NotNow(
            _("“%(campaign)s” is stopped. Ask your supervisor to start it, or choose another campaign.")
            % {"campaign": campaign.name}
        )
    agents.join(user=user, campaign=campaign, phone=phone, number=number)


def leave(*, user: User) -> None:
    """Leave the campaign; a lead that was shown goes back. Doing it twice is once."""
    open_id = selectors.open_session_id(user.pk)
    if open_id is not None:
        agents.apply(session_id=open_id, event=Event(Kind.LEAVE_ASKED), at=now())


def ready(*, user: User) -> None:
    """Ask for calls; during a call it takes back "pause after this call".

    A callback that is shown where pacing dials is put off: calls and it cannot both come first.
    """
    session = session_of(user)
    if monitoring.busy(session):
        raise NotNow(_("You are listening to an agent. Stop that first: your customers would hear it."))
    if session.preview_lead_id is not None and session.campaign.paced:
        placing.skip_lead(session_id=session.pk)
    agents.apply(session_id=session.pk, event=Event(Kind.READY_ASKED), at=now())


def pause(*, user: User, code: str) -> None:
    """Pause with one of the tenant's codes, at once or after the call in hand."""
    session = session_of(user)
    if not PauseCode.objects.for_tenant(user.tenant_id).filter(code=code).exists():
        raise NotNow(_("Choose one of the pause codes shown."))
    agents.apply(session_id=session.pk, event=Event(Kind.PAUSE_ASKED, code=code), at=now())


def hang_up(*, user: User) -> None:
    """End the call in hand: one that is connected, or one that the agent is dialing; with the customer gone already,
    what is left of it."""
    session = session_of(user)
    call = session.call
    if session.guest:
        leave_colleague(session=session)
        return
    if (aside := handling.aside_of(session=session)) is not None:
        asking.ask(session=session, call_id=aside.pk, kind=HandlingKind.CANCEL, seen=aside.version, args={})
        return
    if call is None or session.state == AgentState.WRAPUP:
        raise NotNow(_("There is no call to hang up."))
    if session.state == AgentState.RESERVED and not call.own_agent:
        raise NotNow(_("The call is being connected to you. Hang up when it is."))
    calls.ask_hang_up(call=call, by="agent")


def leave_colleague(*, session: AgentSession) -> None:
    """Leave a colleague's call that one was asked into."""
    found = handling.guest_of(session=session)
    if found is None or session.call_id is None:
        raise NotNow(_("There is no call to hang up."))
    args = {"of_party": str(found.party_id)}
    asking.ask(session=session, call_id=session.call_id, kind=HandlingKind.PARTY_GONE, seen=found.version, args=args)


def dispose(*, user: User, code: str, note: str, call_id: UUID | None = None, promise: Promise | None = None) -> None:
    """Say how the call ended. `call_id` tells a repeat for a call that is disposed already from a mistake."""
    session = session_of(user)
    if call_id is not None and call_id != session.call_id:
        earlier = selectors.own_call(user, call_id)
        if earlier is not None and earlier.disposition is not None:
            if earlier.disposition.code == code:
                return
            raise NotNow(
                _("That call was disposed of as “%(disposition)s” already.")
                % {"disposition": earlier.disposition.label}
            )
    note = note.strip()[:NOTE_LENGTH]
    calls.dispose(session_id=session.pk, code=code, note=note, by=user, call_id=call_id, promise=promise)


def extend(*, user: User) -> None:
    """Have the wrap-up last longer, once per call."""
    session = session_of(user)
    if not session.campaign.wrapup_s:
        raise NotNow(_("This wrap-up has no end: take the time that you need."))
    if not session.campaign.wrapup_extension_s:
        raise NotNow(_("This campaign's wrap-up cannot be extended. Choose a disposition."))
    agents.apply(session_id=session.pk, event=Event(Kind.EXTEND_ASKED), at=now())


def dial_callback(*, user: User, lead_id: int) -> None:
    """Dial a callback of one's own now, due or not, through the gate."""
    placing.dial_promised(session_id=session_of(user).pk, lead_id=lead_id)


def _self_dialing(user: User) -> AgentSession:
    session = session_of(user)
    if monitoring.busy(session):
        raise NotNow(_("You are listening to an agent. Stop that first: your customers would hear it."))
    if session.campaign.dial_method not in selectors.OWN_METHODS:
        raise NotNow(_("This campaign dials by itself. Go ready, and calls come to you."))
    return session


def next_lead(*, user: User) -> None:
    """Show the next lead (preview), or dial it at once (manual)."""
    session = _self_dialing(user)
    placing.next_lead(session_id=session.pk)
    if session.campaign.dial_method == "manual":
        _dial_until_allowed(session.pk)


def _dial_until_allowed(session_id: int) -> None:
    """Dial the lead that is shown; one that the gate refuses is passed over, and the next one taken."""
    for _attempt in range(MAX_REFUSALS):
        try:
            placing.dial_shown(session_id=session_id)
        except NotNow:
            shown = AgentSession.objects.across_tenants().filter(pk=session_id, preview_lead=None).first()
            if shown is None:
                raise
            placing.next_lead(session_id=session_id)
        else:
            return
    placing.skip_lead(session_id=session_id)
    raise NotNow(
        _("The last %(count)s leads may not be called now (their lists say why). Ask your supervisor, or wait.")
        % {"count": MAX_REFUSALS}
    )


def dial_last(*, user: User) -> None:
    """Dial the last number again."""
    placing.dial_last(session_id=_self_dialing(user).pk)


def dial_shown(*, user: User) -> None:
    """Dial the lead that is shown: where pacing dials, a callback of one's own."""
    session = session_of(user)
    if session.preview_lead_id is None:
        session = _self_dialing(user)
    placing.dial_shown(session_id=session.pk)


def skip(*, user: User) -> None:
    """Give back the lead that is shown."""
    placing.skip_lead(session_id=session_of(user).pk)


def dial_number(*, user: User, text: str) -> None:
    """Dial a typed number."""
    session = _self_dialing(user)
    if not text.strip():
        raise NotNow(_("Type the number to dial, with its area code."))
    placing.dial_number(session_id=session.pk, text=text)


def call_phone(*, user: User) -> None:
    """Call the agent's phone again."""
    agents.call_phone_again(session_id=session_of(user).pk)


def screen_seen(user_ids: Sequence[int]) -> None:
    """Note that these users have their desk open now: presence is judged by it."""
    AgentSession.objects.across_tenants().filter(user_id__in=list(user_ids), ended_at=None).update(screen_seen_at=now())
