"""Several replicas under one key's limit a minute, against a server that refuses whatever is above it.

    python benchmarks/shared_limit.py --minutes 10 --replicas 3

Each replica is a process with the whole request client; they share a Redis that is started for this. The server
counts by its own clock, over any 60 seconds. ``--kill`` ends a replica with SIGKILL halfway and starts another, and
``--restart`` does the same to Redis, which keeps its data.
"""

import argparse
import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE.parent / "tests")]

from client_runs import server, url
from load_own import MODEL, prompt
from redis_server import RedisServer

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint
from reviewbot.errors import ReviewbotError
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.surroundings import real_world

_CALLERS = 10
_KEY = "sk-shared"


async def replica(base_url: str, redis_url: str, limit: int, until_s: float, *, fail_open: bool) -> None:
    """Ask as often as it may, and print when each answer came and what the others were."""
    options = ClientOptions(concurrency=_CALLERS, deadline_s=180.0)
    plan = ClientPlan(
        endpoint=Endpoint(base_url=base_url, keys=(ApiKey(value=_KEY),)),
        model="fake",
        options=options,
        requests_per_minute=limit,
        redis_url=redis_url,
        fail_open=fail_open,
        sliced=True,
        cached=False,
    )
    # Like nobody else's: identical requests would be one.
    numbers = itertools.count(os.getpid() * 1_000_000)

    async def call() -> None:
        while time.time() < until_s:
            try:
                await client.complete(prompt(next(numbers)), MODEL)
                said: float | str = time.time()
            except ReviewbotError as error:
                said = type(error).__name__
                await asyncio.sleep(1)
            os.write(1, f"{json.dumps(said)}\n".encode())

    async with open_client(plan, real_world(), lambda _: None) as client:
        await asyncio.wait([asyncio.create_task(call()) for _ in range(_CALLERS)], timeout=until_s - time.time())


class Fleet:
    """The replicas, some of which end before their time."""

    def __init__(self, arguments: list[str]) -> None:
        self._command = [sys.executable, __file__, *arguments]
        self._output = tempfile.TemporaryFile("a+", encoding="utf-8")  # noqa: SIM115 - goes with the process
        self.running: list[subprocess.Popen[str]] = []

    def start(self) -> None:
        """Start one more."""
        # One file for all: lines are short, and each is one write.
        self.running.append(subprocess.Popen(self._command, stdout=self._output, text=True))

    def kill(self) -> None:
        """End the first without a word."""
        victim = self.running.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()

    def said(self) -> list[float | str]:
        """Wait for all, and give what came of each request."""
        for process in self.running:
            process.wait()
        self._output.seek(0)
        return [json.loads(line) for line in self._output]


@contextmanager
def redis() -> Iterator[RedisServer]:
    """Run a Redis that keeps its data."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        running = RedisServer(Path(folder), lasting=True)
        running.start()
        try:
            yield running
        finally:
            running.stop()


def measured(wanted: argparse.Namespace) -> None:
    """Run the replicas, and print how much of the limit they used and how often they were refused."""
    seconds = wanted.minutes * 60
    profile = f"total=100,tok=5,plain=1,limit={wanted.limit}"
    with server() as port, redis() as store:
        until_s = time.time() + seconds
        flags = ["--fail-open"] if wanted.fail_open else []
        options = [f"--limit={wanted.limit}", f"--until={until_s}", *flags]
        fleet = Fleet([f"--replica={url(port, profile)}", f"--redis={store.url}", *options])
        for _ in range(wanted.replicas):
            fleet.start()
        time.sleep(seconds / 2)  # noqa: TID251 - real processes take real time
        if wanted.kill:
            fleet.kill()
            fleet.start()
        if wanted.restart:
            store.stop()
            time.sleep(2)  # noqa: TID251 - real processes take real time
            store.start()
        said = fleet.said()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as response:
            counted = json.load(response)[profile]
    answered = sorted(each for each in said if isinstance(each, float))
    # The first window begins with all of the limit at once, which would look like more than there is.
    steady = (len(answered) - wanted.limit) / (answered[-1] - answered[wanted.limit - 1]) * 60
    errors = Counter(each for each in said if isinstance(each, str))
    print(f"{wanted.replicas} replicas, limit {wanted.limit} a minute, {wanted.minutes} min")
    print(f"answered {len(answered)}, {steady:.1f} a minute = {100 * steady / wanted.limit:.1f} % of the limit")
    print(f"upstream: {counted}; refused with 429: {counted.get('429', 0)}; errors: {dict(errors)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--restart", action="store_true")
    parser.add_argument("--fail-open", action="store_true")
    parser.add_argument("--replica", help=argparse.SUPPRESS)
    parser.add_argument("--redis", help=argparse.SUPPRESS)
    parser.add_argument("--until", type=float, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.replica is None:
        measured(asked)
    else:
        asyncio.run(replica(asked.replica, asked.redis, asked.limit, asked.until, fail_open=asked.fail_open))
