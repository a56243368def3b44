"""The demo tenant: what is in it, making it, and keeping its campaigns supplied with leads.

What somebody changed in the demo stays changed. It is for machines where nobody real is called.
"""

from __future__ import annotations

import secrets
from itertools import islice
from typing import Any

from django.contrib.auth.hashers import make_password

from dialer.campaigns.models import (
    PACED,
    Campaign,
    CampaignStatus,
    DialMethod,
    Disposition,
    DispositionSet,
    LeadList,
    PauseCode,
)
from dialer.compliance.models import CampaignTerms
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.inbound.models import Did, Queue
from dialer.leads.models import Lead, LeadState
from dialer.leads.rules import CALLBACK_PRIORITY
from dialer.leads.services import NewLead, add_leads
from dialer.people.models import Role, Team, Tenant, User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from .demo_desk import seed_desk
from .demo_people import people

SLUG = "demo"
NUMBER_TO_CALL = "+12125550199"
"""The demo's DID: nobody's number in the real world (555-01XX)."""
PASSWORD = "cordboard-demo"  # noqa: S105 - printed for everybody to see
ROBOTS = 12
LEADS_PER_LIST = 600
FEW_LEADS = 60

PEOPLE = (
    # user name, first name, last name, role, endpoint
    ("admin", "Alex", "Admin", Role.ADMIN, ""),
    ("supervisor", "Sam", "Supervisor", Role.SUPERVISOR, ""),
    ("manager", "Morgan", "Manager", Role.MANAGER, ""),
    ("agent", "Andy", "Agent", Role.AGENT, "6001"),
)
PAUSE_CODES = (
    # code, label, paid
    ("BREAK", "Break", True),
    ("LUNCH", "Lunch", False),
    ("TRAINING", "Training", True),
    ("COACHING", "Coaching", True),
    ("ADMIN", "Administration", True),
)
_AGAIN = {"is_final": False, "is_recycled": True}
_MACHINE = {"is_contact": False, "is_machine": True, **_AGAIN}
DISPOSITIONS: tuple[dict[str, Any], ...] = (
    {"key": 1, "code": "SALE", "label": "Sale", "is_conversion": True},
    {"key": 2, "code": "CALLBACK", "label": "Interested – call back", "needs_callback": True, **_AGAIN},
    {"key": 3, "code": "NOTINT", "label": "Not interested"},
    {"key": 4, "code": "WRONG", "label": "Wrong number", "is_contact": False},
    {"key": 5, "code": "MACHINE", "label": "Answering machine", **_MACHINE},
    {"key": 6, "code": "DNC", "label": "Do not call", "is_dnc": True},
    {"key": 9, "code": "OTHER", "label": "Other", "is_default": True, "is_contact": False, **_AGAIN},
)
CAMPAIGNS: tuple[dict[str, Any], ...] = (
    {
        "name": "Harbour renewals",
        "dial_method": DialMethod.PROGRESSIVE,
        "caller_id": "+12125550142",
        "goal_calls": 40,
        "goal_talk_min": 90,
        "goal_conversions": 5,
    },
    {
        "name": "Winter survey",
        "dial_method": DialMethod.PREDICTIVE,
        "caller_id": "+13125550117",
        "amd": True,
    },
    {"name": "Win-back", "dial_method": DialMethod.PREVIEW, "caller_id": "+14155550163"},
    {"name": "Front desk", "dial_method": DialMethod.MANUAL, "caller_id": "+16175550108"},
)


def robot_name(number: int) -> str:
    """The user name of a robot agent, counted from 1."""
    return f"robot{number:02d}"


def seed() -> Tenant:
    """Make whatever of the demo is missing; call it in a transaction."""
    tenant, _ = Tenant.objects.get_or_create(
        # Everybody who is called is simulated, so the demo may dial at any hour.
        slug=SLUG,
        defaults={"name": "Harbour Demo", "window_opens": 0, "window_closes": 1440},
    )
    team = _one(Team, tenant, name="Harbour")
    _seed_people(tenant, team)
    for position, (code, label, paid) in enumerate(PAUSE_CODES):
        _one(PauseCode, tenant, {"label": label, "is_paid": paid, "position": position}, code=code)
    choices = _one(DispositionSet, tenant, name="Sales and surveys")
    for values in DISPOSITIONS:
        rest = {name: value for name, value in values.items() if name not in ("code", "key")}
        _one(Disposition, tenant, {"key": values["key"], **rest}, disposition_set=choices, code=values["code"])
    for values in CAMPAIGNS:
        _seed_campaign(tenant, choices, values)
    _seed_queue(tenant)
    return tenant


