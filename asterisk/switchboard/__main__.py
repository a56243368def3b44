"""`python -m asterisk.switchboard`: runs the switchboard of the switch that CORDBOARD_SWITCH names until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

import django

from dialer.settings import use_environment
from dialer.telephony.port import Switch

log = logging.getLogger("asterisk.switchboard")


async def serve() -> int:
    """Run until SIGTERM or SIGINT; the exit status: 0 drained, 1 failed, 3 leadership lost."""
    from django.db import connections

    from dialer.core.steady import steady

    from .lead import MINE, LeadershipLost
    from .switchboard import Switchboard

    connections["default"].settings_dict["OPTIONS"]["application_name"] = MINE
    switch, name = _switch()
    steady()
    running = asyncio.create_task(Switchboard(switch, name).run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await running
    except BaseExceptionGroup as failures:
        if failures.subgroup(LeadershipLost):
            log.error("another switchboard leads this switch now; ending")
            return 3
        log.exception("the switchboard failed")
        return 1
    return 0


def _switch() -> tuple[Switch, str]:
    """The adapter that the settings ask for, and the name under which one switchboard leads it."""
    from django.conf import settings

    if settings.SWITCH == "simulated":
        from dialer.telephony.simulated import SimulatedSwitch

        return SimulatedSwitch(recordings_dir=settings.RECORDINGS_DIR), "simulated"
    from asterisk.adapter import AsteriskSwitch
    from asterisk.settings import AsteriskSettings

    config = AsteriskSettings.from_env()
    return AsteriskSwitch(config), f"{config.ari_url} {config.app}"


def main() -> None:
    """Set Django up and run."""
    use_environment()
    django.setup()
    raise SystemExit(asyncio.run(serve()))


if __name__ == "__main__":
    main()
