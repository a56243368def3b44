"""Plain functions that make the rows tests need, each whole and lawful unless told otherwise. No fixtures, no magic."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from dialer.agents.models import AgentSession, AgentStateChange, LegState
from dialer.agents.rules import JOINED, AgentState
from dialer.calls.models import CallTask, PacingDecision
from dialer.calls.placing import queue_calls
from dialer.campaigns import rework
from dialer.campaigns.models import (
    AnswerHour,
    CallerNumber,
    CallerPool,
    Campaign,
    CampaignChange,
    CampaignDraft,
    CampaignStatus,
    DialMethod,
    Disposition,
    DispositionSet,
    LeadList,
    PauseCode,
    RecycleRule,
)
from dialer.compliance import services as compliance
from dialer.compliance.laws import Level
from dialer.compliance.models import CampaignTerms, GateVerdict
from dialer.compliance.rules import Allow
from dialer.compliance.services import Asked, Judged, judge
from dialer.core import audit
from dialer.core.clock import now
from dialer.floor import counters
from dialer.floor import models as floor
from dialer.handling.models import Conversation, HandlingSettings, MessageRecording, Party, TransferPreset
from dialer.inbound.models import Did, Queue
from dialer.leads import bulk
from dialer.leads.importing.models import Import, ImportMapping, ImportProblem
from dialer.leads.models import Lead
from dialer.people.models import Role, Team, Tenant, User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

_serial = count(1)

PASSWORD = "correct-horse-battery"
"""The password of every user made here."""
DISPOSITIONS = (
    # code, label, key, contact, conversion, dnc, final, default
    ("SALE", "Sale", 1, True, True, False, True, False),
    ("CALLBK", "Call back", 2, True, False, False, False, False),
    ("NI", "Not interested", 3, True, False, False, True, False),
    ("DNC", "Do not call", 6, True, False, True, True, False),
    ("OTHER", "Other", 9, False, False, False, False, True),
)


def make_tenant(name: str = "", **values: Any) -> Tenant:
    """A tenant whose calling window is always open, so that tests pass at any hour."""
    number = next(_serial)
    defaults = {"name": name or f"Tenant {number}", "slug": f"tenant-{number}", "window_opens": 0}
    return Tenant.objects.create(**{**defaults, "window_closes": 1440, **values})


def make_user(tenant: Tenant | None, role: str = Role.AGENT, **values: Any) -> User:
    """A user with a phone account (agents only) who signs in with PASSWORD."""
    number = next(_serial)
    username = values.pop("username", f"{role}{number}")
    values.setdefault("endpoint", f"phone{number}" if role == Role.AGENT else "")
    values.setdefault("endpoint_secret", "secret" if values["endpoint"] else "")
    return User.objects.create_user(username=username, password=PASSWORD, tenant=tenant, role=role, **values)


def make_team(tenant: Tenant, name: str = "") -> Team:
    """A team."""
    return Team.objects.create(tenant=tenant, name=name or f"Team {next(_serial)}")


def make_dispositions(tenant: Tenant) -> DispositionSet:
    """A disposition set with DISPOSITIONS in it."""
    made = DispositionSet.objects.create(tenant=tenant, name=f"Set {next(_serial)}")
    Disposition.objects.bulk_create(
        Disposition(
            tenant=tenant,
            disposition_set=made,
            code=code,
            label=label,
            key=key,
            is_contact=contact,
            is_conversion=conversion,
            is_dnc=dnc,
            is_final=final,
            is_recycled=not final,
            is_default=default,
        )
        for code, label, key, contact, conversion, dnc, final, default in DISPOSITIONS
    )
    return made


def make_pause_code(tenant: Tenant, code: str = "BREAK", label: str = "Break") -> PauseCode:
    """A pause code."""
    return PauseCode.objects.create(tenant=tenant, code=code, label=label)


def make_campaign(tenant: Tenant, **values: Any) -> Campaign:
    """An active progressive campaign with a caller id and dispositions; it calls for service, so at any hour."""
    defaults: dict[str, Any] = {
        "name": f"Campaign {next(_serial)}",
        "status": CampaignStatus.ACTIVE,
        "dial_method": DialMethod.PROGRESSIVE,
        "caller_id": "+12125550142",
    }
    if "disposition_set" not in values:
        values["disposition_set"] = make_dispositions(tenant)
    purpose = values.pop("purpose", "service")
    campaign = Campaign.objects.create(tenant=tenant, **{**defaults, **values})
    CampaignTerms.objects.create(tenant=tenant, campaign=campaign, purpose=purpose)
    return campaign


def make_queue(*campaigns: Campaign, **values: Any) -> Queue:
    """A queue that is always open, served by the agents of these campaigns."""
    tenant = campaigns[0].tenant
    defaults = {"name": f"Queue {next(_serial)}", "time_zone": "America/New_York"}
    made = Queue.objects.create(tenant=tenant, **{**defaults, **values})
    made.campaigns.set(campaigns)
    return made


def make_did(queue: Queue, phone: str = "") -> Did:
    """A number that leads to a queue."""
    phone = phone or f"+1646555{next(_serial):04d}"
    return Did.objects.create(tenant_id=queue.tenant_id, queue=queue, phone=phone)


def make_list(campaign: Campaign, **values: Any) -> LeadList:
    """An active list of a campaign."""
    return LeadList.objects.create(
        tenant_id=campaign.tenant_id, campaign=campaign, **{"name": f"List {next(_serial)}", **values}
    )


def number_of(index: int) -> str:
    """A telephone number of New York for each index below ten million."""
    return f"+1212{index:07d}"


def make_leads(lead_list: LeadList, how_many: int, **values: Any) -> list[Lead]:
    """Leads that are due now, each with a number of its own in New York's zone."""
    defaults: dict[str, Any] = {
        "next_attempt_at": now() - timedelta(minutes=1),
        "time_zones": ["America/New_York"],
        "first_name": "Ada",
        "last_name": "Byron",
    }
    made = [
        Lead(
            tenant_id=lead_list.tenant_id,
            campaign_id=lead_list.campaign_id,
            list=lead_list,
            **{"phone": number_of(2_000_000 + next(_serial)), **defaults, **values},
        )
        for _ in range(how_many)
    ]
    return Lead.objects.bulk_create(made)


