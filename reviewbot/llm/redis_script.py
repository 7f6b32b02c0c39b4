"""The script that keeps limits within Redis, and the connection to it. redis is imported only when one is opened."""

import asyncio
import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reviewbot.errors import UsageError
from reviewbot.llm import rates
from reviewbot.llm.redis_pulse import EVERY_S

if TYPE_CHECKING:
    from redis.asyncio import Redis

SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptAnswer:
    """What the script said."""

    wait_us: int
    """0 when let through, -1 where Redis does not know any more what this process did last."""
    bucket: int
    """In which the tokens are counted."""
    left: float
    """Share of the limits that is left, 0 to 1."""
    requests: int
    """Set aside for this process, where it asked for that."""
    tokens: int


class LimitScript:
    """`redis_script.lua`, run for one Redis."""

    def __init__(self, url: str, window_s: float, timeout_s: float) -> None:
        """Take where Redis is. Raises UsageError where redis is missing or the URL is none."""
        self._redis = _connection(url, timeout_s)
        self._script = self._redis.register_script(files(__package__).joinpath("redis_script.lua").read_text())
        self._window_s = window_s
        self._timeout_s = timeout_s
        self.place = _place(url)
        """Host and port, to show: the URL may hold a password."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What `run` raises when Redis is down or slow."""
        from redis.exceptions import RedisError

        return (RedisError, OSError, TimeoutError)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def run(self, keys: list[str], limits: tuple[int | None, int | None], **what: object) -> ScriptAnswer:
        """Run one operation within the time that Redis may take; ``limits`` are requests and tokens, None for none."""
        asked = json.dumps({"rules": _rules(*limits, self._window_s), **what})
        async with asyncio.timeout(self._timeout_s):
            wait_us, bucket, left, *leased = await self._script(keys=keys, args=[asked])
        requests, tokens = leased or (0, 0)
        return ScriptAnswer(wait_us=wait_us, bucket=bucket, left=left / SECOND_US, requests=requests, tokens=tokens)


def _rules(requests: int | None, tokens: int | None, window_s: float) -> dict[str, float]:
    """Give the limits as the script wants them: microseconds, 0 for no limit."""
    window_us = round(window_s * SECOND_US)
    return {
        "window": window_us,
        "kept": round(window_us * (1 + rates.GUARD)),
        "requests": requests or 0,
        "tokens": tokens or 0,
        "step_down": rates.STEP_DOWN,
        "step_up": rates.STEP_UP,
        "lowest": rates.LOWEST,
        "observed": rates.OBSERVED,
        "tolerated": rates.TOLERATED,
        "look": round(EVERY_S * SECOND_US),
    }


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}" if parts.hostname else parts.path


def _connection(url: str, timeout_s: float) -> "Redis":
    try:
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        message = "REVIEWBOT_REDIS_URL is set, and the redis package is missing: pip install 'reviewbot[redis]'"
        raise UsageError(message) from error
    try:
        # One attempt: the limiter knows what to do without Redis, sooner than redis-py's own three retries.
        once = Retry(NoBackoff(), 0)
        return Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=once)
    except ValueError as error:
        message = f"REVIEWBOT_REDIS_URL is no Redis URL such as redis://host:6379/0: {error}"
        raise UsageError(message) from error
