"""The queue as the gateway sees it: jobs go in, and what stands in it can be told. Awaited, and soon over."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reviewbot.domain.job import ReviewJob
from reviewbot.queue import policy
from reviewbot.queue.connecting import ANSWER_S, QueueDownError
from reviewbot.queue.outcomes import DeadJob, Enqueued, QueueStats
from reviewbot.queue.policy import Call, Policy, QueueRules

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Intake:
    """Takes jobs in. Every method raises QueueDownError where Redis gives no answer within two seconds."""

    def __init__(
        self,
        redis: "Redis",
        now: Callable[[], datetime],
        rules: QueueRules | None = None,
        nonce: Callable[[], str] = policy.nonce,
    ) -> None:
        """Use a connection of `connecting.open_async`, which stays its opener's to close."""
        from redis.exceptions import RedisError

        self._errors = (RedisError, OSError, TimeoutError)
        self._script = redis.register_script(policy.script())
        self._policy = Policy(rules or QueueRules())
        self._now = now
        self._nonce = nonce

    async def enqueue(self, job: ReviewJob) -> Enqueued:
        """Let a job in, or say why not; when this returns, it is in Redis together with its ticket.

        Raises MisspeltJobError for a job that cannot be read again.
        """
        return policy.enqueued(await self._ask(self._policy.enqueue(job, self._now(), self._nonce())))

    async def stats(self) -> QueueStats:
        """Tell how the queue stands."""
        now = self._now()
        return policy.stats(await self._ask(self._policy.stats(now)), now)

    async def dead(self) -> tuple[DeadJob, ...]:
        """List the dead jobs, the last first."""
        return tuple(policy.dead(await self._ask(self._policy.dead(self._now()))))

    async def _ask(self, call: Call) -> Any:  # noqa: ANN401 - the readers in `policy` say what it is
        try:
            async with asyncio.timeout(2 * ANSWER_S):
                return await self._script(keys=call.keys, args=call.args)
        except self._errors as error:
            message = f"the queue's Redis gives no answer: {str(error) or type(error).__name__}"
            raise QueueDownError(message) from error
