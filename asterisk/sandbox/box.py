"""The sandbox: two switches on one machine.

A private Asterisk as the PBX and a second one as the simulated carrier, on loopback addresses of their own.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
from pathlib import Path

import psutil

from .behaviour import DEFAULT_MIX, Mix, dialplan_table
from .errors import SandboxFailed
from .fetch import Report, Tree, ensure_tree
from .instance import Instance
from .voices import ensure_voices

PBX = "pbx"
CARRIER = "carrier"
SIP_PORT = 5060
HTTP_PORT = 8088
AMI_PORT = 5038
AGI_PORT = 4573
TRUNK = "carrier"
USER = "cordboard"


def mix_of_environment() -> Mix:
    """The mix in the JSON file that CARRIER_MIX names, else the default. Raises SandboxFailed for one that is wrong."""
    name = os.environ.get("CARRIER_MIX", "")
    try:
        return Mix.read(Path(name)) if name else DEFAULT_MIX
    except (OSError, ValueError) as error:
        raise SandboxFailed(f"CARRIER_MIX={name} cannot be used: {error}") from error


def own_addresses() -> list[str]:
    """The machine's IPv4 addresses outside loopback."""
    found = {
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    }
    return sorted(found)


def _ignore(_: str) -> None:
    """A report that nobody reads."""


