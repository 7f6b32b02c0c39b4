"""One of several replicas that spend one budget over Redis, from a provider that bills what it does.

    python budget_process.py REDIS_URL SEED LIMIT_USD SECONDS open|closed

Writes a line for each request when it is billed, in micro-dollars, whatever becomes of the process afterwards.
"""

import asyncio
import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import BudgetExceeded, BudgetLost
from reviewbot.llm.budget import Budget, Limits
from reviewbot.llm.redis_budget import RedisBudgetStore
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.redis_pulse import Pulse

CALLERS = 50
WORST = 1_500
_HOLD_S = 8.0
"""Shorter than in the product: what a killed process had set aside counts as spent after this."""
_NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC) - timedelta(seconds=time.monotonic())


async def caller(budget: Budget, chance: random.Random) -> None:
    """Send requests of unknown cost until the budget ends."""
    while True:
        try:
            reservation = await budget.reserve(Decimal(WORST) / 1_000_000)
        except BudgetLost:
            await asyncio.sleep(0.1)
            continue
        cost = min(WORST, int(chance.expovariate(1 / 300)) + 1)
        await asyncio.sleep(chance.uniform(0.01, 0.1))
        os.write(1, f"{cost}\n".encode())
        await budget.settle(reservation, Decimal(cost) / 1_000_000)


async def main(url: str, seed: str, limit: str, seconds: str, mode: str) -> None:
    """Work as the command line says."""
    world = Surroundings(
        now=lambda: _NOON + timedelta(seconds=time.monotonic()),
        monotonic=time.monotonic,
        sleep=asyncio.sleep,
        chance=lambda: 0.5,
    )
    link = RedisLink.open(url, world)
    pulse = Pulse(link, world)
    store = RedisBudgetStore(link, world, fail_open=mode == "open", pulse=pulse)
    budget = Budget(Limits(day_usd=Decimal(limit)), world, store=store, hold_s=_HOLD_S)
    await pulse.start()
    chance = random.Random(seed)  # noqa: S311 - for tests
    callers = [asyncio.create_task(caller(budget, chance)) for _ in range(CALLERS)]
    done, pending = await asyncio.wait(callers, timeout=float(seconds))
    for each in pending:
        each.cancel()
    ends = await asyncio.gather(*callers, return_exceptions=True)
    for each in done:
        assert isinstance(each.exception(), BudgetExceeded), each
    assert all(isinstance(end, BaseException) for end in ends)
    await pulse.aclose()
    await store.aclose()
    await link.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
