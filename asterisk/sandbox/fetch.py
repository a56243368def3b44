"""Fetch a private Asterisk (and espeak-ng for its voices) from the Debian mirror this machine already uses.

The host's packages, apt lists and dpkg database are read, never changed. A private apt state with an empty dpkg
status resolves the whole closure, libc included; apt checks the signatures; dpkg-deb unpacks. No maintainer script
runs and nothing needs root, chroot or mounts: programs of the tree run through the tree's own dynamic loader.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .errors import SandboxUnavailable

Report = Callable[[str], None]

PACKAGES = ("asterisk", "asterisk-core-sounds-en-wav", "asterisk-moh-opsound-wav", "espeak-ng")
SUITE = "sid"
"""The one suite of Debian that carries a current Asterisk."""
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
ARCHITECTURES = ("amd64", "arm64")
NEEDED_BYTES = 900_000_000
"""Free disk needed while the packages and what is unpacked from them lie side by side."""
TREE_VERSION = 1
"""Raise it to have trees of an older layout made anew."""
UNWANTED = (
    "./usr/share/doc/*",
    "./usr/share/man/*",
    "./usr/share/info/*",
    "./usr/share/locale/*",
    "./usr/share/perl*",
    "./usr/lib/*/perl*",
    "./usr/share/lintian/*",
    "./usr/share/bug/*",
    "./usr/lib/*/dri/*",
)


@dataclass(frozen=True, slots=True)
class Tree:
    """An unpacked tree of programs that run in place."""

    path: Path
    loader: Path
    libraries: Path

    @property
    def root(self) -> Path:
        """The folder that stands for `/` of the tree."""
        return self.path / "root"

    def command(self, program: str, *args: str) -> list[str]:
        """The argument list that runs a program of the tree, named by its path below the root (`usr/sbin/asterisk`)."""
        name = program.rsplit("/", 1)[-1]
        return [
            str(self.loader),
            "--library-path",
            # The second folder is where libpulse, which espeak-ng is linked with, keeps its private half.
            f"{self.libraries}:{self.libraries}/pulseaudio",
            "--argv0",
            name,
            str(self.root / program),
            *args,
        ]


def open_tree(path: Path) -> Tree | None:
    """The tree at `path`, or None when there is none that this version can use."""
    try:
        stamp = json.loads((path / "stamp.json").read_text())
    except (OSError, ValueError):
        return None
    if stamp.get("version") != TREE_VERSION or stamp.get("packages") != list(PACKAGES):
        return None
    return Tree(path, path / stamp["loader"], path / stamp["libraries"])


def ensure_tree(path: Path, report: Report) -> Tree:
    """The tree at `path`, fetched when missing (about 20 s, 250 MB). Raises SandboxUnavailable with the reason."""
    path = path.absolute()
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.parent / f".{path.name}.lock"):
        if tree := open_tree(path):
            return tree
        _check_machine(path.parent)
        work = path.parent / f".{path.name}.new"
        shutil.rmtree(work, ignore_errors=True)
        try:
            _build(work, report)
            if path.exists():
                shutil.rmtree(path)
            work.rename(path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    tree = open_tree(path)
    if tree is None:
        raise SandboxUnavailable(f"the tree at {path} was built but cannot be read back")
    return tree


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _check_machine(folder: Path) -> None:
    """Raise SandboxUnavailable for what is known to be hopeless before any byte is fetched."""
    for tool in ("apt-get", "dpkg", "dpkg-deb", "tar"):
        if shutil.which(tool) is None:
            raise SandboxUnavailable(
                f"this is {_os_name()}, without {tool}: the private Asterisk is made of Debian packages"
            )
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    if architecture not in ARCHITECTURES:
        raise SandboxUnavailable(
            f"Debian's Asterisk is used on {' and '.join(ARCHITECTURES)}; this machine is {architecture}"
        )
    if not KEYRING.exists():
        raise SandboxUnavailable(
            f"{KEYRING} is missing (package debian-archive-keyring): packages could not be verified"
        )
    free = shutil.disk_usage(folder).free
    if free < NEEDED_BYTES:
        raise SandboxUnavailable(f"{folder} has {free // 1_000_000} MB free; {NEEDED_BYTES // 1_000_000} MB are needed")


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


def _mirror() -> str:
    """The Debian mirror of this host's own apt set-up."""
    release = platform.freedesktop_os_release()
    codename = release.get("VERSION_CODENAME", "")
    wanted = ["Created-By: Packages", "Origin: Debian"] + ([f"Codename: {codename}"] if codename else [])
    lines = _run(["apt-get", "indextargets", "--format", "$(REPO_URI)", *wanted]).split()
    if not lines:
        raise SandboxUnavailable(
            f"this machine ({_os_name()}) has no Debian package lists that name a mirror; "
            "run `apt-get update` as root first"
        )
    return sorted(lines)[0]


