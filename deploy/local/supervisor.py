"""Keep the processes of a Procfile running: restart what crashes, collect what they write, drain them in order.

honcho reads the Procfile; its own manager ends everything when one process ends, which is not what a dialer wants.
"""

from __future__ import annotations

import os
import queue
import selectors
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .logs import ProblemFilter, RotatingLog
from .procfile import argv_of, read_procfile
from .servers import spawn

DRAIN_ORDER = (("robots",), ("pacing", "worker", "speech"), ("gateway", "agi", "switchboard"), ("web",))
"""Who is asked to end first: those who make work, then those who do it. Unknown names go with the first."""
STANDS_BY = {"switchboard": "standing by"}
"""Processes of which two may run, and what the second says when it is there to take over."""
LISTENS = "Uvicorn running on"
"""What a process says when it serves the socket that it was given: two may serve one at the same time."""
STANDS_BY_WITHIN_S = 60.0
"""How long a new one may take until it says so."""
ONE_HEAP = {"MALLOC_ARENA_MAX": "1", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
"""By default glibc gives each thread a heap of its own, and each keeps the most that its thread ever needed; and before
its heap each thread keeps a cache of freed pieces (up to 240 kB), which fills for an hour and which nothing empties."""
_TICK = 0.1
"""Seconds between looks at the children."""

Problem = Callable[[str, str], None]


class NotReplaced(Exception):
    """A new process did not take over from the one that was to be replaced; the text says why."""


@dataclass(frozen=True)
class Backoff:
    """Pauses before a crashed process starts again, in seconds: doubling, and back to the first after a healthy run."""

    first: float = 0.2
    most: float = 5.0
    healthy: float = 30.0

    def after(self, previous: float, ran: float) -> float:
        """The next pause, after a run of `ran` seconds that followed the pause `previous`."""
        return self.first if ran >= self.healthy or not previous else min(previous * 2, self.most)


@dataclass(frozen=True)
class ProcessStatus:
    """A process as it is now: state is running, backing-off or stopped."""

    name: str
    pid: int | None
    state: str
    restarts: int


@dataclass
class _Process:
    name: str
    argv: Sequence[str]
    log: RotatingLog
    child: subprocess.Popen[bytes] | None = None
    output: int | None = None
    wanted: bool = True
    started: float = 0.0
    pause: float = 0.0
    next_start: float = 0.0
    restarts: int = 0
    replaced: bool = False
    """It ends because we asked it to: it starts again at once, and that is no restart."""
    stands_by: bool = False
    successor: _Process | None = None
    """Started already, and stands by until this one has ended."""
    fallen: str = ""
    """What became of a successor that ended before its time."""
    rest: bytes = b""
    last_words: str = ""
    problems: ProblemFilter = field(default_factory=ProblemFilter)

    def status(self) -> ProcessStatus:
        state = "running" if self.child else "backing-off" if self.wanted else "stopped"
        return ProcessStatus(self.name, self.child.pid if self.child else None, state, self.restarts)


class Supervisor:
    """Runs commands by name, watched by a thread of its own; none of them outlives this process.

    `on_change(status)` hears of every change, `on_problem(name, line)` of every warning or error line a process writes.
    A process in `sockets` is given that listening socket, and its number as NAME_FD: it stays open whatever becomes of
    the process, so whoever connects meanwhile waits and is not refused.
    """

    def __init__(
        self,
        commands: Mapping[str, str],
        *,
        env: Mapping[str, str],
        log_dir: Path,
        cwd: Path,
        backoff: Backoff | None = None,
        sockets: Mapping[str, socket.socket] | None = None,
        on_change: Callable[[ProcessStatus], None] | None = None,
        on_problem: Problem | None = None,
    ) -> None:
        self._env, self._cwd, self._backoff = {**ONE_HEAP, **env}, cwd, backoff or Backoff()
        self._sockets = dict(sockets or {})
        self._on_change, self._on_problem = on_change, on_problem
        self._processes = {
            name: _Process(name, argv_of(command), RotatingLog(log_dir / f"{name}.log"))
            for name, command in commands.items()
        }
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._status = {name: process.status() for name, process in self._processes.items()}
        self._selector = selectors.DefaultSelector()
        self._draining = False
        self._thread: threading.Thread | None = None

    @classmethod
    def from_procfile(
        cls,
        path: Path,
        *,
        env: Mapping[str, str],
        log_dir: Path,
        only: Sequence[str] = (),
        backoff: Backoff | None = None,
    ) -> Supervisor:
        """A supervisor of a Procfile's processes (all, or `only` these); they run in the Procfile's folder."""
        commands = {name: text for name, text in read_procfile(path).items() if not only or name in only}
        return cls(commands, env=env, log_dir=log_dir, cwd=path.parent, backoff=backoff)

    # ---- for callers, from any thread

    def start(self) -> None:
        """Start every process and keep them running until `stop`."""
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()
        self.wait(lambda status: all(one.state != "stopped" and one.pid for one in status.values()), 10)

    def stop(self, seconds: float = 15.0) -> bool:
        """Drain in DRAIN_ORDER within about `seconds`, then kill. True when nothing had to be killed."""
        if self._thread is None:
            return True
        clean: list[bool] = []
        self._orders.put(lambda: clean.append(self._drain(seconds)))
        self._thread.join(seconds + 10)
        self._thread = None
        return bool(clean and clean[0])

    def __enter__(self) -> Supervisor:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def status(self) -> dict[str, ProcessStatus]:
        """Every process as it is now, in Procfile order."""
        with self._changed:
            return dict(self._status)

    def pids(self) -> dict[str, int]:
        """Process ids of those that run."""
        return {name: one.pid for name, one in self.status().items() if one.pid}

    def wait(self, condition: Callable[[dict[str, ProcessStatus]], bool], seconds: float) -> bool:
        """Wait until the processes' statuses satisfy the condition; False when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: condition(dict(self._status)), seconds)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Signal one process as an accident would; it is started again like after any crash."""
        if pid := self.status()[name].pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def take_away(self, name: str, seconds: float = 10.0) -> None:
        """Kill one process and keep it away until `bring_back`."""
        self._order(lambda: self._take_away(self._processes[name]))
        self.wait(lambda status: status[name].state == "stopped", seconds)

    def bring_back(self, name: str, seconds: float = 10.0) -> None:
        """Start again what `take_away` took; returns when its process exists."""
        self._order(lambda: self._bring_back(self._processes[name]))
        self.wait(lambda status: status[name].state == "running", seconds)

    def replace(self, name: str, seconds: float = 20.0) -> None:
        """Drain one process (SIGTERM) and start it anew, as for a new version of it; returns when the new one exists.

        Of those that can stand by (STANDS_BY, or with a socket) the new one is started first, so that there is no gap;
        one that does not come to stand by is let go of, and the old one stays: NotReplaced. One that does not end
        within `seconds` is killed.
        """
        before = self.status()[name].pid
        if self._word_of(name):
            self._processes[name].fallen = ""
            self._order(lambda: self._start_successor(self._processes[name]))
            self._stands_by_within(name, before, STANDS_BY_WITHIN_S)
            if self.status()[name].pid not in (None, before):
                return  # the old one died by itself just now, and this one took its place
        self._order(lambda: self._replace(self._processes[name]))
        gone = self.wait(lambda status: status[name].pid not in (None, before), seconds)
        if not gone:
            self.kill(name)
            self.wait(lambda status: status[name].pid not in (None, before), seconds)

    def _word_of(self, name: str) -> str:
        """What a second process of that name says when it is there; empty where there can be only one."""
        return LISTENS if name in self._sockets else STANDS_BY.get(name, "")

    # ---- in the supervisor's own thread

    def _order(self, what: Callable[[], None]) -> None:
        if self._thread is None:
            raise RuntimeError("the supervisor is not running")
        self._orders.put(what)

    def _run(self) -> None:
        while not self._draining:
            now = time.monotonic()
            for process in self._processes.values():
                if process.wanted and process.child is None and now >= process.next_start:
                    self._start(process)
            self._look()
            with suppress(queue.Empty):
                while True:
                    self._orders.get_nowait()()
        self._selector.close()

    def _look(self) -> None:
        """Read what was written, for at most one tick, and see who ended."""
        for key, _ in self._selector.select(_TICK):
            self._read(key.data)
        for process in self._processes.values():
            after = process.successor
            if after and after.child and _has_ended(after.child):
                child = after.child
                self._ended(after)
                process.successor = None
                words = f"; its last words: {after.last_words[:300]}" if after.last_words else ""
                process.fallen = f"the new {process.name} ended with {_words(child.returncode)}{words}"
                self._tell(process.name, f"{process.fallen}; the old one stays")
            if process.child and _has_ended(process.child):
                self._ended(process)

    def _start(self, process: _Process) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        env, keep = self._env, []
        if (given := self._sockets.get(process.name)) is not None:
            env, keep = {**env, f"{process.name.upper()}_FD": str(given.fileno())}, [given.fileno()]
        try:
            process.child = spawn(process.argv, env=env, cwd=self._cwd, output=writer, keep=keep)
        except OSError as error:
            os.close(reader)
            process.pause = self._backoff.after(process.pause, 0)
            process.next_start = time.monotonic() + process.pause
            self._tell(process.name, f"could not be started: {error.strerror}")
            return
        finally:
            os.close(writer)
        process.output, process.rest, process.last_words, process.started = reader, b"", "", time.monotonic()
        self._selector.register(reader, selectors.EVENT_READ, process)
        self._publish(process)

    def _read(self, process: _Process) -> None:
        if process.output is None:
            return
        try:
            data = os.read(process.output, 65536)
        except BlockingIOError:
            return
        if not data:
            self._close_output(process)
            return
        process.log.write(data)
        *lines, process.rest = (process.rest + data).split(b"\n")
        process.rest = process.rest[-65536:]
        for line in lines:
            self._inspect(process, line)

    def _inspect(self, process: _Process, line: bytes) -> None:
        text = line.decode(errors="replace").rstrip("\r")
        process.last_words = text or process.last_words
        word = self._word_of(process.name)
        process.stands_by = process.stands_by or bool(word and word in text)
        if self._on_problem and process.problems.wants(text):
            self._on_problem(process.name, text)

    def _close_output(self, process: _Process) -> None:
        if process.output is not None:
            self._selector.unregister(process.output)
            os.close(process.output)
            process.output = None

    def _ended(self, process: _Process) -> None:
        """A child ended: end what it left, keep its last words, plan the next start."""
        child = process.child
        assert child is not None
        # The dead leader is not collected yet, so its id still names its group and nobody else's.
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
        code = child.wait()
        while process.output is not None and _readable(process.output):
            self._read(process)
        self._close_output(process)
        if process.rest:
            self._inspect(process, process.rest)
        process.child = None
        if process.successor and process.successor.child:
            process.replaced = False
            self._succeed(process)
        elif process.replaced and process.wanted and not self._draining:
            process.replaced, process.pause, process.next_start = False, 0.0, 0.0
        elif process.wanted and not self._draining:
            process.pause = self._backoff.after(process.pause, time.monotonic() - process.started)
            process.next_start = time.monotonic() + process.pause
            process.restarts += 1
            self._tell(process.name, f"ended with {_words(code)}; starts again in {process.pause:g} s")
            if code > 0 and process.last_words and self._on_problem:
                self._on_problem(process.name, f"its last words: {process.last_words[:300]}")
        self._publish(process)

    def _take_away(self, process: _Process) -> None:
        process.wanted = False
        if process.child:
            os.kill(process.child.pid, signal.SIGKILL)
        else:
            self._publish(process)

    def _stands_by_within(self, name: str, before: int | None, seconds: float) -> None:
        """Wait until a process's successor stands by, or has taken over from one that died. Raises NotReplaced."""
        process, deadline = self._processes[name], time.monotonic() + seconds
        with self._changed:
            while time.monotonic() < deadline:
                successor = process.successor
                if (successor is not None and successor.stands_by) or self._status[name].pid != before:
                    return
                if process.fallen:
                    raise NotReplaced(process.fallen)
                self._changed.wait(_TICK)
        self._order(lambda: self._end_successor(process))
        raise NotReplaced(f"the new {name} did not stand by within {seconds:g} s")

    def _start_successor(self, process: _Process) -> None:
        if process.successor is None and process.wanted and process.child:
            process.successor = _Process(process.name, process.argv, process.log, wanted=False)
            self._start(process.successor)
            if process.successor.child is None:
                process.successor, process.fallen = None, f"the new {process.name} could not be started"

    def _end_successor(self, process: _Process) -> None:
        if process.successor and process.successor.child:
            os.kill(process.successor.child.pid, signal.SIGKILL)

    def _succeed(self, process: _Process) -> None:
        """The successor of a process that has ended takes its place."""
        after, process.successor = process.successor, None
        assert after is not None
        process.child, process.output, process.started = after.child, after.output, after.started
        process.rest, process.last_words = after.rest, after.last_words
        if process.output is not None:
            self._selector.modify(process.output, selectors.EVENT_READ, process)

    def _replace(self, process: _Process) -> None:
        process.replaced = True
        if process.child:
            os.kill(process.child.pid, signal.SIGTERM)

    def _bring_back(self, process: _Process) -> None:
        process.wanted, process.next_start, process.pause = True, 0.0, 0.0

    def _drain(self, seconds: float) -> bool:
        self._draining = True
        end = time.monotonic() + seconds
        stages = self._stages()
        clean = True
        for number, stage in enumerate(stages):
            # Every later stage keeps at least a second of the time there is.
            limit = max(time.monotonic() + 0.5, min(time.monotonic() + 6, end - (len(stages) - number - 1)))
            clean = self._end_stage(stage, limit) and clean
        for process in self._processes.values():
            process.wanted = False
            self._publish(process)
            process.log.close()
        return clean

    def _stages(self) -> list[list[_Process]]:
        known = {name: place for place, names in enumerate(DRAIN_ORDER) for name in names}
        stages: list[list[_Process]] = [[] for _ in DRAIN_ORDER]
        for process in self._processes.values():
            stages[known.get(process.name, 0)].append(process)
        return [stage for stage in stages if stage]

    def _end_stage(self, stage: list[_Process], limit: float) -> bool:
        for process in stage:
            for one in (process.successor, process):
                if one and one.child:
                    os.kill(one.child.pid, signal.SIGTERM)
        while any(process.child for process in stage) and time.monotonic() < limit:
            self._look()
        late = [process for process in stage if process.child]
        for process in late:
            self._tell(process.name, "did not end in time and is killed")
            if process.child:
                os.kill(process.child.pid, signal.SIGKILL)
        while any(process.child for process in late):
            self._look()
        return not late

    def _tell(self, name: str, text: str) -> None:
        process = self._processes[name]
        process.log.write(f"--- {text}\n".encode())
        if self._on_problem:
            self._on_problem(name, text)

    def _publish(self, process: _Process) -> None:
        if self._processes[process.name] is not process:
            return  # one that stands by shows when its time has come
        status = process.status()
        with self._changed:
            self._status[process.name] = status
            self._changed.notify_all()
        if self._on_change:
            self._on_change(status)


def _has_ended(child: subprocess.Popen[bytes]) -> bool:
    """True when the child has ended; it is left uncollected."""
    try:
        return os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True


def _readable(handle: int) -> bool:
    with selectors.DefaultSelector() as selector:
        selector.register(handle, selectors.EVENT_READ)
        return bool(selector.select(0))


def _words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
