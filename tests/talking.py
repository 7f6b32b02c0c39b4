"""A client against the fake server, in a world where nobody waits."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

from fakes.model_server import ModelServer

from reviewbot.domain.endpoint import ApiKey, ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.prompt import Completion, Message, Prompt, Task
from reviewbot.llm.budget import RunBudget
from reviewbot.llm.client import Client, Surroundings

T = TypeVar("T")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)  # a Saturday: off-peak


@dataclass
class World:
    """A fixed clock, and a sleep that only takes notes."""

    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(now=lambda: NOW, sleep=self.sleep)


def prompt(text: str = "review this", *, tokens: int = 100, repair: bool = False) -> Prompt:
    messages = (Message(role="system", content="be terse, answer json"), Message(role="user", content=text))
    return Prompt(task=Task.REVIEW, messages=messages, prompt_tokens=tokens, repair=repair)


def talk(
    server: ModelServer | str,
    world: World,
    work: Callable[[Client], Awaitable[T]],
    *,
    keys: tuple[str, ...] = (),
    budget_usd: str | None = None,
    options: ClientOptions | None = None,
) -> T:
    """Run some work with an open client and give its result."""
    url = server if isinstance(server, str) else server.base_url
    endpoint = Endpoint(base_url=url, keys=tuple(ApiKey(value=key) for key in keys))
    budget = RunBudget(None if budget_usd is None else Decimal(budget_usd))

    async def session() -> T:
        async with Client(endpoint, options or ClientOptions(), budget, world.surroundings) as client:
            return await work(client)

    return asyncio.run(session())


def ask(server: ModelServer | str, world: World, *, keys: tuple[str, ...] = (), model: str = "m") -> Completion:
    """Send one prompt."""
    return talk(server, world, lambda client: client.complete(prompt(), ModelOptions(name=model)), keys=keys)
