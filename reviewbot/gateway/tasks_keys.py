"""``Idempotency-Key`` of a submitted task: who sends the same again, not having heard the answer, has one task.

As the IETF's draft has it (draft-ietf-httpapi-idempotency-key-header): the same key with another body is refused, and
so is one whose first request is still being answered.
"""

import asyncio
import hashlib
from typing import TYPE_CHECKING, Final

from reviewbot.queue.connecting import ANSWER_S, QueueDownError

if TYPE_CHECKING:
    from redis.asyncio import Redis

LONGEST: Final = 255
"""Characters of a key."""
_PENDING_S: Final = 60
"""A replica that dies between the key and the task leaves the key free again after that."""
_KEPT_S: Final = 86_400
"""As long as a task's result can be asked for."""


class OtherBodyError(Exception):
    """The key was given with another body before."""


class PendingError(Exception):
    """Another request with the key is being answered right now."""


class TaskKeys:
    """Which task a key stands for, in Redis. Methods raise QueueDownError."""

    def __init__(self, redis: "Redis") -> None:
        """Use a connection of `reviewbot.queue.connecting.open_async`, which stays its opener's to close."""
        from redis.exceptions import RedisError

        self._redis = redis
        self._errors = (RedisError, OSError, TimeoutError)

    async def begin(self, tenant: str, key: str, body: bytes) -> str | None:
        """Take a key, or give the id of its task. Raises OtherBodyError and PendingError."""
        name, digest = _name(tenant, key), hashlib.sha256(body).hexdigest()
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                taken = await self._redis.set(name, f"{digest} ", nx=True, ex=_PENDING_S)
                found = None if taken else await self._redis.get(name)
        except self._errors as error:
            raise _down(error) from error
        if taken:
            return None
        known, _, task_id = (found.decode() if isinstance(found, bytes) else "").partition(" ")
        if known and known != digest:
            raise OtherBodyError
        if not task_id:
            raise PendingError
        return task_id

    async def end(self, tenant: str, key: str, body: bytes, task_id: str | None) -> None:
        """Say which task a key stands for from now on; None lets it go."""
        name, digest = _name(tenant, key), hashlib.sha256(body).hexdigest()
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                if task_id is None:
                    await self._redis.delete(name)
                else:
                    await self._redis.set(name, f"{digest} {task_id}", ex=_KEPT_S)
        except self._errors as error:
            raise _down(error) from error


def _name(tenant: str, key: str) -> str:
    return "reviewbot:taskkeys:" + hashlib.sha256(f"{tenant}\n{key}".encode()).hexdigest()


def _down(error: BaseException) -> QueueDownError:
    return QueueDownError(f"the tasks' Redis gives no answer: {str(error) or type(error).__name__}")
