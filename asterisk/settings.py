"""Where the Asterisk is and how to sign in to it: the ASTERISK_* variables, read once and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


class SettingsError(ValueError):
    """A variable is missing or makes no sense; the text names it and says what it should be."""


@dataclass(frozen=True, slots=True)
class AsteriskSettings:
    """One Asterisk."""

    ari_url: str
    ari_user: str
    ari_password: str = field(repr=False)
    ami_host: str
    ami_port: int
    ami_user: str
    ami_password: str = field(repr=False)
    recordings_dir: Path
    app: str = "cordboard"
    trunk: str = "carrier"
    sip_host: str = ""
    sip_port: int = 5060

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> AsteriskSettings:
        """Read the ASTERISK_* variables. Raises SettingsError naming the first one that is missing or wrong."""
        env = os.environ if env is None else env
        url = _need(env, "ASTERISK_ARI_URL").rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError("ASTERISK_ARI_URL must look like http://host:8088/ari")
        app = env.get("ASTERISK_ARI_APP", "cordboard")
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", app):
            raise SettingsError("ASTERISK_ARI_APP may hold letters, digits, - and _ only")
        return cls(
            ari_url=url,
            ari_user=_need(env, "ASTERISK_ARI_USER"),
            ari_password=_need(env, "ASTERISK_ARI_PASSWORD"),
            ami_host=env.get("ASTERISK_AMI_HOST") or parts.hostname,
            ami_port=_port(env, "ASTERISK_AMI_PORT", 5038),
            ami_user=_need(env, "ASTERISK_AMI_USER"),
            ami_password=_need(env, "ASTERISK_AMI_PASSWORD"),
            recordings_dir=Path(_need(env, "ASTERISK_RECORDINGS_DIR")),
            app=app,
            trunk=env.get("ASTERISK_TRUNK", "carrier"),
            sip_host=env.get("ASTERISK_SIP_HOST") or parts.hostname,
            sip_port=_port(env, "ASTERISK_SIP_PORT", 5060),
        )


def _need(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if not value:
        raise SettingsError(f"{name} is not set; see asterisk/conf/README.md for what an Asterisk of your own needs")
    return value


def _port(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError(f"{name} must be a port number, not {text!r}")
    return int(text)
