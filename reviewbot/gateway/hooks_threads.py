"""Which threads are the bot's own: a forge tells of every comment, and never whose thread it is in.

So the bot's own comments are taken note of as they come by, by the mark that each finding's has. Anybody can write
such a mark; all that it brings is a review that finds nothing to answer. What is forgotten is answered no more.
"""

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Final

from reviewbot.gateway.hooks_rules import Forge
from reviewbot.queue.connecting import ANSWER_S, QueueDownError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_MARK: Final = re.compile(r"^<!-- reviewbot:v1 ", re.MULTILINE)
_FINDING: Final = "<!-- reviewbot:v1 finding "
_KEPT_S: Final = 30 * 86_400
"""As long as the queue remembers. Each answer in a thread counts anew."""


def is_own(text: str, author: str, forge: Forge) -> bool:
    """Tell whether a comment is the bot's own, so that it never answers itself."""
    return author.lower() in forge.accounts or _MARK.search(text.replace("\r\n", "\n")) is not None


def opens(text: str, author: str, forge: Forge) -> bool:
    """Tell whether a comment of the bot's opens a thread in which it may be asked."""
    return _FINDING in text and (not forge.accounts or author.lower() in forge.accounts)


class OwnThreads:
    """The bot's threads, in Redis. Methods raise QueueDownError where it gives no answer within two seconds."""

    def __init__(self, redis: "Redis") -> None:
        """Use a connection of `reviewbot.queue.connecting.open_async`, which stays its opener's to close."""
        from redis.exceptions import RedisError

        self._redis = redis
        self._errors = (RedisError, OSError, TimeoutError)

    async def add(self, place: str, thread: str) -> None:
        """Take note of a thread at a place: server and project."""
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                await self._redis.set(_key(place, thread), 1, ex=_KEPT_S)
        except self._errors as error:
            raise _down(error) from error

    async def has(self, place: str, thread: str) -> bool:
        """Tell whether a thread is the bot's, and keep it in mind if it is."""
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                return bool(await self._redis.expire(_key(place, thread), _KEPT_S))
        except self._errors as error:
            raise _down(error) from error


def _key(place: str, thread: str) -> str:
    return "reviewbot:threads:" + hashlib.sha256(f"{place}\n{thread}".encode()).hexdigest()


def _down(error: BaseException) -> QueueDownError:
    return QueueDownError(f"the queue's Redis gives no answer: {str(error) or type(error).__name__}")
