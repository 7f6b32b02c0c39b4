"""Opens the model client. A stand-in, with one attempt a request under the first key, until the real one is wired."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

from reviewbot.domain.endpoint import ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.events import Event, RequestEnded
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import Usage
from reviewbot.llm.exchange import Exchange
from reviewbot.llm.prices import Prices
from reviewbot.llm.wires.httpx_shards import HttpxWire
from reviewbot.ports import Model
from reviewbot.wiring.surroundings import utc_now


@asynccontextmanager
async def open_client(
    endpoint: Endpoint,
    options: ClientOptions,
    *,
    observe: Callable[[Event], None],
    budget_usd: Decimal | None = None,  # noqa: ARG001 - the real client keeps it
    cached: bool = True,  # noqa: ARG001 - the real client has a cache
) -> AsyncIterator[Model]:
    """Open a client for one endpoint, for the length of a block."""
    async with HttpxWire(options.concurrency) as wire:
        yield _StandIn(Exchange(endpoint, wire, options, utc_now), options, observe)


class _StandIn:
    def __init__(self, exchange: Exchange, options: ClientOptions, observe: Callable[[Event], None]) -> None:
        self._exchange = exchange
        self._options = options
        self._observe = observe
        self._prices = Prices.load()
        self._gate = asyncio.Semaphore(options.concurrency)
        self.usage = Usage()

    async def complete(self, prompt: Prompt, options: ModelOptions) -> Completion:
        async with self._gate:
            keys = self._exchange.endpoint.keys
            loop = asyncio.get_running_loop()
            began, at = loop.time(), utc_now()
            deadline_at = began + self._options.deadline_s
            key = keys[0].value if keys else None
            answer = await self._exchange.send(prompt, options, key, deadline_at, lambda: None)
            price = self._prices.at(options.name, at)
            cost = None if price is None else price.cost(answer.completion.usage)
            total = self.usage
            self.usage = replace(
                total,
                requests=total.requests + 1,
                cost_usd=None if cost is None or total.cost_usd is None else total.cost_usd + cost,
            )
            self._observe(
                RequestEnded(
                    at=at, task=prompt.task.value, tenant=None, endpoint=self._exchange.endpoint.host,
                    model=options.name, answered_by=answer.completion.model, key_id=None, parameters=(),
                    prompt_version="", attempts=1, outcome="ok", usage=answer.completion.usage, cost_usd=cost,
                    latency_s=loop.time() - began,
                    ttft_s=None if answer.first_at is None else answer.first_at - began,
                )
            )  # fmt: skip
            return answer.completion
