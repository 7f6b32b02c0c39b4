"""The queue as a worker sees it: tickets become jobs, and jobs come to an end. Blocking, for many threads at once."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

from reviewbot.queue import policy
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.outcomes import DeadJob, Ended, Ending, Failed, Fate, Later, QueueStats, Taken, Unfinished
from reviewbot.queue.policy import Call, Policy, QueueRules

if TYPE_CHECKING:
    from redis import Redis


class ReviewQueue:
    """Gives work out. Every method raises QueueDownError where Redis stays away, by the patience of the connection."""

    def __init__(
        self,
        redis: "Redis",
        now: Callable[[], datetime],
        chance: Callable[[], float],
        rules: QueueRules | None = None,
        nonce: Callable[[], str] = policy.nonce,
    ) -> None:
        """Use a connection of `connecting.open_blocking`, which stays its opener's to close."""
        from redis.exceptions import RedisError

        self._errors = (RedisError, OSError)
        self._script = redis.register_script(policy.script())
        self._policy = Policy(rules or QueueRules())
        self._now = now
        self._chance = chance
        self._nonce = nonce

    def take(self, ticket: str) -> Taken | None:
        """Give the job that a ticket stands for: the project's whose turn it is, or the one that it stood for before.

        None where there is no work, or none whose change request is free: then the ticket is done.
        """
        found = self._take(ticket, spare=False)
        return None if found is Later.LATER else found

    def take_spare(self, ticket: str) -> Taken | Later | None:
        """Give a job as `take` does, and only one of a project none of whose jobs is in anybody's hands."""
        return self._take(ticket, spare=True)

    def _take(self, ticket: str, *, spare: bool) -> Taken | Later | None:
        nonce = self._nonce()
        return policy.taken(self._ask(self._policy.take(ticket, self._now(), nonce, spare=spare)), ticket, nonce)

    def end(self, taken: Taken, ending: Ending) -> Fate:
        """Tell how a job ended, before its ticket is acknowledged."""
        match ending:
            case Ended(outcome=outcome):
                call = self._policy.finish(taken, outcome, self._now())
            case Failed():
                call = self._policy.fail(taken, ending, self._now(), self._chance())
            case Unfinished():
                call = self._policy.hand_back(taken, self._now())
            case _:  # pragma: no cover
                assert_never(ending)
        answer: bytes = self._ask(call)
        return Fate(answer.decode())

    def superseded(self, taken: Taken) -> bool:
        """Tell whether to stop: a newer job of the subject waits, or another worker has this one. Ask once a second."""
        return bool(self._ask(self._policy.superseded(taken, self._now())))

    def sweep(self) -> int:
        """Begin the attempts that are due, and repair what crashes left; once a second, by any number of workers.

        Gives the number of tickets that were missing.
        """
        return int(self._ask(self._policy.sweep(self._now(), self._nonce())))

    def dead(self) -> tuple[DeadJob, ...]:
        """List the dead jobs, the last first."""
        return tuple(policy.dead(self._ask(self._policy.dead(self._now()))))

    def requeue(self, job_id: str | None = None) -> int:
        """Put one dead job back, or all of them, at their first attempt; give how many."""
        return int(self._ask(self._policy.requeue(job_id, self._now(), self._nonce())))

    def stats(self) -> QueueStats:
        """Tell how the queue stands."""
        now = self._now()
        return policy.stats(self._ask(self._policy.stats(now)), now)

    def _ask(self, call: Call) -> Any:  # noqa: ANN401 - the readers in `policy` say what it is
        try:
            return self._script(keys=call.keys, args=call.args)
        except self._errors as error:
            message = f"the queue's Redis gives no answer: {str(error) or type(error).__name__}"
            raise QueueDownError(message) from error
