"""Look at a stack that another ./run keeps up: status, stop, logs, and its environment."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import signal
import sys
import time
from collections.abc import Iterator

import psutil

from .attached import run_attached
from .identity import Identity, wait_until
from .ledger import TAG, Ledger, StackLock
from .logs import Console, follow, last_lines
from .stack import ROOT, TREE, Stack, given_by_user, without_stack
from .up import FAILED, NOT_RUNNING, OK, data_dir

DEMO_NUMBER, DEMO_CALLER = "+12125550199", "+12125550155"
"""The number that leads to the demo's queue (dialer/calls/management/demo.py), and who calls it."""


def status(options: argparse.Namespace) -> int:
    """Print every process of the running stack; 0 when it is up, 3 when it is not."""
    state_dir = data_dir()
    ledger = Ledger(state_dir)
    if not StackLock(state_dir).is_held():
        left = [entry.name for entry in ledger.entries() if entry.who and entry.who.alive()]
        print(
            "Cordboard is not running."
            + (f" Left behind by a crash: {', '.join(left)}; ./run stop ends them." if left else "")
        )
        return NOT_RUNNING
    facts = ledger.facts()
    phase = facts.get("phase", "starting")
    print(f"Cordboard is {phase}" + (f" at {facts['address']}" if facts.get("address") else ""))
    print(f"{'process':<12} {'pid':>8} {'state':<12} {'uptime':>9} {'rss':>9} {'restarts':>8}")
    runner = ledger.runner()
    if runner:
        _print_line("run", runner, "running", 0)
    for entry in ledger.entries():
        dead = entry.state == "running" and not (entry.who and entry.who.alive())
        _print_line(entry.name, entry.who, "dead" if dead else entry.state, entry.restarts)
    return OK if phase == "up" else NOT_RUNNING


def _print_line(name: str, who: Identity | None, state: str, restarts: int) -> None:
    alive = who if who and who.alive() else None
    uptime = _duration(alive.uptime()) if alive else "-"
    memory = f"{_rss(alive.pid) / 1e6:.0f} MB" if alive else "-"
    print(f"{name:<12} {alive.pid if alive else '-':>8} {state:<12} {uptime:>9} {memory:>9} {restarts:>8}")


def _rss(pid: int) -> int:
    """Resident bytes of one process, its children aside."""
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def stop(options: argparse.Namespace) -> int:
    """Stop the running stack and wait until it is gone; clean up after one that was killed."""
    state_dir = data_dir()
    lock, ledger = StackLock(state_dir), Ledger(state_dir)
    try:
        if not lock.is_held():
            lock.acquire()
            found = ledger.clean_up()
            print(f"Ended what a crash left behind: {', '.join(found)}." if found else "Cordboard is not running.")
            return OK
        runner = ledger.runner()
        if runner is None or not runner.signal(signal.SIGTERM):
            print("A ./run is just beginning or ending; try again.")
            return FAILED
        if not wait_until(lambda: not lock.is_held() and not runner.alive(), 45, 0.05):
            runner.signal(signal.SIGKILL)
            wait_until(lambda: not lock.is_held(), 5, 0.05)
            lock.acquire()
            ledger.clean_up()
            print("Stopped, by force.")
            return FAILED
    except PermissionError:
        print("It runs under another account; stop it from there.")
        return FAILED
    finally:
        lock.release()
    print("Stopped.")
    return OK


def reload(options: argparse.Namespace) -> int:
    """Have the running stack replace its processes, and wait until it has. Calls go on."""
    ledger = Ledger(data_dir())
    runner = ledger.runner() if StackLock(data_dir()).is_held() else None
    before = ledger.facts()
    if runner is None or before.get("phase") != "up" or not runner.signal(signal.SIGUSR1):
        print("Cordboard is not up here; ./run starts it.")
        return NOT_RUNNING
    count = before.get("reloads", 0)
    over = wait_until(lambda: ledger.facts().get("reloads", 0) != count or not runner.alive(), 400, 0.2)
    if not over or not runner.alive():
        print("It has not finished; see ./run status and ./run logs.")
        return FAILED
    failure = ledger.facts().get("reload", "")
    print(failure or "Every process was replaced.")
    return FAILED if failure else OK


