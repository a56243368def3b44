"""Throw-away stacks for ./run test and ./run bench: made new each time, several at once when need be."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil

from .identity import Identity, end
from .ledger import Ledger, StackBusy, StackLock
from .postgres import home_of
from .servers import adopt_orphans
from .stack import HOME, AsteriskUnavailable, Report, Stack

_AT_ONCE = 8


@contextmanager
def throwaway_stack(
    name: str, *, environment: str, asterisk: bool, durable: bool, report: Report
) -> Iterator[tuple[Stack, str]]:
    """A running stack under .cordboard/NAME, and why it has no Asterisk ("" when it has one or none was wanted).

    Nothing of it runs afterwards, however the block ends.
    """
    adopt_orphans()
    folder, lock = _free_folder(name)
    ledger = Ledger(folder)
    missing = ""
    try:
        ledger.clean_up()
        _empty(folder)
        make = partial(Stack, folder, environment=environment, durable=durable, report=report, ledger=ledger)
        stack = make(asterisk=asterisk)
        try:
            stack.prepare()
        except AsteriskUnavailable as error:
            missing = str(error)
            stack = make(asterisk=False)
        try:
            stack.start()
            yield stack, missing
        finally:
            stack.stop()
            stack.remove()
    finally:
        end(who for child in psutil.Process().children(recursive=True) if (who := Identity.of(child.pid)))
        lock.release()


def _free_folder(name: str) -> tuple[Path, StackLock]:
    """The first folder of this name that no other run holds: test, test-2, test-3 …"""
    for number in range(1, _AT_ONCE + 1):
        folder = HOME / (name if number == 1 else f"{name}-{number}")
        lock = StackLock(folder)
        try:
            lock.acquire()
        except StackBusy:
            continue
        return folder, lock
    raise StackBusy(f"{_AT_ONCE} runs of ./run {name} are going on already")


def _empty(folder: Path) -> None:
    """Clear what an earlier run left to look at, keeping the lock that we hold."""
    shutil.rmtree(home_of(folder), ignore_errors=True)
    for entry in folder.iterdir():
        if entry.name == "lock":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
