"""Jobs that the product may ask for by name (dialer.core.jobs, settings.JOBS)."""

from __future__ import annotations

from collections.abc import Callable

from . import whatif

JOBS: dict[str, Callable[..., None]] = {"simulate": whatif.ask}
