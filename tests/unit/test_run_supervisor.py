"""The supervisor of ./run on tiny real processes: restarts, back-off, draining, and that nothing is left behind."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.identity import Identity, wait_until
from deploy.local.procfile import read_procfile
from deploy.local.supervisor import Backoff, Supervisor

QUICK = Backoff(first=0.05, most=0.2, healthy=30)
Start = Callable[..., Supervisor]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a supervisor of these commands; it is stopped at the end."""
    made: list[Supervisor] = []

    def make(commands: dict[str, str], **options: object) -> Supervisor:
        one = Supervisor(
            commands,
            env={**os.environ, "WORK": str(tmp_path)},
            log_dir=tmp_path / "log",
            cwd=tmp_path,
            backoff=QUICK,
            **options,  # type: ignore[arg-type]
        )
        made.append(one)
        one.start()
        return one

    yield make
    for one in made:
        one.stop(3)


def who(pid: int) -> Identity:
    found = Identity.of(pid)
    assert found
    return found


def written(path: Path) -> int:
    """The number that a child writes into this file."""
    assert wait_until(lambda: path.exists() and path.read_text().endswith("\n"), 10)
    return int(path.read_text())


def test_a_killed_process_starts_again_and_the_others_stay(start: Start) -> None:
    supervisor = start({"web": "sleep 600", "worker": "sleep 600"})
    before = supervisor.pids()
    supervisor.kill("worker")
    assert supervisor.wait(lambda now: now["worker"].pid not in (None, before["worker"]), 10)
    assert supervisor.pids()["web"] == before["web"]
    assert supervisor.status()["worker"].restarts == 1


def test_a_process_that_ends_well_starts_again_too(start: Start) -> None:
    supervisor = start({"web": "true"})
    assert supervisor.wait(lambda now: now["web"].restarts >= 2, 10)


def test_a_command_that_does_not_exist_backs_off_and_is_reported(start: Start) -> None:
    told: list[tuple[str, str]] = []
    supervisor = start({"web": "no-such-program", "worker": "sleep 600"}, on_problem=lambda *line: told.append(line))
    assert supervisor.wait(lambda now: now["web"].restarts >= 2, 10)
    assert ("web", "ended with exit code 127; starts again in 0.05 s") in told
    assert supervisor.status()["worker"].state == "running"


@pytest.mark.parametrize(
    ("previous", "ran", "pause"),
    [(0, 0, 0.2), (0.2, 0, 0.4), (0.4, 29.9, 0.8), (3.2, 0, 5), (5, 0, 5), (5, 30, 0.2)],
)
def test_pauses_double_to_a_limit_and_a_healthy_run_forgives(previous: float, ran: float, pause: float) -> None:
    assert Backoff().after(previous, ran) == pytest.approx(pause)


def test_draining_lets_processes_finish_in_order_web_last(start: Start, tmp_path: Path) -> None:
    command = """sh -c 'trap "echo $0 >>$WORK/order; exit" TERM; echo $$ >"$WORK/$0"; while :; do sleep 0.02; done' """
    names = ("web", "switchboard", "pacing", "robots")
    supervisor = start({name: command + name for name in names})
    for name in names:
        written(tmp_path / name)
    assert supervisor.stop(10)
    assert (tmp_path / "order").read_text().split() == ["robots", "pacing", "switchboard", "web"]


def test_a_process_that_will_not_end_is_killed_in_time(start: Start, tmp_path: Path) -> None:
    supervisor = start({"web": """sh -c 'trap "" TERM; echo $$ >$WORK/pid; while :; do sleep 0.1; done'"""})
    stubborn = who(written(tmp_path / "pid"))
    assert not supervisor.stop(0.5)
    assert not stubborn.alive()


def test_grandchildren_end_with_a_killed_child_and_with_a_drained_one(start: Start, tmp_path: Path) -> None:
    supervisor = start({"web": "sh -c 'sleep 600 & echo $! >$WORK/pid; wait'"})
    first = who(written(tmp_path / "pid"))
    (tmp_path / "pid").unlink()
    supervisor.kill("web")
    assert wait_until(lambda: not first.alive(), 15)
    second = who(written(tmp_path / "pid"))
    supervisor.stop(5)
    assert wait_until(lambda: not second.alive(), 15)


def test_what_processes_write_is_logged_and_problems_are_passed_on(start: Start, tmp_path: Path) -> None:
    told: list[str] = []
    text = r"all well\n2026-01-01 10:00:00 ERROR dialer.x: no line\n"
    text += r"Traceback (most recent call last):\n  File x\nE: y\nfine\n"
    supervisor = start({"web": f"sh -c 'printf \"{text}\"; sleep 600'"}, on_problem=lambda _, line: told.append(line))
    log = tmp_path / "log" / "web.log"
    assert wait_until(lambda: "fine" in log.read_text(), 15)
    supervisor.stop(3)
    wanted = ["2026-01-01 10:00:00 ERROR dialer.x: no line", "Traceback (most recent call last):", "  File x", "E: y"]
    assert told == wanted
    assert log.read_text().startswith("all well\n")


