"""The conversation's lifecycle under any order of what agents ask and switches tell."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.handling.layout import asks_open, held, layout, owed, ringing, together
from dialer.handling.rules import advance, undo
from dialer.handling.terms import ASKS, Act, Conversation, Event, Kind, Mode, PartyState, Refusal, Role, Spot

WITH_PARTY = {Mode.CONSULT, Mode.ALTERNATE, Mode.CONFERENCE, Mode.BLIND}
events = st.builds(
    Event,
    kind=st.sampled_from(Kind),
    colleague=st.booleans(),
    reason=st.sampled_from(("", " ", "card number")),
    left=st.booleans(),
)
conversations = st.builds(Conversation, recorded=st.booleans(), may_pause=st.booleans())


def play(start: Conversation, told: Sequence[Event]) -> list[tuple[Conversation, Event, Conversation, tuple[Act, ...]]]:
    """Let a history happen; refusals change nothing."""
    steps = []
    now_is = start
    for event in told:
        answer = advance(now_is, event)
        if isinstance(answer, Refusal):
            assert event.kind in ASKS, "what the switch tells is never refused"
            assert answer.reason.endswith(".")
            continue
        after, acts = answer
        steps.append((now_is, event, after, acts))
        now_is = after
    return steps


@settings(max_examples=400)
@given(conversations, st.lists(events, max_size=40))
def test_any_history(start: Conversation, told: list[Event]) -> None:
    for before, event, after, acts in play(start, told):
        places = layout(after)
        # A third party is there exactly in the modes that have one.
        if after.mode in WITH_PARTY:
            assert after.party is not None
        if after.mode in (Mode.TALK, Mode.HOLD, Mode.PARKED, Mode.OVER):
            assert after.party is None
        if after.mode in (Mode.ALTERNATE, Mode.CONFERENCE, Mode.ASIDE):
            assert after.party is PartyState.TALKING
        # Nobody is put into a bridge who has not answered.
        assert Role.PARTY not in places or after.party is PartyState.TALKING
        # Ringing is heard only by an agent who is alone with it.
        assert not ringing(after) or Spot.DESK not in places.values()
        # What a customer's end does not end goes on without the customer, and ends before all is over.
        if after.mode is Mode.ASIDE:
            assert together(after) and Role.CUSTOMER not in places
        assert not together(after) or after.mode is not Mode.OVER
        # In a consultation the customer hears music and not the two.
        if after.mode is Mode.CONSULT:
            assert places[Role.CUSTOMER] is Spot.MUSIC
        assert held(after) == (places.get(Role.CUSTOMER) is Spot.MUSIC)
        # Whoever changes the places has the switch asked.
        if places != layout(before) and after.mode not in (Mode.OVER, Mode.DROPPING, Mode.DROPPED):
            handed = before.mode is Mode.HANDING and event.kind is Kind.ARRANGED
            assert Act.ARRANGE in acts or handed or after.mode is Mode.HANDED
        # The owner changes only when the switch is as it should be, or somebody takes a parked call.
        if Act.HAND_OVER in acts:
            assert event.kind in (Kind.ARRANGED, Kind.UNPARK)
        # A third party who is no longer in it was let go, took the call over, or went by themselves.
        if before.party is not None and after.party is None:
            told_gone = event.kind is Kind.PARTY_GONE
            took_over = event.kind is Kind.ARRANGED and before.colleague
            assert told_gone or took_over or Act.DROP_PARTY in acts
            if before.colleague and not took_over:
                assert Act.FREE_COLLEAGUE in acts
        # A recording is paused only where that is allowed, with a reason, and never without somebody to resume it.
        if after.paused and not before.paused:
            assert start.recorded and start.may_pause and event.reason.strip()
            assert Act.MUTE_RECORDING in acts
        if after.mode in (Mode.HANDED, Mode.PARKED, Mode.DROPPED):
            assert not after.paused
        if before.mode is Mode.OVER:
            assert after == before and not acts


@given(conversations, st.lists(events, max_size=30), events)
def test_undoing_puts_it_back(start: Conversation, told: list[Event], last: Event) -> None:
    steps = play(start, [*told, last])
    if not steps:
        return
    before, event, after, _ = steps[-1]
    back, acts = undo(before, after, event.kind)
    if after.mode is Mode.OVER:
        assert back == after
    elif event.kind in ASKS and not (before.party is not None and after.party is None):
        assert back == before
    assert back.party is None or back.party is after.party or before.party is not None
    if after.party is not None and back.party is None:
        assert Act.DROP_PARTY in acts
        assert not after.colleague or Act.FREE_COLLEAGUE in acts
    assert Role.PARTY not in layout(back) or back.party is PartyState.TALKING


@given(conversations, st.lists(events, max_size=30))
def test_what_is_owed_can_be_asked_for_at_any_time(start: Conversation, told: list[Event]) -> None:
    for _, _, after, _ in play(start, told):
        due = owed(after)
        assert Act.DIAL_PARTY not in due and Act.SEND_DIGITS not in due, "these cannot be asked for twice"
        if after.paused:
            assert Act.MUTE_RECORDING in due
        if layout(after):
            assert Act.ARRANGE in due


@given(conversations, st.lists(events, max_size=30))
def test_what_the_card_offers_is_never_refused(start: Conversation, told: list[Event]) -> None:
    for _, _, after, _ in play(start, told):
        for kind in asks_open(after):
            assert not isinstance(advance(after, Event(kind, reason="x")), Refusal)


def through(*kinds: Kind, colleague: bool = False) -> Conversation:
    now_is = Conversation(recorded=True, may_pause=True)
    for kind in kinds:
        answer = advance(now_is, Event(kind, colleague=colleague, reason="x"))
        assert not isinstance(answer, Refusal), (kind, answer)
        now_is = answer[0]
    return now_is


def test_a_warm_transfer_to_a_number() -> None:
    asked = through(Kind.CONSULT)
    assert layout(asked) == {Role.CUSTOMER: Spot.MUSIC}
    talking = through(Kind.CONSULT, Kind.PARTY_RINGING, Kind.PARTY_ANSWERED)
    assert layout(talking) == {Role.CUSTOMER: Spot.MUSIC, Role.PARTY: Spot.DESK}
    swapped = through(Kind.CONSULT, Kind.PARTY_ANSWERED, Kind.TOGGLE)
    assert layout(swapped) == {Role.CUSTOMER: Spot.DESK, Role.PARTY: Spot.MUSIC}
    together = through(Kind.CONSULT, Kind.PARTY_ANSWERED, Kind.CONFERENCE)
    assert layout(together) == {Role.CUSTOMER: Spot.DESK, Role.PARTY: Spot.DESK}
    left = through(Kind.CONSULT, Kind.PARTY_ANSWERED, Kind.CONFERENCE, Kind.COMPLETE, Kind.ARRANGED)
    assert left.mode is Mode.HANDED
    assert layout(left) == {Role.CUSTOMER: Spot.TABLE, Role.PARTY: Spot.TABLE}
    assert advance(left, Event(Kind.PARTY_GONE))[1] == (Act.HANG_UP,)  # type: ignore[index]


def test_a_colleague_takes_the_call_over() -> None:
    handing = through(Kind.CONSULT, Kind.COMPLETE, colleague=True)
    assert layout(handing) == {Role.CUSTOMER: Spot.THEIRS, Role.PARTY: Spot.THEIRS}
    theirs = through(Kind.CONSULT, Kind.COMPLETE, Kind.ARRANGED, colleague=True)
    assert (theirs.mode, theirs.party) == (Mode.TALK, None)


def test_a_blind_transfer_that_nobody_answers_brings_the_customer_back() -> None:
    assert through(Kind.BLIND, Kind.PARTY_GONE).mode is Mode.TALK
    assert through(Kind.BLIND, Kind.PARTY_ANSWERED, Kind.ARRANGED).mode is Mode.HANDED


def test_completing_while_it_rings_becomes_blind() -> None:
    assert through(Kind.CONSULT, Kind.PARTY_RINGING, Kind.COMPLETE).mode is Mode.BLIND


def test_an_agent_lost_in_a_conference_leaves_the_others_talking() -> None:
    lost = through(Kind.CONSULT, Kind.PARTY_ANSWERED, Kind.CONFERENCE, Kind.OWNER_GONE)
    assert lost.mode is Mode.HANDING
    held_alone = advance(through(Kind.HOLD), Event(Kind.OWNER_GONE))
    assert held_alone == (through(Kind.HOLD), (Act.AGENT_GONE,))


def test_the_customer_alone_is_hung_up_on() -> None:
    releasing = through(Kind.CONSULT, Kind.PARTY_ANSWERED, Kind.RELEASE)
    assert layout(releasing) == {Role.PARTY: Spot.DESK}
    aside = through(Kind.CONSULT, Kind.PARTY_ANSWERED, Kind.TOGGLE, Kind.RELEASE, Kind.CALL_OVER)
    assert (aside.mode, layout(aside)) == (Mode.ASIDE, {Role.PARTY: Spot.DESK})
    assert advance(aside, Event(Kind.CALL_OVER)) == (aside, ())  # told again
    ended = advance(aside, Event(Kind.CANCEL))
    assert not isinstance(ended, Refusal)
    assert (ended[0].mode, ended[1]) == (Mode.OVER, (Act.DROP_PARTY,))


def test_who_ends_the_call_decides_what_becomes_of_a_consultation() -> None:
    consulting = through(Kind.CONSULT, Kind.PARTY_ANSWERED)
    left = advance(consulting, Event(Kind.CALL_OVER, left=True))
    ended = advance(consulting, Event(Kind.CALL_OVER))
    rings = advance(through(Kind.CONSULT, Kind.PARTY_RINGING), Event(Kind.CALL_OVER, left=True))
    assert [step[0].mode for step in (left, ended, rings) if not isinstance(step, Refusal)] == [
        Mode.ASIDE,
        Mode.OVER,
        Mode.OVER,
    ]