def make_lead(campaign: Campaign, **values: Any) -> Lead:
    """One lead on a list of its own."""
    return make_leads(make_list(campaign), 1, **values)[0]


def make_session(
    campaign: Campaign,
    user: User | None = None,
    *,
    state: str = AgentState.READY,
    leg: str = LegState.UP,
    since: datetime | None = None,
    call: CallTask | None = None,
    **values: Any,
) -> AgentSession:
    """An agent session in a state, with the row of its current state."""
    moment = since or now()
    user = user or make_user(campaign.tenant)
    code = values.pop("pause_code", JOINED if state == AgentState.PAUSED else "")
    session = AgentSession.objects.create(
        tenant_id=campaign.tenant_id,
        user=user,
        campaign=campaign,
        endpoint=user.endpoint,
        state=state,
        pause_code=code,
        state_since=moment,
        started_at=moment,
        screen_seen_at=moment,
        leg=leg,
        call=call,
        **values,
    )
    AgentStateChange.objects.create(
        tenant_id=campaign.tenant_id,
        session=session,
        campaign=campaign,
        state=state,
        pause_code=code,
        call=call,
        event="made",
        at=moment,
    )
    return session


def make_call(
    campaign: Campaign, *, lead: Lead | None = None, phone: str = "", session: AgentSession | None = None, **values: Any
) -> CallTask:
    """A QUEUED call that the gate allowed, made the way pacing (or, with a session, an agent) makes one.

    `values` are then written over its columns; the state itself should be reached by events.
    """
    moment = now()
    number = phone or (lead.phone if lead else number_of(3_000_000 + next(_serial)))
    if lead is not None:
        Lead.objects.for_tenant(campaign.tenant_id).filter(pk=lead.pk).update(state="reserved")
    answer = Allow()
    row = GateVerdict.objects.create(
        tenant_id=campaign.tenant_id,
        campaign=campaign,
        lead=lead,
        phone=number,
        allowed=True,
        rule=answer.rule,
        pack=answer.pack,
        evidence={"clocks": {"America/New_York": ""}},
        at=moment,
    )
    asked = Asked(number, ("America/New_York",), lead.pk if lead else None)
    made = queue_calls(campaign=campaign, judged=[Judged(asked, answer, row)], at=moment, session=session)
    if not made:
        raise AssertionError("this lead, number or agent has a live call already")
    if values:
        CallTask.objects.for_tenant(campaign.tenant_id).filter(pk=made[0]).update(**values)
    return get_call(made[0])


