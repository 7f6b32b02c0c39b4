"""Real workers over a real queue: killed, stopped, told to end, and with a Redis that restarts under them."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer, running_redis
from review_queue import Desk, a_desk, a_push

from reviewbot.queue.connecting import QueueDownError

TESTS = Path(__file__).parents[1]
HEARTBEAT_S = 1.0
ROUNDS = 6
PATIENCE_S = 60.0


@pytest.fixture
def server() -> Iterator[RedisServer]:
    yield from running_redis(lasting=True)


@pytest.fixture
def desk(server: RedisServer) -> Iterator[Desk]:
    with a_desk(server.url) as desk:
        desk.now = datetime.now(UTC)
        yield desk


@dataclass(frozen=True)
class Line:
    """What a worker wrote down."""

    event: str
    pid: int
    request: int
    head: str
    at_s: float


class Crew:
    """Worker processes and what they write; all of them end with the test."""

    def __init__(self, url: str, log: Path) -> None:
        self._url = url
        self._log = log
        self._said = log.with_suffix(".stderr")
        self._log.touch()
        self.workers: list[subprocess.Popen[bytes]] = []

    def hire(self, slots: int = 2) -> "subprocess.Popen[bytes]":
        """Start a worker."""
        argv = [sys.executable, str(TESTS / "queue_worker.py"), self._url, str(self._log), str(slots), str(HEARTBEAT_S)]
        path = os.pathsep.join(map(str, (TESTS.parent, TESTS)))
        environ = {**os.environ, "PYTHONPATH": path}  # noqa: TID251 - coverage's own variables go along
        with self._said.open("ab") as said:
            worker = subprocess.Popen(argv, env=environ, stderr=said)
        self.workers.append(worker)
        return worker

    def lines(self, *events: str) -> list[Line]:
        """Read what happened so far, or some kinds of it."""
        lines = [Line(**json.loads(line)) for line in self._log.read_text().splitlines()]
        return [line for line in lines if not events or line.event in events]

    def kill(self, worker: "subprocess.Popen[bytes]") -> None:
        """Kill a worker in the middle of whatever it does, and write that down too."""
        worker.kill()
        worker.wait()
        with self._log.open("a") as log:
            log.write(json.dumps(vars(Line("killed", worker.pid, 0, "", time.monotonic()))) + "\n")

    def dismiss(self, worker: "subprocess.Popen[bytes]") -> str:
        """Let a worker end well, and give what all of them said."""
        worker.terminate()
        assert worker.wait(PATIENCE_S) == 0, self._said.read_text()
        return self._said.read_text()

    def close(self) -> None:
        """Kill who is left."""
        for worker in self.workers:
            worker.kill()
            worker.wait()


@pytest.fixture
def crew(server: RedisServer, tmp_path: Path) -> Iterator[Crew]:
    crew = Crew(server.url, tmp_path / "log")
    yield crew
    crew.close()


def wait_until(holds: Callable[[], Any], patience_s: float = PATIENCE_S) -> None:
    until_s = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < until_s, "it takes too long"
        time.sleep(0.02)  # noqa: TID251 - real processes take real time


def idle(desk: Desk) -> bool:
    stats = desk.queue.stats()
    return stats.waiting + stats.running + stats.retrying == 0


def assert_one_at_a_time(lines: list[Line]) -> None:
    """Hold against the log that no request was begun while a living worker was at it."""
    at_it: dict[int, int] = {}
    for line in lines:
        if line.event == "start":
            assert line.request not in at_it, line
            at_it[line.request] = line.pid
        elif line.event == "killed":
            at_it = {request: pid for request, pid in at_it.items() if pid != line.pid}
        else:
            at_it.pop(line.request, None)


def test_through_kills_and_a_restart_of_redis_every_request_ends_at_its_newest_head(
    desk: Desk, crew: Crew, server: RedisServer
) -> None:
    chance = random.Random(8)  # noqa: S311 - for tests
    requests, pushes = range(1, 31), range(4)
    webhooks = [a_push(request, f"head-{push}", push, target_branch="0.15") for request in requests for push in pushes]
    webhooks += chance.sample(webhooks, 40)
    chance.shuffle(webhooks)
    crew.hire()
    crew.hire()

    def send(number: int) -> None:
        for webhook in webhooks[number::ROUNDS]:
            while True:  # as a forge does that got a 503
                try:
                    desk.enqueue(webhook)
                except QueueDownError:
                    continue
                break

    for number in range(ROUNDS):
        send(number)
        wait_until(lambda: len(crew.lines("ready")) > len(crew.lines("killed")))
        time.sleep(0.2 + chance.random() / 5)  # noqa: TID251 - workers get to the middle of something
        crew.kill(crew.workers[-2])
        crew.hire()
        if number == ROUNDS // 2:
            server.stop()
            server.start()
    wait_until(lambda: idle(desk))
    lines = crew.lines()
    ended = [(line.request, line.head) for line in lines if line.event == "end"]
    assert {(request, "head-3") for request in requests} <= set(ended)
    newest = [(request, head) for request, head in ended if head == "head-3"]
    # Twice only where a worker was killed after the nap and before it could say so.
    assert len(newest) <= len(requests) + len(crew.lines("killed"))
    assert_one_at_a_time(lines)
    assert desk.queue.dead() == ()


def test_a_worker_told_to_end_hands_its_jobs_back_at_once(desk: Desk, crew: Crew) -> None:
    first = crew.hire(slots=2)
    for request in (1, 2):
        desk.enqueue(a_push(request, "a", target_branch="30"))
    wait_until(lambda: len(crew.lines("start")) == 2)
    desk.enqueue(a_push(3, "a", target_branch="0"))
    asked_s = time.monotonic()
    crew.dismiss(first)
    assert time.monotonic() - asked_s < 5
    assert {1, 2} == {line.request for line in crew.lines("returned")}
    assert (0, 3) == (desk.stats_of().running, desk.stats_of().waiting)
    crew.hire(slots=3)
    wait_until(lambda: {1, 2, 3} == {line.request for line in crew.lines("start")[2:]})


def test_a_long_job_stays_with_its_worker_as_long_as_that_lives(desk: Desk, crew: Crew) -> None:
    crew.hire(slots=1)
    crew.hire(slots=1)
    wait_until(lambda: len(crew.lines("ready")) == 2)
    desk.enqueue(a_push(1, "a", target_branch=str(3 * HEARTBEAT_S)))
    wait_until(lambda: crew.lines("end"))
    assert len(crew.lines("start")) == 1


def test_a_worker_that_hangs_loses_its_job_and_stops_when_it_wakes(desk: Desk, crew: Crew) -> None:
    hanging = crew.hire(slots=1)
    desk.enqueue(a_push(1, "a", target_branch="5"))
    wait_until(lambda: crew.lines("start"))
    hanging.send_signal(signal.SIGSTOP)
    other = crew.hire(slots=1)
    wait_until(lambda: [line for line in crew.lines("start") if line.pid == other.pid])
    hanging.send_signal(signal.SIGCONT)
    wait_until(lambda: crew.lines("end", "superseded"))
    (first,) = crew.lines("end", "superseded")
    assert ("superseded", hanging.pid) == (first.event, first.pid)
    wait_until(lambda: crew.lines("end"))
    assert [other.pid] == [line.pid for line in crew.lines("end")]
    assert "was another worker's by the time it ended" in crew.dismiss(hanging)
    assert idle(desk)


def test_a_push_stops_the_review_of_the_one_before_it(desk: Desk, crew: Crew) -> None:
    crew.hire(slots=2)
    desk.enqueue(a_push(1, "a", target_branch="30"))
    wait_until(lambda: crew.lines("start"))
    desk.enqueue(a_push(1, "b", after_s=1, target_branch="0"))
    wait_until(lambda: crew.lines("end"))
    assert ["start a", "superseded a", "start b", "end b"] == [
        f"{line.event} {line.head}" for line in crew.lines() if line.request
    ]


def test_one_request_does_not_wait_for_another_project_s_four_hundred(desk: Desk, crew: Crew) -> None:
    for request in range(1, 401):
        desk.enqueue(a_push(request, "flood", target_branch="0.2"))
    crew.hire(slots=2)
    wait_until(lambda: len(crew.lines("end")) >= 4)
    desk.enqueue(a_push(999, "one", project_id=8, target_branch="0"))
    before = len(crew.lines("start"))
    wait_until(lambda: [line for line in crew.lines("start") if line.request == 999])
    heads = [line.head for line in crew.lines("start")]
    # Next is whoever's slot falls free first; one more may have started between the look and the webhook.
    assert heads.index("one") <= before + 2


def test_an_idle_worker_gets_work_though_another_is_busy(desk: Desk, crew: Crew) -> None:
    crew.hire(slots=1)
    for request in (1, 2):
        desk.enqueue(a_push(request, "a", target_branch="30"))
    wait_until(lambda: crew.lines("start"))
    crew.hire(slots=1)
    wait_until(lambda: len(crew.lines("start")) == 2)
    assert len({line.pid for line in crew.lines("start")}) == 2


def test_a_job_that_raises_is_tried_again_later_and_its_worker_goes_on(desk: Desk, crew: Crew) -> None:
    worker = crew.hire(slots=1)
    desk.enqueue(a_push(1, "broken"))
    desk.enqueue(a_push(2, "a", target_branch="0"))
    wait_until(lambda: crew.lines("end"))
    wait_until(lambda: desk.stats_of().retrying == 1)
    said = crew.dismiss(worker)
    assert "ValueError: made to fail" in said


def test_many_gateways_and_workers_at_once_lose_and_double_nothing(server: RedisServer, crew: Crew) -> None:
    crew.hire(slots=4)
    crew.hire(slots=4)

    def gateway(number: int) -> None:
        with a_desk(server.url) as desk:
            desk.now = datetime.now(UTC)
            for request in range(number, 100, 2):
                desk.enqueue(a_push(request, "a", target_branch="0"))

    gateways = [threading.Thread(target=gateway, args=(number,)) for number in (1, 1, 2, 2)]
    for thread in gateways:
        thread.start()
    for thread in gateways:
        thread.join()
    with a_desk(server.url) as desk:
        wait_until(lambda: idle(desk))
    assert list(range(1, 100)) == sorted(line.request for line in crew.lines("end"))
