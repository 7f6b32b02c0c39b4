"""Connections to the queue's Redis, to await or to block on. redis is imported when one is opened."""

from typing import TYPE_CHECKING, Final

from reviewbot.errors import UsageError

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

ANSWER_S: Final = 1.0
"""How long Redis may take to answer a webhook. A healthy one takes less than a millisecond."""
_CONNECTIONS: Final = 32
_WORKER_ANSWER_S: Final = 5.0
_WORKER_TRIES: Final = 60
"""With a second in between at most: a Redis that restarts costs no worker its job."""


class QueueDownError(Exception):
    """Redis gave no answer, or an error."""


def open_async(url: str) -> "AsyncRedis":
    """Make a pool for one event loop: it fails soon, since a webhook waits.

    Raises UsageError where redis is not installed or the URL is none.
    """
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError as error:
        raise _missing() from error
    try:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=_CONNECTIONS,
            timeout=ANSWER_S,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ANSWER_S,
            # One more try at once: a connection that idled may have been closed by the other side.
            retry=Retry(NoBackoff(), 1),
        )
    except ValueError as error:
        raise _no_url(error) from error
    return Redis.from_pool(pool)


def open_blocking(url: str, *, tries: int = _WORKER_TRIES, answer_s: float = _WORKER_ANSWER_S) -> "Redis":
    """Make a pool for threads: it waits for a Redis that restarts, about a minute.

    Raises UsageError where redis is not installed or the URL is none.
    """
    try:
        from redis import Redis
        from redis.backoff import ExponentialBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise _missing() from error
    try:
        return Redis.from_url(
            url,
            socket_timeout=answer_s,
            socket_connect_timeout=answer_s,
            retry=Retry(ExponentialBackoff(cap=1.0, base=0.05), tries),
        )
    except ValueError as error:
        raise _no_url(error) from error


def check_answer(redis: "Redis") -> None:
    """Find out whether Redis answers.

    Raises QueueDownError where it does not, and UsageError where it refuses the URL's user or password.
    """
    from redis.exceptions import (
        AuthenticationError,
        AuthenticationWrongNumberOfArgsError,
        NoPermissionError,
        RedisError,
    )

    try:
        redis.ping()
    except (AuthenticationError, AuthenticationWrongNumberOfArgsError, NoPermissionError) as error:
        message = (
            f"the queue's Redis refuses the user or the password of REVIEWBOT_REDIS_URL ({error}): correct it, such as "
            "redis://USER:PASSWORD@redis:6379/0"
        )
        raise UsageError(message) from error
    except (RedisError, OSError) as error:
        message = f"the queue's Redis gives no answer: {str(error) or type(error).__name__}"
        raise QueueDownError(message) from error


def _missing() -> UsageError:
    return UsageError("REVIEWBOT_REDIS_URL is set, and the redis package is missing: pip install 'reviewbot[worker]'")


def _no_url(error: ValueError) -> UsageError:
    return UsageError(f"REVIEWBOT_REDIS_URL is no Redis URL such as redis://host:6379/0: {error}")
