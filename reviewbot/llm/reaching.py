"""Waiting for endpoints that are left alone, and seeing whether one that was away is back.

A provider that nobody could connect to is back at once or in an hour. So one of those who wait tries a bare connection
every few seconds, closed with nothing sent: that costs nobody anything, and the breaker need not rest to its end.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.breaker import LOOK_S
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.targets import Route

Reach = Callable[[Endpoint], Awaitable[bool]]
"""Tells whether an endpoint can be connected to."""
_LONGEST_S: Final = 2.0
_PORTS: Final = {"https": 443, "http": 80}


async def rest(route: Route, wait_s: float, patience: float, world: Surroundings, reach: Reach | None) -> None:
    """Wait until it is worth asking the route again: for ``wait_s``, or less where nobody knows for how long.

    Raises Fault where that is later than ``patience``, in seconds of ``world.monotonic``; the route is at its end then.
    """
    lost = route.lost() if reach is not None else []
    for target in lost:
        if reach is not None and target.breaker.look() and await reach(target.exchange.endpoint):
            target.breaker.returned()
            return
    if lost:
        wait_s = min(wait_s, LOOK_S)  # it may be back at any time
    if world.monotonic() + wait_s > patience:
        route.ended = True
        message = "every endpoint failed too often of late; they are left alone"
        raise Fault(FaultKind.SERVER, message, wait_s=wait_s)
    await world.sleep(wait_s)


async def reachable(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint takes connections. Through a proxy that cannot be told, and is False."""
    parts = urlsplit(endpoint.base_url)
    try:
        async with asyncio.timeout(_LONGEST_S):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port or _PORTS[parts.scheme])
    except (OSError, TimeoutError, ValueError, KeyError):
        return False
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return True