def handled(call: CallTask) -> Conversation:
    """The conversation of a connected call in which a number was asked in, and what its campaign offers for that."""
    here: dict[str, Any] = {"tenant_id": call.tenant_id, "campaign": call.campaign}
    HandlingSettings.objects.create(**here)
    TransferPreset.objects.create(**here, name="Billing", phone="+12125550166")
    MessageRecording.objects.create(**here, name="Call back", path="messages/call-back.wav", duration_ms=4000)
    asked = Asked("+12125550166", ("America/New_York",))
    [judged] = judge(campaign=call.campaign, asked=[asked], at=now())
    party = Party.objects.create(
        tenant_id=call.tenant_id, call=call, label="Billing", phone=asked.number, verdict_row=judged.row, asked_at=now()
    )
    return Conversation.objects.create(tenant_id=call.tenant_id, call=call, mode="consult", party=party)


def get_call(call_id: UUID) -> CallTask:
    """The call as it is stored now."""
    call = CallTask.objects.across_tenants().select_related("campaign").get(pk=call_id)
    assert isinstance(call, CallTask)
    return call


def get_session(session_id: int) -> AgentSession:
    """The agent session as it is stored now."""
    session = AgentSession.objects.across_tenants().get(pk=session_id)
    assert isinstance(session, AgentSession)
    return session


def get_lead(lead_id: int) -> Lead:
    """The lead as it is stored now."""
    lead = Lead.objects.across_tenants().get(pk=lead_id)
    assert isinstance(lead, Lead)
    return lead


def make_threshold(campaign: Campaign, **values: Any) -> floor.Threshold:
    """A threshold of a campaign: somebody waits."""
    defaults: dict[str, Any] = {"figure": floor.Figure.WAITING, "above": True, "value": 0, "for_s": 0}
    return floor.Threshold.objects.create(tenant_id=campaign.tenant_id, campaign=campaign, **{**defaults, **values})


def make_tv_link(user: User, **values: Any) -> floor.TvLink:
    """A TV link that is good for a day."""
    moment = now()
    defaults: dict[str, Any] = {"name": "Hall", "made_at": moment, "expires_at": moment + timedelta(days=1)}
    return floor.TvLink.objects.create(tenant_id=user.tenant_id, made_by=user, **{**defaults, **values})


def make_campaign_rows(campaign: Campaign) -> None:
    """One row of everything that a campaign is set to beside its lists, for tests that look at every model."""
    here: dict[str, Any] = {"tenant_id": campaign.tenant_id, "campaign": campaign}
    RecycleRule.objects.create(**here, outcome="busy", delay_min=5)
    AnswerHour.objects.create(**here, hour=18, placed=20, answered=10)
    make_pool(campaign.tenant, "+12125550190")
    CampaignChange.objects.create(**here, number=1, at=now())
    CampaignDraft.objects.create(tenant=campaign.tenant, user=make_user(campaign.tenant), saved_at=now())
    rework.replan(campaign=campaign, keys=["busy"])


def make_pool(tenant: Tenant, *phones: str, local_presence: bool = True, **values: Any) -> CallerPool:
    """A pool of caller ids with these numbers."""
    pool = CallerPool.objects.create(tenant=tenant, name=f"Pool {next(_serial)}", local_presence=local_presence)
    add_numbers(pool, *phones, **values)
    return pool


