"""core.steady: what it does to the process that calls it (a process of its own, so that the suite's is left alone)."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOOK = """
import gc, json, os, sys
from pathlib import Path
from dialer.core import steady
group = Path("/proc/self/autogroup")
before = os.nice(0)
if {steady!r}: steady.steady()
if {back!r}: steady.stand_back()
print(json.dumps({{
    "frozen": gc.get_freeze_count(), "young": gc.get_threshold()[0], "switch": sys.getswitchinterval(),
    "nice": os.nice(0) - before, "group": group.read_text().split()[-1] if group.exists() else "",
}}))
"""


def looked(*, steady: bool = False, back: bool = False) -> dict[str, object]:
    """A fresh process, in a session of its own as ./run starts each, after one of the two."""
    code = LOOK.format(steady=steady, back=back)
    done = subprocess.run([sys.executable, "-c", code], start_new_session=True, check=True, capture_output=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_a_steady_process_looks_for_garbage_seldom_and_never_through_what_it_began_with() -> None:
    found = looked(steady=True)
    assert int(str(found["frozen"])) > 1000
    assert (found["young"], found["switch"], found["nice"]) == (10_000, 0.001, 0)


UNDER_WAY = """
import gc, json
from collections import deque
from dialer.core import steady
steady.steady()
class Node: pass
def one():
    first, second = Node(), Node()
    first.other, second.other = second, first
    return first
under_way, seen = deque(one() for _ in range(500)), []
for turn in range(400_000):
    under_way.append(one())
    under_way.popleft()
    if turn % 7_919 == 0:
        seen.append(len(gc.get_objects()))
print(json.dumps(seen))
"""


def test_what_was_under_way_does_not_pile_up_as_garbage() -> None:
    """A thousand objects are alive at a time, in circles, and all are garbage a moment later."""
    done = subprocess.run([sys.executable, "-c", UNDER_WAY], check=True, capture_output=True)
    seen: list[int] = json.loads(done.stdout)
    assert max(seen) < 20_000, seen


def test_a_process_that_stands_back_is_behind_the_others() -> None:
    found = looked(back=True)
    assert found["nice"] == 5
    assert found["frozen"] == 0


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel knows no autogroups")
def test_it_stands_back_as_a_session_too() -> None:
    assert looked(back=True)["group"] == "5"


GIVEN_BACK = """
import json, threading
from dialer.core import steady
steady.steady()
def pages():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1])
blocks = [bytes(3_000) for _ in range(20_000)]
blocks.append(bytes(3_000))
full = pages()
last = blocks.pop()
del blocks[:]
kept = pages()
steady.give_back()
print(json.dumps([full, kept, pages(), [one.name for one in threading.enumerate() if one.daemon]]))
"""


def test_free_pages_go_back_to_the_system() -> None:
    """Sixty megabytes are let go of below a block that stays: without the call glibc keeps them all."""
    done = subprocess.run([sys.executable, "-c", GIVEN_BACK], check=True, capture_output=True)
    full, kept, after, threads = json.loads(done.stdout)
    assert kept > 0.9 * full
    assert after < 0.6 * full
    assert threads == ["gives back"]
