"""Carries out orders, all through the same stack: cache, coalescing, budget, breaker, key and limits, wire, retry.

What comes out is a whole completion, BudgetExceeded, or ProviderError; nothing of the layers below. Of a call that is
passed on, the answer is heard while it comes, too.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import partial

from reviewbot.domain.call import Call
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import TokenUsage, Usage
from reviewbot.errors import BudgetExceeded, ProviderError, ReviewbotError
from reviewbot.llm import reaching
from reviewbot.llm.budget import Reservation
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keypool import KeysExhausted, Lease
from reviewbot.llm.limiting import LimitWait
from reviewbot.llm.orders import Check, Order, Relayed, Sending, of_call, of_prompt
from reviewbot.llm.parts import Parts
from reviewbot.llm.ports import Listen
from reviewbot.llm.retry import RetryBudget, Wait
from reviewbot.llm.stream import Answer
from reviewbot.llm.tape import Tape
from reviewbot.llm.targets import Route, Target
from reviewbot.llm.telling import Attempt, Record, Totals, attempt_ended, request_ended


class Client:
    """A client for a list of targets, in one event loop."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._gate = parts.gate or asyncio.Semaphore(parts.options.concurrency)
        self._place = parts.targets[0].exchange.endpoint.base_url
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
        order = of_prompt(prompt, options, self._place, self._parts.scope, check)
        return (await self._carried_out(self._record(order))).completion

    async def relay(self, call: Call, listen: Listen, watch: Callable[[Record], None] = lambda _: None) -> Relayed:
        """Pass a call on, and give the whole answer in its own bytes.

        ``listen`` is given a tape where the answer may be heard while it comes: at once, and not at all where the
        cache has it. After anything was heard only the same is tried again (`resuming`). ``watch`` is
        given the call's record, which tells at any time how far it has come. Raises as `complete`.
        """
        record = self._record(of_call(call, self._place, self._parts.scope))
        watch(record)
        return await self._carried_out(record, listen)

    def _record(self, order: Order) -> Record:
        targets = [target.asked_for(order.model.name) for target in self._parts.targets]
        return Record(order, Route(targets), self._parts.world.now(), self._parts.world.monotonic())

    async def _carried_out(self, record: Record, listen: Listen | None = None) -> Relayed:
        parts, order = self._parts, record.order
        if not order.shared:
            return Relayed(completion=await self._alone(record, listen), source="miss", cost_usd=record.cost_usd)
        kept = None if parts.cache is None else await parts.cache.get(order.key)
        if kept is not None:
            self._totals.cache_hits += 1
            self._tell(record, "cached", replace(kept, usage=TokenUsage()))
            return Relayed(completion=kept, source="hit")
        answer, joined = await parts.coalescing.share(order.key, partial(self._paid, record), listen)
        if joined:
            self._totals.coalesced += 1
            self._tell(record, "coalesced", replace(answer, usage=TokenUsage()))
            return Relayed(completion=answer, source="joined")
        return Relayed(completion=answer, source="miss", cost_usd=record.cost_usd)

    async def _alone(self, record: Record, listen: Listen | None) -> Completion:
        """Call for one alone, who wants an answer of its own."""
        tape = Tape()
        if listen is not None:
            listen(tape, False)
        try:
            return await self._paid(record, tape)
        finally:
            tape.close()

    async def _paid(self, record: Record, tape: Tape) -> Completion:
        order = record.order
        async with self._gate:
            try:
                whole = await self._retried(record, tape)
            except BudgetExceeded:
                self._tell(record, "budget", None)
                raise
            except ProviderError as error:
                self._tell(record, error.kind.value if isinstance(error, Fault) else "key", None)
                raise
            except asyncio.CancelledError:
                self._tell(record, "left", None)
                raise
        answer = whole.completion
        self._parts.calibration.observe(order.prompt_tokens, answer.usage.prompt_tokens)
        self._tell(record, "ok", answer)
        if self._parts.cache is not None and order.shared and whole.fit and order.keeps(answer):
            await self._parts.cache.put(order.key, answer)
        return answer

    async def _retried(self, record: Record, tape: Tape) -> Answer:
        """Try until an answer comes, the attempts or the time are used up, or another try makes no sense."""
        deadline_s = self._parts.options.deadline_s
        deadline_at = asyncio.get_running_loop().time() + deadline_s
        record.patience = self._parts.world.monotonic() + deadline_s
        try:
            return await self._attempt(record, deadline_at, tape)
        except Fault as fault:
            failed = [fault]
        try:
            return await self._again(failed, record, deadline_at, tape)
        except ReviewbotError as error:
            record.breaks.seen(error)
            raise

    async def _again(self, failed: list[Fault], record: Record, deadline_at: float, tape: Tape) -> Answer:
        # Here, because most runs have no need of it.
        from reviewbot.llm import retrying

        def passing(error: BaseException) -> bool:
            may_pass = isinstance(error, Fault) and error.treatment.retried
            return may_pass and not record.route.ended and record.breaks.goes_on

        def enough(number: int, wait_s: float) -> bool:
            late = self._parts.world.monotonic() + wait_s > record.patience
            # A stream that somebody hears is worth one more call, however many break off at once.
            spent = self._retries.spent and not record.breaks.taking_up
            return number >= self._parts.options.attempts or spent or late

        rules = retrying.Rules(passing=passing, enough=enough, wait=self._wait, rest=self._rest)
        return await retrying.go_on(failed, partial(self._attempt, record, deadline_at, tape), rules)

    async def _rest(self, seconds: float) -> None:
        await self._parts.world.sleep(seconds)
        self._totals.retries += 1

    async def _attempt(self, record: Record, deadline_at: float, tape: Tape) -> Answer:
        parts, order = self._parts, record.order
        target, lease = await self._granted(record)
        model = target.options(order.model)
        loop_started = asyncio.get_running_loop().time()
        attempt = record.last = Attempt(target, lease, model, parts.world.now(), parts.world.monotonic())
        try:
            reservation = await self._reserve(order, attempt)
        except BaseException:
            # Nothing was sent: a breaker that waited for this probe would lock everybody out for a minute.
            record.route.give_back()
            raise
        sending = Sending(
            exchange=target.exchange,
            model=model,
            key=lease.key,
            deadline_at=deadline_at,
            count=partial(self._count, record),
            tape=tape,
        )
        try:
            answer = await order.send(sending)
        except Fault as fault:
            record.began(tape.begun_at, loop_started)
            parts.observe(attempt_ended(record, attempt, fault, parts.world.monotonic()))
            await asyncio.shield(self._failed(fault, record, attempt, reservation, tape))
            raise
        except BaseException:
            record.route.give_back()
            record.owe(self._worst_usd(attempt, reservation))
            await asyncio.shield(parts.budget.keep(reservation))
            raise
        target.breaker.record(True)
        usage = answer.completion.usage
        price = parts.prices.at(model.name, attempt.at)
        known = usage.prompt_tokens or usage.completion_tokens
        cost_usd = None if price is None else price.cost(usage) if known else reservation.worst_usd
        record.owe(cost_usd)
        await parts.budget.settle(reservation, cost_usd or Decimal(0))
        self._totals.bill(usage, cost_usd)
        await lease.succeeded(usage.prompt_tokens + usage.completion_tokens if known else None)
        record.began(answer.first_at, loop_started)
        parts.observe(attempt_ended(record, attempt, None, parts.world.monotonic()))
        return answer

    def _count(self, record: Record) -> None:
        """Count a request that leaves."""
        self._retries.note(retry=record.attempts > 0)
        record.attempts += 1
        self._totals.requests += 1

    async def _reserve(self, order: Order, attempt: Attempt) -> Reservation:
        """Set aside the worst that one attempt can cost; each may be billed."""
        parts = self._parts
        price = parts.prices.dearest(attempt.model.name, attempt.at, parts.options.deadline_s)
        tokens = parts.calibration.correct(order.prompt_tokens)
        worst_usd = Decimal(0) if price is None else price.worst(tokens, attempt.model.max_tokens)
        try:
            return await parts.budget.reserve(worst_usd)
        except BudgetExceeded:
            await attempt.lease.unused()
            raise

    async def _granted(self, record: Record) -> tuple[Target, Lease]:
        """Find a target that takes requests, and a key of it within its limits."""
        parts, route, patience = self._parts, record.route, record.patience
        longest_s = parts.options.left_alone_s
        rested_by = patience if longest_s is None else min(patience, parts.world.monotonic() + longest_s)
        while True:
            target, wait_s = route.next()
            if target is None:
                await reaching.rest(route, wait_s, rested_by, parts.world, parts.reach)
                continue
            target.refresh()
            tokens = parts.calibration.correct(record.order.prompt_tokens)
            try:
                return target, await target.keys.lease(tokens, patience)
            except (KeysExhausted, LimitWait) as error:
                route.give_back()
                if not route.leave(target):
                    # The provider's own words come before what the pool says of its keys.
                    if route.last is not None and route.last is not record.breaks.first:
                        error.args = (f"{route.last}. {error}",)
                    raise
            except BaseException:
                route.give_back()
                raise

    def _worst_usd(self, attempt: Attempt, reservation: Reservation) -> Decimal | None:
        price = self._parts.prices.at(attempt.model.name, attempt.at)
        return None if price is None else reservation.worst_usd

    async def _failed(
        self, fault: Fault, record: Record, attempt: Attempt, reservation: Reservation, tape: Tape
    ) -> None:
        """Let a fault have its consequences for budget, breaker, key and route: all, whoever leaves meanwhile."""
        treatment, route, target, lease = fault.treatment, record.route, attempt.target, attempt.lease
        route.last = fault
        if fault.unbilled:
            await self._parts.budget.settle(reservation, Decimal(0))
        else:
            # One that broke off may be billed all the same.
            record.owe(self._worst_usd(attempt, reservation))
            await self._parts.budget.keep(reservation)
        await record.breaks.note(fault, record.order, tape)
        counts = record.breaks.judge(fault, target.breaker)
        if treatment.trips_breaker and counts:
            target.breaker.record(False, connected=fault.kind is not FaultKind.UNREACHABLE)
        else:
            route.give_back()
        await lease.failed(fault, counts=counts)
        too_long = fault.wait_s is not None and self._parts.world.monotonic() + fault.wait_s > record.patience
        keyless = treatment.leaves_target and lease.key is None
        if keyless or too_long:
            route.ended = not route.leave(target)
            # Whoever is asked next did not ask to wait.
            fault.wait_s = fault.wait_s if route.ended else 0.0

    def _tell(self, record: Record, outcome: str, answer: Completion | None) -> None:
        ended = self._parts.world.monotonic()
        self._parts.observe(request_ended(record, outcome, answer, ended, self._parts.tenant))
