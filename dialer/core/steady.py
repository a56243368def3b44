"""What keeps a long-running process even: no long pauses of its own making.

Python stops everything to look for garbage in cycles. With Django loaded that is a quarter of a million objects that
will never be garbage, and it takes longer than a screen may be late. And a thread that computes keeps the others
waiting for 5 ms each time, which is what most of the work of a push costs.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

_LIBC = ctypes.CDLL(None)
SWITCH_S = 0.001
"""How long one thread may compute while others wait."""
YOUNG, MIDDLE, OLD = 10_000, 1, 1
"""Objects made before the youngest are looked through (Python: 700), and how many of those looks before the next.

Whatever is under way outlives a look at the youngest, and is garbage of the next age once it is over: with Python's ten
(or more) between two looks at an age, that is what makes a process grow for an hour.
"""
GIVEN_BACK_S = 60.0
"""How often free pages go back to the system."""
BEHIND = 5
"""How much less urgent work is that nobody waits for within a tenth of a second."""


def steady() -> None:
    """Call once, when everything is imported that the process will need.

    Python looks through everything only when what has outlived its other looks is a quarter of all that there was at
    the last whole look. With Django that is sixty thousand objects: a process would grow by garbage for an hour. So it
    looks once more when all of that is set aside, and the quarter is one of what came since.
    """
    sys.setswitchinterval(SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    threading.Thread(target=_give_back_each_minute, name="gives back", daemon=True).start()


def give_back() -> None:
    """Let the system have the pages that are free.

    glibc keeps every page below the top of its heap that was ever used, so a process grows with its busiest moment so
    far. Other C libraries have no such call, and need none. Python's lock is free meanwhile.
    """
    with suppress(AttributeError):
        _LIBC.malloc_trim(0)


def _give_back_each_minute() -> None:
    while True:
        time.sleep(GIVEN_BACK_S)
        gc.collect()  # where little is made in circles Python would look once an hour, and it grows for that hour
        give_back()


def stand_back() -> None:
    """Let processes that answer people go first when the processor is short; where that is refused, all are equal.

    Linux weighs sessions (autogroups) against each other before it looks at nice, and each of ours is its own session.
    """
    with suppress(OSError):
        os.nice(BEHIND)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(BEHIND))
