"""Fitting shares of dials that were given up before anybody could know how they would end."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing.simulator import incidence

KINDS = ("person", "machine", "failed")


def test_calls_given_up_do_not_look_unanswered() -> None:
    """People answer evenly within 20 s; half of the calls are given up at 10 s: counting finds 22.5 % of 30 %."""
    chance = Random(1)
    ages, ends = [], []
    for number in range(20_000):
        answers = chance.random() < 0.3
        age, limit = chance.uniform(0.0, 20.0) if answers else 99.0, 10.0 if number % 2 else 25.0
        ages.append(min(age, limit))
        ends.append("person" if age < limit else "open")
    counted = ends.count("person") / len(ends)
    found = incidence(ages, ends, kinds=KINDS)["person"]
    assert counted < 0.24
    assert abs(found.share - 0.3) < 0.012
    assert abs(sum(found.ages) / len(found.ages) - 10.0) < 0.5


def test_without_calls_given_up_it_is_a_count() -> None:
    ends = ["person"] * 25 + ["machine"] * 35 + ["failed"] * 10 + ["open"] * 30
    ages = [5.0] * 25 + [15.0] * 35 + [1.0] * 10 + [25.0] * 30
    found = incidence(ages, ends, kinds=KINDS)
    assert [round(found[kind].share, 9) for kind in KINDS] == [0.25, 0.35, 0.1]
    assert set(found["person"].ages) == {5.0}


def test_longer_ringing_than_was_ever_seen_is_carried_on_and_no_ringing_is_not() -> None:
    chance = Random(2)
    ages = [chance.expovariate(0.02) for _ in range(5_000)]
    ends = ["person" if age < 20.0 else "open" for age in ages]
    seen = [min(age, 20.0) for age in ages]
    short = incidence(seen, ends, kinds=KINDS, beyond=15.0)["person"]
    long = incidence(seen, ends, kinds=KINDS, beyond=40.0)["person"]
    assert abs(short.share - 0.33) < 0.02
    assert abs(long.share - 0.55) < 0.03
    assert 20.0 < max(long.ages) <= 40.0


def test_nothing_seen_is_nothing_known() -> None:
    assert incidence([], [], kinds=KINDS)["person"].share == 0.0


@given(
    st.lists(st.tuples(st.floats(0.0, 60.0), st.sampled_from([*KINDS, "open"])), max_size=80),
    st.floats(0.0, 90.0),
)
def test_shares_are_shares(calls: list[tuple[float, str]], beyond: float) -> None:
    found = incidence([age for age, _ in calls], [end for _, end in calls], kinds=KINDS, beyond=beyond)
    total = sum(one.share for one in found.values())
    assert -1e-9 <= total <= 1.0 + 1e-9
    assert all((one.share > 0.0) == bool(one.ages) for one in found.values())
