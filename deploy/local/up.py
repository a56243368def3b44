"""./run itself: bring the product up, keep it up, take it down in order."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import psutil

from .files import write_private
from .identity import Identity, end
from .ledger import Ledger, StackBusy, StackLock
from .logs import Console, last_lines
from .network import is_free
from .procfile import read_procfile
from .servers import ServerFailed, adopt_orphans
from .stack import HOME, ROOT, AsteriskUnavailable, Stack, given_by_user
from .supervisor import NotReplaced, ProcessStatus, Supervisor

REPLACE_ORDER = ("pacing", "worker", "agi", "switchboard", "web")
"""For a new version: who makes work first, and the switchboard only when its successor stands by."""
STAYS_S = 3.0
"""How long a replaced process is watched: one that cannot run has ended by then."""
WEB_PORTS = range(8000, 8100)
OK, FAILED, NOT_RUNNING, NO_ASTERISK = 0, 1, 3, 4
BACKLOG = 2048
"""Connections that may wait for the web to take them."""
HEALTH_SECONDS = 90
"""How long the web process may take until it answers."""


class StartFailed(Exception):
    """The product did not come up; the text says why."""


class Interrupted(Exception):
    """Ctrl-C or SIGTERM before everything was up."""


def data_dir() -> Path:
    """The state folder of ./run: CORDBOARD_DATA_DIR or .cordboard/var."""
    return Path(os.environ.get("CORDBOARD_DATA_DIR") or HOME / "var").resolve()


class Runner:
    """One life of the product. `run` gives the exit code."""

    def __init__(self, options: argparse.Namespace, console: Console) -> None:
        self._options, self._console = options, console
        self._state_dir = data_dir()
        self._lock, self._ledger = StackLock(self._state_dir), Ledger(self._state_dir)
        self._stopping = threading.Event()
        self._reloading = threading.Event()
        self._reloads = 0
        self._interruptible = True
        self._supervisor: Supervisor | None = None
        self._web: socket.socket | None = None
        """Where the web listens. It is ours, so it is there while one web takes over from another."""
        self._given = self._settings()
        self._stack = Stack(
            self._state_dir,
            asterisk=self._given["CORDBOARD_SWITCH"] == "asterisk",
            environment="development",
            durable=True,
            given=self._given,
            seed=int(self._given.get("CARRIER_SEED", "1")),
            report=lambda text: console.say(f"  {text}"),
            ledger=self._ledger,
        )

    def run(self) -> int:
        """Bring up, wait for a signal, take down."""
        try:
            self._lock.acquire()
        except StackBusy:
            return self._say_busy()
        adopt_orphans()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGUSR1, lambda number, frame: self._reloading.set())
        try:
            if found := self._ledger.clean_up():
                self._console.say(f"Ended what an earlier run left behind: {', '.join(found)}.")
            self._bring_up()
            self._watch()
            return OK
        except Interrupted:
            return OK
        except AsteriskUnavailable as error:
            self._console.say(no_asterisk(str(error)))
            return NO_ASTERISK
        except (StartFailed, ServerFailed, OSError, ValueError) as error:
            self._console.say(f"Cordboard could not start: {error}")
            return FAILED
        finally:
            self._interruptible = False
            self._take_down()
            self._lock.release()

    # ---- up

    def _settings(self) -> dict[str, str]:
        """The user's settings with the command line's and the defaults of ./run filled in."""
        given = given_by_user()
        options = self._options
        given["CORDBOARD_SWITCH"] = options.switch or given.get("CORDBOARD_SWITCH", "asterisk")
        # Demo data belong neither in a user's own database nor on their own trunk unless they ask for them.
        own = {"DATABASE_URL", "ASTERISK_ARI_URL"} & given.keys()
        given.setdefault("CORDBOARD_DEMO", "0" if own else "1")
        if options.demo is not None:
            given["CORDBOARD_DEMO"] = "1" if options.demo else "0"
        given.setdefault("WEB_HOST", "127.0.0.1")
        if options.port:
            given["WEB_PORT"] = str(options.port)
        return given

    def _bring_up(self) -> None:
        say, began = self._console.say, time.monotonic()
        self._given_web()
        self._stack.prepare()
        say("Starting the servers …")
        with ThreadPoolExecutor(1) as pool:
            collected = pool.submit(self._manage, "collectstatic", "--no-input", "--clear", "--verbosity", "0")
            self._stack.start()
            collected.result()
        write_private(self._state_dir / "env.json", json.dumps(self.settings))
        say("Bringing the database up to date …")
        self._manage("migrate", "--no-input", "--verbosity", "0")
        sign_ins = self._manage("seed_demo") if self._given["CORDBOARD_DEMO"] == "1" else ""
        say("Starting the processes …")
        self._supervisor = self._make_supervisor()
        self._supervisor.start()
        self._wait_healthy()
        address = self.env["PUBLIC_URL"]
        self._ledger.note(phase="up", address=address, sign_ins=sign_ins)
        say(f"\nCordboard is up at {address} (after {time.monotonic() - began:.1f} s)")
        if sign_ins.strip():
            say(f"\n{sign_ins.strip()}")
        say(f"\nLogs: {self._stack.log_dir}   Stop: Ctrl-C or ./run stop")

    def _given_web(self) -> None:
        """Choose the web's port: what was asked for must be free, otherwise the first free one from 8000 on."""
        host = self._given["WEB_HOST"]
        if port := self._given.get("WEB_PORT"):
            if not is_free(int(port), host):
                raise StartFailed(f"port {port} of {host} is taken or not allowed; choose another with ./run --port N")
        else:
            self._given["WEB_PORT"] = str(self._stack.ports.take("web", WEB_PORTS, host))
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104
        self._given.setdefault("PUBLIC_URL", f"http://{shown}:{self._given['WEB_PORT']}")

    @property
    def env(self) -> dict[str, str]:
        """The environment of every process."""
        return {**self._stack.env, **self.settings}

    @property
    def settings(self) -> dict[str, str]:
        """What of it is ours."""
        return {**self._stack.settings, **{key: self._given[key] for key in ("WEB_HOST", "WEB_PORT", "PUBLIC_URL")}}

    def _manage(self, *arguments: str) -> str:
        done = self._stack.manage(*arguments, check=False)
        if done.returncode:
            words = (done.stderr.strip() or done.stdout.strip())[-3000:]
            raise StartFailed(f"manage.py {arguments[0]} failed:\n{words}")
        return done.stdout

    def _make_supervisor(self) -> Supervisor:
        commands = read_procfile(ROOT / "Procfile")
        if self._given["CORDBOARD_DEMO"] == "1" and "ASTERISK_ARI_URL" not in self._given:
            commands |= read_procfile(Path(__file__).with_name("Procfile.demo"))
        self._web = _listening(self._given["WEB_HOST"], int(self._given["WEB_PORT"]))
        return Supervisor(
            commands,
            env=self.env,
            log_dir=self._stack.log_dir,
            cwd=ROOT,
            sockets={"web": self._web},
            on_change=self._note_process,
            on_problem=self._console.problem,
        )

    def _note_process(self, status: ProcessStatus) -> None:
        self._ledger.record(status.name, status.pid, kind="process", state=status.state, restarts=status.restarts)

    def _wait_healthy(self) -> None:
        assert self._supervisor is not None
        limit = time.monotonic() + HEALTH_SECONDS
        while not answers(self.env):
            web = self._supervisor.status()["web"]
            if web.restarts >= 3 or time.monotonic() > limit:
                words = "\n".join(last_lines(self._stack.log_dir / "web.log", 15))
                raise StartFailed(f"the web process does not answer. The end of its log:\n{words}")
            self._supervisor.wait(lambda status, then=web: status["web"] != then, 0.1)  # type: ignore[misc]

    # ---- while it is up, and down

    def _watch(self) -> None:
        while not self._stopping.wait(0.5):
            self._stack.heal()
            if self._reloading.is_set():
                self._reloading.clear()
                self._reload()

    def _reload(self) -> None:
        """A new version is in place: see that it loads, bring the database up to date, then replace its processes."""
        self._ledger.note(phase="reloading", reload="")
        self._reloads += 1
        failure = "It broke off; ./run logs may say why."
        try:
            self._manage("rehearse")
            self._manage("migrate", "--no-input", "--verbosity", "0")
            self._manage("collectstatic", "--no-input", "--verbosity", "0")
            failure = self._replace_all()
        except StartFailed as error:
            failure = f"Nothing was replaced, the version before runs on: {error}"
        finally:
            self._console.say(failure or "Every process runs the new version.")
            self._ledger.note(phase="up", reload=failure, reloads=self._reloads)

    def _replace_all(self) -> str:
        """Replace one process after the other, and stop at one that does not come up; what happened if not all did."""
        assert self._supervisor is not None
        names = [name for name in REPLACE_ORDER if name in self._supervisor.status()]
        for place, name in enumerate(names):
            try:
                self._supervisor.replace(name)
                self._stays(name)
            except NotReplaced as error:
                done, left = ", ".join(names[:place]) or "none", ", ".join(names[place + 1 :]) or "none"
                return f"Not every process was replaced: {error}. Replaced: {done}; as before: {left}."
        return ""

    def _stays(self, name: str) -> None:
        """Watch a process that has just been replaced; the web until it answers. Raises NotReplaced."""
        assert self._supervisor is not None
        was, log = self._supervisor.status()[name], self._stack.log_dir / f"{name}.log"

        def fell(status: Mapping[str, ProcessStatus]) -> bool:
            return status[name].restarts > was.restarts or status[name].pid is None

        limit = time.monotonic() + (HEALTH_SECONDS if name == "web" else STAYS_S)
        while time.monotonic() < limit:
            if self._supervisor.wait(fell, 0.2):
                words = "\n".join(last_lines(log, 15))
                raise NotReplaced(f"the new {name} does not run and is started again and again. Its log:\n{words}\n")
            if name == "web" and answers(self.env):
                return
        if name == "web":
            raise NotReplaced(f"the new web does not answer within {HEALTH_SECONDS} s")

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._interruptible and self._ledger.facts().get("phase") != "up":
            raise Interrupted

    def _take_down(self) -> None:
        """Drain the processes, then the servers, then whatever is still below us. Signals no longer matter."""
        if self._supervisor or self._stack.pids():
            self._console.say("Stopping …")
            self._ledger.note(phase="stopping")
        if self._supervisor:
            self._supervisor.stop(15)
        if self._web:
            self._web.close()
        self._stack.stop()
        end(who for child in psutil.Process().children(recursive=True) if (who := Identity.of(child.pid)))
        (self._state_dir / "env.json").unlink(missing_ok=True)
        self._ledger.close()

    def _say_busy(self) -> int:
        facts = Ledger(self._state_dir).facts()
        if address := facts.get("address"):
            self._console.say(f"Cordboard is already up at {address}. ./run status shows it, ./run stop stops it.")
        else:
            self._console.say(f"Another ./run is {facts.get('phase', 'starting')}: see ./run status.")
        return FAILED


