"""How the queue stands, for the status page and for Prometheus, and what is said of a Redis that is away."""

import sys
from collections.abc import Iterable, Iterator

import pytest
from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from redis_server import RedisServer, running_redis
from review_queue import Desk, Hand, a_desk, a_push

from reviewbot.errors import UsageError
from reviewbot.queue.connecting import QueueDownError, open_async, open_blocking
from reviewbot.queue.metrics import families
from reviewbot.queue.outcomes import Ended, Failed, ProjectStats, QueueStats, Unfinished

SCRAPED = """\
waiting{app-7} 4.0
oldest_seconds{app-7} 100.0
running{app-7} 1.0
retrying{app-7} 1.0
dead{app-7} 1.0
retries_total{app-7} 1.0
ended_total{outcome="dead",app-7} 1.0
ended_total{outcome="reviewed",app-7} 1.0
ended_total{outcome="superseded",app-7} 1.0
job_seconds_bucket{le="1.0",app-7} 1.0
job_seconds_bucket{le="5.0",app-7} 1.0
job_seconds_bucket{le="15.0",app-7} 1.0
job_seconds_bucket{le="30.0",app-7} 1.0
job_seconds_bucket{le="60.0",app-7} 2.0
job_seconds_bucket{le="120.0",app-7} 2.0
job_seconds_bucket{le="300.0",app-7} 2.0
job_seconds_bucket{le="600.0",app-7} 2.0
job_seconds_bucket{le="1800.0",app-7} 2.0
job_seconds_bucket{le="+Inf",app-7} 2.0
job_seconds_count{app-7} 2.0
job_seconds_sum{app-7} 40.5"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture
def desk(server: RedisServer) -> Iterator[Desk]:
    with a_desk(server.url) as desk:
        yield desk


def a_busy_morning(desk: Desk) -> None:
    """Leave one of each behind, and look at it 100 s after the start."""
    hand = Hand(desk)
    for number in range(1, 9):
        desk.enqueue(a_push(number, "a"))
    for spent_s, ending in ((0.5, Ended()), (40, Failed(reason="", lasting=True)), (20, Failed(reason=""))):
        taken = hand.take()
        assert taken is not None
        desk.later(spent_s)
        hand.end(taken, ending)
    taken = hand.take()
    assert taken is not None
    hand.end(taken, Unfinished())
    desk.enqueue(a_push(5, "b", after_s=5))
    hand.take()
    desk.later(9.5)
    desk.enqueue(a_push(1, "a", project_id=8))
    desk.later(30)


def test_every_job_is_counted_where_it_stands(desk: Desk) -> None:
    a_busy_morning(desk)
    expected = ProjectStats(
        place="gitlab.example/group/app-7",
        waiting=4,
        oldest_s=100.0,
        running=1,
        retrying=1,
        dead=1,
        retries=1,
        ended=(("dead", 1), ("reviewed", 1), ("superseded", 1)),
        job_s=40.5,
        times=(1, 0, 0, 0, 1, 0, 0, 0, 0, 0),
    )
    stats = desk.queue.stats()
    assert expected == desk.stats_of(7)
    assert stats == desk.awaited_stats()
    assert (5, 100.0, 1, 1, 1) == (stats.waiting, stats.oldest_s, stats.running, stats.retrying, stats.dead)
    assert (1, 30.0) == (desk.stats_of(8).waiting, desk.stats_of(8).oldest_s)


def test_an_empty_queue_stands_at_nothing(desk: Desk) -> None:
    assert QueueStats(projects=()) == desk.queue.stats()
    assert desk.queue.stats().oldest_s == 0.0


def test_a_job_that_took_longer_than_all_classes_is_in_the_last(desk: Desk) -> None:
    desk.enqueue(a_push(1, "a"))
    taken = Hand(desk).take()
    assert taken is not None
    desk.later(1_801)
    desk.queue.end(taken, Ended(outcome="skipped"))
    assert (0, 0, 0, 0, 0, 0, 0, 0, 0, 1) == desk.stats_of().times
    assert (("skipped", 1),) == desk.stats_of().ended


class Scraped(Collector):
    """What a process hangs into its registry."""

    def __init__(self, stats: QueueStats) -> None:
        self._stats = stats

    def collect(self) -> Iterable[Metric]:
        return families(self._stats)


def test_prometheus_reads_the_same_numbers(desk: Desk) -> None:
    a_busy_morning(desk)
    registry = CollectorRegistry()
    registry.register(Scraped(desk.queue.stats()))
    lines = generate_latest(registry).decode().splitlines()
    label, short = 'project="gitlab.example/group/app-7"', "app-7"
    told = [line.removeprefix("reviewbot_queue_").replace(label, short) for line in lines if label in line]
    assert SCRAPED.split("\n") == told
    assert "# TYPE reviewbot_queue_job_seconds histogram" in lines


def test_a_redis_that_is_away_is_told_to_both_sides(desk: Desk, server: RedisServer) -> None:
    server.stop()
    with pytest.raises(QueueDownError, match="the queue's Redis gives no answer"):
        desk.enqueue(a_push(1, "a"))
    with pytest.raises(QueueDownError, match="the queue's Redis gives no answer"):
        desk.queue.take("ticket")
    server.start()
    assert desk.enqueue(a_push(1, "a")).accepted


def test_a_url_that_is_none_is_a_usage_error() -> None:
    for opened in (open_async, open_blocking):
        with pytest.raises(UsageError, match="no Redis URL"):
            opened("http://localhost")


def test_a_missing_package_is_a_usage_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("redis", "redis.asyncio"):
        monkeypatch.setitem(sys.modules, module, None)
    for opened in (open_async, open_blocking):
        with pytest.raises(UsageError, match=r"pip install 'reviewbot\[worker\]'"):
            opened("redis://localhost")
