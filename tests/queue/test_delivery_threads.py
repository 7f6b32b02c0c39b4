"""Delivery within one process: what `run` gives or raises, what is swept, and what is said when Redis is away."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import pytest
from redis_server import RedisServer, running_redis
from review_queue import Desk, a_desk, a_push

from reviewbot.queue.delivery import Delivery
from reviewbot.queue.outcomes import Ended, Ending, Failed, Taken
from reviewbot.queue.reviews import ReviewQueue

PATIENCE_S = 60.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def desk(server: RedisServer) -> Iterator[Desk]:
    with a_desk(server.url) as desk:
        yield desk


@contextmanager
def working(desk: Desk, run: Callable[[Taken], Ending], *, spare: int = 0) -> Iterator[None]:
    """Let two threads, and spare ones, work for the length of a block, and wait for what they are at."""
    delivery = Delivery(desk.redis, desk.queue, run, slots=2, spare=spare)
    delivery.start()
    try:
        yield
    finally:
        delivery.stop(PATIENCE_S)


class Done:
    """Says what each job is to come to, and lets others wait for a number of them."""

    def __init__(self, ending: Callable[[Taken], Ending]) -> None:
        self._ending = ending
        self._counted = threading.Semaphore(0)
        self.numbers: list[int] = []

    def __call__(self, taken: Taken) -> Ending:
        self.numbers.append(taken.job.number)
        self._counted.release()
        return self._ending(taken)

    def wait_for(self, number: int) -> None:
        for _ in range(number):
            assert self._counted.acquire(timeout=PATIENCE_S)


def test_what_run_gives_is_what_the_queue_is_told(desk: Desk) -> None:
    def ending(taken: Taken) -> Ending:
        return Failed(reason="refused", lasting=True) if taken.job.number == 2 else Ended(outcome="skipped")

    done = Done(ending)
    for number in (1, 2, 3):
        desk.enqueue(a_push(number, "a"))
    with working(desk, done):
        done.wait_for(3)
    assert [1, 2, 3] == sorted(done.numbers)
    assert (("dead", 1), ("skipped", 2)) == desk.stats_of().ended
    assert ["refused"] == [dead.reason for dead in desk.queue.dead()]


def test_what_run_raises_is_a_failure_with_its_words(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def ending(taken: Taken) -> Ending:
        raise ValueError(taken.job.head_sha)

    done = Done(ending)
    desk.enqueue(a_push(1, "a"))
    for attempt in range(1, 6):
        with working(desk, done):
            done.wait_for(1)
        assert (attempt < 5) == bool(desk.stats_of().retrying)
        desk.later(900)
        desk.queue.sweep()
    assert ["ValueError: a"] == [dead.reason for dead in desk.queue.dead()]
    assert "failed unexpectedly" in caplog.text


def test_missing_tickets_are_issued_and_told_of(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    done = Done(lambda _: Ended())
    desk.enqueue(a_push(1, "a"))
    desk.redis.delete("reviewbot:tickets:reviews", "reviewbot:tickets:reviews.msgs")
    with caplog.at_level(logging.INFO, "reviewbot"), working(desk, done):
        done.wait_for(1)
    assert "1 tickets were missing" in caplog.text


def test_a_redis_that_is_away_is_told_of_and_does_not_end_the_worker(
    desk: Desk, server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    done = Done(lambda _: Ended())
    told = threading.Event()

    class Telling(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if "the queue is not swept" in record.getMessage():
                told.set()

    handler = Telling()
    logging.getLogger("reviewbot").addHandler(handler)
    try:
        with working(desk, done):
            server.stop()
            assert told.wait(PATIENCE_S)
            server.start()
            desk.enqueue(a_push(1, "a"))
            done.wait_for(1)
    finally:
        logging.getLogger("reviewbot").removeHandler(handler)
    assert "gives no answer" in caplog.text


def test_a_job_that_another_worker_took_over_is_told_of(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    def ending(taken: Taken) -> Ending:
        if taken.job.number == 1 and len(done.numbers) == 1:
            # What the broker does with the ticket of a worker that gave no sign of life.
            desk.queue.take(taken.ticket)
        return Ended()

    done = Done(ending)
    desk.enqueue(a_push(1, "a"))
    with working(desk, done):
        done.wait_for(2)  # the other one never ended, and is swept up
    assert "was another worker's by the time it ended" in caplog.text
    assert (("reviewed", 1),) == desk.stats_of().ended


class Holding:
    """Holds every job until it is let go, and says of which project each one is that began."""

    def __init__(self) -> None:
        self.began: queue.Queue[int] = queue.Queue()
        self.go = threading.Event()

    def __call__(self, taken: Taken) -> Ending:
        self.began.put(taken.job.project_id or 0)
        assert self.go.wait(PATIENCE_S)
        return Ended()


def test_a_spare_slot_is_for_a_project_of_which_nothing_is_under_way(desk: Desk) -> None:
    holding = Holding()
    for number in range(1, 6):
        desk.enqueue(a_push(number, "a", project_id=1))
    with working(desk, holding, spare=1):
        assert [1, 1] == [holding.began.get(timeout=PATIENCE_S) for _ in range(2)]
        with pytest.raises(queue.Empty):
            holding.began.get(timeout=0.5)
        desk.enqueue(a_push(1, "a", project_id=2))
        assert 2 == holding.began.get(timeout=PATIENCE_S), "while all ordinary slots are busy"
        desk.enqueue(a_push(2, "a", project_id=2))
        with pytest.raises(queue.Empty):
            holding.began.get(timeout=0.5)
        holding.go.set()
        assert [1, 1, 1, 2] == sorted(holding.began.get(timeout=PATIENCE_S) for _ in range(4))


class SlowToTake:
    """The queue of a desk, before which ordinary slots hesitate: so a spare one is the first to look."""

    def __init__(self, queue: ReviewQueue) -> None:
        self._queue = queue

    def __getattr__(self, name: str) -> object:
        return getattr(self._queue, name)

    def take(self, ticket: str) -> Taken | None:
        threading.Event().wait(0.3)
        return self._queue.take(ticket)


@pytest.mark.parametrize("slots", [1, 2])
def test_a_spare_slot_does_not_overtake_those_that_are_about_to_take(desk: Desk, slots: int) -> None:
    running: list[int] = []
    most: list[int] = []

    def ending(taken: Taken) -> Ending:
        running.append(taken.job.number)
        most.append(len(running))
        threading.Event().wait(0.1)
        running.remove(taken.job.number)
        return done(taken)

    done = Done(lambda _: Ended())
    for number in range(1, 7):
        desk.enqueue(a_push(number, "a", project_id=1))
    delivery = Delivery(desk.redis, cast("ReviewQueue", SlowToTake(desk.queue)), ending, slots=slots, spare=1)
    delivery.start()
    try:
        done.wait_for(6)
    finally:
        delivery.stop(PATIENCE_S)
    assert max(most) <= slots, "of a project alone no more than the ordinary slots work"
