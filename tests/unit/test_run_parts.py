"""The small parts of ./run: who a process is, addresses, secrets, logs, the Procfile, and the count of test results."""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest

from deploy.local import watch
from deploy.local.__main__ import parser
from deploy.local.files import read_json, secret, write_json
from deploy.local.identity import Identity, end, tagged
from deploy.local.ledger import TAG, Ledger, StackBusy, StackLock
from deploy.local.logs import Console, RotatingLog, last_lines
from deploy.local.network import Ports, is_free, loopback_network
from deploy.local.procfile import read_procfile
from deploy.local.stack import ROOT, given_by_user, without_stack
from deploy.local.testing import Tally

# ---- processes


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process to aim at."""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        yield child
        child.kill()


def test_a_recycled_process_id_is_not_signalled(sleeper: subprocess.Popen[bytes]) -> None:
    now = Identity.of(sleeper.pid)
    assert now
    earlier = dataclasses.replace(now, ticks=now.ticks - 1)
    other_boot = dataclasses.replace(now, boot="another")
    for stranger in (earlier, other_boot):
        assert not stranger.alive()
        assert not stranger.signal(signal.SIGKILL)
        assert not stranger.signal_group(signal.SIGKILL)
    assert end([earlier, other_boot], 0.1) == []
    assert sleeper.poll() is None
    assert end([now], 5) == [now]
    assert sleeper.wait(5) == -signal.SIGTERM


def test_a_process_that_is_gone_is_nobody(sleeper: subprocess.Popen[bytes]) -> None:
    who = Identity.of(sleeper.pid)
    assert who
    assert Identity.from_json(who.to_json()) == who
    assert 0 <= who.uptime() < 60
    sleeper.kill()
    sleeper.wait()
    assert not who.alive()
    assert not who.signal(signal.SIGTERM)


def test_leftovers_are_found_by_their_mark_even_outside_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    word = ledger.begin()
    env = {**os.environ, TAG: word}
    with subprocess.Popen(["sleep", "600"], env=env, start_new_session=True) as child:
        assert [who.pid for who in tagged(TAG, word)] == [child.pid]
        assert tagged(TAG, word[:-1]) == []
        assert Ledger(tmp_path).clean_up() == [f"process {child.pid}"]
        assert child.wait(5) == -signal.SIGTERM
    assert not (tmp_path / "processes.json").exists()


def test_one_runner_per_state_folder(tmp_path: Path) -> None:
    first, second = StackLock(tmp_path), StackLock(tmp_path)
    first.acquire()
    assert second.is_held()
    with pytest.raises(StackBusy):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_status_of_a_folder_where_nothing_runs_names_what_a_crash_left(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    sleeper: subprocess.Popen[bytes],
) -> None:
    monkeypatch.setenv("CORDBOARD_DATA_DIR", str(tmp_path))
    ledger = Ledger(tmp_path)
    ledger.begin()
    ledger.record("redis", sleeper.pid, kind="server")
    options = parser().parse_args(["status"])
    assert watch.status(options) == 3
    assert "Left behind by a crash: redis" in capsys.readouterr().out


# ---- addresses


def test_a_folder_has_its_own_network_for_good(tmp_path: Path) -> None:
    networks = {loopback_network(tmp_path / str(number)) for number in range(200)}
    assert len(networks) > 190
    for network in networks:
        first, second, third = map(int, network.split("."))
        assert first == 127
        assert 16 <= second <= 250
        assert 0 <= third <= 255
    assert loopback_network(tmp_path / "7") == loopback_network(tmp_path / "x" / ".." / "7")


def test_a_port_is_remembered_until_somebody_else_has_it(tmp_path: Path) -> None:
    port = Ports(tmp_path).take("postgres")
    assert Ports(tmp_path).take("postgres") == port
    assert Ports(tmp_path).take("redis") != port
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        assert not is_free(port)
        assert Ports(tmp_path).take("postgres") != port


# ---- files and settings


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "secrets" / "key"
    word = secret(path)
    assert secret(path) == word
    assert len(word) > 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    write_json(tmp_path / "a.json", {"a": 1})
    assert read_json(tmp_path / "a.json") == {"a": 1}
    (tmp_path / "a.json").write_text("{broken")
    assert read_json(tmp_path / "a.json") == {}


def test_only_the_schema_of_settings_is_taken_from_the_users_environment() -> None:
    environ = {
        "DATABASE_URL": "postgres://x",
        "ASTERISK_ARI_URL": "",
        "PATH": "/bin",
        TAG: "outer",
        "CORDBOARD_DEMO": "0",
    }
    assert given_by_user(environ) == {"DATABASE_URL": "postgres://x", "CORDBOARD_DEMO": "0"}
    assert without_stack(environ) == {"PATH": "/bin"}


def test_the_products_procfile_and_broken_ones(tmp_path: Path) -> None:
    assert set(read_procfile(ROOT / "Procfile")) >= {"web", "switchboard", "pacing", "worker"}
    assert list(read_procfile(ROOT / "deploy" / "local" / "Procfile.demo")) == ["robots"]
    for text in ("", "# nothing\n", "web: a\nweb: b\n"):
        (tmp_path / "Procfile").write_text(text)
        with pytest.raises(ValueError, match="Procfile"):
            read_procfile(tmp_path / "Procfile")


# ---- logs


def test_a_log_is_set_aside_when_full_and_read_back_across_files(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "web.log", limit=100, kept=2)
    for number in range(40):
        log.write(f"line {number:03}\n".encode())
    log.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1", "web.log.2"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert last_lines(tmp_path / "web.log", 12) == [f"line {number:03}" for number in range(28, 40)]


def test_the_console_puts_the_name_before_a_problem() -> None:
    stream = StringIO()
    Console(stream).problem("web", "ERROR x")
    assert stream.getvalue() == "web         | ERROR x\n"


# ---- results of tests

REPORT = """<testsuites><testsuite>
<testcase classname="tests.unit.test_a" name="one"/>
<testcase classname="tests.unit.test_a" name="two"><failure>no</failure></testcase>
<testcase classname="tests.unit.test_a.TestB" name="three"><error>no</error></testcase>
<testcase classname="tests.web.test_c" name="four"><skipped/></testcase>
</testsuite></testsuites>"""


def test_the_closing_line_adds_up_every_call_and_counts_what_went_wrong_outside(tmp_path: Path) -> None:
    tally = Tally()
    (tmp_path / "report.xml").write_text(REPORT)
    assert tally.add_report(tmp_path / "report.xml")
    assert tally.add_report(tmp_path / "report.xml")
    assert tally.closing() == "2 passed, 4 failed, 2 skipped"
    assert tally.ran_in["tests/unit"] == 6
    assert tally.ran_in["tests/web"] == 0
    assert not tally.add_report(tmp_path / "none.xml")
    tally.fail("the browser is missing")
    assert tally.closing() == "2 passed, 5 failed, 2 skipped"
    assert tally.code == 1
    assert Tally().code == 1
    assert Tally(passed=1, skipped=3).code == 0
