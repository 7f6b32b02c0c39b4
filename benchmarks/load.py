"""A load of requests on any client, and what it cost: nothing but the standard library, so that peers can import it."""

import argparse
import asyncio
import dataclasses
import json
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

One = Callable[[int], Awaitable[str]]
"""Sends request number so and so, and says what came of it: ``ok``, ``short`` or the name of an error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a client is to do, from the command line."""

    client: str
    url: str
    keys: Sequence[str]
    count: int
    at_once: int
    tokens: int
    plain: bool
    """Whether the server answers with one JSON body; a client that can ask for that does."""
    warm: bool
    """Whether a request goes ahead that is not measured: it does the lazy imports."""

    @property
    def text(self) -> str:
        """What every whole answer says."""
        return " tok" * self.tokens

    def arguments(self) -> list[str]:
        """Spell it for the command line of another process."""
        flags = [f"--{name}" for name in ("plain", "warm") if getattr(self, name)]
        numbers = [f"--count={self.count}", f"--at-once={self.at_once}", f"--tokens={self.tokens}"]
        return [self.client, f"--url={self.url}", f"--keys={','.join(self.keys)}", *numbers, *flags]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of a load."""

    outcomes: dict[str, int] = field(default_factory=dict)
    wall_s: float
    cpu_s: float
    p95_s: float
    peak_mb: float

    @property
    def ok(self) -> int:
        """How many whole answers there were."""
        return self.outcomes.get("ok", 0)


def wanted(clients: Sequence[str]) -> Load:
    """Read a load from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("client", choices=clients)
    parser.add_argument("--url", required=True)
    parser.add_argument("--keys", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--at-once", type=int, required=True)
    parser.add_argument("--tokens", type=int, required=True)
    parser.add_argument("--plain", action="store_true")
    parser.add_argument("--warm", action="store_true")
    values = vars(parser.parse_args())
    return Load(**{**values, "keys": tuple(values["keys"].split(","))})


async def put_on(load: Load, one: One) -> Figures:
    """Run ``one`` for each number with so many at once."""
    numbers, took = iter(range(load.count)), []
    outcomes: Counter[str] = Counter()

    async def work() -> None:
        for number in numbers:
            started = time.perf_counter()
            outcomes[await one(number)] += 1
            took.append(time.perf_counter() - started)

    if load.warm:
        await one(-1)
    cpu_s, started = time.process_time(), time.perf_counter()
    await asyncio.gather(*(work() for _ in range(load.at_once)))
    return Figures(
        outcomes=dict(outcomes),
        wall_s=time.perf_counter() - started,
        cpu_s=time.process_time() - cpu_s,
        p95_s=statistics.quantiles(took, n=20)[-1],
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def tell(figures: Figures) -> None:
    """Print the figures for the process that started this one."""
    json.dump(dataclasses.asdict(figures), sys.stdout)
