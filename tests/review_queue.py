"""The queue of reviews with hands on it: a clock to turn, webhooks to send, and workers as dramatiq's broker sees them.

A `Desk` is one gateway and one worker's queue over a real Redis. A `Hand` is a worker without threads: it fetches
tickets with dramatiq's Redis broker, and can die with them.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from dramatiq import Message
from dramatiq.brokers.redis import MAINTENANCE_SCALE, RedisBroker

from reviewbot.domain.job import JobKind, ReviewJob
from reviewbot.queue import policy
from reviewbot.queue.connecting import open_async, open_blocking
from reviewbot.queue.intake import Intake
from reviewbot.queue.outcomes import DeadJob, Ended, Ending, Enqueued, Fate, ProjectStats, QueueStats, Taken
from reviewbot.queue.policy import QueueRules
from reviewbot.queue.reviews import ReviewQueue

RULES = QueueRules(waiting=3, attempts=3, deliveries=2, first_wait_s=10, most_wait_s=15, kept_s=3_600)
START = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
_ids = itertools.count(1)

JOB = ReviewJob(
    id="job",
    kind=JobKind.REVIEW,
    forge="gitlab",
    server="https://gitlab.example/api/v4",
    project="group/app",
    project_id=7,
    number=1,
    head_sha="a" * 40,
    target_branch="main",
    at=START,
    correlation="from-webhook-to-comment",
)


def a_job(**fields: Any) -> ReviewJob:  # noqa: ANN401 - whatever differs
    """Make a job with an id of its own; ``after_s`` is the event's time in seconds after `START`."""
    at = START + timedelta(seconds=fields.pop("after_s", 0))
    made: dict[str, Any] = {"id": f"job-{next(_ids)}", "at": at}
    return replace(JOB, **(made | fields))


def a_push(number: int, head: str, after_s: float = 0, project_id: int = 7, **fields: Any) -> ReviewJob:  # noqa: ANN401
    """Make the review of a request's new head."""
    project = {"project_id": project_id, "project": f"group/app-{project_id}"}
    return a_job(number=number, head_sha=head, after_s=after_s, **(project | fields))


def a_reply(number: int, thread: str, note: str, after_s: float = 0, project_id: int = 7) -> ReviewJob:
    """Make the reply to a comment."""
    return a_push(number, "a", after_s, project_id, kind=JobKind.REPLY, thread=thread, note=note)


class Desk:
    """A gateway's side and a worker's side of one queue, with a clock that stands still."""

    def __init__(self, url: str, rules: QueueRules | None = None, nonce: Callable[[], str] = policy.nonce) -> None:
        self.now = START
        self.redis = open_blocking(url, tries=2)
        self._runner = asyncio.Runner()
        self._awaited = open_async(url)
        self._intake = Intake(self._awaited, lambda: self.now, rules, nonce)
        self.queue = ReviewQueue(self.redis, lambda: self.now, lambda: 1.0, rules, nonce)

    def close(self) -> None:
        """Close the connections."""
        self._runner.run(self._awaited.aclose())
        self._runner.close()
        self.redis.close()

    def later(self, seconds: float) -> None:
        """Turn the clock."""
        self.now += timedelta(seconds=seconds)

    def enqueue(self, job: ReviewJob) -> Enqueued:
        """Let a webhook come."""
        return self._runner.run(self._intake.enqueue(job))

    def awaited_stats(self) -> QueueStats:
        """Ask as the gateway does."""
        return self._runner.run(self._intake.stats())

    def awaited_dead(self) -> tuple[DeadJob, ...]:
        """Ask as the gateway does."""
        return self._runner.run(self._intake.dead())

    def stats_of(self, project_id: int = 7) -> ProjectStats:
        """Give one project's numbers."""
        place = f"gitlab.example/group/app-{project_id}"
        return next(project for project in self.queue.stats().projects if project.place == place)


@contextmanager
def a_desk(url: str, rules: QueueRules | None = None) -> Iterator[Desk]:
    """Open a desk for the length of a block."""
    desk = Desk(url, rules)
    try:
        yield desk
    finally:
        desk.close()


class Hand:
    """A worker that does one thing after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq's own gap
            client=desk.redis, namespace=policy.NAMESPACE, middleware=[], maintenance_chance=MAINTENANCE_SCALE
        )

    def fetch(self) -> str | None:
        """Fetch a ticket; None where there is none."""
        for data in self._broker.do_fetch(policy.QUEUE, 1):
            message: Message[None] = Message.decode(data)
            assert policy.ACTOR == message.actor_name
            (ticket,) = message.args
            assert isinstance(ticket, str)
            return ticket
        return None

    def look(self) -> None:
        """See whether somebody died, as every command but an acknowledgement does, and fetch nothing."""
        self._broker.do_qsize(policy.QUEUE)

    def ack(self, ticket: str) -> None:
        """Be done with a ticket."""
        self._broker.do_ack(policy.QUEUE, ticket)

    def take(self) -> Taken | None:
        """Fetch tickets until one has work; None when there are no more."""
        while ticket := self.fetch():
            taken = self._desk.queue.take(ticket)
            if taken is not None:
                return taken
            self.ack(ticket)
        return None

    def end(self, taken: Taken, ending: Ending | None = None) -> Fate:
        """End a job, and be done with its ticket."""
        fate = self._desk.queue.end(taken, ending or Ended())
        self.ack(taken.ticket)
        return fate

    def die(self) -> None:
        """Give no sign of life any more: what it fetched goes to whoever fetches next."""
        self._desk.redis.zadd(f"{policy.NAMESPACE}:__heartbeats__", {self._broker.broker_id: 0})


def head(taken: Taken | None) -> str:
    """Say which head a hand got."""
    assert taken is not None
    return taken.job.head_sha
