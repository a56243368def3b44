"""The calls of `./run bench floor`, in a process of their own as a switchboard's are: events written without a switch.

`python -m tests.bench._calls CAMPAIGN --rate 25 --talk 15 --for 75`; twice a second a line of JSON says how many calls
have begun and how many events were written so far. It ends when all calls are over.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import django

from dialer.settings import use_environment

use_environment()
django.setup()

from dialer.calls import services  # noqa: E402
from dialer.calls.rules import Event, Kind  # noqa: E402
from dialer.campaigns.models import Campaign  # noqa: E402
from dialer.core.clock import now  # noqa: E402
from dialer.core.steady import steady  # noqa: E402
from tests import factories  # noqa: E402

TELL_S = 0.5


class Calls:
    """Calls that run through their lives without a switch: `rate` of them begin each second, in a few threads."""

    def __init__(self, campaign: Campaign, rate: float, talk_s: float) -> None:
        self.campaign, self.rate, self.talk_s = campaign, rate, talk_s
        self.begun = Counter[str]()
        self._threads = ThreadPoolExecutor(6, thread_name_prefix="calls")
        self._chance = random.Random(7)

    async def run(self, seconds: float) -> None:
        """Begin calls for so long, then wait until all are over."""
        loop, ends = asyncio.get_running_loop(), time.monotonic() + seconds
        running: set[asyncio.Task[None]] = set()
        due = loop.time()
        while time.monotonic() < ends:
            task = asyncio.create_task(self._one())
            running.add(task)
            task.add_done_callback(running.discard)
            due += 1 / self.rate
            await asyncio.sleep(max(0.0, due - loop.time()))
        await asyncio.gather(*running)

    async def _do(self, act: Callable[[], Any]) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, act)

    async def _one(self) -> None:
        call = await self._do(lambda: factories.make_call(self.campaign))
        await self._do(lambda: services.begin_placing(call_id=call.pk))
        self.begun["calls"] += 1

        async def tell(kind: Kind, **values: Any) -> services.Applied | None:
            self.begun["events"] += 1
            event = Event(kind, **values)
            return await self._do(lambda: services.apply_event(call_id=call.pk, event=event, at=now()))  # type: ignore[no-any-return]

        await tell(Kind.RINGING)
        await asyncio.sleep(self._chance.uniform(0.5, 3))
        if self._chance.random() > 0.5:
            await tell(Kind.HUNG_UP, cause=19)
            return
        await tell(Kind.ANSWERED)
        after = await tell(Kind.READY)
        if after is None or after.call.session_id is None:
            await tell(Kind.HUNG_UP, cause=16)
            return
        session = after.call.session_id
        await tell(Kind.BRIDGED, session=session)
        await asyncio.sleep(self._chance.uniform(0.5, 1.5) * self.talk_s)
        await tell(Kind.HUNG_UP, cause=16)
        await asyncio.sleep(self._chance.uniform(1, 4))
        await self._do(lambda: services.dispose(session_id=session, code="NI"))

    async def tell(self) -> None:
        """Say how far it is, for ever."""
        while True:
            print(json.dumps(self.begun), flush=True)
            await asyncio.sleep(TELL_S)


async def work(calls: Calls, seconds: float) -> None:
    """Run calls for so long, and say how far it is."""
    telling = asyncio.create_task(calls.tell())
    try:
        await calls.run(seconds)
    finally:
        telling.cancel()


def main() -> None:
    """Run the calls."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("campaign", type=int)
    parser.add_argument("--rate", type=float, required=True, help="calls that begin per second")
    parser.add_argument("--talk", type=float, required=True, help="seconds that people talk, on average")
    parser.add_argument("--for", type=float, required=True, dest="seconds")
    options = parser.parse_args()
    campaign = Campaign.objects.across_tenants().get(pk=options.campaign)
    steady()
    asyncio.run(work(Calls(campaign, options.rate, options.talk), options.seconds))


if __name__ == "__main__":
    main()