def _listening(host: str, port: int) -> socket.socket:
    """A socket that takes connections there; they wait until a web serves them."""
    return socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
    )


def answers(env: Mapping[str, str]) -> bool:
    """True when the web process says that it is healthy."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(env["WEB_HOST"], env["WEB_HOST"])  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    request = urllib.request.Request(f"http://{host}:{env['WEB_PORT']}/healthz")
    if hosts := env.get("ALLOWED_HOSTS"):
        request.add_header("Host", hosts.split(",")[0].strip().replace("*", "localhost").lstrip("."))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=5) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def no_asterisk(reason: str) -> str:
    """What to tell somebody whose machine cannot have a private Asterisk."""
    return (
        f"Asterisk cannot be had here: {reason}.\n\nTwo ways on:\n"
        "  1. Use an Asterisk that exists: set ASTERISK_ARI_URL, ASTERISK_ARI_USER, ASTERISK_ARI_PASSWORD,\n"
        "     ASTERISK_AMI_HOST, ASTERISK_AMI_PORT, ASTERISK_AMI_USER, ASTERISK_AMI_PASSWORD and ASTERISK_TRUNK,\n"
        "     then ./run (docs/operations.md says what each means).\n"
        "  2. Try everything but real calls with a simulated switch: ./run --switch simulated"
    )


def up(options: argparse.Namespace) -> int:
    """The command `./run`."""
    if options.detach:
        return _detach(options)
    return Runner(options, Console()).run()


def _detach(options: argparse.Namespace) -> int:
    """Run in the background; returns when it is up, with what it said."""
    log = data_dir() / "log" / "run.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    arguments = [argument for argument in options.arguments if argument not in ("--detach", "-d")]
    with log.open("wb") as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", *(arguments or ["up"])],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    ledger, me = Ledger(data_dir()), Identity.of(child.pid)
    for text in _as_written(log):
        sys.stdout.write(text)
        sys.stdout.flush()
        if child.poll() is not None:
            return child.returncode
        if ledger.runner() == me and ledger.facts().get("phase") == "up":
            break
    return OK


def _as_written(path: Path) -> Iterator[str]:
    """What a file gets, as it gets it; empty texts in between."""
    with path.open() as file, contextlib.suppress(KeyboardInterrupt):
        while True:
            yield file.read()
            time.sleep(0.1)
