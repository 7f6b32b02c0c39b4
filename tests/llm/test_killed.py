"""A process killed at any moment leaves its cache and its budget readable, and never too little on the bill."""

import asyncio
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from reviewbot.domain.claim import Cap, Claim
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.caching import Seal
from reviewbot.llm.sqlite_budget import SqliteBudgetStore
from reviewbot.llm.sqlite_cache import SqliteCache

ROUNDS, PROCESSES = 10, 5
WORST = 300
"""What each request sets aside, in micro-dollars."""
MEMBERS = 4
"""Requests that a process has in flight."""
WRITER = """
import asyncio, os, random, sys, time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.budget import Budget, Limits
from reviewbot.llm.caching import Seal
from reviewbot.llm.sqlite_budget import SqliteBudgetStore
from reviewbot.llm.sqlite_cache import SqliteCache

def tell(text: str) -> None:
    os.write(1, f"{text}\\n".encode())

async def member(cache: SqliteCache, budget: Budget, name: str) -> None:
    while True:
        reservation = await budget.reserve(Decimal("0.000300"))
        cost = random.randrange(300)
        tell(f"sent {reservation.id} {cost}")
        await cache.put(name, Completion(text=name * 50, finish_reason="stop", model="m"))
        await budget.settle(reservation, Decimal(cost) / 1_000_000)
        tell(f"settled {reservation.id} {cost}")

async def main(folder: Path, day: str) -> None:
    moment = datetime.fromisoformat(day)
    world = Surroundings(now=lambda: moment, monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5)
    cache = SqliteCache(folder, Seal([b"secret"]), world)
    budget = Budget(Limits(day_usd=Decimal(1_000_000)), world, store=SqliteBudgetStore(folder, world))
    await asyncio.gather(*(member(cache, budget, f"{number:064x}") for number in range(4)))

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""
DAY = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
WORLD = Surroundings(now=lambda: DAY, monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5)


def killed(folder: Path, chance: random.Random) -> list[str]:
    """Start some writers, kill each at a moment of its own, and give what they said."""
    argv = [sys.executable, "-c", WRITER, str(folder), DAY.isoformat()]
    writers = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(PROCESSES)]
    assert writers[0].stdout is not None
    first = writers[0].stdout.readline() if chance.random() < 0.9 else ""  # else some are killed while they begin
    for writer in writers:
        time.sleep(chance.uniform(0, 0.02))  # noqa: TID251 - real processes take real time
        writer.kill()
    said = [first, *(line for writer in writers for line in writer.communicate()[0].splitlines(keepends=True))]
    assert [writer.returncode for writer in writers] == [-signal.SIGKILL] * PROCESSES
    return [line for line in said if line.endswith("\n")]


def counted(folder: Path) -> int:
    """Give what the budget counts as spent or set aside, in micro-dollars."""

    async def session() -> int:
        store = SqliteBudgetStore(folder, WORLD)
        await store.check()
        cap = Cap(period="day", account=f"all:day:{DAY:%Y-%m-%d}", limit=None)
        at_s = DAY.timestamp()
        ruling = await store.reserve(Claim(id="look", micros=0, caps=(cap,), at_s=at_s, until_s=at_s))
        await store.aclose()
        return ruling.standings[0].spent + ruling.standings[0].held

    return asyncio.run(session())


def cached(folder: Path) -> int:
    """Read every answer that there may be, and give how many there are."""

    async def session() -> int:
        cache = SqliteCache(folder, Seal([b"secret"]), WORLD)
        found = [await cache.get(f"{number:064x}") for number in range(MEMBERS)]
        await cache.aclose()
        return sum(answer is not None for answer in found)

    return asyncio.run(session())


def test_50_kills_leave_everything_readable_and_the_budget_never_under_counted(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 - for tests
    costs: dict[str, int] = {}
    settled: set[str] = set()
    for rounds in range(1, ROUNDS + 1):
        for line in killed(tmp_path, chance):
            what, name, cost = line.split()
            costs[name] = int(cost)
            settled.update([name] if what == "settled" else [])
        total = counted(tmp_path)
        assert sum(costs.values()) <= total
        # What is counted too much is at most the worst case of each request that was in flight.
        assert total <= sum(costs[name] for name in settled) + rounds * PROCESSES * MEMBERS * WORST
    assert len(settled) > ROUNDS * PROCESSES
    assert cached(tmp_path) == MEMBERS
    assert not list(tmp_path.glob("*.corrupt"))
