"""`./run` on servers of the user's own: PostgreSQL, Redis and Asterisk that it has not started and does not stop."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from asterisk.ari import Ari
from asterisk.needs import lacks
from asterisk.sandbox import Sandbox
from asterisk.sandbox.truth import read_truth
from asterisk.settings import AsteriskSettings
from deploy.local.identity import Identity
from deploy.local.ledger import Ledger
from deploy.local.procfile import read_procfile
from deploy.local.stack import HOME, ROOT, Stack, without_stack
from tests.floor import until
from tests.pbx.watched import Bench

TALKED = "SELECT count(*) FROM calls_calltask WHERE outcome = 'connected' AND ended_at IS NOT NULL"


@pytest.fixture
def theirs() -> Iterator[Stack]:
    """Servers that somebody else runs: the product is given their addresses and nothing more."""
    with Stack(HOME / f"theirs-{os.getpid()}", asterisk=True) as stack:
        yield stack


def database_of_their_own(stack: Stack) -> str:
    """The address of a new, empty database whose role owns it and nothing else."""
    password, name = secrets.token_urlsafe(12), "callcentre"
    address = urlsplit(stack.settings["DATABASE_URL"])
    with psycopg.connect(urlunsplit(address), autocommit=True) as connection:
        role = sql.Identifier(name)
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
        connection.execute(made)
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
    return urlunsplit(address._replace(netloc=f"{name}:{password}@127.0.0.1:{address.port}", path=f"/{name}"))


@contextmanager
def product(state: Path, given: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """./run in the foreground with these settings, up; ended as Ctrl-C would."""
    env = {**without_stack(os.environ), **given, "CORDBOARD_DATA_DIR": str(state)}
    words = [sys.executable, "-m", "deploy.local"]
    with subprocess.Popen(
        words, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as child:
        try:
            until(lambda: child.poll() is not None or Ledger(state).facts().get("phase") == "up", 90, "it is up")
            assert child.poll() is None, child.communicate()[0]
            yield child
        finally:
            child.send_signal(signal.SIGINT)
            child.communicate(timeout=60)


@contextmanager
def demo_floor(settings: dict[str, str], log: Path) -> Iterator[None]:
    """The demo's people at their desks, with phones at the foreign Asterisk. ./run starts them with its own only."""
    words = shlex.split(read_procfile(ROOT / "deploy" / "local" / "Procfile.demo")["robots"])
    env = {**without_stack(os.environ), **settings}
    with log.open("w") as out, subprocess.Popen(words, cwd=ROOT, env=env, stdout=out, stderr=out) as child:
        try:
            yield
        finally:
            child.send_signal(signal.SIGTERM)
            child.wait(30)


def test_calls_go_through_servers_that_were_there_before_and_stay(theirs: Stack, tmp_path: Path) -> None:
    named = {name: value for name, value in theirs.settings.items() if name.startswith("ASTERISK_")}
    database = database_of_their_own(theirs)
    redis = urlsplit(theirs.settings["REDIS_URL"])._replace(path="/3")
    given = {**named, "DATABASE_URL": database, "REDIS_URL": urlunsplit(redis), "CORDBOARD_DEMO": "1"}
    servers = {name: Identity.of(pid) for name, pid in theirs.pids().items()}
    state = tmp_path / "ours"
    with product(state, given) as child:
        entries = {entry.name: entry.who for entry in Ledger(state).entries() if entry.who}
        assert set(entries) == {"web", "switchboard", "pacing", "worker", "agi"}, "no second server"
        settings = json.loads((state / "env.json").read_text())
        with demo_floor(settings, tmp_path / "robots.log"), psycopg.connect(database, autocommit=True) as rows:
            until(lambda: rows.execute(TALKED).fetchone() != (0,), 90, "an agent and a customer have talked")
    assert child.returncode == 0
    assert [call for call in read_truth(theirs.settings["CARRIER_TRUTH"]) if call.answered], "the carrier saw it"
    assert not [name for name, who in entries.items() if who.alive()]
    assert all(who and who.alive() for who in servers.values()), "their servers run on"


async def test_an_asterisk_that_lacks_something_is_told_from_one_that_is_whole(bench: Bench, sandbox: Sandbox) -> None:
    settings = AsteriskSettings.from_env(sandbox.env())
    ari = Ari(settings.ari_url, settings.ari_user, settings.ari_password, "needs-test")
    up = asyncio.Event()
    running = asyncio.create_task(ari.run(lambda _: None, up.set, lambda _: None))
    try:
        await asyncio.wait_for(up.wait(), 5)
        assert await lacks(ari, settings.app) == []
        [other] = await lacks(ari, "another")
        assert f"CORDBOARD_APP is {settings.app}; ASTERISK_ARI_APP is another" in other
        assert "unloaded" in sandbox.cli("pbx", "module", "unload", "app_amd.so").lower()
        [gone] = await lacks(ari, settings.app)
        assert "app_amd" in gone
    finally:
        sandbox.cli("pbx", "module", "load", "app_amd.so")
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
