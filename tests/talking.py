"""A client against the fake server, in a world where nobody waits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from fakes.model_server import ModelServer

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.events import Event
from reviewbot.domain.prompt import Completion, Message, Prompt, Task
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.budget import Limits
from reviewbot.llm.client import Client
from reviewbot.wiring.clients import ClientPlan, open_client

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # a Saturday: off-peak


@dataclass
class World:
    """A clock that only sleep moves, and a sleep that takes notes instead of time."""

    slept: list[float] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(
            now=lambda: NOW + timedelta(seconds=sum(self.slept)),
            monotonic=lambda: 1_000.0 + sum(self.slept),
            sleep=self.sleep,
            chance=lambda: 0.5,
        )


def prompt(text: str = "review this", *, tokens: int = 100, repair: bool = False) -> Prompt:
    messages = (Message(role="system", content="be terse, answer json"), Message(role="user", content=text))
    return Prompt(task=Task.REVIEW, messages=messages, prompt_tokens=tokens, version="abcd1234", repair=repair)


def plan_for(server: ModelServer | str, keys: tuple[str, ...] = ()) -> ClientPlan:
    url = server if isinstance(server, str) else server.base_url
    endpoint = Endpoint(base_url=url, keys=tuple(ApiKey(value=key) for key in keys))
    return ClientPlan(endpoint=endpoint, model="m", options=ClientOptions())


def talk(  # noqa: PLR0913 - what a test may want to vary
    server: ModelServer | str,
    world: World,
    work: Callable[[Client], Awaitable[T]],
    *,
    keys: tuple[str, ...] = (),
    budget_usd: str | None = None,
    options: ClientOptions | None = None,
    folder: Path | None = None,
    plan: Callable[[ClientPlan], ClientPlan] = lambda plan: plan,
) -> T:
    """Run some work with an open client and give its result."""
    wanted = replace(
        plan_for(server, keys),
        options=options or ClientOptions(),
        limits=Limits(run_usd=None if budget_usd is None else Decimal(budget_usd)),
        folder=folder,
    )

    async def session() -> T:
        async with open_client(plan(wanted), world.surroundings, world.events.append) as client:
            return await work(client)

    return asyncio.run(session())


def ask(server: ModelServer | str, world: World, *, keys: tuple[str, ...] = (), model: str = "m") -> Completion:
    """Send one prompt."""
    return talk(server, world, lambda client: client.complete(prompt(), ModelOptions(name=model)), keys=keys)
