"""Jobs that the product may ask for by name (dialer.core.jobs, settings.JOBS)."""

from __future__ import annotations

from collections.abc import Callable

from . import imports, rework, whatif

JOBS: dict[str, Callable[..., None]] = {"import": imports.ask, "rework": rework.ask, "simulate": whatif.ask}
