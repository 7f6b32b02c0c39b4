"""One Redis for everything that is shared, and how its failures are met: briefly, and said once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_ANSWER_S: Final = 1.0
"""How long Redis may take. A healthy one takes less than a millisecond."""
_REST_S: Final = 5.0
"""How long it is left alone after a failure, so that not every request waits for it to fail."""
_CONNECTIONS: Final = 32


class RedisDownError(Exception):
    """Redis gave no answer, or an error. Its message names the host, never the password."""


class RedisLink:
    """A connection pool to one Redis, for one event loop."""

    def __init__(self, redis: "Redis", world: Surroundings, *, name: str = "Redis") -> None:
        from redis.exceptions import RedisError

        self._redis = redis
        self._world = world
        self._name = name
        self._errors = (RedisError, OSError, TimeoutError)
        self._again_at: float | None = None
        """When it may be asked again; None while it works."""

    @classmethod
    def open(cls, url: str, world: Surroundings) -> "RedisLink":
        """Make a pool; connections are made when they are needed.

        Raises UsageError where redis is not installed or the URL is none.
        """
        try:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff
        except ImportError as error:
            message = "REVIEWBOT_REDIS_URL is set, and the redis package is missing: pip install 'reviewbot[redis]'"
            raise UsageError(message) from error
        try:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=_CONNECTIONS,
                timeout=_ANSWER_S,
                socket_timeout=_ANSWER_S,
                socket_connect_timeout=_ANSWER_S,
                # One more try at once: a connection that idled may have been closed by the other side.
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            message = f"REVIEWBOT_REDIS_URL is no Redis URL such as redis://host:6379/0: {error}"
            raise UsageError(message) from error
        return cls(Redis.from_pool(pool), world, name=f"Redis at {urlsplit(url).hostname or 'a socket'}")

    async def ask(self, call: Callable[["Redis"], Awaitable[_T]]) -> _T:
        """Ask Redis something. Raises RedisDownError where it gives no answer."""
        if self._again_at is not None and self._world.monotonic() < self._again_at:
            message = f"{self._name} failed a moment ago"
            raise RedisDownError(message)
        try:
            async with asyncio.timeout(2 * _ANSWER_S):
                answer = await call(self._redis)
        except self._errors as error:
            raise self._failed(error) from error
        if self._again_at is not None:
            self._again_at = None
            _log.info("%s answers again", self._name)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _failed(self, error: Exception) -> RedisDownError:
        said = f"{self._name}: {str(error) or type(error).__name__}"
        if self._again_at is None:
            _log.warning("%s. Going on without it, as far as that is allowed", said)
        self._again_at = self._world.monotonic() + _REST_S
        return RedisDownError(said)