def test_a_process_can_be_taken_away_and_brought_back(start: Start) -> None:
    supervisor = start({"web": "sleep 600", "worker": "sleep 600"})
    supervisor.take_away("worker")
    assert supervisor.status()["worker"].state == "stopped"
    assert not supervisor.wait(lambda now: now["worker"].pid is not None, 0.5)
    supervisor.bring_back("worker")
    assert supervisor.status()["worker"].state == "running"


def test_children_do_not_outlive_a_killed_supervisor(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, time; from deploy.local.supervisor import Supervisor; path = pathlib.Path.cwd();"
        "s = Supervisor({'web': 'sleep 600'}, env=os.environ, log_dir=path, cwd=path); s.start();"
        "print(s.pids()['web'], flush=True); time.sleep(600)"
    )
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONPATH": str(root)}
    with subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=env) as parent:
        assert parent.stdout
        child = who(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not child.alive(), 15)


def test_a_procfile_gives_its_processes_with_the_environment_in_their_commands(tmp_path: Path) -> None:
    procfile = tmp_path / "Procfile"
    procfile.write_text("# ours\nweb: sh -c 'echo \"port $PORT\"; exec sleep 600'\nworker: sleep 600\n")
    env = {**os.environ, "PORT": "8123"}
    with Supervisor.from_procfile(procfile, env=env, log_dir=tmp_path / "log", only=["web"]) as supervisor:
        assert list(supervisor.pids()) == ["web"]
        assert wait_until(lambda: "port 8123" in (tmp_path / "log" / "web.log").read_text(), 15)


def test_a_new_version_stands_by_before_the_old_one_is_ended(start: Start, tmp_path: Path) -> None:
    """There is never a moment without one, and nobody is told of a crash."""
    script = tmp_path / "board.py"
    script.write_text(
        "import os, pathlib, signal, time\n"
        "folder = pathlib.Path(os.environ['WORK'])\n"
        "others = len(list(folder.glob('up-*')))\n"
        "mine = folder / f'up-{os.getpid()}'\n"
        "mine.touch()\n"
        "def end(number, frame):\n"
        "    (folder / 'log.txt').open('a').write(f'{len(list(folder.glob(\"up-*\")))}\\n')\n"
        "    mine.unlink()\n"
        "    raise SystemExit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('another leads; standing by' if others else 'leading', flush=True)\n"
        "time.sleep(600)\n"
    )
    supervisor = start({"switchboard": f"{sys.executable} {script}", "web": "sleep 600"})
    first = supervisor.pids()["switchboard"]
    assert wait_until(lambda: (tmp_path / f"up-{first}").exists(), 10)
    supervisor.replace("switchboard")
    status = supervisor.status()["switchboard"]
    assert status.pid not in (None, first)
    assert (status.state, status.restarts) == ("running", 0)
    assert (tmp_path / "log.txt").read_text() == "2\n", "both were there when the first was asked to end"
    second = supervisor.pids()["web"]
    supervisor.replace("web")
    assert supervisor.status()["web"].pid not in (None, second)
    assert supervisor.status()["web"].restarts == 0


ANSWERS = """
import os
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{os.getpid()} {scope['client'][0]}".encode()})
"""


def test_one_web_takes_over_from_another_and_nobody_is_refused(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the Procfile, by uvicorn: the socket is the supervisor's, and two processes serve it for a moment."""
    (tmp_path / "answers.py").write_text(ANSWERS)
    command = read_procfile(Path(__file__).resolve().parents[2] / "Procfile")["web"]
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("WEB_HOST", "127.0.0.1")
    monkeypatch.setenv("WEB_PORT", "1")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listening:
        port = listening.getsockname()[1]
        supervisor = start(
            {"web": command.replace("dialer.asgi:application", "answers:app")}, sockets={"web": listening}
        )
        first = supervisor.pids()["web"]
        assert asked(port) == f"{first} 127.0.0.1", "who came before it listened has waited; it knows who asks"
        told: list[str] = []
        over = threading.Event()

        def ask_on() -> None:
            while not over.is_set():
                told.append(asked(port))

        asking = threading.Thread(target=ask_on)
        asking.start()
        supervisor.replace("web")
        second = supervisor.pids()["web"]
        assert wait_until(lambda: f"{second} 127.0.0.1" in told or "refused" in told, 30)
        over.set()
        asking.join()
        assert {words.split()[0] for words in told if words} == {str(first), str(second)}
        assert supervisor.status()["web"].restarts == 0


def asked(port: int) -> str:
    """What the web answers; "refused" when nobody listens, and nothing when it ended just as it was being asked."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.connect()
    except ConnectionRefusedError:
        return "refused"
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    except (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected):
        return ""
    finally:
        connection.close()
