"""What a worker counts, and how its queue stands, as Prometheus takes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.registry import Collector

from reviewbot.queue import metrics
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.outcomes import QueueStats

_SECONDS: Final = (0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800)


class Measures:
    """Counts of one worker, in a registry of their own."""

    def __init__(self, slots: int, stats: Callable[[], QueueStats], clock: Callable[[], float]) -> None:
        # Not described by being collected: that would ask Redis before there is anybody to say that it is away.
        self.registry = CollectorRegistry()
        self._clock = clock
        self._ended = Counter(
            "reviewbot_worker_jobs", "Jobs that came to an end here", ["outcome"], registry=self.registry
        )
        self._seconds = Histogram(
            "reviewbot_worker_seconds",
            "Time that a part of a job took",
            ["part"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._busy = Gauge("reviewbot_worker_busy_slots", "Jobs in hand", registry=self.registry)
        Gauge("reviewbot_worker_slots", "Jobs that may be in hand at once", registry=self.registry).set(slots)
        self.registry.register(_Queue(stats))

    def ended(self, outcome: str) -> None:
        """Count a job's end."""
        self._ended.labels(outcome).inc()

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Count a slot as busy for the length of a block."""
        with self._busy.track_inprogress():
            yield

    @contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Take the time of a block."""
        began = self._clock()
        try:
            yield
        finally:
            self._seconds.labels(part).observe(self._clock() - began)


class _Queue(Collector):
    """Asks the queue when it is looked at. While Redis is away there is nothing to tell of it."""

    def __init__(self, stats: Callable[[], QueueStats]) -> None:
        self._stats = stats

    def collect(self) -> Iterator[Metric]:
        try:
            stats = self._stats()
        except QueueDownError:
            return
        yield from metrics.families(stats)
