"""One scenario through the client: a lone request first, then all of them over the connections."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from statistics import median

from reviewbot.bench.rows import Measured
from reviewbot.bench.scenarios import Scenario
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Event, Progress, RequestEnded
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.faults import Fault
from reviewbot.ports import Model

_LONE_REQUESTS = 3
_WHOLE = frozenset({"stop", None})
"""Finish reasons of answers that are not cut off."""

SyncBaseline = Callable[[Scenario], Awaitable[float | None]]
"""Gives the answers a minute of one blocking client; None where it is not wanted, or got none."""


@dataclass(slots=True)
class Heard:
    """What the client told: the times to the first content."""

    ttfts_s: list[float] = field(default_factory=list)

    def __call__(self, event: Event, /) -> None:
        """Take note of an answer."""
        if isinstance(event, RequestEnded) and event.outcome == "ok" and event.ttft_s is not None:
            self.ttfts_s.append(event.ttft_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """How to measure."""

    client: Model
    heard: Heard
    """What listens to the client."""
    model: ModelOptions
    requests: int
    """Of each scenario."""
    connections: int
    run: str
    """Tells this run's requests from those of all others."""
    clock: Callable[[], float]
    """Seconds."""
    sync: SyncBaseline
    progress: Callable[[str, Progress], None]


@dataclass(slots=True)
class _Results:
    latencies_s: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def progress(self) -> tuple[int, int]:
        failed = self.errors.total()
        return len(self.latencies_s) + failed, failed


async def measure(bench: Bench, scenario: Scenario) -> Measured:
    """Measure a scenario. Raises ProviderError or BudgetExceeded where not even a lone request is answered."""
    lone_s = await _lone(bench, scenario)
    sync_per_minute = await bench.sync(scenario)
    bench.heard.ttfts_s.clear()
    before_usd = bench.client.usage.cost_usd
    began = bench.clock()
    results = await _all(bench, scenario)
    wall_s = bench.clock() - began
    return Measured(
        scenario=scenario.name,
        requests=bench.requests,
        connections=bench.connections,
        latencies_s=tuple(results.latencies_s),
        ttfts_s=tuple(bench.heard.ttfts_s),
        wall_s=wall_s,
        lone_s=lone_s,
        sync_per_minute=sync_per_minute,
        cost_usd=_difference(bench.client.usage.cost_usd, before_usd),
        errors=dict(sorted(results.errors.items())),
    )


async def _lone(bench: Bench, scenario: Scenario) -> float:
    """Give the latency of a lone request: the median of a few, without the first, which opens the connection."""
    bench.progress(scenario.name, Progress(done=0, total=bench.requests))
    latencies = []
    failed: ProviderError | BudgetExceeded | None = None
    for number in range(_LONE_REQUESTS):
        began = bench.clock()
        try:
            await _asked(bench, scenario, f"lone {number}")
        except (ProviderError, BudgetExceeded) as error:
            failed = error
        else:
            latencies.append(bench.clock() - began)
    if failed is not None and not latencies:
        raise failed
    return median(latencies[1:] or latencies)


async def _all(bench: Bench, scenario: Scenario) -> _Results:
    results = _Results()
    numbers = iter(range(bench.requests))
    workers = min(bench.connections, bench.requests)
    await asyncio.gather(*(_work(bench, scenario, numbers, results) for _ in range(workers)))
    return results


async def _work(bench: Bench, scenario: Scenario, numbers: Iterator[int], results: _Results) -> None:
    """Be one connection: ask as long as there are requests left."""
    for number in numbers:
        began = bench.clock()
        try:
            reason = await _asked(bench, scenario, str(number))
        except (ProviderError, BudgetExceeded) as error:
            results.errors[_class(error)] += 1
        else:
            if reason in _WHOLE:
                results.latencies_s.append(bench.clock() - began)
            else:
                results.errors[f"finish reason {reason}"] += 1
        done, failed = results.progress
        bench.progress(scenario.name, Progress(done=done, total=bench.requests, failed=failed))


async def _asked(bench: Bench, scenario: Scenario, number: str) -> str | None:
    options = replace(bench.model, max_tokens=scenario.max_tokens)
    answer = await bench.client.complete(scenario.prompt(f"{number} of {bench.run}"), options)
    return answer.finish_reason


def _class(error: ProviderError | BudgetExceeded) -> str:
    if isinstance(error, BudgetExceeded):
        return "budget"
    return error.kind.value if isinstance(error, Fault) else type(error).__name__


def _difference(after: Decimal | None, before: Decimal | None) -> Decimal | None:
    return None if after is None or before is None else after - before
