"""One Redis for everything that is shared, and how its failures are met: briefly, and said once."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import urlsplit

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import UsageError
from reviewbot.llm.outage import Outage

if TYPE_CHECKING:
    from redis.asyncio import Redis

_T = TypeVar("_T")
_log = logging.getLogger(__name__)
_ANSWER_S: Final = 1.0
"""How long Redis may take. A healthy one takes less than a millisecond."""
_REST_S: Final = 1.0
"""How long it is left alone after a failure, so that not every request waits for it to fail; then one of them tries."""
_SAID_S: Final = 60.0
"""For so long a failure is said once: a Redis that may be read but not written fails and answers in turns."""
_CONNECTIONS: Final = 32


class RedisDownError(Exception):
    """Redis gave no answer, or an error. Its message names the host, never the password."""

    def __init__(self, message: str, *, asked: bool = True) -> None:
        super().__init__(message)
        self.asked = asked
        """Whether it was asked at all, so that it may have done it."""


class RedisLink:
    """A connection pool to one Redis, for one event loop."""

    def __init__(self, redis: "Redis", world: Surroundings, *, name: str = "Redis") -> None:
        from redis.exceptions import RedisError

        self._redis = redis
        self._world = world
        self._name = name
        self._errors = (RedisError, OSError, TimeoutError)
        self._outage = Outage(world.monotonic)
        self._said_at = float("-inf")

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

    @property
    def down(self) -> bool:
        """Whether it failed when it was last asked."""
        return self._outage.down

    async def ask(self, call: Callable[["Redis"], Awaitable[_T]]) -> _T:
        """Ask Redis something. Raises RedisDownError where it gives no answer."""
        if self._outage.resting:
            message = f"{self._name} failed a moment ago"
            raise RedisDownError(message, asked=False)
        self._outage.trying(2 * _ANSWER_S)
        cancelled = _cancelled()
        try:
            async with asyncio.timeout(2 * _ANSWER_S):
                answer = await call(self._redis)
        except self._errors as error:
            raise self._failed(error) from error
        if self._outage.answered():
            _log.info("%s answers again", self._name)
        if _cancelled() > cancelled:
            # redis-py sends within asyncio.wait_for, which before Python 3.12 swallows a cancellation that comes just
            # when it is done (python/cpython#86296): a task in a loop would then never end.
            raise asyncio.CancelledError
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _failed(self, error: Exception) -> RedisDownError:
        said, now_s = f"{self._name}: {str(error) or type(error).__name__}", self._world.monotonic()
        if self._outage.failed(_REST_S) and now_s >= self._said_at + _SAID_S:
            _log.warning("%s. Going on without it, as far as that is allowed", said)
            self._said_at = now_s
        return RedisDownError(said)


def _cancelled() -> int:
    """Tell how often the present task was cancelled."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()
