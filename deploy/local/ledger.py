"""What runs for a stack, written down as it changes: for `status`, and for cleaning up after a kill -9."""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from .files import read_json, write_json
from .identity import Identity, end, tagged

TAG = "CORDBOARD_STACK"
"""Environment variable that marks every process of one start of a stack with the start's own random word."""


class StackBusy(Exception):
    """Another ./run holds this state folder."""


class StackLock:
    """The state folder's lock: held as long as the process that runs the stack lives, however it ends."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take it. Raises StackBusy."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise StackBusy(str(self._path.parent)) from None
        self._file = file

    def release(self) -> None:
        """Let it go; nothing happens when it is not held."""
        if self._file:
            self._file.close()
            self._file = None

    def is_held(self) -> bool:
        """True while anybody holds it."""
        try:
            self.acquire()
        except StackBusy:
            return True
        self.release()
        return False


@dataclass(frozen=True)
class Entry:
    """One process in the ledger."""

    name: str
    who: Identity | None
    state: str
    restarts: int
    kind: str
    """server, or process (of the Procfile)"""


class Ledger:
    """The file processes.json of a state folder. Several threads of the process that runs the stack may use it."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / "processes.json"
        self._lock = threading.Lock()
        self._data: dict[str, Any] = {}

    def begin(self) -> str:
        """Start a new page for this process; gives the word that its children carry in their environment."""
        word = secrets.token_hex(12)
        me = Identity.of(os.getpid())
        with self._lock:
            self._data = {"runner": me.to_json() if me else None, "tag": word, "phase": "starting", "entries": {}}
            write_json(self._path, self._data)
        return word

    def note(self, **facts: Any) -> None:
        """Write down facts of the whole stack: phase, address."""
        with self._lock:
            self._data.update(facts)
            write_json(self._path, self._data)

    def record(self, name: str, pid: int | None, *, kind: str, state: str = "running", restarts: int = 0) -> None:
        """Write down a process as it is now."""
        who = Identity.of(pid) if pid else None
        entry = {"who": who.to_json() if who else None, "state": state, "restarts": restarts, "kind": kind}
        with self._lock:
            if self._data:
                self._data["entries"][name] = entry
                write_json(self._path, self._data)

    def close(self) -> None:
        """The stack ended in order: nothing is left to find."""
        with self._lock:
            self._data = {}
            self._path.unlink(missing_ok=True)

    # What follows reads the file, as other processes do.

    def facts(self) -> dict[str, Any]:
        """The page as it was last written."""
        return read_json(self._path)

    def runner(self) -> Identity | None:
        """The process that runs (or ran) the stack."""
        data = self.facts().get("runner")
        return Identity.from_json(data) if data else None

    def entries(self) -> list[Entry]:
        """Every process, in the order in which they were first started."""
        found = []
        for name, data in self.facts().get("entries", {}).items():
            who = Identity.from_json(data["who"]) if data.get("who") else None
            found.append(Entry(name, who, data["state"], data["restarts"], data["kind"]))
        return found

    def clean_up(self) -> list[str]:
        """End what a runner that died left behind; names of what was found. Call it with the stack's lock held."""
        entries = [entry for entry in self.entries() if entry.who]
        found = [entry.name for entry in entries if entry.who and entry.who.alive()]
        runner = self.runner()
        if runner and runner.alive() and runner.pid != os.getpid():
            end([runner], 15)
        # Processes first, then the servers that they use; PostgreSQL takes SIGINT as "stop now, in order".
        end([entry.who for entry in entries if entry.kind == "process" and entry.who])
        servers = [entry for entry in entries if entry.kind == "server"]
        end([entry.who for entry in servers if entry.name != "postgres" and entry.who])
        end([entry.who for entry in servers if entry.name == "postgres" and entry.who], 10, signal.SIGINT)
        if word := self.facts().get("tag"):
            found += [f"process {who.pid}" for who in end(tagged(TAG, word))]
        self._path.unlink(missing_ok=True)
        return found
