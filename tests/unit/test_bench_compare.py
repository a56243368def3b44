"""The comparison with the carrier's truth finds what is wrong, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk.sandbox import TruthCall
from tests.bench.compare import OurCall, abandonment_of, compare, disagreement, overlapping, repeated

OURS = OurCall(
    id="c1",
    number="+12125550142",
    caller_id="+12125550101",
    outcome="connected",
    placed=1000.0,
    answered=1006.0,
    connected=1006.05,
    ended=1020.0,
)
TRUTH = TruthCall(
    unique_id="t1",
    number="+12125550142",
    caller_id="12125550101",
    behaviour="person",
    arrived=1000.02,
    ringing=1001.0,
    answered=1005.99,
    ended=1020.01,
    cause=16,
    ended_by="them",
)
UNANSWERED = replace(OURS, answered=None, connected=None)
SCREENED = replace(OURS, screened=True, verdict="HUMAN")


def refused(behaviour: str) -> TruthCall:
    return replace(TRUTH, behaviour=behaviour, answered=None, ended=1003.0, cause=17)


@pytest.mark.parametrize(
    ("ours", "truth"),
    [
        (OURS, TRUTH),
        (replace(UNANSWERED, outcome="busy"), refused("busy")),
        (replace(UNANSWERED, outcome="congestion"), refused("congestion")),
        (replace(UNANSWERED, outcome="invalid_number"), refused("invalid")),
        (replace(UNANSWERED, outcome="no_answer"), refused("no_answer")),
        (replace(UNANSWERED, outcome="no_answer"), replace(refused("person"), ended_by="us", ended=1022.1)),
        (replace(UNANSWERED, outcome="cancelled", hung_up_by="agent"), replace(refused("person"), ended_by="us")),
        (replace(OURS, outcome="abandoned", connected=None), replace(TRUTH, ended_by="us")),
        (replace(OURS, outcome="early_hangup", connected=None), replace(TRUTH, ended=1006.3)),
        (SCREENED, TRUTH),
        (replace(SCREENED, outcome="machine", verdict="MACHINE", connected=None), TRUTH),
        (replace(SCREENED, outcome="machine", verdict="MACHINE"), replace(TRUTH, behaviour="machine")),
        (replace(SCREENED, outcome="early_hangup", verdict="", connected=None), replace(TRUTH, ended=1006.3)),
        (replace(OURS, outcome="", ended=None), TRUTH),
    ],
)
def test_what_agrees(ours: OurCall, truth: TruthCall) -> None:
    assert disagreement(ours, truth) == ""


@pytest.mark.parametrize(
    ("ours", "truth"),
    [
        (replace(OURS, outcome="busy"), TRUTH),
        (replace(OURS, outcome="no_answer"), TRUTH),
        (replace(OURS, caller_id="+12125550109"), TRUTH),
        (replace(OURS, answered=1009.0), TRUTH),
        (UNANSWERED, TRUTH),
        (OURS, refused("busy")),
        (replace(UNANSWERED, outcome="busy"), refused("invalid")),
        (replace(UNANSWERED, outcome="no_answer"), replace(refused("person"), ended_by="us", ended=1004.0)),
        (replace(UNANSWERED, outcome="cancelled"), replace(refused("person"), ended_by="us")),
        (replace(OURS, connected=1030.0), TRUTH),
        (replace(OURS, outcome="early_hangup"), TRUTH),
        (replace(OURS, outcome="early_hangup"), replace(TRUTH, ended=1006.3, ended_by="us")),
        (replace(OURS, outcome="abandoned"), replace(TRUTH, ended_by="us")),
        (replace(SCREENED, verdict="MACHINE"), TRUTH),
        (replace(SCREENED, outcome="machine"), TRUTH),
        (replace(SCREENED, outcome="early_hangup", verdict=""), TRUTH),
        (replace(OURS, outcome="", ended=1020.0), TRUTH),
    ],
)
def test_what_cannot_both_be_true(ours: OurCall, truth: TruthCall) -> None:
    assert disagreement(ours, truth)


def test_calls_that_one_side_does_not_know() -> None:
    stranger = replace(TRUTH, number="+13125550199")
    vanished = replace(OURS, id="c2", number="+14045550111", outcome="no_answer")
    not_placed = replace(OURS, id="c3", number="+14045550112", outcome="cancelled")
    goes_on = replace(OURS, id="c4", number="+14045550113", outcome="", ended=None)
    found = compare([OURS, vanished, not_placed, goes_on], [TRUTH, stranger])
    assert found.matched == 1
    assert found.unknown_to_us == [stranger]
    assert found.never_arrived == [vanished]
    assert found.mismatches == []


def test_a_number_called_twice_is_matched_by_time() -> None:
    later = replace(OURS, id="c2", placed=2000.0, answered=None, connected=None, ended=2003.0, outcome="busy")
    busy = replace(refused("busy"), arrived=2000.1, ended=2003.0)
    found = compare([later, OURS], [busy, TRUTH])
    assert (found.matched, found.mismatches) == (2, [])
    assert (repeated([busy, TRUTH]), overlapping([busy, TRUTH])) == (1, 0)
    assert overlapping([TRUTH, replace(TRUTH, arrived=1010.0)]) == 1


def test_verdicts_are_counted_by_what_answered() -> None:
    machine = replace(SCREENED, id="c2", number="+13125550100", verdict="MACHINE", outcome="machine")
    truth = replace(TRUTH, number="+13125550100", behaviour="machine")
    found = compare([SCREENED, machine], [TRUTH, truth])
    assert found.amd_confusion == {"person": {"HUMAN": 1}, "machine": {"MACHINE": 1}}


times = st.one_of(st.none(), st.floats(900, 1100))


@given(
    outcome=st.sampled_from(["", "connected", "busy", "no_answer", "machine", "abandoned", "lost", "early_hangup"]),
    answered=times,
    connected=times,
    truth_answered=times,
    ended_by=st.sampled_from(["us", "them"]),
    screened=st.booleans(),
    verdict=st.sampled_from(["", "HUMAN", "MACHINE", "NOTSURE", "HANGUP"]),
)
def test_any_pair_is_judged(  # type: ignore[no-untyped-def]
    outcome, answered, connected, truth_answered, ended_by, screened, verdict
) -> None:
    ours = replace(OURS, outcome=outcome, answered=answered, connected=connected, screened=screened, verdict=verdict)
    truth = replace(TRUTH, answered=truth_answered, ended_by=ended_by)
    assert isinstance(disagreement(ours, truth), str)
    assert outcome != "lost" or disagreement(ours, truth)


def test_abandonment_is_judged_by_the_carriers_clock() -> None:
    alone = replace(OURS, outcome="abandoned", connected=None)
    machine = replace(TRUTH, behaviour="machine")
    pairs = [
        (OURS, TRUTH),
        (alone, replace(TRUTH, ended_by="us")),
        (alone, replace(TRUTH, ended=1009.0)),  # they hung up during the message
        (replace(alone, outcome="early_hangup"), replace(TRUTH, ended=1006.3)),
        (replace(OURS, connected=1009.0), TRUTH),
        (UNANSWERED, refused("busy")),
        (alone, replace(machine, ended_by="us")),
    ]
    told = abandonment_of(pairs)
    assert told == {"answered": 5, "abandoned": 2, "connected_late": 1, "abandonment": 40.0}
    assert abandonment_of([])["abandonment"] == 0.0
    assert compare([OURS], [TRUTH]).pairs == [(OURS, TRUTH)]
