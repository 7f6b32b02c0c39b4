"""Answers kept in Redis, for all that share it."""

import contextlib
from math import ceil
from typing import Final

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.caching import Seal, opened_entry, sealed_entry
from reviewbot.llm.redis_link import RedisDownError, RedisLink

_PREFIX: Final = "reviewbot:answer:"


class RedisCache:
    """A cache in Redis. One that is down is a cache that misses; the link says so, once.

    Room is Redis's own matter: every entry has its time to live, and ``maxmemory-policy`` does the rest.
    """

    def __init__(self, link: RedisLink, secret: Seal, world: Surroundings, *, ttl_s: float = 3_600) -> None:
        self._link = link
        self._seal = secret
        self._world = world
        self._ttl_s = ttl_s

    async def get(self, key: str) -> Completion | None:
        """Give a stored answer that is fresh and authentic, or None."""
        try:
            entry = await self._link.ask(lambda redis: redis.get(_PREFIX + key))
        except RedisDownError:
            return None
        if entry is None:
            return None
        # Somebody else's bytes may be no text; then the seal does not hold.
        text = entry.decode("utf-8", "replace") if isinstance(entry, bytes) else entry
        return opened_entry(self._seal, key, text, self._world.now(), self._ttl_s)

    async def put(self, key: str, completion: Completion) -> None:
        """Store an answer for its time to live."""
        entry = sealed_entry(self._seal, key, completion, self._world.now())
        with contextlib.suppress(RedisDownError):
            await self._link.ask(lambda redis: redis.set(_PREFIX + key, entry, ex=ceil(self._ttl_s)))

    async def aclose(self) -> None:
        """Nothing to close: the link belongs to whoever opened it."""
