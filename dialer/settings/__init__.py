"""Settings by environment: CORDBOARD_ENV names the module, nothing else decides."""

from __future__ import annotations

import os

ENVIRONMENTS = ("development", "test", "staging", "production")


def use_environment() -> None:
    """Point DJANGO_SETTINGS_MODULE at the module of CORDBOARD_ENV (default: development)."""
    name = os.environ.get("CORDBOARD_ENV", "development")
    if name not in ENVIRONMENTS:
        raise SystemExit(f"CORDBOARD_ENV is {name!r}; it must be one of {', '.join(ENVIRONMENTS)}.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", f"dialer.settings.{name}")
