"""The command bar: everything that can be done at the desk now, by name; and whom and what a search finds.

Commands that the desk shows as buttons name the button (`press`): the bar presses it, so that whatever the button sends
with itself (what was seen, which call) goes along. What has no button says itself where it posts or leads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from dialer.agents.models import LegState
from dialer.agents.rules import AgentState
from dialer.core.numbers import NotANumber, display_number, parse_number
from dialer.handling.selectors import targets_of
from dialer.leads.models import Lead
from dialer.people.templatetags.nav import pages_of

from . import mine
from .card import spoken_of
from .selectors import Desk, waits_for_start

SHOWN = 12
FOUND = 4
LEAST_LETTERS = 2
"""Below this, a search would find everybody."""


@dataclass(frozen=True, slots=True)
class Command:
    """One line of the bar: what it does, with at most one way of doing it."""

    word: str
    kind: str
    press: str = ""
    """The id of the button to press."""
    panel: str = ""
    """The address of what is shown in the desk's panel."""
    post: str = ""
    values: dict[str, str] = field(default_factory=dict)
    address: str = ""


def commands_for(desk: Desk, text: str) -> list[Command]:
    """What the bar offers for what is typed: commands whose words all occur, then people and calls."""
    wanted = text.casefold().split()
    fit = [one for one in _all(desk) if all(word in f"{one.word} {one.kind}".casefold() for word in wanted)]
    return [*_number(desk, text), *fit[:SHOWN], *_found(desk, text.strip())][: SHOWN + FOUND]


def _all(desk: Desk) -> Iterator[Command]:
    state, call, lists, go = _("State"), _("Call"), _("Show"), _("Go to")
    of_state = [Command(word, state, press=press) for press, word in _of_state(desk)]
    of_call = [Command(word, call, press=press) for press, word in _of_call(desk)]
    yield from [*of_call, *of_state] if desk.call is not None else [*of_state, *of_call]
    if desk.session is not None and desk.state is AgentState.WRAPUP:
        for one in desk.dispositions:
            yield Command(one.label, _("Disposition"), press=f"disposition-{one.key}")
    yield Command(_("My callbacks"), lists, panel=reverse("desk:callbacks"))
    yield Command(_("My calls today"), lists, panel=reverse("desk:my-calls"))
    if desk.session is not None:
        yield Command(_("Parked calls"), lists, panel=reverse("desk:parked-panel"))
    for page in pages_of(desk.user):
        yield Command(page.word, go, address=page.address)
    yield Command(_("Preferences"), go, address=reverse("people:preferences"))


def _of_state(desk: Desk) -> Iterator[tuple[str, str]]:
    """Buttons that change the agent's state."""
    session = desk.session
    if session is None:
        for campaign in desk.campaigns:
            if not waits_for_start(campaign) and not desk.switch_down:
                yield f"join-{campaign.public_id}", _("Join %(name)s") % {"name": campaign.name}
        return
    if desk.phone_down and not desk.switch_down:
        yield "do-phone", _("Call my phone")
    if desk.state is AgentState.PAUSED and session.leg == LegState.UP:
        yield "do-ready", _("Ready")
    if session.pause_after:
        yield "do-unpause", _("Take back the pause after this call")
    pause = _("Pause after this call: %(why)s") if desk.call is not None else _("Pause: %(why)s")
    for code in desk.pause_codes:
        yield f"pause-{code.code}", pause % {"why": code.label}
    if desk.call is None:
        yield "do-leave", _("Leave the campaign")


def _of_call(desk: Desk) -> Iterator[tuple[str, str]]:
    """Buttons that do something with the call in hand, or begin one."""
    if desk.session is None:
        return
    if desk.can_extend:
        yield "do-extend", _("More time for the wrap-up")
    if desk.switch_down:
        return
    own = desk.call is not None and desk.call.own_agent
    if desk.state is AgentState.IN_CALL or (desk.state is AgentState.RESERVED and own):
        yield "do-hang-up", _("Hang up")
    words = {
        "hold": ("do-hold", _("Hold")),
        "retrieve": ("do-retrieve", _("Retrieve")),
        "toggle": ("do-toggle", _("Swap")),
        "conference": ("do-conference", _("Conference")),
        "complete": ("do-complete", _("Leave them talking")),
        "cancel": ("do-cancel", _("Hang up on the third party only")),
        "consult": ("do-transfer", _("Transfer")),
        "release": ("do-release", _("Hang up the customer only")),
        "park": ("do-park", _("Park")),
        "dtmf": ("do-keypad", _("Keypad")),
        "drop": ("do-drop", _("Leave message")),
        "pause_recording": ("do-pause-recording", _("Pause recording")),
        "resume_rec": ("do-resume-recording", _("Go on recording")),
    }
    offers = desk.offers
    for kind, command in words.items():
        if kind in offers:
            yield command
    if desk.off_line:
        return
    if desk.preview:
        yield "do-dial-shown", _("Dial the lead shown")
        yield "do-skip", _("Skip the lead shown")
    elif desk.dials_self and desk.call is None:
        yield "do-next", _("Next lead")
    if desk.dials_self and desk.call is None:
        yield "do-dial-last", _("Dial the last number again")