class Sandbox:
    """Both switches. Everything they write lies below `state_dir`; the programs lie in `tree_dir`, which several
    sandboxes may share.

    `network` is the first three numbers of a /24 of 127.0.0.0/8: the PBX takes .1, the carrier .2, phones .10 and up.
    Not thread-safe; the methods block.
    """

    def __init__(
        self,
        state_dir: Path,
        tree_dir: Path,
        network: str,
        seed: int = 1,
        *,
        mix: Mix | None = None,
        app: str = "cordboard",
    ) -> None:
        self.state_dir = Path(state_dir).absolute()
        self.tree_dir = Path(tree_dir).absolute()
        self.network = network
        self.seed = seed
        self.mix = mix or mix_of_environment()
        self.app = app
        self.die_with_parent = True
        """Set it to False before `start` for switches that outlive the process that starts them."""
        self._instances: dict[str, Instance] = {}

    @property
    def pbx_ip(self) -> str:
        """The PBX's address."""
        return f"{self.network}.1"

    @property
    def carrier_ip(self) -> str:
        """The carrier's address."""
        return f"{self.network}.2"

    @property
    def truth_path(self) -> Path:
        """Where the carrier writes what really happened (see truth.py)."""
        return self.state_dir / CARRIER / "log/cdr-custom/truth.csv"

    def ensure_tree(self, report: Report = _ignore) -> None:
        """Fetch Asterisk and record the voices when they are missing. Raises SandboxUnavailable with the reason."""
        tree = ensure_tree(self.tree_dir, report)
        self._make_instances(tree, ensure_voices(tree, report))

    def start(self, name: str | None = None) -> None:
        """Start both, or the one named, and wait until they are fully booted.

        Raises SandboxFailed, SandboxUnavailable.
        """
        for one in self._named(name):
            one.start(die_with_parent=self.die_with_parent)

    def stop(self, name: str | None = None) -> None:
        """Stop both, or the one named."""
        for one in reversed(self._named(name)):
            one.stop()

    def kill(self, name: str) -> None:
        """SIGKILL one of them."""
        self._one(name).kill()

    def restart(self, name: str) -> None:
        """Stop one of them and start it again."""
        self.stop(name)
        self.start(name)

    def prepare(self, name: str) -> None:
        """Write what `command(name)` needs, for a supervisor that owns the process itself.

        `start` does it by itself.
        """
        self._one(name).prepare()

    def command(self, name: str) -> list[str]:
        """The argument list that runs `pbx` or `carrier` in the foreground (after `prepare`)."""
        return self._one(name).command()

    def wait_ready(self, name: str, timeout_s: float = 30.0) -> None:
        """Wait until it is fully booted, whoever started it. Raises SandboxFailed."""
        self._one(name).wait_ready(timeout_s)

    def pids(self) -> dict[str, int]:
        """The process ids of those that run."""
        return {name: pid for name in (CARRIER, PBX) if (pid := self._one(name).pid()) is not None}

    def cli(self, name: str, *words: str) -> str:
        """Run a console command on `pbx` or `carrier`; its output."""
        return self._one(name).cli(*words)

    def env(self) -> dict[str, str]:
        """The variables that point the product at these switches."""
        keys = self._secrets()
        return {
            "ASTERISK_ARI_URL": f"http://{self.pbx_ip}:{HTTP_PORT}/ari",
            "ASTERISK_ARI_USER": USER,
            "ASTERISK_ARI_PASSWORD": keys["ari"],
            "ASTERISK_ARI_APP": self.app,
            "ASTERISK_AMI_HOST": self.pbx_ip,
            "ASTERISK_AMI_PORT": str(AMI_PORT),
            "ASTERISK_AMI_USER": USER,
            "ASTERISK_AMI_PASSWORD": keys["ami"],
            "AGI_HOST": f"{self.network}.3",
            "AGI_PORT": str(AGI_PORT),
            "ASTERISK_TRUNK": TRUNK,
            "ASTERISK_SIP_HOST": self.pbx_ip,
            "ASTERISK_SIP_PORT": str(SIP_PORT),
            "ASTERISK_WS_URL": f"ws://{self.pbx_ip}:{HTTP_PORT}/ws",
            "ASTERISK_RECORDINGS_DIR": str(self.state_dir / PBX / "spool/monitor"),
            "CARRIER_TRUTH": str(self.truth_path),
            "CARRIER_SEED": str(self.seed),
            "CARRIER_MIX": str(self._mix_path()),
        }

    def _mix_path(self) -> Path:
        path = self.state_dir / "mix.json"
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self.mix.write(path)
        return path

    def _secrets(self) -> dict[str, str]:
        """The passwords of this sandbox, made once and kept in a file that only its owner may read."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        path = self.state_dir / "secrets.json"
        try:
            found = json.loads(path.read_text())
            return {"ari": str(found["ari"]), "ami": str(found["ami"])}
        except (OSError, ValueError, KeyError):
            made = {"ari": secrets.token_urlsafe(24), "ami": secrets.token_urlsafe(24)}
            fresh = path.with_suffix(".new")
            fresh.unlink(missing_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
                json.dump(made, handle)
            fresh.rename(path)
            return made

    def _named(self, name: str | None) -> list[Instance]:
        return [self._one(one) for one in ((CARRIER, PBX) if name is None else (name,))]

    def _one(self, name: str) -> Instance:
        if not self._instances:
            self.ensure_tree()
        try:
            return self._instances[name]
        except KeyError:
            raise SandboxFailed(f"there is no {name!r} in a sandbox, only {PBX!r} and {CARRIER!r}") from None

    def _make_instances(self, tree: Tree, sounds: Path) -> None:
        if self._instances:
            return
        keys = self._secrets()
        common = {
            "MODULES": str(tree.libraries / "asterisk/modules"),
            "PBX_IP": self.pbx_ip,
            "CARRIER_IP": self.carrier_ip,
            "SIP_PORT": str(SIP_PORT),
            "HTTP_PORT": str(HTTP_PORT),
            "AMI_PORT": str(AMI_PORT),
            "AGI_HOST": f"{self.network}.3",
            "AGI_PORT": str(AGI_PORT),
            "ARI_USER": USER,
            "ARI_PASSWORD": keys["ari"],
            "AMI_USER": USER,
            "AMI_PASSWORD": keys["ami"],
            "TRUNK": TRUNK,
            "APP": self.app,
            "ICE_HOST_CANDIDATES": "\n".join(f"{own} => {self.pbx_ip}" for own in own_addresses()),
        }
        for name, silence in (
            (PBX, "no"),
            (CARRIER, "yes"),
        ):  # a person's line is never without sound; see conf/README.md
            state = self.state_dir / name
            files = {"table.conf": dialplan_table(self.seed, self.mix)} if name == CARRIER else {}
            values = {**common, "STATE": str(state), "TRANSMIT_SILENCE": silence}
            self._instances[name] = Instance(name, state, tree, sounds, values, files)
