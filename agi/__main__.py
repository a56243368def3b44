"""`python -m agi`: answers the dialplan's questions over FastAGI (AGI_HOST, AGI_PORT) until SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

import django

from dialer.settings import use_environment

from .server import Server


async def serve() -> None:
    """Run until SIGTERM or SIGINT. With the simulated switch nobody asks, so no address is taken."""
    from django.conf import settings

    from .lookup import number

    host, port = os.environ.get("AGI_HOST", "127.0.0.1"), int(os.environ.get("AGI_PORT", "4573"))
    nobody_asks = settings.SWITCH == "simulated"
    running = asyncio.ensure_future(asyncio.Event().wait() if nobody_asks else Server(number).run(host, port))
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, running.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await running


def main() -> None:
    """Set Django up and run."""
    use_environment()
    django.setup()
    asyncio.run(serve())


if __name__ == "__main__":
    main()
