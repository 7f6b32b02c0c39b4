"""Sends prompts, each through the same stack: cache, coalescing, budget, breaker, key and limits, wire, retry.

What comes out is a whole completion, BudgetExceeded, or ProviderError; nothing of the layers below.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial

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
from reviewbot.llm.ports import Cache, Coalescing
from reviewbot.llm.prices import Prices
from reviewbot.llm.retry import RetryBudget, Wait
from reviewbot.llm.stream import Answer
from reviewbot.llm.targets import Route, Target
from reviewbot.llm.telling import Attempt, Record, Totals, attempt_ended, request_ended

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
        self._wait = Wait(parts.options.wait_initial_s, parts.options.wait_max_s, parts.world.chance)
        self._totals = Totals()

    @property
    def usage(self) -> Usage:
        """What all requests used so far."""
        return self._totals.usage()

    async def complete(self, prompt: Prompt, options: ModelOptions, check: Check | None = None) -> Completion:
        """Send a prompt and give the answer; what ``check`` accepts may be answered from the cache next time.

        Raises BudgetExceeded before sending what might exceed a budget, and ProviderError where no endpoint
        gives an answer.
        """
        parts = self._parts
        record = Record(prompt, options, Route(parts.targets), parts.world.now(), parts.world.monotonic())
        key = cache_key(
            base_url=parts.targets[0].exchange.endpoint.base_url,
            prompt=prompt,
            options=options,
            answer_format="",
            prompt_version=prompt.version,
            scope=parts.tenant or "",
        )
        kept = None if parts.cache is None else await parts.cache.get(key)
        if kept is not None:
            self._totals.cache_hits += 1
            self._tell(record, "cached", replace(kept, usage=TokenUsage()))
            return kept
        answer, joined = await parts.coalescing.share(key, partial(self._paid, record, key, check))
        if joined:
            self._totals.coalesced += 1
            self._tell(record, "coalesced", replace(answer, usage=TokenUsage()))
        return answer

    async def _paid(self, record: Record, key: str, check: Check | None) -> Completion:
        async with self._gate:
            try:
                answer = (await self._retried(record)).completion
            except BudgetExceeded:
                self._tell(record, "budget", None)
                raise
            except ProviderError as error:
                self._tell(record, error.kind.value if isinstance(error, Fault) else "key", None)
                raise
        self._parts.calibration.observe(record.prompt.prompt_tokens, answer.usage.prompt_tokens)
        self._tell(record, "ok", answer)
        if self._parts.cache is not None and answer.finish_reason == "stop" and (check is None or check(answer)):
            await self._parts.cache.put(key, answer)
        return answer

    async def _retried(self, record: Record) -> Answer:
        """Try until an answer comes, the attempts or the time are used up, or another try makes no sense."""
        deadline_s = self._parts.options.deadline_s
        deadline_at = asyncio.get_running_loop().time() + deadline_s
        record.patience = self._parts.world.monotonic() + deadline_s
        try:
            return await self._attempt(record, deadline_at)
        except Fault as fault:
            failed = [fault]
        return await self._again(failed, record, deadline_at)

    async def _again(self, failed: list[Fault], record: Record, deadline_at: float) -> Answer:
        # Here, because most runs have no need of it.
        from reviewbot.llm import retrying

        def enough(number: int, wait_s: float) -> bool:
            late = self._parts.world.monotonic() + wait_s > record.patience
            return number >= self._parts.options.attempts or self._retries.spent or late

        rules = retrying.Rules(
            passing=lambda error: _may_pass(error) and not record.route.ended,
            enough=enough,
            wait=self._wait,
            rest=self._rest,
        )
        return await retrying.go_on(failed, partial(self._attempt, record, deadline_at), rules)

    async def _rest(self, seconds: float) -> None:
        await self._parts.world.sleep(seconds)
        self._totals.retries += 1

    async def _attempt(self, record: Record, deadline_at: float) -> Answer:
        parts, prompt = self._parts, record.prompt
        target, lease = await self._granted(record)
        model = target.options(record.options)
        loop_started = asyncio.get_running_loop().time()
        attempt = record.last = Attempt(target, lease, model, parts.world.now(), parts.world.monotonic())
        reservation = await self._reserve(prompt, attempt)
        try:
            answer = await target.exchange.send(prompt, model, lease.key, deadline_at, partial(self._count, record))
        except Fault as fault:
            parts.observe(attempt_ended(record, attempt, fault, parts.world.monotonic()))
            await self._unanswered(reservation, billed=not _unbilled(fault))
            await self._failed(fault, record, attempt)
            raise
        except BaseException:
            record.route.give_back()
            await asyncio.shield(self._unanswered(reservation, billed=True))
            raise
        target.breaker.record(True)
        usage = answer.completion.usage
        price = parts.prices.at(model.name, attempt.at)
        record.cost_usd = None if price is None else price.cost(usage)
        await parts.budget.settle(reservation, record.cost_usd or Decimal(0))
        self._totals.bill(usage, record.cost_usd)
        await lease.succeeded(usage.prompt_tokens + usage.completion_tokens)
        record.ttft_s = None if answer.first_at is None else answer.first_at - loop_started
        parts.observe(attempt_ended(record, attempt, None, parts.world.monotonic()))
        return answer

    def _count(self, record: Record) -> None:
        """Count a request that leaves."""
        self._retries.note(retry=record.attempts > 0)
        record.attempts += 1
        self._totals.requests += 1

    async def _reserve(self, prompt: Prompt, attempt: Attempt) -> Reservation:
        """Set aside the worst that one attempt can cost; each may be billed."""
        parts = self._parts
        price = parts.prices.dearest(attempt.model.name, attempt.at, parts.options.deadline_s)
        tokens = parts.calibration.correct(prompt.prompt_tokens)
        worst_usd = Decimal(0) if price is None else price.worst(tokens, attempt.model.max_tokens)
        try:
            return await parts.budget.reserve(worst_usd)
        except BudgetExceeded:
            await attempt.lease.unused()
            raise

    async def _unanswered(self, reservation: Reservation, *, billed: bool) -> None:
        """Book an attempt without an answer: one that broke off, or that we left, may be billed all the same."""
        if billed:
            await self._parts.budget.keep(reservation)
        else:
            await self._parts.budget.settle(reservation, Decimal(0))

    async def _granted(self, record: Record) -> tuple[Target, Lease]:
        """Find a target that takes requests, and a key of it within its limits."""
        route, patience = record.route, record.patience
        while True:
            target, wait_s = route.next()
            if target is None:
                if self._parts.world.monotonic() + wait_s > patience:
                    raise Fault(FaultKind.SERVER, "every endpoint failed too often of late; they are left alone")
                await self._parts.world.sleep(wait_s)
                continue
            target.refresh()
            tokens = self._parts.calibration.correct(record.prompt.prompt_tokens)
            try:
                return target, await target.keys.lease(tokens, patience)
            except (KeysExhausted, LimitWait) as error:
                route.give_back()
                if not route.leave(target):
                    raise _explained(error, route.last) from error
            except BaseException:
                route.give_back()
                raise

    async def _failed(self, fault: Fault, record: Record, attempt: Attempt) -> None:
        """Let a fault have its consequences for breaker, key and route."""
        treatment, route, target, lease = fault.treatment, record.route, attempt.target, attempt.lease
        route.last = fault
        if treatment.trips_breaker:
            target.breaker.record(False)
        else:
            route.give_back()
        await lease.failed(fault)
        too_long = fault.wait_s is not None and self._parts.world.monotonic() + fault.wait_s > record.patience
        keyless = treatment.leaves_target and lease.key is None
        if keyless or too_long:
            route.ended = not route.leave(target)
            # Whoever is asked next did not ask to wait.
            fault.wait_s = fault.wait_s if route.ended else 0.0

    def _tell(self, record: Record, outcome: str, answer: Completion | None) -> None:
        ended = self._parts.world.monotonic()
        self._parts.observe(request_ended(record, outcome, answer, ended, self._parts.tenant))


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, Fault) and error.treatment.retried


def _explained(error: ProviderError, last: Fault | None) -> ProviderError:
    """Put the provider's own words before what the pool says of its keys."""
    return error if last is None else ProviderError(f"{last}. {error}")


def _unbilled(fault: Fault) -> bool:
    """Tell whether a fault proves that nothing was generated."""
    return fault.status is not None or fault.kind in {FaultKind.UNREACHABLE, FaultKind.ADDRESS}
