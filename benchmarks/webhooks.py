"""How soon a webhook is answered, with its job in the queue: open loop, so that a slow answer holds no other one up.

    python benchmarks/webhooks.py --rate 50 --seconds 60

The real command in a process of its own, and a real Redis that writes each change to disk before it answers (the worst
case, `appendfsync always`). Half of the webhooks are GitLab's and half GitHub's, signed, over 200 requests: new heads,
one in five sent twice. Times are from the moment at which a webhook was due.
"""

import argparse
import asyncio
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

import httpx
from hooks_scene import (
    GITHUB_URL,
    GITLAB_URL,
    SECRETS,
    github_headers,
    gitlab_headers,
    merge_request,
    pull_request,
    spelt,
)
from redis_server import RedisServer, running_redis

_REQUESTS = 200
_FILLER = "x" * 20_000
"""Real events of both forges have about so much."""
_ROOT = Path(__file__).parents[1]


@contextmanager
def _gateway(redis: RedisServer, folder: Path) -> Iterator[str]:
    environ = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - where Python is
        "PYTHONPATH": str(_ROOT),
        "HOME": str(folder),
        "REVIEWBOT_API_KEY": "made-up",
        "REVIEWBOT_BASE_URL": "http://127.0.0.1:9",
        "REVIEWBOT_REDIS_URL": redis.url,
        "REVIEWBOT_WEBHOOK_SECRETS": SECRETS,
        "REVIEWBOT_GITLAB_URL": GITLAB_URL,
        "REVIEWBOT_GITHUB_API_URL": GITHUB_URL,
    }
    log = folder / "gateway.log"
    with log.open("wb") as sink:
        argv = [sys.executable, "-m", "reviewbot", "gateway", "--port", "0"]
        process = subprocess.Popen(argv, env=environ, cwd=folder, stdout=sink, stderr=sink)
    try:
        while "gateway at " not in log.read_text():
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)  # noqa: TID251 - a real server takes real time
        yield log.read_text().split("gateway at ", 1)[1].split("/v1", 1)[0]
    finally:
        process.terminate()
        process.wait()


def _webhooks(count: int) -> Iterator[tuple[str, bytes]]:
    """Yield webhooks as they would come."""
    chance = random.Random(7)  # noqa: S311 - a load, not a secret
    made: list[tuple[str, bytes]] = []
    for number in range(count):
        if made and chance.random() < 0.2:
            yield chance.choice(made[-50:])
            continue
        head = f"{number:040x}"
        request = chance.randrange(_REQUESTS) + 1
        if number % 2:
            body = spelt(
                merge_request("update", number=request, oldrev=head, last_commit={"id": head}, description=_FILLER)
            )
            made.append(("gitlab", body))
        else:
            body = spelt(pull_request("synchronize", number=request, head={"sha": head}, body=_FILLER))
            made.append(("github", body))
        yield made[-1]


async def _load(url: str, rate: float, seconds: float) -> tuple[list[float], Counter[str]]:
    times: list[float] = []
    outcomes: Counter[str] = Counter()
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:

        async def send(forge: str, body: bytes, due: float) -> None:
            headers = gitlab_headers() if forge == "gitlab" else github_headers(body)
            found = await client.post(f"/webhooks/{forge}", content=body, headers=headers)
            times.append(time.perf_counter() - due)
            outcomes[f"{found.status_code} {found.json().get('outcome', '')}"] += 1

        began = time.perf_counter() + 0.5
        async with asyncio.TaskGroup() as group:
            for number, (forge, body) in enumerate(_webhooks(round(rate * seconds))):
                due = began + number / rate
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(send(forge, body, due))
    return times, outcomes


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=50, help="webhooks a second")
    parser.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    with contextmanager(running_redis)(lasting=True) as redis, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _gateway(redis, folder) as url:
            times, outcomes = asyncio.run(_load(url, options.rate, options.seconds))
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)  # Redis still runs
        used_s = spent.ru_utime + spent.ru_stime
        own = [float(found) for found in re.findall(r"\), (\d+) ms", (folder / "gateway.log").read_text())]
    print(f"{len(times)} webhooks at {options.rate:g} a second: {dict(outcomes)}")
    print(f"as the sender sees it, ms: {_figures([1_000 * each for each in times])}")
    print(f"in the gateway, ms: {_figures(own)}")
    print(f"processor time of the gateway, its start included: {1_000 * used_s / len(times):.1f} ms a webhook")


def _figures(times: list[float]) -> str:
    cuts = quantiles(times, n=100)
    return f"median {median(times):.0f}, p95 {cuts[94]:.0f}, p99 {cuts[98]:.0f}, max {max(times):.0f}"


if __name__ == "__main__":
    main()
