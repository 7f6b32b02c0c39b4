"""The request client against bare httpx in the same shards, and against faults, on the same fake server.

    python benchmarks/client.py faults [--seeds 3]       500 requests, 50 at once, one key of three always refused
    python benchmarks/client.py throughput [--rounds 3]  100 at once, answers of 2 s with 300 streamed tokens
    python benchmarks/client.py soak [--requests 20000]  the same faults for long, with the memory in between

``faults`` draws 10 % 429, 5 % 500, 3 % dropped, 2 % hung and 2 % malformed answers, repeatably. ``throughput``
prints shares of the ceiling (connections / 2 s), CPU a request, and the ratio of the whole stack to bare httpx.
"""

import argparse
import asyncio
import json
import resource
import statistics
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.prompt import Message, Prompt, Task
from reviewbot.domain.wire import WireRequest
from reviewbot.errors import ReviewbotError
from reviewbot.llm.client import Client
from reviewbot.llm.sse import EventReader
from reviewbot.llm.wires.httpx_shards import HttpxWire
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.surroundings import real_world

_MODEL = ModelOptions(name="fake", max_tokens=400)
_OK_SHARE = 0.78


def _prompt(number: int) -> Prompt:
    messages = (Message(role="system", content="answer"), Message(role="user", content=f"{number} " + "x" * 2_000))
    return Prompt(task=Task.REPLY, messages=messages, prompt_tokens=500)


