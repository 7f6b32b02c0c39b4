"""Sends prompts, each through the same stack: cache, coalescing, budget, breaker, key and limits, wire, retry.

What comes out is a whole completion, BudgetExceeded, or ProviderError; nothing of the layers below.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from reviewbot.domain.endpoint import ClientOptions, ModelOptions
from reviewbot.domain.events import Event
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.surroundings import Surroundings
from reviewbot.domain.usage import TokenUsage, Usage
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.budget import Budget, Reservation
from reviewbot.llm.caching import cache_key
from reviewbot.llm.calibration import Calibration
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeysExhausted, Lease
from reviewbot.llm.limiting import LimitWait
from reviewbot.llm.prices import Prices
from reviewbot.llm.retry import RetryBudget, Wait
from reviewbot.llm.stream import Answer
from reviewbot.llm.targets import Route, Target
from reviewbot.llm.telling import Record, attempt_ended, request_ended
from reviewbot.ports import Cache, Coalescing

Check = Callable[[Completion], bool]
"""Tells whether an answer is fit to be kept in the cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a client is put together from, all of it open."""

    targets: Sequence[Target]
    """In order of preference; the first is the configured endpoint."""
    options: ClientOptions
    budget: Budget
    coalescing: Coalescing
    prices: Prices
    world: Surroundings
    observe: Callable[[Event], None]
    cache: Cache | None = None
    calibration: Calibration = field(default_factory=Calibration)
    tenant: str | None = None


class Client:
    """A client for a list of targets, in one event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gate = asyncio.Semaphore(parts.options.concurrency)
        self._retries = RetryBudget(parts.world.monotonic)
        self.usage = Usage()

    async def complete(self, prompt: Prompt, options: ModelOptions, check: Check | None = None) -> Completion:
        """Send a prompt and give the answer; what ``check`` accepts may be answered from the cache next time.

        Raises BudgetExceeded before sending what might exceed a budget, and ProviderError where no endpoint
        gives an answer.
        """
        record = Record(self._parts.world.now(), self._parts.world.monotonic())
        key = cache_key(
            base_url=self._parts.targets[0].exchange.endpoint.base_url,
            prompt=prompt,
            options=options,
            answer_format="",
            prompt_version=prompt.version,
            scope=self._parts.tenant or "",
        )
        kept = None if self._parts.cache is None else await self._parts.cache.get(key)
        if kept is not None:
            self._add(cache_hits=1)
            self._tell(prompt, options, record, "cached", replace(kept, usage=TokenUsage()))
            return kept

        async def make() -> Completion:
            return await self._paid(prompt, options, key, record, check)

        answer, joined = await self._parts.coalescing.share(key, make)
        if joined:
            self._add(coalesced=1)
            self._tell(prompt, options, record, "coalesced", replace(answer, usage=TokenUsage()))
        return answer

    async def _paid(
        self, prompt: Prompt, options: ModelOptions, key: str, record: Record, check: Check | None
    ) -> Completion:
        async with self._gate:
            try:
                answer = (await self._retried(prompt, options, record)).completion
            except BudgetExceeded:
                self._tell(prompt, options, record, "budget", None)
                raise
            except ProviderError as error:
                kind = error.kind.value if isinstance(error, Fault) else "key"
                self._tell(prompt, options, record, kind, None)
                raise
        self._parts.calibration.observe(prompt.prompt_tokens, answer.usage.prompt_tokens)
        self._tell(prompt, options, record, "ok", answer)
        if self._parts.cache is not None and answer.finish_reason == "stop" and (check is None or check(answer)):
            await self._parts.cache.put(key, answer)
        return answer

    async def _retried(self, prompt: Prompt, options: ModelOptions, record: Record) -> Answer:
        """Try until an answer comes, the attempts or the time are used up, or another try makes no sense."""
        parts, loop = self._parts, asyncio.get_running_loop()
        route = Route(parts.targets)
        deadline_at = loop.time() + parts.options.deadline_s
        patience = parts.world.monotonic() + parts.options.deadline_s
        wait = Wait(parts.options.wait_initial_s, parts.options.wait_max_s, parts.world.chance)

        def enough(state: RetryCallState) -> bool:
            late = parts.world.monotonic() + state.upcoming_sleep > patience
            return state.attempt_number >= parts.options.attempts or self._retries.spent or late

        retrying = AsyncRetrying(
            stop=enough,
            wait=wait,
            retry=retry_if_exception(lambda error: _may_pass(error) and not route.ended),
            sleep=self._rest,
            reraise=True,
        )
        try:
            return await retrying(self._attempt, prompt, options, record, route, deadline_at, patience)
        finally:
            # Its actions refer to it: every request would wait for the garbage collector.
            retrying.iter_state.reset()

    async def _rest(self, seconds: float) -> None:
        await self._parts.world.sleep(seconds)
        self._add(retries=1)

    async def _attempt(
        self,
        prompt: Prompt,
        options: ModelOptions,
        record: Record,
        route: Route,
        deadline_at: float,
        patience: float,
    ) -> Answer:
        target, lease = await self._granted(prompt, route, patience)
        record.target, record.lease = target, lease
        model = target.options(options)
        started, loop_started = self._parts.world.monotonic(), asyncio.get_running_loop().time()
        began = self._parts.world.now()

        def count() -> None:
            self._retries.note(retry=record.attempts > 0)
            record.attempts += 1
            self._add(requests=1)

        def told(fault: Fault | None, ttft_s: float | None = None) -> None:
            latency_s = self._parts.world.monotonic() - started
            self._parts.observe(attempt_ended(prompt, model, target, lease, began, fault, latency_s, ttft_s))

        reservation = await self._reserve(prompt, model, lease)
        try:
            answer = await target.exchange.send(prompt, model, lease.key, deadline_at, count)
        except Fault as fault:
            told(fault)
            await self._unanswered(reservation, billed=not _unbilled(fault))
            await self._failed(fault, target, lease, route, patience)
            raise
        except BaseException:
            route.give_back()
            await asyncio.shield(self._unanswered(reservation, billed=True))
            raise
        target.breaker.record(True)
        usage = answer.completion.usage
        price = self._parts.prices.at(model.name, began)
        record.cost_usd = None if price is None else price.cost(usage)
        await self._parts.budget.settle(reservation, record.cost_usd or Decimal(0))
        self._bill(usage, record.cost_usd)
        await lease.succeeded(usage.prompt_tokens + usage.completion_tokens)
        record.ttft_s = None if answer.first_at is None else answer.first_at - loop_started
        told(None, record.ttft_s)
        return answer

    async def _reserve(self, prompt: Prompt, model: ModelOptions, lease: Lease) -> Reservation:
        """Set aside the worst that one attempt can cost; each may be billed."""
        parts = self._parts
        price = parts.prices.dearest(model.name, parts.world.now(), parts.options.deadline_s)
        tokens = parts.calibration.correct(prompt.prompt_tokens)
        try:
            return await parts.budget.reserve(Decimal(0) if price is None else price.worst(tokens, model.max_tokens))
        except BudgetExceeded:
            await lease.unused()
            raise

    async def _unanswered(self, reservation: Reservation, *, billed: bool) -> None:
        """Book an attempt without an answer: one that broke off, or that we left, may be billed all the same."""
        if billed:
            await self._parts.budget.keep(reservation)
        else:
            await self._parts.budget.settle(reservation, Decimal(0))

    async def _granted(self, prompt: Prompt, route: Route, patience: float) -> tuple[Target, Lease]:
        """Find a target that takes requests, and a key of it within its limits."""
        while True:
            target, wait_s = route.next()
            if target is None:
                if self._parts.world.monotonic() + wait_s > patience:
                    raise Fault(FaultKind.SERVER, "every endpoint failed too often of late; they are left alone")
                await self._parts.world.sleep(wait_s)
                continue
            target.refresh()
            tokens = self._parts.calibration.correct(prompt.prompt_tokens)
            try:
                return target, await target.keys.lease(tokens, patience)
            except (KeysExhausted, LimitWait) as error:
                route.give_back()
                if not route.leave(target):
                    raise _explained(error, route.last) from error
            except BaseException:
                route.give_back()
                raise

    async def _failed(self, fault: Fault, target: Target, lease: Lease, route: Route, patience: float) -> None:
        """Let a fault have its consequences for breaker, key and route."""
        treatment = fault.treatment
        route.last = fault
        if treatment.trips_breaker:
            target.breaker.record(False)
        else:
            route.give_back()
        await lease.failed(fault)
        too_long = fault.wait_s is not None and self._parts.world.monotonic() + fault.wait_s > patience
        keyless = treatment.leaves_target and lease.key is None
        if keyless or too_long:
            route.ended = not route.leave(target)
            # Whoever is asked next did not ask to wait.
            fault.wait_s = fault.wait_s if route.ended else 0.0

    def _bill(self, used: TokenUsage, cost: Decimal | None) -> None:
        total = self.usage
        self.usage = replace(
            total,
            prompt_tokens=total.prompt_tokens + used.prompt_tokens,
            cached_tokens=total.cached_tokens + used.cached_tokens,
            completion_tokens=total.completion_tokens + used.completion_tokens,
            cost_usd=None if cost is None or total.cost_usd is None else total.cost_usd + cost,
        )

    def _add(self, *, requests: int = 0, retries: int = 0, cache_hits: int = 0, coalesced: int = 0) -> None:
        total = self.usage
        self.usage = replace(
            total,
            requests=total.requests + requests,
            retries=total.retries + retries,
            cache_hits=total.cache_hits + cache_hits,
            coalesced=total.coalesced + coalesced,
        )

    def _tell(
        self, prompt: Prompt, options: ModelOptions, record: Record, outcome: str, answer: Completion | None
    ) -> None:
        target = record.target or self._parts.targets[0]
        latency_s = self._parts.world.monotonic() - record.started
        sent = target.options(options)
        self._parts.observe(request_ended(prompt, sent, target, record, outcome, answer, latency_s, self._parts.tenant))


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Fault) and error.treatment.retried


def _explained(error: ProviderError, last: Fault | None) -> ProviderError:
    """Put the provider's own words before what the pool says of its keys."""
    return error if last is None else ProviderError(f"{last}. {error}")


def _unbilled(fault: Fault) -> bool:
    """Tell whether a fault proves that nothing was generated."""
    return fault.status is not None or fault.kind in {FaultKind.UNREACHABLE, FaultKind.ADDRESS}
