"""Outward ids: UUIDv7, unique, and in the order of their making."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from dialer.core.ids import new_id


def test_ids_are_uuid7_of_this_moment() -> None:
    before = time.time_ns() // 1_000_000
    made = new_id()
    after = time.time_ns() // 1_000_000
    assert made.version == 7
    assert before <= made.int >> 80 <= after


def test_ids_of_one_thread_sort_by_their_making() -> None:
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)


def test_ids_of_many_threads_are_unique() -> None:
    with ThreadPoolExecutor(8) as threads:
        made = [one for batch in threads.map(lambda _: [new_id() for _ in range(1000)], range(8)) for one in batch]
    assert len(set(made)) == len(made)
