"""A call's events, causes and outcomes in the words of the people who read its page. Pure."""

from __future__ import annotations

from typing import Any

from dialer.core.words import _, said

STATE_WORDS = {
    "queued": _("Queued"),
    "dialing": _("Dialing"),
    "ringing": _("Ringing"),
    "answered": _("Answered"),
    "detecting": _("Detecting"),
    "human": _("Human"),
    "machine": _("Machine"),
    "connected": _("Connected"),
    "ended": _("Ended"),
}
OUTCOME_WORDS = {
    "connected": _("Connected"),
    "abandoned": _("Abandoned"),
    "early_hangup": _("Early hangup"),
    "no_answer": _("No answer"),
    "busy": _("Busy"),
    "congestion": _("Congestion"),
    "invalid_number": _("Invalid number"),
    "machine": _("Machine"),
    "message_left": _("Message left"),
    "cancelled": _("Cancelled"),
    "failed": _("Failed"),
    "lost": _("Lost"),
    "left_queue": _("Left the queue"),
    "overflow": _("Nobody free in time"),
    "closed": _("Closed"),
}
CAUSES = {
    0: _("no cause given"),
    1: _("unallocated number"),
    3: _("no route to destination"),
    16: _("normal clearing"),
    17: _("user busy"),
    18: _("no user responding"),
    19: _("no answer from user"),
    20: _("subscriber absent"),
    21: _("call rejected"),
    22: _("number changed"),
    26: _("answered elsewhere"),
    27: _("destination out of order"),
    28: _("invalid number format"),
    29: _("facility rejected"),
    31: _("normal, unspecified"),
    34: _("no circuit available"),
    38: _("network out of order"),
    41: _("temporary failure"),
    42: _("switching equipment congestion"),
    44: _("requested circuit not available"),
    47: _("resource unavailable"),
    50: _("facility not subscribed"),
    52: _("outgoing calls barred"),
    57: _("bearer capability not authorised"),
    58: _("bearer capability not available"),
    79: _("service not implemented"),
    88: _("incompatible destination"),
    102: _("recovery on timer expiry"),
    111: _("protocol error"),
    127: _("interworking, unspecified"),
}
"""Q.850 causes by their standard names."""

VERDICTS = {
    "HUMAN": _("a person"),
    "MACHINE": _("an answering machine"),
    "NOTSURE": _("not sure"),
    "HANGUP": _("hung up while listening"),
    "NONE": _("not screened"),
}
BY = {
    "agent": _("the agent"),
    "customer": _("the customer"),
    "supervisor": _("a supervisor"),
    "system": _("the dialer"),
}
SWITCH, DIALER, AGENT = _("Switch"), _("Dialer"), _("Agent")


def cause_words(cause: int | None) -> str:
    """A Q.850 cause with its number, or that there was none."""
    if cause is None:
        return _("none told")
    return said("%(cause)s: %(name)s", cause=cause, name=CAUSES.get(cause, _("a cause without a standard name")))


def event_words(kind: str, data: dict[str, Any]) -> tuple[str, str]:
    """Who an event came from, and what it says, as one sentence."""
    who, text = _WORDS.get(kind, (DIALER, kind.replace("_", " ").capitalize()))
    if kind == "ready":
        verdict = str(data.get("verdict", "NONE"))
        if verdict != "NONE":
            text = said("Answering-machine detection says: %(verdict)s", verdict=VERDICTS.get(verdict, verdict.lower()))
    elif kind == "hung_up":
        text = said("%(what)s, cause %(cause)s", what=text, cause=cause_words(int(data.get("cause", 0))))
        if data.get("dial_status"):
            text = said("%(what)s, dial status %(status)s", what=text, status=data["dial_status"])
    elif kind == "refused":
        text = said("%(what)s (%(why)s)", what=text, why=data.get("reason") or _("no reason given"))
    elif kind == "expired":
        reason = str(data.get("reason", ""))
        text = NOT_PLACED.get(reason) or (said("Not placed: %(why)s", why=reason) if reason else text)
    elif kind == "given_up" and data.get("reason"):
        text = _("Let go of: an emergency stop")  # pacing gives no reason: the decision that was stored then has it
    elif kind == "hang_up_asked":
        by = str(data.get("by", ""))
        who = AGENT if by == "agent" else DIALER
        text = said("Hang-up asked for by %(who)s", who=BY.get(by, BY["system"]))
    elif kind in ("undone", "pause_recording") and data.get("reason"):
        text = said("%(what)s (%(why)s)", what=text, why=data["reason"])
    elif kind == "disposed":
        why = _NOT_BY_THE_AGENT.get(str(data.get("by", "")))
        who = DIALER if why else AGENT
        text = said("Disposition %(code)s", code=data.get("code", ""))
        if why:
            text = said("%(what)s (%(why)s)", what=text, why=why)
        if data.get("callback"):
            at = str(data["callback"])[:16].replace("T", " ")
            text = said("%(what)s, a callback was promised for %(at)s UTC", what=text, at=at)
    return who, text


