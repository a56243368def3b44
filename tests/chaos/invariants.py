"""What must always be true of a running Cordboard, checked from outside: rows, channels and the carrier's truth.

`standing(floor)` looks once at what may be briefly untrue while something happens; `settled(floor)` insists that
everything which is wrong now is put right soon. `history(floor)` checks what may never be untrue.
"""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections import Counter, defaultdict
from uuid import UUID

from django.db import InterfaceError, OperationalError, connection, connections, transaction
from django.db.models import Count, F, Q

from asterisk.translate import channel_id, is_the_dialplans
from dialer.agents.models import AgentSession, AgentStateChange, LegState
from dialer.calls.models import CallEvent, CallTask
from dialer.calls.rules import CallState
from dialer.leads.models import Lead, LeadState
from dialer.telephony.port import LEG_PREFIX, leg_of
from tests.bench.compare import digits, overlapping
from tests.floor import Floor

WITHIN_S = 20.0
"""Twice what the product is to need, for a machine with much else to do; `./run bench chaos` measures it."""
LIVE = Q(state__in=("dialing", "ringing", "answered", "detecting", "human", "machine", "connected"))


class Broken(AssertionError):
    """An invariant does not hold."""


def channels(floor: Floor) -> set[str]:
    """The ids of the channels that the switch holds for us: calls and agents' legs. Raises OSError."""
    key = f"{floor.env['ASTERISK_ARI_USER']}:{floor.env['ASTERISK_ARI_PASSWORD']}"
    request = urllib.request.Request(f"{floor.env['ASTERISK_ARI_URL']}/channels")
    request.add_header("Authorization", f"Basic {base64.b64encode(key.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=3) as answer:
        found = [channel_id(channel) for channel in json.load(answer) if not is_the_dialplans(channel)]
    return {name for name in found if _is_ours(name)}


def _is_ours(name: str) -> bool:
    try:
        UUID(name.removeprefix(LEG_PREFIX))
    except ValueError:
        return False
    return True


def standing(floor: Floor) -> set[str]:
    """What is not in order at this moment, each as a sentence that stays the same while it lasts."""
    up = channels(floor)
    wrong = _calls_and_channels(up) | _legs_and_channels(up) | _agents_and_calls() | _leads_and_calls()
    return wrong | _states_and_rows()


def _calls_and_channels(up: set[str]) -> set[str]:
    live = {str(pk) for pk in CallTask.objects.across_tenants().filter(LIVE).values_list("pk", flat=True)}
    queued = {str(pk) for pk in CallTask.objects.across_tenants().filter(state="queued").values_list("pk", flat=True)}
    calls = {name for name in up if not name.startswith(LEG_PREFIX)}
    return {f"channel {name} has no live row" for name in calls - live - queued} | {
        f"live call {name} has no channel" for name in live - calls
    }


def _legs_and_channels(up: set[str]) -> set[str]:
    open_sessions = AgentSession.objects.across_tenants().filter(ended_at=None)
    on_line = {leg_of(session.public_id) for session in open_sessions if session.leg == LegState.UP}
    known = {leg_of(session.public_id) for session in open_sessions}
    legs = {name for name in up if name.startswith(LEG_PREFIX)}
    return {f"leg {name} has no session" for name in legs - known} | {
        f"session of {name} has no leg" for name in on_line - legs
    }


def _agents_and_calls() -> set[str]:
    wrong = set()
    for session in AgentSession.objects.across_tenants().filter(ended_at=None).select_related("call"):
        call = session.call
        if session.state in ("reserved", "in_call") and call is not None and call.state == CallState.ENDED:
            wrong.add(f"agent session {session.pk} is {session.state} in call {call.pk}, which has ended")
        if session.state == "wrapup" and call is not None and call.state != CallState.ENDED:
            wrong.add(f"agent session {session.pk} wraps up call {call.pk}, which goes on")
    with_agent = CallTask.objects.across_tenants().filter(LIVE, session__isnull=False)
    for call_id in with_agent.exclude(session__call=F("pk")).values_list("pk", flat=True):
        wrong.add(f"call {call_id} has an agent who is in another")
    return wrong


def _leads_and_calls() -> set[str]:
    held = CallTask.objects.across_tenants().filter(LIVE | Q(state="queued")).values("lead")
    shown = AgentSession.objects.across_tenants().filter(preview_lead__isnull=False).values("preview_lead")
    stuck = Lead.objects.across_tenants().filter(state=LeadState.RESERVED).exclude(pk__in=held).exclude(pk__in=shown)
    return {f"lead {pk} is reserved for nothing" for pk in stuck.values_list("pk", flat=True)}


def _states_and_rows() -> set[str]:
    rows = AgentStateChange.objects.across_tenants().filter(until=None)
    apart = rows.exclude(session__state=F("state")).values_list("session_id", flat=True)
    return {f"agent session {pk} is not in the state of its last row" for pk in apart}


def settled(floor: Floor, within_s: float = WITHIN_S) -> float:
    """Wait until everything that is wrong now was right at some moment since; seconds that it took. Raises Broken."""
    began = time.monotonic()
    lasting: set[str] | None = None
    while True:
        try:
            wrong = standing(floor)
        except (OSError, OperationalError, InterfaceError) as error:
            connections["default"].close()
            wrong = {f"the floor cannot be looked at: {type(error).__name__}"} | (lasting or set())
        lasting = wrong if lasting is None else lasting & wrong
        if not lasting:
            return time.monotonic() - began
        if time.monotonic() - began > within_s:
            raise Broken(f"not in order within {within_s:g} s: " + "; ".join(sorted(lasting)))
        time.sleep(0.1)


def history(floor: Floor) -> None:
    """What holds of all calls that ever were: one end each, allowed each, none twice, abandonments counted."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")  # the floor goes on: rows of one moment
        ended_exactly_once()
        allowed_before_dialed()
    _dialed_once(floor)
    _as_the_carrier_saw(floor)


def ended_exactly_once() -> None:
    """Every call that is over ended once, with an outcome. Raises Broken."""
    last: dict[str, str] = {}
    ends: Counter[str] = Counter()
    rows = CallEvent.objects.across_tenants().order_by("call_id", "seq").values_list("call_id", "seq", "state")
    for call_id, _, state in rows:
        ends[str(call_id)] += state == CallState.ENDED and last.get(str(call_id)) != CallState.ENDED
        last[str(call_id)] = state
    for pk, state, outcome in CallTask.objects.across_tenants().values_list("pk", "state", "outcome"):
        expected = 1 if state == CallState.ENDED else 0
        if ends[str(pk)] != expected or bool(outcome) != bool(expected):
            raise Broken(f"call {pk} is {state} and ended {ends[str(pk)]} times")


def allowed_before_dialed() -> None:
    """Every call was allowed before it was placed, for the number that was dialed; who called us was not dialed at all.

    Raises Broken.
    """
    calls = CallTask.objects.across_tenants().filter(inbound=False)
    unlawful = calls.filter(Q(verdict_row__allowed=False) | Q(verdict_row__at__gt=F("placed_at")))
    if found := list(unlawful.values_list("pk", flat=True)):
        raise Broken(f"calls without an Allow before they were placed: {found}")
    if found := list(calls.exclude(verdict_row__phone=F("phone")).values_list("pk", flat=True)):
        raise Broken(f"calls whose verdict is about another number: {found}")
    to_us = CallTask.objects.across_tenants().filter(inbound=True)
    dialed = to_us.filter(Q(placed_at__isnull=False) | Q(verdict_row__isnull=False) | Q(outcome="abandoned"))
    if found := list(dialed.values_list("pk", flat=True)):
        raise Broken(f"calls to us that look as if we had dialed them: {found}")


def _dialed_once(floor: Floor) -> None:
    truths = floor.truths()
    if doubles := overlapping(truths):
        raise Broken(f"{doubles} times a number was called while it was in a call")
    arrived = Counter(digits(one.number) for one in truths)
    placed: dict[str, int] = defaultdict(int)
    for phone in CallTask.objects.across_tenants().filter(placed_at__isnull=False).values_list("phone", flat=True):
        placed[digits(phone)] += 1
    over = sum(count > placed[number] for number, count in arrived.items())
    if over:
        raise Broken(f"{over} numbers were called more often than we have calls to them")
    placed_again = CallTask.objects.across_tenants().filter(placed_at__isnull=False, lead__isnull=False)
    twice = placed_again.values("lead").annotate(times=Count("id")).filter(times__gt=1)
    if found := list(twice.values_list("lead", flat=True)):  # no recycle rule brings a lead back within minutes
        raise Broken(f"leads that were dialed twice: {found}")


def _as_the_carrier_saw(floor: Floor) -> None:
    """Abandonments counted = abandonments happened: whoever was answered, met nobody and did not go by themselves."""
    by_number = defaultdict(list)
    for one in floor.truths():
        by_number[digits(one.number)].append(one)
    for call in CallTask.objects.across_tenants().filter(state="ended", placed_at__isnull=False):
        seen = by_number[digits(call.phone)]
        if len(seen) != 1:
            continue
        answered = seen[0].answered is not None
        if call.outcome == "abandoned" and not (answered and call.connected_at is None):
            raise Broken(f"call {call.pk} counts as abandoned, and nobody was left waiting")
        alone = answered and call.connected_at is None and seen[0].ended_by == "us"
        if alone and call.outcome not in ("abandoned", "machine", "lost"):
            story = list(call.events.order_by("seq").values_list("kind", "state"))
            raise Broken(f"call {call.pk} was answered and left alone; it counts as {call.outcome}: {story}")
