"""Sharing a trunk and agents: caps kept, nothing left unused, priority counts, nobody starves, order is nothing."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.pacing import AgentView, CallView, Ledger, Snapshot, decide
from dialer.pacing.allocate import STARVED_S, Campaign, Claim, SharedAgent, Trunk, decide_together, lend, share_out

worths = st.lists(st.floats(0, 1, allow_nan=False), max_size=25).map(lambda w: tuple(sorted(w, reverse=True)))


@st.composite
def claim_lists(draw: st.DrawFn) -> list[Claim]:
    """Up to eight campaigns' claims, each with its own key."""
    return [
        Claim(
            f"c{i}",
            draw(worths),
            draw(st.integers(-3, 6)),
            draw(st.integers(0, 80)),
            draw(st.integers(0, 20)),
            draw(st.floats(0, 60)),
        )
        for i in range(draw(st.integers(0, 8)))
    ]


trunks = st.builds(Trunk, st.just("t"), st.integers(-2, 150), st.integers(0, 150), st.none() | st.integers(-2, 40))
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@quick
@given(claim_lists(), trunks)
def test_caps_kept_and_nothing_left_unused(claims: list[Claim], trunk: Trunk) -> None:
    shares = share_out(claims, trunk)
    for claim in claims:
        assert 0 <= shares[claim.key] <= len(claim.worth)
    wanted = sum(len(claim.worth) for claim in claims)
    assert sum(shares.values()) == min(wanted, trunk.room)


@quick
@given(claim_lists(), trunks, st.randoms(use_true_random=False))
def test_order_does_not_matter(claims: list[Claim], trunk: Trunk, chance: random.Random) -> None:
    shuffled = claims.copy()
    chance.shuffle(shuffled)
    assert share_out(claims, trunk) == share_out(shuffled, trunk)


@quick
@given(claim_lists().filter(bool), trunks, st.data())
def test_more_priority_never_gets_less(claims: list[Claim], trunk: Trunk, data: st.DataObject) -> None:
    which = data.draw(st.integers(0, len(claims) - 1))
    raised = claims.copy()
    raised[which] = replace(claims[which], priority=claims[which].priority + data.draw(st.integers(1, 4)))
    key = claims[which].key
    assert share_out(raised, trunk)[key] >= share_out(claims, trunk)[key]
    # Nor than a campaign that is equal in everything else.
    twin = replace(claims[which], key="twin")
    both = share_out([*raised, twin], trunk)
    assert both[key] >= both["twin"]


@quick
@given(claim_lists(), trunks, st.integers(1, 10))
def test_more_room_never_gives_less(claims: list[Claim], trunk: Trunk, more: int) -> None:
    wide = replace(
        trunk,
        lines=trunk.lines + more,
        may_launch=None if trunk.may_launch is None else trunk.may_launch + more,
    )
    if wide.paced_by_seconds == trunk.paced_by_seconds:
        small, large = share_out(claims, trunk), share_out(claims, wide)
        assert all(large[key] >= small[key] for key in small)


def test_equals_share_equally_and_priority_doubles() -> None:
    equal = [Claim(key, (0.2,) * 40) for key in "abc"]
    assert set(share_out(equal, Trunk("t", 30)).values()) == {10}
    first = [replace(equal[0], priority=1, since_launch_s=0.0), replace(equal[1], since_launch_s=0.0)]
    assert share_out(first, Trunk("t", 30)) == {"a": 20, "b": 10}


def test_who_holds_many_lines_waits_for_others() -> None:
    rich, poor = Claim("rich", (0.2,) * 30, held=40, since_launch_s=0), Claim("poor", (0.2,) * 30, since_launch_s=0)
    assert share_out([rich, poor], Trunk("t", 70, 40)) == {"rich": 0, "poor": 30}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-6, 6), st.floats(0.01, 0.9), st.integers(1, 12)), min_size=2, max_size=6),
    st.integers(1, 3),
)
def test_nobody_starves(wants: list[tuple[int, float, int]], a_second: int) -> None:
    """A trunk that takes fewer calls a second than anyone wants: each campaign dials again within a bounded time."""
    last = [0.0] * len(wants)
    for second in range(1, 200):
        claims = [
            Claim(str(i), (worth,) * count, priority, since_launch_s=second - last[i])
            for i, (priority, worth, count) in enumerate(wants)
        ]
        for key, share in share_out(claims, Trunk("t", 1000, 0, a_second)).items():
            if share:
                last[int(key)] = second
        assert all(second - at <= STARVED_S + len(wants) + 1 for at in last)