def add_numbers(pool: CallerPool, *phones: str, **values: Any) -> None:
    """Numbers of a pool."""
    for phone in phones:
        CallerNumber.objects.create(tenant_id=pool.tenant_id, pool=pool, phone=phone, **values)


def make_decision(campaign: Campaign, *, at: datetime, level: float) -> PacingDecision:
    """A decision of pacing that did nothing but name a dial level."""
    nothing = dict.fromkeys(("agents", "ready", "ringing", "launch", "cancel", "queued", "refused"), 0)
    named = {"method": campaign.dial_method, "digest": "x", "reason": "a test's"}
    return PacingDecision.objects.create(
        tenant_id=campaign.tenant_id, campaign=campaign, at=at, level=level, **named, **nothing
    )


def make_view(user: User, **values: Any) -> floor.SavedView:
    """A view of the agents' list."""
    defaults: dict[str, Any] = {"page": "people", "name": "Paused", "query": "state=paused", "team_id": user.team_id}
    return floor.SavedView.objects.create(tenant_id=user.tenant_id, owner=user, **{**defaults, **values})


def make_floor_rows(campaign: Campaign) -> None:
    """One row of everything that the floor keeps, for tests that look at every model."""
    tenant, moment = campaign.tenant, now()
    boss = make_user(tenant, Role.SUPERVISOR)
    audit.record(tenant_id=tenant.pk, actor=boss, action="test")
    make_session(campaign, since=moment)
    AgentStateChange.objects.for_tenant(tenant).filter(until=None).update(until=moment)
    counters.fold()
    GateVerdict.objects.create(
        tenant=tenant, campaign=campaign, phone=number_of(1), allowed=False, rule="dnc", pack="test", at=moment
    )
    message = floor.FloorMessage.objects.create(tenant=tenant, sender=boss, to="all", text="Hello", at=moment)
    floor.MessageReceipt.objects.create(tenant=tenant, message=message, user=boss)
    make_tv_link(boss)
    make_view(boss)
    floor.Alert.objects.create(
        tenant=tenant, threshold=make_threshold(campaign), began_at=moment, value=1, text="Somebody waits"
    )
    command = outbox.send(tenant_id=tenant.pk, kind=CommandKind.PROVISION)
    floor.EmergencyStop.objects.create(tenant=tenant, by=boss, at=moment, what="all", command=command)


def make_compliance_rows(tenant: Tenant, phone: str = "+12125550157") -> None:
    """One row of everything that the gate goes by, for tests that look at every model."""
    boss = make_user(tenant, Role.ADMIN)
    compliance.add_pattern(tenant_id=tenant.pk, prefix="+1900", note="premium", by=boss)
    compliance.add_consent(
        tenant_id=tenant.pk,
        number=phone,
        kind=Level.WRITTEN,
        source="web form",
        proof="form 12",
        given_at=now(),
        expires_at=None,
        by=boss,
    )
    compliance.note_number(tenant_id=tenant.pk, number=phone, wireless=True)
    compliance.stop_region(tenant_id=tenant.pk, region="US-WY", why="storm", by=boss)
    compliance.set_retention(tenant_id=tenant.pk, days={"recordings": 0}, by=boss)


def make_import_rows(campaign: Campaign) -> None:
    """A row of everything that imports and changes of many leads keep."""
    made = Import.objects.create(
        tenant=campaign.tenant, campaign=campaign, file_name="a.csv", size=1, region="US", asked_at=now()
    )
    ImportProblem.objects.create(tenant=campaign.tenant, of=made, row=2, message="x", cells=["x"])
    ImportMapping.objects.create(tenant=campaign.tenant, signature="x", targets=["phone"])
    user = make_user(campaign.tenant, Role.ADMIN)
    make_lead(campaign)
    rows = Lead.objects.for_tenant(campaign.tenant).filter(campaign=campaign)
    bulk.change(campaign=campaign, rows=rows, action="again", target=None, by=user)
