"""How pages of the floor are looked at: what a query string says, and the same as a board's key."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from dialer.floor import looks

queries = st.dictionaries(
    st.sampled_from(["campaign", "state", "sort", "columns", "status"]),
    st.one_of(
        st.text(max_size=30),
        st.sampled_from([*looks.SORTS, *looks.STRIP_SORTS, "paused", "active", "a"]),
        st.lists(st.sampled_from([*looks.COLUMNS, *looks.STRIP_COLUMNS, "x"]), max_size=6).map(".".join),
    ),
)


@given(queries)
def test_a_look_is_the_same_after_each_way_of_writing_it(query: dict[str, str]) -> None:
    wanted = looks.wanted_of(query, {"a": 7})
    assert looks.wanted_from(wanted.key()) == wanted
    assert looks.wanted_of(dict(parse_qsl(wanted.query({"a": 7}))), {"a": 7}) == wanted
    strips = looks.strips_of(query)
    assert looks.strips_from(strips.key()) == strips
    assert looks.strips_of(dict(parse_qsl(strips.query()))) == strips
    assert re.fullmatch(r"[A-Za-z0-9._-]+", f"{wanted.key()}{strips.key()}")
