"""One private Asterisk: its state folder, its configuration rendered from templates, its process."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .errors import SandboxFailed
from .fetch import Tree

TEMPLATES = Path(__file__).resolve().parent.parent / "conf"
FOLDERS = (
    "etc",
    "lib",
    "keys/keys",
    "spool/monitor",
    "spool/recording",
    "spool/outgoing",
    "spool/tmp",
    "log/cdr-custom",
    "cache",
    "data",
)
SOCKET_PATH_LIMIT = 107
BOOT_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 5.0

# PR_SET_PDEATHSIG fires when the *thread* that made the child ends, so all children come from one thread that lasts
# as long as this process does.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="asterisk-spawner")


class Instance:
    """An Asterisk called `name`, living in `state`. Not thread-safe."""

    def __init__(
        self, name: str, state: Path, tree: Tree, sounds: Path, values: Mapping[str, str], files: Mapping[str, str]
    ) -> None:
        """`values` fill the @NAMES@ of the templates in conf/common and conf/NAME.

        `files` are further configuration files.
        """
        self.name = name
        self.state = state
        self.tree = tree
        self._sounds = sounds
        self._values = {**values, "RUN": str(self.run_dir)}
        self._files = files
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        """The file that `asterisk -C` is given."""
        return self.state / "etc/asterisk.conf"

    @property
    def run_dir(self) -> Path:
        """The folder of the control socket.

        It is in the state folder, or below the temporary folder when that path is too long for a socket.
        """
        near = self.state / "run"
        if len(str(near / "asterisk.ctl")) <= SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"cordboard-{os.getuid()}-{digest}"

    def command(self) -> list[str]:
        """The argument list that runs it in the foreground; call `prepare` first."""
        return self.tree.command("usr/sbin/asterisk", "-f", "-C", str(self.config))

    def prepare(self) -> None:
        """Write the folders and the configuration, end what a killed parent left running, and remove its socket."""
        self.end_leftover()
        for folder in FOLDERS:
            (self.state / folder).mkdir(parents=True, exist_ok=True)
        self.run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.run_dir.is_symlink() or self.run_dir.stat().st_uid != os.getuid():
            raise SandboxFailed(f"{self.run_dir} belongs to somebody else; remove it, or use a shorter state folder")
        self._link_data()
        self._render()
        (self.run_dir / "asterisk.ctl").unlink(missing_ok=True)
        (self.run_dir / "asterisk.pid").unlink(missing_ok=True)

    def start(self, *, die_with_parent: bool = True) -> None:
        """Start it and wait until it is fully booted (about 0.6 s). Raises SandboxFailed with its last words."""
        if self.pid() is not None:
            return
        self.prepare()
        command = self.command()
        if die_with_parent and (setpriv := shutil.which("setpriv")):
            command = [setpriv, "--pdeathsig", "KILL", "--", *command]
        self._process = _spawner.submit(self._spawn, command).result()
        self.wait_ready()

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.state / "log/stdout").open("wb") as out:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=self.state,
                start_new_session=True,
            )

    def wait_ready(self, timeout_s: float = BOOT_TIMEOUT_S) -> None:
        """Wait until it is fully booted, whoever started it.

        Raises SandboxFailed when it ended, or after `timeout_s`.
        """
        deadline = time.monotonic() + timeout_s
        socket = self.run_dir / "asterisk.ctl"
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            if socket.exists() and "fully booted" in self.cli("core", "waitfullybooted"):
                return
            time.sleep(0.02)
        raise SandboxFailed(f"the {self.name} Asterisk did not start: {self._last_words()}")

    def pid(self) -> int | None:
        """Its process id while it runs, whoever started it."""
        if self._process is not None:
            return self._process.pid if self._process.poll() is None else None
        return self._recorded_pid()

    def _recorded_pid(self) -> int | None:
        """The process of the pid file, if it is really this instance.

        A process id may have been given to somebody else since.
        """
        try:
            pid = int((self.run_dir / "asterisk.pid").read_text())
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if str(self.config).encode() in arguments else None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it is not running."""
        if (pid := self.pid()) is not None:
            os.kill(pid, number)

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.signal(signal.SIGKILL)
        self._wait_gone(STOP_TIMEOUT_S)

    def stop(self) -> None:
        """Stop it; calls that are up end. SIGKILL follows if it takes longer than five seconds."""
        self.signal(signal.SIGTERM)
        if not self._wait_gone(STOP_TIMEOUT_S):
            self.kill()
        self._process = None

    def end_leftover(self) -> None:
        """End an instance of this state folder that an earlier parent left behind."""
        if self._process is None and self._recorded_pid() is not None:
            self.stop()

    def _wait_gone(self, timeout_s: float) -> bool:
        if self._process is not None:
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                return False
            return True
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self._recorded_pid() is None:
                return True
            time.sleep(0.02)
        return False

    def cli(self, *words: str) -> str:
        """Run a console command on the running instance and return its output.

        An instance that does not run gives its complaint as output.
        """
        command = self.tree.command("usr/sbin/asterisk", "-C", str(self.config), "-rx", " ".join(words))
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=BOOT_TIMEOUT_S,
            check=False,
        )
        return done.stdout.decode(errors="replace")

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("log/messages", "log/stdout"):
            try:
                lines += (self.state / name).read_text(errors="replace").strip().splitlines()[-8:]
            except OSError:
                continue
        return " / ".join(lines) or "it said nothing"

    def _link_data(self) -> None:
        """A data folder of its own whose big read-only parts are links into the tree."""
        shared, data = self.tree.root / "usr/share/asterisk", self.state / "data"
        for part in ("documentation", "rest-api", "moh", "static-http"):
            if (shared / part).exists():
                _link(data / part, shared / part)
        sounds = data / "sounds"
        sounds.mkdir(exist_ok=True)
        for folder in (shared / "sounds").iterdir():
            if folder.is_dir() and not folder.is_symlink():
                _link(sounds / folder.name, folder)
                if folder.name.startswith("en_US_"):
                    _link(sounds / "en", folder)
        _link(sounds / "cordboard", self._sounds)

    def _render(self) -> None:
        etc = self.state / "etc"
        for template in sorted([*(TEMPLATES / "common").glob("*.conf"), *(TEMPLATES / self.name).glob("*.conf")]):
            _write_private(etc / template.name, fill(template.read_text(), self._values))
        for name, text in self._files.items():
            _write_private(etc / name, text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put `values` in place of the @NAMES@ of a template.

    A name without a value, or a value of several lines, is an error.
    """
    for name, value in values.items():
        if not value.isprintable():
            raise ValueError(f"{name} may not hold control characters")
    return re.sub(r"@([A-Z][A-Z_]*)@", lambda found: values[found.group(1)], text)


def _write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read: some hold passwords."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        handle.write(text)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink():
        path.unlink()
    path.symlink_to(target)