@contextmanager
def _server() -> Iterator[int]:
    command = [sys.executable, str(Path(__file__).with_name("fast_server.py")), "--seconds", "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


def _url(port: int, profile: str) -> str:
    return f"http://127.0.0.1:{port}/p/{profile}/v1"


async def _all(count: int, at_once: int, one: Callable[[int], Awaitable[None]]) -> list[float]:
    """Run ``one`` for each number with so many at once; give the seconds that each took."""
    numbers, took = iter(range(count)), []

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            await one(number)
            took.append(time.perf_counter() - started)

    await asyncio.gather(*(work() for _ in range(at_once)))
    return took


async def _faulty(port: int, profile: str) -> tuple[Counter[str], float]:
    keys = tuple(ApiKey(value=key) for key in ("sk-a", "sk-b", "sk-bad"))
    options = ClientOptions(concurrency=50, idle_s=2.0, first_content_s=5.0, deadline_s=120.0)
    plan = ClientPlan(endpoint=Endpoint(base_url=_url(port, profile), keys=keys), model="fake", options=options)
    outcomes: Counter[str] = Counter()
    async with open_client(plan, real_world(), lambda _: None) as client:

        async def one(number: int) -> None:
            try:
                answer = await client.complete(_prompt(number), _MODEL)
            except ReviewbotError as error:
                outcomes[type(error).__name__] += 1
            except Exception as error:  # noqa: BLE001 - what must not come out is counted
                outcomes[f"foreign {type(error).__name__}"] += 1
            else:
                outcomes["ok" if answer.text == " tok" * 50 else "short"] += 1

        started = time.perf_counter()
        await _all(500, 50, one)
        return outcomes, time.perf_counter() - started


def _faults(seed: int, port: int) -> None:
    profile = f"fault=mix,seed={seed},ttft=60,total=200,tok=50,ra=1"
    outcomes, wall_s = asyncio.run(_faulty(port, profile))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as response:
        stats = json.load(response)[profile]
    calls = stats["calls"] - stats.get("401", 0)
    ratio = calls / (outcomes["ok"] / _OK_SHARE)
    print(f"seed {seed}: {dict(outcomes)}, {wall_s:.1f} s")
    print(f"        {calls} calls ({ratio:.2f} x the unavoidable), and {stats.get('401', 0)} refused keys")


async def _bare(port: int, profile: str, count: int, at_once: int) -> tuple[float, list[float]]:
    """Ask with httpx alone, in the same pools: read, cut into events, parse each; as much as any caller must do."""
    body = json.dumps(
        {
            "model": "fake",
            "messages": [{"role": "user", "content": "x" * 2_000}],
            "stream": True,
        }
    ).encode()
    request = WireRequest(
        url=f"{_url(port, profile)}/chat/completions", body=body, headers={"content-type": "application/json"}
    )
    async with HttpxWire(at_once) as wire:

        async def one(_: int) -> None:
            reader, parts = EventReader(), []
            async with wire.send(request) as response:
                async for piece in response.pieces():
                    for event in reader.feed(piece):
                        if event != b"[DONE]":
                            delta = json.loads(event)["choices"][0]["delta"]
                            parts.append(delta.get("content") or "")
            assert len("".join(parts)) == 4 * 300

        started = time.process_time()
        took = await _all(count, at_once, one)
        return time.process_time() - started, took


async def _whole(port: int, profile: str, count: int, at_once: int) -> tuple[float, list[float]]:
    plan = ClientPlan(
        endpoint=Endpoint(base_url=_url(port, profile), keys=(ApiKey(value="sk-a"), ApiKey(value="sk-b"))),
        model="fake",
        options=ClientOptions(concurrency=at_once),
    )
    async with open_client(plan, real_world(), lambda _: None) as client:
        return await _asked(client, count, at_once)


async def _asked(client: Client, count: int, at_once: int) -> tuple[float, list[float]]:
    async def one(number: int) -> None:
        answer = await client.complete(_prompt(number), _MODEL)
        assert len(answer.text) == 4 * 300

    started = time.process_time()
    took = await _all(count, at_once, one)
    return time.process_time() - started, took


def _throughput(rounds: int, at_once: int) -> None:
    count = 3 * at_once
    runs: dict[str, list[tuple[float, float, float]]] = {"bare httpx": [], "whole stack": []}
    with _server() as port:
        for number in range(rounds):
            for name, run in (("bare httpx", _bare), ("whole stack", _whole)):
                started = time.perf_counter()
                cpu_s, took = asyncio.run(run(port, f"ttft=600,total=2000,tok=300,n={number}{name[0]}", count, at_once))
                share = count / (time.perf_counter() - started) / (at_once / 2.0)
                runs[name].append((share, statistics.quantiles(took, n=20)[-1], 1_000 * cpu_s / count))
    medians = {name: [statistics.median(column) for column in zip(*found, strict=True)] for name, found in runs.items()}
    for name, (share, p95_s, cpu_ms) in medians.items():
        print(f"{name:<12} {share:6.1%} of the ceiling, p95 {p95_s:.2f} s, {cpu_ms:.2f} ms CPU a request")
    bare, whole = medians["bare httpx"], medians["whole stack"]
    print(f"ratio        {whole[0] / bare[0]:.3f}, p95 {whole[1] / bare[1]:.3f}, {whole[2] - bare[2]:+.2f} ms CPU")


def _all_faults(seeds: int) -> None:
    with _server() as port:
        for seed in range(1, seeds + 1):
            _faults(seed, port)


async def _soaked(port: int, count: int) -> None:
    profile = "fault=mix,seed=9,ttft=5,total=20,tok=20,ra=0.05"
    keys = tuple(ApiKey(value=key) for key in ("sk-a", "sk-b"))
    options = ClientOptions(concurrency=50, idle_s=0.5, first_content_s=0.5, deadline_s=120.0)
    plan = ClientPlan(endpoint=Endpoint(base_url=_url(port, profile), keys=keys), model="fake", options=options)
    outcomes: Counter[str] = Counter()
    async with open_client(plan, real_world(), lambda _: None) as client:

        async def one(number: int) -> None:
            try:
                await client.complete(_prompt(number), _MODEL)
            except ReviewbotError as error:
                outcomes[type(error).__name__] += 1
            else:
                outcomes["ok"] += 1
            if sum(outcomes.values()) % (count // 5) == 0:
                print(f"{sum(outcomes.values()):>6} {dict(outcomes)}, {_resident_mb():.1f} MB", flush=True)

        await _all(count, 50, one)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _soak(count: int) -> None:
    with _server() as port:
        asyncio.run(_soaked(port, count))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("faults", "throughput", "soak"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--requests", type=int, default=20_000)
    options = parser.parse_args()
    if options.what == "faults":
        _all_faults(options.seeds)
    elif options.what == "soak":
        _soak(options.requests)
    else:
        _throughput(options.rounds, options.connections)


if __name__ == "__main__":
    main()