def _one(model: Any, tenant: Tenant, defaults: dict[str, Any] | None = None, **key: Any) -> Any:
    """The tenant's row with this key, made when missing."""
    return model.objects.across_tenants().get_or_create(tenant=tenant, defaults=defaults or {}, **key)[0]


def _seed_people(tenant: Tenant, team: Team) -> None:
    robots = [
        (robot_name(number), "Robot", f"{number:02d}", Role.AGENT, f"{7000 + number}")
        for number in range(1, ROBOTS + 1)
    ]
    wanted = [*PEOPLE, *robots]
    there = set(User.objects.filter(username__in=[row[0] for row in wanted]).values_list("username", flat=True))
    missing = [row for row in wanted if row[0] not in there]
    if not missing:
        return
    password = make_password(PASSWORD)  # one hash for all: it is slow on purpose, and the password is no secret
    User.objects.bulk_create(
        User(
            username=username,
            first_name=first,
            last_name=last,
            role=role,
            tenant=tenant,
            team=team,
            password=password,
            endpoint=endpoint,
            endpoint_secret=secrets.token_urlsafe(18) if endpoint else "",
        )
        for username, first, last, role, endpoint in missing
    )
    outbox.send(tenant_id=tenant.pk, kind=CommandKind.PROVISION)


def _seed_campaign(tenant: Tenant, choices: DispositionSet, values: dict[str, Any]) -> None:
    defaults = {**values, "status": CampaignStatus.ACTIVE, "disposition_set": choices, "wrapup_s": 45}
    name = defaults.pop("name")
    campaign: Campaign = _one(Campaign, tenant, defaults, name=name)
    _one(CampaignTerms, tenant, {"purpose": CampaignTerms.Purpose.SERVICE}, campaign=campaign)
    if LeadList.objects.for_tenant(tenant).filter(campaign=campaign).exists():
        return
    if name == CAMPAIGNS[0]["name"]:
        seed_desk(campaign)
    lead_list: LeadList = _one(LeadList, tenant, campaign=campaign, name=f"{name} 1")
    add_leads(lead_list=lead_list, rows=_leads_of(name), region=tenant.region)
    do_not_call = Lead.objects.for_tenant(tenant).filter(list=lead_list).order_by("id")[:3]
    for phone in do_not_call.values_list("phone", flat=True):
        add_to_dnc(tenant_id=tenant.pk, number=phone, source="demo", by=None)


def _seed_queue(tenant: Tenant) -> None:
    """A number to call, whose queue the agents of the first campaign serve."""
    defaults = {"time_zone": tenant.time_zone}
    queue: Queue = _one(Queue, tenant, defaults, name="Harbour service")
    if not queue.campaigns.exists():
        queue.campaigns.set(Campaign.objects.for_tenant(tenant).filter(name=CAMPAIGNS[0]["name"]))
    if not Did.objects.across_tenants().filter(phone=NUMBER_TO_CALL).exists():
        Did.objects.create(tenant=tenant, queue=queue, phone=NUMBER_TO_CALL)


def _leads_of(campaign: str) -> list[NewLead]:
    """The campaign's share of the demo's people: nobody is in two of its lists."""
    place = [values["name"] for values in CAMPAIGNS].index(campaign)
    start = place * LEADS_PER_LIST
    return list(islice(people("harbour"), start, start + LEADS_PER_LIST))


def refill() -> int:
    """Let the demo's paced campaigns that run out of due leads begin their lists again; returns how many leads."""
    moment = now()
    refilled = 0
    paced = Campaign.objects.across_tenants().filter(tenant__slug=SLUG, dial_method__in=PACED)
    for campaign in paced:
        leads = Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).exclude(state=LeadState.RESERVED)
        leads = leads.exclude(priority=CALLBACK_PRIORITY)  # those come when they were promised
        if leads.filter(state=LeadState.WAITING, next_attempt_at__lte=moment).count() < FEW_LEADS:
            refilled += leads.update(state=LeadState.WAITING, attempts=0, next_attempt_at=moment)
    return refilled


def sign_ins() -> str:
    """The table of who can sign in, for the console."""
    what = {
        Role.ADMIN: "everything",
        Role.SUPERVISOR: "campaigns, lists, calls, agents",
        Role.MANAGER: "reads calls and figures",
        Role.AGENT: "the agent desk",
    }
    lines = [f"Demo sign-ins (tenant Harbour Demo; the password of each is {PASSWORD}):"]
    for username, _, _, role, endpoint in PEOPLE:
        phone = f", phone account {endpoint}" if endpoint else ""
        lines.append(f"  {username:<11} {Role(role).label:<11} {what[role]}{phone}")
    lines.append(f"  {robot_name(1)} … {robot_name(ROBOTS)}: agents that play the demo floor by themselves")
    lines.append("The demo dials at any hour of the day: everybody whom it calls is simulated.")
    return "\n".join(lines)
