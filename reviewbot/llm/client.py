"""Sends prompts: bounded, retried, paid for from the budget, counted. The only module that knows httpx."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import ModuleType, TracebackType
from typing import Self

import httpx
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

from reviewbot.domain.endpoint import ClientOptions, Endpoint, ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import TokenUsage, Usage
from reviewbot.errors import ProviderError
from reviewbot.llm import prices
from reviewbot.llm.budget import RunBudget
from reviewbot.llm.calibration import Calibration
from reviewbot.llm.keypool import KeyPool
from reviewbot.llm.providers import deepseek, openai
from reviewbot.llm.retry import RETRYABLE, FaultError, Wait, asked_wait_s

_POOL_SIZE = 10  # httpx's pool costs time in the square of its size: several small ones are faster
_UNAUTHORIZED = frozenset({401, 403})
_REFUSED_FORMAT = 400
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a client takes from the world, so that tests can give it another one."""

    now: Callable[[], datetime]
    """Current time, UTC."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Client:
    """A client for one endpoint. Use it in an ``async with`` block, in one event loop."""

    def __init__(
        self,
        endpoint: Endpoint,
        options: ClientOptions,
        budget: RunBudget,
        surroundings: Surroundings,
        calibration: Calibration | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._options = options
        self._budget = budget
        self._world = surroundings
        self._calibration = calibration or Calibration()
        self._keys = KeyPool(endpoint.keys)
        self._provider: ModuleType = deepseek if endpoint.host.endswith("deepseek.com") else openai
        self._format = 0
        self._gate = asyncio.Semaphore(options.concurrency)
        self._stack = AsyncExitStack()
        self._pools: list[httpx.AsyncClient] = []
        self._turn = 0
        self.usage = Usage()

    async def __aenter__(self) -> Self:
        count = -(-self._options.concurrency // _POOL_SIZE)
        limits = httpx.Limits(max_connections=_POOL_SIZE, max_keepalive_connections=_POOL_SIZE, keepalive_expiry=30)
        timeout = httpx.Timeout(self._options.timeout_s, connect=self._options.connect_timeout_s, pool=None)
        for _ in range(count):
            pool = httpx.AsyncClient(limits=limits, timeout=timeout)
            self._pools.append(await self._stack.enter_async_context(pool))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def complete(self, prompt: Prompt, options: ModelOptions) -> Completion:
        """Send a prompt and give the answer.

        Raises BudgetExceeded before sending what might exceed the budget, and ProviderError where the
        endpoint gives no answer.
        """
        async with self._gate:
            price = prices.at(options.name, self._world.now())
            worst = (
                Decimal(0)
                if price is None
                else price.worst(self._calibration.correct(prompt.prompt_tokens), options.max_tokens)
            )
            self._budget.reserve(worst)
            cost: Decimal | None = Decimal(0)
            try:
                answer = await self._retried(prompt, options)
                cost = None if price is None else price.cost(answer.usage)
            finally:
                self._budget.settle(worst, cost or Decimal(0))
            self._count(answer.usage, cost)
            self._calibration.observe(prompt.prompt_tokens, answer.usage.prompt_tokens)
            return answer

    def _count(self, used: TokenUsage, cost: Decimal | None) -> None:
        total = self.usage
        self.usage = replace(
            total,
            prompt_tokens=total.prompt_tokens + used.prompt_tokens,
            cached_tokens=total.cached_tokens + used.cached_tokens,
            completion_tokens=total.completion_tokens + used.completion_tokens,
            cost_usd=None if cost is None or total.cost_usd is None else total.cost_usd + cost,
        )

    async def _retried(self, prompt: Prompt, options: ModelOptions) -> Completion:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._options.attempts),
            wait=Wait(self._options.wait_initial_s, self._options.wait_max_s),
            retry=retry_if_exception(lambda error: isinstance(error, FaultError) and error.retryable),
            sleep=self._world.sleep,
            reraise=True,
        )
        try:
            async with asyncio.timeout(self._options.deadline_s):
                async for attempt in retrying:
                    with attempt:
                        if attempt.retry_state.attempt_number > 1:
                            self.usage = replace(self.usage, retries=self.usage.retries + 1)
                        return await self._stepped(prompt, options)
        except TimeoutError as error:
            message = f"{self._endpoint.host} gave no answer within {self._options.deadline_s:.0f} s"
            raise ProviderError(message) from error
        message = "no attempt was made"  # pragma: no cover - tenacity either returns or raises
        raise ProviderError(message)  # pragma: no cover

    async def _stepped(self, prompt: Prompt, options: ModelOptions) -> Completion:
        """Ask in the strictest form that the endpoint is known to take; step down where it refuses."""
        formats: tuple[str, ...] = self._provider.FORMATS
        at = self._format
        while True:
            try:
                answer = await self._attempt(prompt, options, formats[at])
            except FaultError as fault:
                if fault.status != _REFUSED_FORMAT or at + 1 >= len(formats):
                    raise
                at += 1
            else:
                # Remembered only when it helped: the 400 may have had another cause.
                self._format = max(self._format, at)
                return answer

    async def _attempt(self, prompt: Prompt, options: ModelOptions, answer_format: str) -> Completion:
        key = self._keys.take()
        headers = {"content-type": "application/json", "x-reviewbot-task": prompt.task.value}
        if prompt.repair:
            headers["x-reviewbot-repair"] = "1"
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        body = json.dumps(self._provider.body(prompt, options, answer_format)).encode()
        url = f"{self._endpoint.base_url.rstrip('/')}/chat/completions"
        self._turn += 1
        pool = self._pools[self._turn % len(self._pools)]
        self.usage = replace(self.usage, requests=self.usage.requests + 1)
        try:
            response = await pool.post(url, content=body, headers=headers)
        except httpx.InvalidURL as error:
            message = f"'{self._endpoint.base_url}' is no URL that requests can go to: {error}"
            raise FaultError(message, retryable=False) from error
        except httpx.UnsupportedProtocol as error:
            message = f"'{self._endpoint.base_url}' is no http(s) URL"
            raise FaultError(message, retryable=False) from error
        except httpx.HTTPError as error:
            detail = str(error) or type(error).__name__
            message = f"{self._endpoint.host} cannot be reached or broke off: {detail}"
            raise FaultError(message, retryable=True) from error
        return self._read(response, key)

    def _read(self, response: httpx.Response, key: str | None) -> Completion:
        if response.status_code != _OK:
            raise self._refusal(response, key)
        try:
            answer: Completion = self._provider.completion(response.content)
        except ValueError as error:
            message = f"{self._endpoint.host} answered no completion: {error}"
            raise FaultError(message, retryable=True) from error
        return answer

    def _refusal(self, response: httpx.Response, key: str | None) -> FaultError:
        status = response.status_code
        body = response.content
        for each in self._endpoint.keys:
            # Some providers echo the key that they refuse.
            body = body.replace(each.value.encode(), b"[key]")
        said = self._provider.error_message(body)
        message = f"{self._endpoint.host} answered {status}: {said}"
        if status in _UNAUTHORIZED:
            self._keys.retire(key)
            if self._keys.exhausted or key is None:
                message += ". Check REVIEWBOT_API_KEY (or DEEPSEEK_API_KEY, OPENAI_API_KEY) for this endpoint"
                return FaultError(message, retryable=False, status=status)
            return FaultError(message, retryable=True, wait_s=0.0, status=status)
        wait_s = asked_wait_s(response.headers, self._world.now())
        return FaultError(message, retryable=status in RETRYABLE, wait_s=wait_s, status=status)
