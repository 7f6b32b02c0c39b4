"""The request client under faults for long, with its memory in between."""

import asyncio
import resource
from collections import Counter
from pathlib import Path

import load
from client_runs import server, url
from load_own import MODEL, prompt

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint
from reviewbot.errors import ReviewbotError
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.surroundings import real_world


def soak(count: int) -> None:
    """Ask so often, 50 at once, and print outcomes and memory five times."""
    with server() as port:
        asyncio.run(_soaked(port, count))


async def _soaked(port: int, count: int) -> None:
    profile = "fault=mix,seed=9,ttft=5,total=20,tok=20,ra=0.05"
    wanted = load.Load(
        client="reviewbot",
        url=url(port, profile),
        keys=("sk-a", "sk-b"),
        count=count,
        at_once=50,
        tokens=20,
        plain=False,
        warm=False,
    )
    keys = tuple(ApiKey(value=key) for key in wanted.keys)
    options = ClientOptions(concurrency=wanted.at_once, idle_s=0.5, first_content_s=0.5, deadline_s=120.0)
    plan = ClientPlan(endpoint=Endpoint(base_url=wanted.url, keys=keys), model="fake", options=options)
    outcomes: Counter[str] = Counter()
    async with open_client(plan, real_world(), lambda _: None) as client:

        async def one(number: int) -> str:
            try:
                await client.complete(prompt(number), MODEL)
            except ReviewbotError as error:
                outcome = type(error).__name__
            else:
                outcome = "ok"
            outcomes[outcome] += 1
            if sum(outcomes.values()) % (count // 5) == 0:
                print(f"{sum(outcomes.values()):>6} {dict(outcomes)}, {_resident_mb():.1f} MB", flush=True)
            return outcome

        await load.put_on(wanted, one)


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6