_NOT_BY_THE_AGENT = {"time": _("wrap-up ran out"), "supervisor": _("a supervisor signed the agent out")}
NOT_PLACED = {
    "stopped": _("Not placed: the campaign was stopped"),
    "emergency stop": _("Not placed: an emergency stop"),
    "too old": _("Not placed: the switch was away too long"),
    "dnc": _("Not placed: the number went on the do-not-call list meanwhile"),
}
"""Why a queued call was not placed; any other reason is a rule of the gate."""
_WORDS = {
    "placed": (DIALER, _("The switch is asked to dial")),
    "refused": (SWITCH, _("The switch refused the call")),
    "expired": (DIALER, _("Not placed: too old")),
    "ringing": (SWITCH, _("Ringing")),
    "answered": (SWITCH, _("Answered")),
    "ready": (SWITCH, _("The answered call is in our hands")),
    "claimed": (DIALER, _("The agent who waited longest is reserved")),
    "no_agent": (DIALER, _("No agent is free; the person waits")),
    "bridged": (SWITCH, _("Connected with the agent")),
    "bridge_failed": (SWITCH, _("Connecting with the agent failed")),
    "agent_gone": (SWITCH, _("The agent's phone is gone from the line")),
    "wait_expired": (DIALER, _("No agent within the limit: the message is played")),
    "message_played": (SWITCH, _("The message has been played")),
    "incoming": (SWITCH, _("Somebody called")),
    "turned_away": (DIALER, _("Not let into the queue: a message is played")),
    "hang_up_asked": (DIALER, _("Hang-up asked for")),
    "given_up": (DIALER, _("Given up: it rang long, and nobody would be free to answer")),
    "hung_up": (SWITCH, _("The call's channel is gone")),
    "missing": (DIALER, _("The switch no longer has this call")),
    "disposed": (AGENT, _("Disposition chosen")),
    "handed": (DIALER, _("The call changes hands")),
    "dropped": (DIALER, _("The agent is let go; the switch leaves the message")),
    "hold": (AGENT, _("On hold: the customer hears music")),
    "retrieve": (AGENT, _("Taken back from hold")),
    "consult": (AGENT, _("A third party is asked; the customer hears music")),
    "blind": (AGENT, _("Blind transfer asked for")),
    "toggle": (AGENT, _("Swapped between customer and third party")),
    "conference": (AGENT, _("Conference")),
    "complete": (AGENT, _("The agent leaves the others talking")),
    "release": (AGENT, _("The customer alone is hung up on")),
    "cancel": (AGENT, _("The third party is hung up on")),
    "park": (AGENT, _("Parked")),
    "unpark": (AGENT, _("Taken by an agent who found it parked")),
    "drop": (AGENT, _("A recorded message is to be left")),
    "pause_recording": (AGENT, _("Recording paused")),
    "resume_rec": (AGENT, _("Recording goes on")),
    "dtmf": (AGENT, _("Digits sent")),
    "arranged": (SWITCH, _("The switch has put everybody through")),
    "party_ringing": (SWITCH, _("The third party's phone rings")),
    "party_answered": (SWITCH, _("The third party answered")),
    "party_gone": (SWITCH, _("The third party is gone")),
    "owner_gone": (SWITCH, _("The agent's phone is gone; the others talk on")),
    "call_over": (DIALER, _("The conversation is over")),
    "undone": (DIALER, _("Not done, and put back as it was")),
}