def busy(ready: int, talking: int) -> Snapshot:
    """A campaign in the thick of it."""
    floor = tuple(AgentView("ready", 5) for _ in range(ready)) + tuple(AgentView("in_call", 40) for _ in range(talking))
    return Snapshot("predictive", 1.0, floor, (), 500, 0, ledger=Ledger(1200, 20, 400, 6))


def test_alone_on_a_trunk_is_as_if_by_itself() -> None:
    both = [Campaign("a", busy(4, 10), "one"), Campaign("b", busy(2, 20), "two")]
    decisions = decide_together(both, [Trunk("one", 500), Trunk("two", 500)])
    assert decisions["a"] == decide(both[0].snapshot)
    assert decisions["b"] == decide(both[1].snapshot)


def test_a_trunk_that_takes_few_is_shared_and_says_so() -> None:
    three = [Campaign(key, busy(6, 10), "t", priority) for key, priority in (("a", 0), ("b", 1), ("c", 0))]
    decisions = decide_together(three, [Trunk("t", 300, 0, 8)])
    launched = {key: decision.launch for key, decision in decisions.items()}
    assert sum(launched.values()) == 8
    assert launched["b"] > launched["a"] >= 1
    assert launched["c"] >= 1
    assert "trunk_share" in decisions["a"].limits
    memory = decisions["a"].memory
    assert memory is not None
    assert len(decisions["a"].worth) == launched["a"]
    assert decide_together(reversed(three), [Trunk("t", 300, 0, 8)]) == decisions
    full = decide_together(three, [Trunk("t", 300, 300)])
    assert [one.launch for one in full.values()] == [0, 0, 0]
    assert "other campaigns have their share of the trunk" in full["a"].reason
    unknown = decide_together(three, [])
    assert [one.launch for one in unknown.values()] == [0, 0, 0]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["manual", "progressive", "ratio", "predictive"]),
            st.integers(0, 8),
            st.integers(0, 12),
            st.integers(0, 20),
            st.integers(-1, 3),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(0, 40),
    st.none() | st.integers(0, 12),
)
def test_together_never_over_the_trunk(
    rows: list[tuple[str, int, int, int, int]], lines: int, may_launch: int | None
) -> None:
    campaigns = [
        Campaign(
            str(i),
            replace(busy(ready, talking), method=method, level=2.0, calls=(CallView("ringing", 3.0),) * ringing),  # type: ignore[arg-type]
            "t",
            priority,
        )
        for i, (method, ready, talking, ringing, priority) in enumerate(rows)
    ]
    trunk = Trunk("t", lines, 5, may_launch)
    decisions = decide_together(campaigns, [trunk])
    assert sum(decision.launch for decision in decisions.values()) <= trunk.room
    for one in campaigns:
        assert decisions[one.key].launch <= decide(one.snapshot).launch


def test_shared_agents_are_lent_once_by_priority_and_worth() -> None:
    pool = [SharedAgent(f"s{i}", AgentView("ready", float(i)), frozenset("ab")) for i in range(9)]
    away = SharedAgent("away", AgentView("paused", 3.0), frozenset("ab"))
    a, b = Campaign("a", busy(0, 0), "t", 1), Campaign("b", busy(0, 0), "t")
    lent = lend([a, b], [*pool, away])
    assert {key: len(views) for key, views in lent.items()} == {"a": 6, "b": 3}
    assert lend([a, b], list(reversed(pool))) == lend([b, a], pool)
    assert len(lend([a, replace(b, agent_worth=0.0)], pool)["a"]) == 9  # nobody left to dial in b
    other = lend([a, b], [SharedAgent("x", AgentView("ready", 1.0), frozenset("b"))])
    assert [len(views) for views in other.values()] == [0, 1]
    decisions = decide_together([a, b], [Trunk("t", 500)], pool)
    assert decisions["a"].launch >= 6
    assert decisions["a"].launch > decisions["b"].launch >= 3
