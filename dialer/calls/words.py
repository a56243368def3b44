"""A call's events, causes and outcomes in the words of the people who read its page. Pure."""

from __future__ import annotations

from typing import Any

from dialer.core.words import _

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
    0: "no cause given",
    1: "unallocated number",
    3: "no route to destination",
    16: "normal clearing",
    17: "user busy",
    18: "no user responding",
    19: "no answer from user",
    20: "subscriber absent",
    21: "call rejected",
    22: "number changed",
    26: "answered elsewhere",
    27: "destination out of order",
    28: "invalid number format",
    29: "facility rejected",
    31: "normal, unspecified",
    34: "no circuit available",
    38: "network out of order",
    41: "temporary failure",
    42: "switching equipment congestion",
    44: "requested circuit not available",
    47: "resource unavailable",
    50: "facility not subscribed",
    52: "outgoing calls barred",
    57: "bearer capability not authorised",
    58: "bearer capability not available",
    79: "service not implemented",
    88: "incompatible destination",
    102: "recovery on timer expiry",
    111: "protocol error",
    127: "interworking, unspecified",
}
"""Q.850 causes by their standard names."""

VERDICTS = {
    "HUMAN": "a person",
    "MACHINE": "an answering machine",
    "NOTSURE": "not sure",
    "HANGUP": "hung up while listening",
    "NONE": "not screened",
}
BY = {
    "agent": "the agent",
    "customer": "the customer",
    "supervisor": "a supervisor",
    "system": "the dialer",
}
SWITCH, DIALER, AGENT = "Switch", "Dialer", "Agent"


def cause_words(cause: int | None) -> str:
    """A Q.850 cause with its number, or that there was none."""
    if cause is None:
        return "none told"
    return f"{cause}: {CAUSES.get(cause, 'a cause without a standard name')}"


def event_words(kind: str, data: dict[str, Any]) -> tuple[str, str]:
    """Who an event came from, and what it says, as one sentence."""
    who, text = _WORDS.get(kind, (DIALER, kind.replace("_", " ").capitalize()))
    if kind == "ready":
        verdict = str(data.get("verdict", "NONE"))
        if verdict != "NONE":
            text = f"Answering-machine detection says: {VERDICTS.get(verdict, verdict.lower())}"
    elif kind == "hung_up":
        status = f", dial status {data['dial_status']}" if data.get("dial_status") else ""
        text = f"{text}, cause {cause_words(int(data.get('cause', 0)))}{status}"
    elif kind == "refused":
        text = f"{text} ({data.get('reason') or 'no reason given'})"
    elif kind == "expired":
        text = _EXPIRED.get(str(data.get("reason", "")), text)
    elif kind == "hang_up_asked":
        by = str(data.get("by", ""))
        who, text = (AGENT if by == "agent" else DIALER), f"Hang-up asked for by {BY.get(by, 'the dialer')}"
    elif kind in ("undone", "pause_recording") and data.get("reason"):
        text = f"{text} ({data['reason']})"
    elif kind == "disposed":
        timed_out = data.get("by") == "time"
        who = DIALER if timed_out else AGENT
        text = f"Disposition {data.get('code', '')}" + (" (wrap-up ran out)" if timed_out else "")
        if data.get("callback"):
            text += f", a callback was promised for {str(data['callback'])[:16].replace('T', ' ')} UTC"
    return who, text


_EXPIRED = {
    "stopped": "Not placed: the campaign was stopped",
    "too old": "Not placed: the switch was away too long",
    "dnc": "Not placed: the number went on the do-not-call list meanwhile",
}
_WORDS = {
    "placed": (DIALER, "The switch is asked to dial"),
    "refused": (SWITCH, "The switch refused the call"),
    "expired": (DIALER, "Not placed: too old"),
    "ringing": (SWITCH, "Ringing"),
    "answered": (SWITCH, "Answered"),
    "ready": (SWITCH, "The answered call is in our hands"),
    "claimed": (DIALER, "The agent who waited longest is reserved"),
    "no_agent": (DIALER, "No agent is free; the person waits"),
    "bridged": (SWITCH, "Connected with the agent"),
    "bridge_failed": (SWITCH, "Connecting with the agent failed"),
    "agent_gone": (SWITCH, "The agent's phone is gone from the line"),
    "wait_expired": (DIALER, "No agent within the limit: the message is played"),
    "message_played": (SWITCH, "The message has been played"),
    "incoming": (SWITCH, "Somebody called"),
    "turned_away": (DIALER, "Not let into the queue: a message is played"),
    "hang_up_asked": (DIALER, "Hang-up asked for"),
    "given_up": (DIALER, "Given up: it rang long, and nobody would be free to answer"),
    "hung_up": (SWITCH, "The call's channel is gone"),
    "missing": (DIALER, "The switch no longer has this call"),
    "disposed": (AGENT, "Disposition chosen"),
    "handed": (DIALER, "The call changes hands"),
    "dropped": (DIALER, "The agent is let go; the switch leaves the message"),
    "hold": (AGENT, "On hold: the customer hears music"),
    "retrieve": (AGENT, "Taken back from hold"),
    "consult": (AGENT, "A third party is asked; the customer hears music"),
    "blind": (AGENT, "Blind transfer asked for"),
    "toggle": (AGENT, "Swapped between customer and third party"),
    "conference": (AGENT, "Conference"),
    "complete": (AGENT, "The agent leaves the others talking"),
    "release": (AGENT, "The customer alone is hung up on"),
    "cancel": (AGENT, "The third party is hung up on"),
    "park": (AGENT, "Parked"),
    "unpark": (AGENT, "Taken by an agent who found it parked"),
    "drop": (AGENT, "A recorded message is to be left"),
    "pause_recording": (AGENT, "Recording paused"),
    "resume_rec": (AGENT, "Recording goes on"),
    "dtmf": (AGENT, "Digits sent"),
    "arranged": (SWITCH, "The switch has put everybody through"),
    "party_ringing": (SWITCH, "The third party's phone rings"),
    "party_answered": (SWITCH, "The third party answered"),
    "party_gone": (SWITCH, "The third party is gone"),
    "owner_gone": (SWITCH, "The agent's phone is gone; the others talk on"),
    "call_over": (DIALER, "The conversation is over"),
    "undone": (DIALER, "Not done, and put back as it was"),
}
