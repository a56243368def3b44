"""Own keys: one each, none of the fixed ones."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.people.shortcuts import ACTIONS, FIXED, clean, faults, shown

keys = st.dictionaries(st.sampled_from(sorted(ACTIONS)), st.text(max_size=2))


@given(keys)
def test_a_set_without_faults_gives_each_action_one_key_that_is_free(chosen: dict[str, str]) -> None:
    if faults(chosen):
        return
    assert len(set(chosen.values())) == len(chosen)
    assert all(len(key) == 1 and key not in FIXED and not key.isspace() for key in chosen.values())


@given(keys)
def test_only_what_differs_is_kept(chosen: dict[str, str]) -> None:
    kept = clean(chosen)
    assert all(action in ACTIONS and key != action for action, key in kept.items())
    assert {action: kept.get(action, action) for action in chosen} == chosen


def test_faults_are_named_by_action() -> None:
    assert faults(dict.fromkeys(ACTIONS, "")) != {}
    assert faults({action: action for action in ACTIONS}) == {}
    assert set(faults({"r": "x", "p": "x"})) == {"p"}
    assert set(faults({"r": "1", "p": "?", "h": " "})) == {"r", "p", "h"}


def test_the_key_is_shown_as_chosen() -> None:
    assert shown("r", {}) == "R"
    assert shown("r", {"r": "g"}) == "G"
