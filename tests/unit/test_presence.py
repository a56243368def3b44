"""Which number of a pool is shown: caps, the called one's own area, turns."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dialer.campaigns.presence import Number, choose, hand_out, own_prefix

PHONES = st.sampled_from(["+12125550100", "+12125550101", "+16465550100", "+13125550100", "+442071838750"])
CALLED = st.sampled_from(["+12125550199", "+16465550199", "+13125550199", "+442071838799", "+33142685300"])
NUMBERS = st.lists(
    st.builds(
        Number,
        id=st.integers(1, 1000),
        phone=PHONES,
        prefixes=st.sampled_from([(), ("+1212", "+1646"), ("+44",), ("+1",)]),
        cap=st.integers(0, 5),
        used=st.integers(0, 5),
        turn=st.integers(0, 9),
    ),
    max_size=6,
    unique_by=lambda number: number.id,
)


@given(NUMBERS, st.lists(CALLED, max_size=30), st.booleans())
def test_no_number_goes_over_its_cap(numbers: list[Number], called: list[str], local: bool) -> None:
    given_out = hand_out(numbers, called, local)
    assert len(given_out) == len(called)
    times = Counter(number.id for number in given_out if number is not None)
    for number in numbers:
        assert not number.cap or not times[number.id] or number.used + times[number.id] <= number.cap
    if None in given_out:  # only when nothing is left at all
        assert all(number.cap and number.used + times[number.id] >= number.cap for number in numbers)


@given(NUMBERS, CALLED)
def test_local_numbers_go_first_while_any_is_left(numbers: list[Number], called: str) -> None:
    chosen = choose(numbers, called, local=True)

    def near(number: Number) -> int:
        prefixes = number.prefixes or (own_prefix(number.phone),)
        return max((len(one) for one in prefixes if one and called.startswith(one)), default=0)

    left = [near(number) for number in numbers if number.left]
    assert (chosen is None) == (not left)
    if chosen is not None:
        assert near(chosen) == max(left)


@given(st.integers(1, 6), st.integers(0, 40))
def test_equals_take_turns(size: int, calls: int) -> None:
    numbers = [Number(place, f"+1212555010{place}") for place in range(size)]
    times = Counter(number.id for number in hand_out(numbers, ["+13125550100"] * calls, True) if number)
    counts = [times[number.id] for number in numbers]
    assert max(counts) - min(counts) <= 1


def test_an_own_area_code_is_known_in_north_america_only() -> None:
    assert own_prefix("+12125550100") == "+1212"
    assert own_prefix("+442071838750") == ""