def logs(options: argparse.Namespace) -> int:
    """Print the last lines of one or all logs; with -f go on until Ctrl-C."""
    folder = data_dir() / "log"
    known = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if options.process and options.process not in known:
        print(f"There is no log of {options.process!r}. There are: {', '.join(known) or 'none yet'}.", file=sys.stderr)
        return FAILED
    chosen = {options.process: known[options.process]} if options.process else known
    console = Console()
    show = (lambda name, line: console.say(line)) if options.process else console.problem
    for name, path in chosen.items():
        for line in last_lines(path, options.lines):
            show(name, line)
    if options.follow:
        with contextlib.suppress(KeyboardInterrupt):
            for name, line in follow(chosen, _pause):
                show(name, line)
    return OK


def _pause() -> bool:
    time.sleep(0.2)
    return True


@contextlib.contextmanager
def environment() -> Iterator[dict[str, str]]:
    """The environment of the running stack; when none runs, of its data servers, started for the moment."""
    state_dir = data_dir()
    lock = StackLock(state_dir)
    if lock.is_held():
        try:
            settings: dict[str, str] = json.loads((state_dir / "env.json").read_text())
        except OSError:
            raise SystemExit("Cordboard is just starting or stopping; try again when ./run status says up.") from None
        yield {**without_stack(os.environ), **{name: value for name, value in settings.items() if name != TAG}}
        return
    lock.acquire()
    ledger = Ledger(state_dir)
    try:
        ledger.clean_up()
        given = given_by_user()
        with Stack(
            state_dir, asterisk=False, environment="development", durable=True, given=given, ledger=ledger
        ) as stack:
            yield {name: value for name, value in stack.env.items() if name != TAG}
    finally:
        lock.release()


def print_environment(options: argparse.Namespace) -> int:
    """Print what differs from our own environment, as lines for a shell: eval "$(./run env)"."""
    if not StackLock(data_dir()).is_held():
        print("Cordboard is not running; ./run env shows the environment of a stack that is.", file=sys.stderr)
        return NOT_RUNNING
    with environment() as env:
        for name in sorted(env):
            if os.environ.get(name) != env[name]:
                print(f"export {name}={shlex.quote(env[name])}")
    return OK


NUMBER = re.compile(r"\+?[0-9]{3,15}")


def call_in(options: argparse.Namespace) -> int:
    """Let somebody on the simulated carrier call a number of ours; they say back what they hear."""
    from asterisk.sandbox import Sandbox, SandboxFailed

    state_dir = data_dir()
    if not StackLock(state_dir).is_held():
        print("Cordboard is not running. Start it with ./run first.", file=sys.stderr)
        return NOT_RUNNING
    if not NUMBER.fullmatch(options.number) or not NUMBER.fullmatch(options.caller):
        print(f"A number is digits with its country code, such as {DEMO_NUMBER}.", file=sys.stderr)
        return FAILED
    with environment() as env:
        network = env.get("ASTERISK_SIP_HOST", "").rpartition(".")[0]
    try:
        box = Sandbox(state_dir / "asterisk", TREE, network)
        line = f"Local/{options.number}*{options.caller}@calling/n"
        said = box.cli("carrier", "channel", "originate", line, "extension", "echo@customer")
    except SandboxFailed as error:
        print(f"run: {error}", file=sys.stderr)
        return FAILED
    if "unable to connect" in said.lower():
        print("The simulated carrier does not run; it comes with ./run (without --switch simulated).", file=sys.stderr)
        return FAILED
    print(f"{options.caller} is calling {options.number}. They say back what they hear, and do not hang up.")
    return OK


def manage(options: argparse.Namespace) -> int:
    """manage.py in the stack's environment, with our terminal."""
    with environment() as env:
        return run_attached([sys.executable, "manage.py", *options.rest], env=env, cwd=ROOT)


def simulate(options: argparse.Namespace) -> int:
    """manage.py simulate in the stack's environment."""
    with environment() as env:
        return run_attached([sys.executable, "manage.py", "simulate", *options.rest], env=env, cwd=ROOT)
