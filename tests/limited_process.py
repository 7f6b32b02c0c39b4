"""One of several processes that share a limit, against a provider that refuses whatever is above it.

    python limited_process.py REDIS_URL REQUESTS WINDOW_S DURATION_S

The provider is a strict sliding window of its own, in another database of the same Redis: it counts what arrives, by
its own clock, and knows nothing of the limiter. Prints JSON: when each request was sent, and how many were refused.
"""

import asyncio
import itertools
import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from redis.asyncio import Redis

from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.redis_limiting import RedisLimiter

_CALLERS = 10
_PROVIDER = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[2] * 1000000)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 429 end
redis.call('ZADD', KEYS[1], now, ARGV[3])
return 200
"""


class Process:
    """Many callers of one limiter, and what the provider said to them."""

    def __init__(self, url: str, requests: int, window_s: float) -> None:
        world = Surroundings(
            now=lambda: datetime.now(UTC), monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5
        )
        self.limiter = RedisLimiter(url, requests, None, world, fail_open=False, window_s=window_s, timeout_s=5)
        self._redis = Redis.from_url(url, db=1)
        self._provider = self._redis.register_script(_PROVIDER)
        self._rules = [requests, window_s]
        self._name = f"{time.time_ns()}-{id(self)}"
        self._counter = itertools.count()
        self.answer: dict[str, Any] = {"sent_s": [], "refused": 0}

    async def call_until(self, end_s: float) -> None:
        """Call the provider again and again."""
        while time.monotonic() < end_s:
            await self.limiter.acquire("shared", 1, float("inf"))
            self.answer["sent_s"].append(time.time())
            member = f"{self._name}-{next(self._counter)}"
            status = await self._provider(keys=["provider"], args=[*self._rules, member])
            self.answer["refused"] += status != 200

    async def run(self, duration_s: float) -> None:
        """Let ten callers work for a while, over connections that are open already.

        What arrives late at the start and in time a window later is too close together: at this scale a cold start
        takes longer than the limiter's guard, which is a second of a real window.
        """
        await asyncio.gather(*(self._redis.ping() for _ in range(_CALLERS)))
        await self._provider(keys=["warm-up"], args=[*self._rules, "warm-up"])
        await asyncio.gather(*(self.limiter.acquire("warm-up", 0, float("inf")) for _ in range(_CALLERS)))
        end_s = time.monotonic() + duration_s
        callers = [asyncio.create_task(self.call_until(end_s)) for _ in range(_CALLERS)]
        await asyncio.wait(callers, timeout=duration_s)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        await self.limiter.aclose()
        await self._redis.aclose()


async def main() -> None:
    """Work as the command line says."""
    url, requests, window_s, duration_s = sys.argv[1:]
    process = Process(url, int(requests), float(window_s))
    await process.run(float(duration_s))
    sys.stdout.write(json.dumps(process.answer))


if __name__ == "__main__":
    asyncio.run(main())
