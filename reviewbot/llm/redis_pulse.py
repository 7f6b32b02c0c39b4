"""What a process does in the background while it shares a Redis: one task for all of it, twice a second.

It shows that this process is alive, counts the others, and lets every part that shares something tell what is new and
hear what others told. So nothing of that is waited for by a request. Looked up rather than subscribed to: a
subscription needs a connection of its own, loses what is published while it is broken, and so needs looking up too.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.redis_link import RedisDownError, RedisLink

if TYPE_CHECKING:
    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
EVERY_S: Final = 0.5
"""Between two looks."""
GONE_S: Final = 5.0
"""After which a process that shows no life counts as gone."""
SETTLING_S: Final = 4.0
"""Within which every living process has told a Redis that is back what it knows: its rest, a try, and a look."""
_ALIVE: Final = "reviewbot:alive"
_BEAT: Final = """
local clock = redis.call('TIME')
local now_ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now_ms, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms - ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
"""


class Pulse:
    """Runs from `start` to `aclose`, in one event loop."""

    def __init__(self, link: RedisLink, world: Surroundings) -> None:
        self.replicas: int | None = None
        """How many processes were alive when Redis was last reached, this one included; None before it ever was."""
        self.process = secrets.token_hex(8)
        """The name of this process among them."""
        self._link = link
        self._world = world
        self._beats: list[Callable[[], Awaitable[None]]] = []
        self._stirred = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._ended = False

    def add(self, beat: Callable[[], Awaitable[None]]) -> None:
        """Call this at every look. It may raise RedisDownError, and is called again the next time."""
        self._beats.append(beat)

    def remove(self, beat: Callable[[], Awaitable[None]]) -> None:
        """Call it no more."""
        self._beats = [other for other in self._beats if other != beat]

    def stir(self) -> None:
        """Look at once: something happened that others should hear of."""
        self._stirred.set()

    async def start(self) -> None:
        """Hear what others told, as far as Redis is there, and go on doing so."""
        await self.beat()
        self._task = asyncio.create_task(self._run())

    async def beat(self) -> None:
        """Look once."""
        with contextlib.suppress(RedisDownError):
            self.replicas = await self._link.ask(self._alive)
        for beat in tuple(self._beats):
            try:
                await beat()
            except RedisDownError:
                pass  # the link has said so
            except Exception:  # noqa: BLE001 - whatever it is, it is one part's
                # What is not understood of what others told must not end what all the other parts share.
                _log.exception("a part of what processes share could not be looked at")

    async def aclose(self) -> None:
        """Tell what is still to be told, and that this process is gone."""
        self._ended = True  # a cancellation alone may be swallowed on its way: see `RedisLink.ask`
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            await self.beat()
        with contextlib.suppress(RedisDownError):
            await self._link.ask(lambda redis: redis.zrem(_ALIVE, self.process))

    def _alive(self, redis: "Redis") -> Awaitable[int]:
        arguments = (self.process, round(GONE_S * 1_000))
        alive: Awaitable[int] = redis.register_script(_BEAT)(keys=[_ALIVE], args=arguments)
        return alive

    async def _run(self) -> None:
        while not self._ended:
            pause = asyncio.ensure_future(self._world.sleep(EVERY_S))
            stir = asyncio.ensure_future(self._stirred.wait())
            try:
                await asyncio.wait({pause, stir}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                pause.cancel()
                stir.cancel()
            self._stirred.clear()
            await self.beat()