def _may_dial(desk: Desk) -> bool:
    return desk.dials_self and desk.call is None and not desk.off_line


def _number(desk: Desk, text: str) -> list[Command]:
    """Dialing what was typed, where it is a number and this campaign's agents dial."""
    if not _may_dial(desk):
        return []
    try:
        number = parse_number(text, desk.tenant.region)
    except NotANumber:
        return []
    word = _("Dial %(number)s") % {"number": display_number(number)}
    return [Command(word, _("Call"), post=reverse("desk:dial"), values={"number": number})]


def _found(desk: Desk, text: str) -> list[Command]:
    """Whom to transfer to, callbacks of one's own, leads that one may dial, calls of one's own today."""
    if len(text) < LEAST_LETTERS:
        return []
    return [*_targets(desk, text), *_callbacks(desk, text), *_leads(desk, text), *_calls(desk, text)]


def _targets(desk: Desk, text: str) -> list[Command]:
    """Where the call in hand may be transferred: presets, colleagues and queues of that name."""
    if desk.session is None or desk.switch_down or "consult" not in desk.offers:
        return []
    targets = targets_of(desk.session.campaign, desk.user)
    places = [(f"preset:{one.public_id}", one.name, True) for one in targets.presets]
    places += [(f"agent:{one.public_id}", one.user.shown_name, True) for one in targets.agents]
    places += [(f"queue:{one.public_id}", one.name, False) for one in targets.queues]
    seen, wanted = str(desk.talk.version if desk.talk is not None else 0), text.casefold().split()
    found = []
    for to, name, can_be_asked in places:
        if not any(word in name.casefold() for word in wanted):
            continue
        for how, words in (("consult", _("Ask %(name)s first")), ("blind", _("Transfer to %(name)s"))):
            said = words % {"name": name}
            if (can_be_asked or how == "blind") and all(word in said.casefold() for word in wanted):
                values = {"to": to, "how": how, "seen": seen}
                found.append(Command(said, _("Transfer"), post=reverse("desk:transfer"), values=values))
    return found[: 2 * FOUND]


def _named(text: str, prefix: str = "") -> Q:
    """Leads of whose names or company every word begins one, or whose number has these digits."""
    found = Q()
    for word in text.split()[:4]:
        of_word = [Q(**{f"{prefix}{name}__istartswith": word}) for name in ("first_name", "last_name", "company")]
        found &= of_word[0] | of_word[1] | of_word[2]
    digits = "".join(sign for sign in text if sign.isdigit())
    return found | Q(**{f"{prefix}phone__contains": digits}) if len(digits) >= 3 else found


def _callbacks(desk: Desk, text: str) -> list[Command]:
    rows = mine.own_callbacks(desk.user).filter(_named(text, "lead__"))
    dialable = desk.session is not None and desk.call is None and not desk.switch_down
    return [
        Command(
            _("Dial %(name)s now") % {"name": one.lead.shown_name},
            _("Callback"),
            post=reverse("desk:callback-dial", args=[one.public_id]) if dialable else "",
            panel="" if dialable else reverse("desk:callbacks"),
        )
        for one in rows[:FOUND]
    ]


def _leads(desk: Desk, text: str) -> list[Command]:
    if not _may_dial(desk) or desk.session is None:
        return []
    rows = Lead.objects.for_tenant(desk.user.tenant_id).filter(_named(text), campaign=desk.session.campaign_id)
    return [
        Command(
            _("Dial %(name)s, %(number)s") % {"name": one.shown_name, "number": display_number(one.phone)},
            _("Lead"),
            post=reverse("desk:dial"),
            values={"number": one.phone},
        )
        for one in rows.order_by("pk")[:FOUND]
    ]


def _calls(desk: Desk, text: str) -> list[Command]:
    rows = mine.calls_today(desk.user).filter(spoken_of(desk.user, text), user=desk.user)
    return [
        Command(
            _("Call with %(name)s") % {"name": one.lead.shown_name if one.lead else display_number(one.phone)},
            _("My calls today"),
            address=f"/calls/{one.pk}/",
        )
        for one in rows[:FOUND]
    ]
