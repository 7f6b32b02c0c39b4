"""How fast the queue's policy is, and what a slot that falls free costs.

    python benchmarks/queue_policy.py [--requests N] [--projects N]

Starts a Redis of its own with ``appendonly yes`` and ``appendfsync always``. Prints microseconds for each step over one
connection, one after the other, with N requests in line; then how much of what two workers' slots could do is reached
with jobs of one second.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from redis_server import running_redis
from review_queue import Desk, Hand, a_desk, a_push

from reviewbot.queue.outcomes import Taken

SLOTS = 4
JOBS = 64
JOB_S = 1.0


def measured(name: str, times: int, step: Callable[[int], object]) -> None:
    """Print what one of so many steps takes."""
    took_us = []
    for number in range(times):
        start_s = time.perf_counter()
        step(number)
        took_us.append((time.perf_counter() - start_s) * 1e6)
    took_us.sort()
    print(f"{name:34} p50 {took_us[times // 2]:6.0f} us   p95 {took_us[times * 95 // 100]:6.0f} us")


def steps(desk: Desk, requests: int, projects: int) -> None:
    """Measure the steps of every job."""
    hand = Hand(desk)
    held: list[Taken] = []

    def take(_: int) -> None:
        taken = hand.take()
        assert taken is not None
        held.append(taken)

    def push(head: str, after_s: float) -> Callable[[int], object]:
        return lambda number: desk.enqueue(a_push(number + 1, head, after_s, number % projects + 1))

    measured("enqueue, fresh", requests, push("a", 0))
    measured("enqueue, duplicate", requests, push("a", 0))
    measured("enqueue, superseding", requests, push("b", 1))
    measured("stats", 20, lambda _: desk.queue.stats())
    measured("sweep, nothing to do", 20, lambda _: desk.queue.sweep())
    measured("fetch (dramatiq) and take", requests, take)
    measured("superseded?", requests, lambda number: desk.queue.superseded(held[number]))
    measured("end, and acknowledge (dramatiq)", requests, lambda number: hand.end(held[number]))


@contextlib.contextmanager
def workers(url: str, log: Path) -> Iterator[None]:
    """Run two workers whose jobs are naps."""
    argv = [sys.executable, str(TESTS / "queue_worker.py"), url, str(log), str(SLOTS), "15"]
    path = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
    environ = {**os.environ, "PYTHONPATH": path}  # noqa: TID251 - a script's own
    running = [subprocess.Popen(argv, env=environ) for _ in range(2)]
    while log.read_text().count("ready") < len(running):
        time.sleep(0.05)  # noqa: TID251 - real processes take real time
    try:
        yield
    finally:
        for worker in running:
            worker.terminate()
            worker.wait()


def throughput(desk: Desk, url: str) -> None:
    """Measure how much of the slots' time is used."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        log.touch()
        with workers(url, log):
            for number in range(JOBS):
                desk.enqueue(a_push(number + 1, "a", project_id=number % 5 + 1, target_branch=str(JOB_S)))
            while log.read_text().count('"end"') < JOBS:
                time.sleep(0.05)  # noqa: TID251 - real processes take real time
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    begun_s = min(line["at_s"] for line in lines if line["event"] == "start")
    took_s = max(line["at_s"] for line in lines if line["event"] == "end") - begun_s
    ideal_s = JOBS * JOB_S / (2 * SLOTS)
    print(f"{JOBS} jobs of {JOB_S:g} s, 2 workers x {SLOTS} slots: {took_s:.2f} s, at best {ideal_s:g} s")
    print(f"share of the slots' time that was used: {ideal_s / took_s:.0%}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--projects", type=int, default=50)
    options = parser.parse_args()
    for server in running_redis(lasting=True):
        with a_desk(server.url) as desk:
            desk.now = datetime.now(UTC)
            steps(desk, options.requests, options.projects)
            desk.redis.flushall()
            throughput(desk, server.url)


if __name__ == "__main__":
    main()
