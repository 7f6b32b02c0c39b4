"""Tickets by dramatiq: its broker, its worker threads, its heartbeats. Imported by who runs a worker alone.

Of dramatiq's middleware none is used: attempts, time limits and results are the policy's and the caller's. What its
defaults would do here, and what stands against it:

- A message of a worker that died comes back only when some other worker's command in a thousand looks for it: here
  every one does (``maintenance_chance``), which costs one more read of a short sorted set.
- A worker fetches twice as many messages as it has threads, which then wait for it while others are idle: here exactly
  as many. The heartbeat of a worker whose threads are all busy is then sent by the consumer of the delayed messages,
  of which there are none.
- A fetch that found nothing is repeated after up to a second: here after a tenth, for which a webhook's job waits.
"""

import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from dramatiq import Worker, actor
from dramatiq.brokers.redis import MAINTENANCE_SCALE, RedisBroker

from reviewbot.queue import policy
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.outcomes import Ending, Failed, Fate, Later, Taken, Unfinished
from reviewbot.queue.reviews import ReviewQueue
from reviewbot.queue.slots import Slots

if TYPE_CHECKING:
    from redis import Redis

_log = logging.getLogger(__name__)
_POLL_MS: Final = 100
_SWEEP_S: Final = 1.0
_SPARE_S: Final = 0.05
"""Between two looks of a spare slot for a project that has none."""
_LOOK_S: Final = 0.25
"""Between two looks at whether it is worth waiting for the end any longer."""
HEARTBEAT_S: Final = 15.0
"""After so long without a sign of life a worker's jobs go to others. Clocks of machines must agree much better."""


class Delivery:
    """Worker threads that take tickets and do what they stand for."""

    def __init__(  # noqa: PLR0913 - the queue, whom it works for, and how much at once
        self,
        redis: "Redis",
        queue: ReviewQueue,
        run: Callable[[Taken], Ending],
        *,
        slots: int,
        spare: int = 0,
        heartbeat_s: float = HEARTBEAT_S,
        sweeper: ReviewQueue | None = None,
    ) -> None:
        """Call ``run`` in a thread for each job, ``slots`` at once. What it raises counts as a failure.

        ``spare`` more are for projects none of whose jobs is in hand anywhere: so what one project floods the queue
        with is not waited for by another one's first. ``sweeper`` is the queue over a connection that fails soon: so a
        Redis that is away is told of at once, whereas jobs wait for it.

        Threads cannot be interrupted: ``run`` has to ask `ReviewQueue.superseded`, and to end when its process is told
        to, with `Unfinished`.
        """
        broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq's own gap
            client=redis,
            namespace=policy.NAMESPACE,
            middleware=[],
            maintenance_chance=MAINTENANCE_SCALE,
            heartbeat_timeout=round(1_000 * heartbeat_s),
        )
        self._stopping = threading.Event()
        self._stopped = threading.Event()
        self._away = threading.Event()
        """Set while Redis gives no answer."""
        self._in_hand: set[str] = set()
        """Leases of the jobs that are run."""
        actor(actor_name=policy.ACTOR, queue_name=policy.QUEUE, broker=broker)(
            _work(queue, _counted(run, self._in_hand), Slots(slots), self._stopping)
        )
        self._worker = Worker(broker, worker_timeout=_POLL_MS, worker_threads=slots + spare)
        self._worker.queue_prefetch = slots + spare
        self._queue = sweeper or queue
        self._sweeping = threading.Thread(target=self._sweep, daemon=True, name="sweep the queue")

    def start(self) -> None:
        """Begin to take tickets; returns at once."""
        self._worker.start()
        self._sweeping.start()

    def stop(self, timeout_s: float) -> None:
        """Take no more tickets, wait for jobs to end, and give back the tickets that were not looked at.

        Takes no longer than ``timeout_s`` in all. Where Redis is away nothing can be given back, and only what runs is
        waited for: what is in Redis goes to others after a while without a heartbeat.
        """
        self._stopping.set()
        # dramatiq waits for its threads one kind after the other, for each that long, and then for Redis.
        ending = threading.Thread(target=self._worker.stop, args=(round(1_000 * timeout_s),), daemon=True)
        ending.start()
        for _ in range(max(1, round(timeout_s / _LOOK_S))):
            ending.join(_LOOK_S)
            if not ending.is_alive() or (self._away.is_set() and not self._in_hand):
                break
        self._stopped.set()

    def _sweep(self) -> None:
        """Sweep until all has ended, since it also finds out whether Redis is there."""
        while not self._stopped.wait(_SWEEP_S):
            try:
                missing = self._queue.sweep()
            except QueueDownError as error:
                if not self._away.is_set():
                    _log.warning("the queue is not swept, and no job is taken, until Redis is back: %s", error)
                self._away.set()
                continue
            if self._away.is_set():
                _log.warning("Redis is back")
            self._away.clear()
            if missing:
                _log.info("%d tickets were missing, and are issued again", missing)


def _counted(run: Callable[[Taken], Ending], in_hand: set[str]) -> Callable[[Taken], Ending]:
    def counted(taken: Taken) -> Ending:
        in_hand.add(taken.lease)
        try:
            return run(taken)
        finally:
            in_hand.discard(taken.lease)

    return counted


def _work(
    queue: ReviewQueue, run: Callable[[Taken], Ending], slots: Slots, stopping: threading.Event
) -> Callable[[str], None]:
    """Make what dramatiq calls for each ticket, in as many threads as there are slots; who finds none is a spare one.

    A slot that falls free goes on at once, under the ticket that it has, until there is no more work: tickets that are
    left over find none. A ticket is acknowledged whatever happens here; a job that is left behind is swept up. A spare
    slot keeps a ticket that it has no use for yet: the sweep issues another within a second, for slots elsewhere.
    """

    def work(ticket: str) -> None:
        ordinary = False
        try:
            while not stopping.is_set():
                ordinary = ordinary or slots.enter()
                taken = queue.take(ticket) if ordinary else take_spare(ticket)
                if taken is Later.LATER:
                    ordinary = slots.enter(_SPARE_S)
                elif taken is None or not done(taken, ordinary=ordinary):
                    return
        finally:
            if ordinary:
                slots.leave()

    def take_spare(ticket: str) -> Taken | Later | None:
        with slots.watched() as all_at_work:
            return queue.take_spare(ticket) if all_at_work else Later.LATER

    def done(taken: Taken, *, ordinary: bool) -> bool:
        """Do a job; tells whether to go on under its ticket."""
        with slots.at_work() if ordinary else nullcontext():
            ending = _ended(run, taken)
        if queue.end(taken, ending) is Fate.LOST:
            # The ticket is another worker's too, and what it stands for is in that one's hands.
            _log.warning("job %s was another worker's by the time it ended", taken.job.id)
            return False
        return not isinstance(ending, Unfinished)

    return work


def _ended(run: Callable[[Taken], Ending], taken: Taken) -> Ending:
    try:
        return run(taken)
    except Exception as error:  # noqa: BLE001 - one job must not end the thread that serves all others
        _log.exception("job %s failed unexpectedly", taken.job.id)
        return Failed(reason=f"{type(error).__name__}: {error}")