def _run(command: Sequence[str]) -> str:
    """Run and return its output; a failure becomes SandboxUnavailable with the program's last words."""
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SandboxUnavailable(_words(command, done.returncode, done.stderr or done.stdout))
    return done.stdout


def _words(command: Sequence[str], code: int, said: str) -> str:
    tail = " / ".join(line.strip() for line in said.strip().splitlines()[-4:])
    return f"{command[0]} ended with code {code}: {tail or 'no message'}"


def _build(work: Path, report: Report) -> None:
    apt, root = work / "apt", work / "root"
    started = time.monotonic()
    report("Asterisk: reading Debian's package index")
    options = _apt_state(apt, _mirror())
    _run(["apt-get", *options, "-qq", "update"])
    report("Asterisk: fetching packages")
    _download(["apt-get", *options, "-qq", "-y", "--download-only", "install", *PACKAGES], report)
    archives = sorted((apt / "cache/archives").glob("*.deb"))
    if not archives:
        raise SandboxUnavailable("apt-get fetched no packages and gave no reason")
    report(f"Asterisk: unpacking {len(archives)} packages")
    _unpack(archives, root)
    (root / "PACKAGES").write_text("".join(f"{archive.name}\n" for archive in archives))
    shutil.rmtree(apt)
    _stamp(work, root)
    tree = open_tree(work)
    assert tree is not None
    version = _run(tree.command("usr/sbin/asterisk", "-V")).strip()
    report(f"Asterisk: {version} is ready ({time.monotonic() - started:.0f} s)")


def _apt_state(apt: Path, mirror: str) -> list[str]:
    """Make an empty apt state below `apt`.

    Returns the options that make apt-get use it and nothing else of the host but its apt.conf.
    """
    for folder in ("lists/partial", "cache/archives/partial", "etc"):
        (apt / folder).mkdir(parents=True)
    (apt / "status").touch()
    architecture = _run(["dpkg", "--print-architecture"]).strip()
    sources = apt / "etc/sources.list"
    sources.write_text(f"deb [arch={architecture} signed-by={KEYRING}] {mirror} {SUITE} main\n")
    settings = {
        "Dir::State::Lists": apt / "lists",
        "Dir::State::status": apt / "status",
        "Dir::State::extended_states": apt / "extended_states",
        "Dir::Cache": apt / "cache",
        "Dir::Cache::archives": apt / "cache/archives",
        "Dir::Etc::sourcelist": sources,
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        # Root would hand the download to _apt, which may not read our folder.
        "APT::Sandbox::User": "root",
        "APT::Install-Recommends": "false",
        "APT::Keep-Downloaded-Packages": "true",
        "Acquire::Languages": "none",
        "Acquire::Retries": "5",
        "Debug::NoLocking": "true",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _download(command: list[str], report: Report) -> None:
    """Run apt-get and tell of each quarter of the download."""
    command = [command[0], "-o", "APT::Status-Fd=1", *command[1:]]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        told, said = 0, []
        for line in process.stdout:
            if not line.startswith("dlstatus:"):
                said.append(line)
                continue
            percent = float(line.split(":")[2])
            if percent >= told + 25:
                told = int(percent // 25) * 25
                report(f"Asterisk: fetched {told} %")
        code = process.wait()
    if code != 0:
        raise SandboxUnavailable(_words(command, code, "".join(said)))


def _unpack(archives: Sequence[Path], root: Path) -> None:
    """Unpack all archives beside the merged-/usr links that base-files would make."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True)
        (root / name).symlink_to(f"usr/{name}")
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        list(pool.map(lambda archive: _unpack_one(archive, root), archives))


def _unpack_one(archive: Path, root: Path) -> None:
    extract = ["tar", "-x", "-C", str(root), "-f", "-", "--keep-directory-symlink", "--no-same-owner"]
    extract += [f"--exclude={pattern}" for pattern in UNWANTED]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as source:
        done = subprocess.run(extract, stdin=source.stdout, capture_output=True, text=True, check=False)
    if done.returncode != 0 or source.returncode != 0:
        raise SandboxUnavailable(_words(["tar", archive.name], done.returncode or source.returncode, done.stderr))


def _stamp(work: Path, root: Path) -> None:
    """Find the loader and the libraries, and write the stamp that makes the tree complete."""
    libc = next((root / "usr/lib").glob("*-linux-gnu*/libc.so.6"), None)
    loader = next(
        (path for folder in ("usr/lib64", "usr/lib") for path in sorted((root / folder).glob("ld-linux*.so*"))), None
    ) or next((root / "usr/lib").glob("*/ld-linux*.so*"), None)
    if libc is None or loader is None:
        raise SandboxUnavailable("the packages that were fetched hold no C library; the mirror's suite is broken")
    stamp = {
        "version": TREE_VERSION,
        "packages": list(PACKAGES),
        "loader": str(loader.relative_to(work)),
        "libraries": str(libc.parent.relative_to(work)),
    }
    (work / "stamp.json").write_text(json.dumps(stamp, indent=1) + "\n")
