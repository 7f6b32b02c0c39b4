"""Does submitted tasks, as a direct request would be answered: same client, same limits, same budget.

A task is under a lease while it is done, renewed by a heartbeat. A replica that dies loses it to another one, which
asks the provider again: what the first one had been billed for is lost, unless its answer was in the cache by then.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.call import Call
from reviewbot.domain.served import Served
from reviewbot.domain.tenant import Tenant
from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import ReviewbotError
from reviewbot.gateway import asking
from reviewbot.gateway.arriving import refused
from reviewbot.gateway.house import House
from reviewbot.gateway.refusing import Refused, model_not_allowed, of_error
from reviewbot.gateway.tasks import unpacked
from reviewbot.llm.orders import Relayed
from reviewbot.llm.telling import Record
from reviewbot.queue.connecting import QueueDownError
from reviewbot.queue.tasks import ClaimedTask, TaskStore

_LOG = logging.getLogger("reviewbot")
_LOOK_S: Final = 0.5
"""How often other replicas' tasks are looked for."""
_RENEW_S: Final = 5.0
"""How often a lease is renewed, and so how long a cancelled task may go on."""
_LOST_S: Final = 25.0
"""Without an answer from Redis for so long, the lease may be another's in a moment (it lasts 30 s)."""
_PATIENCE_S: Final = 600.0
"""For which a task waits for room, limits, or a Redis that is away."""
_PASSING: Final = frozenset({429, 503})
_LEAST_WAIT_S, _MOST_WAIT_S = 1.0, 30.0
_OK: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a task."""

    status: int
    body: bytes
    code: str | None = None
    """Of a refusal."""
    relayed: Relayed | None = None


class Runner:
    """Does tasks in one event loop, some at once."""

    def __init__(
        self, store: TaskStore, house: House, tenants: Callable[[], Iterable[Tenant]], slots: int = 16
    ) -> None:
        self._store = store
        self._house = house
        self._tenants = tenants
        self._room = asyncio.Semaphore(slots)
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that there is something to do."""
        self._woken.set()

    async def run(self) -> None:
        """Take tasks for ever; cancelled, hand back what is not done."""
        try:
            while True:
                await self._room.acquire()
                claimed = await self._next()
                work = asyncio.create_task(self._work(claimed))
                self._running.add(work)
                work.add_done_callback(self._over)
        finally:
            for work in self._running:
                work.cancel()
            if self._running:
                await asyncio.wait(self._running)

    def _over(self, work: "asyncio.Task[None]") -> None:
        self._running.discard(work)
        self._room.release()
        if not work.cancelled() and (error := work.exception()) is not None:
            _LOG.error("a task failed", exc_info=error)

    async def _next(self) -> ClaimedTask:
        while True:
            self._woken.clear()
            try:
                claimed = None if self._house.draining else await self._store.claim()
            except QueueDownError:
                claimed = None
            if claimed is not None:
                return claimed
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await self._woken.wait()

    async def _work(self, claimed: ClaimedTask) -> None:
        """Do a task while its lease lasts, and keep what came of it."""
        doing = asyncio.create_task(self._done(claimed))
        beating = asyncio.create_task(self._beat(claimed))
        try:
            await asyncio.wait({doing, beating}, return_when=asyncio.FIRST_COMPLETED)
            if doing.done():
                await self._keep(claimed, doing.result())
        except asyncio.CancelledError:
            with contextlib.suppress(QueueDownError):
                await self._store.hand_back(claimed)
            raise
        finally:
            for each in (doing, beating):
                each.cancel()
            await asyncio.wait({doing, beating})

    async def _beat(self, claimed: ClaimedTask) -> None:
        """Renew a lease until it is lost, or the task is cancelled."""
        world = self._house.world
        last = world.monotonic()
        while world.monotonic() - last < _LOST_S:
            await world.sleep(_RENEW_S)
            try:
                if not await self._store.renew(claimed):
                    return
            except QueueDownError:
                continue
            last = world.monotonic()

    async def _keep(self, claimed: ClaimedTask, answer: Answer) -> None:
        try:
            # Never too long: the client takes no answer that the store would not.
            await self._store.finish(claimed, answer.status, answer.body)
        except QueueDownError as error:
            # It will be done again when its lease is over; the cache has the answer, where there is one.
            _LOG.warning("the answer to task %s is lost: %s", claimed.id, error)

    async def _done(self, claimed: ClaimedTask) -> Answer:
        """Answer a task, and tell of it."""
        house, call = self._house, None
        records: list[Record] = []
        at, began = house.world.now(), house.world.monotonic()
        try:
            tenant = next((each for each in self._tenants() if each.name == claimed.tenant), None)
            if tenant is None:
                raise refused(403, "tenant_gone", "the tenant whose task this is does not exist any more")
            headers, body = unpacked(claimed.body)
            call = asking.read(body, headers, house.count)
            if not tenant.may_ask(call.model):
                raise model_not_allowed(call.model)
            answer = await self._patiently(tenant, call, records.append)
        except Refused as error:
            answer = Answer(status=error.refusal.status, body=error.refusal.body, code=error.refusal.code)
        relayed = answer.relayed
        paid = relayed is not None and relayed.source == "miss"
        house.heard(
            Served(
                at=at,
                request_id=claimed.id,
                path="/v1/tasks",
                tenant=claimed.tenant,
                task=None if call is None else call.task,
                model=None if call is None else call.model,
                parameters=() if call is None else call.parameters,
                status=answer.status,
                source=None if relayed is None else relayed.source,
                key_id=records[-1].key_id if records else None,
                answered_by=None if relayed is None else relayed.completion.model,
                cost_usd=None if relayed is None else relayed.cost_usd,
                attempts=sum(record.attempts for record in records),
                error=answer.code,
                usage=relayed.completion.usage if relayed is not None and paid else TokenUsage(),
                latency_s=house.world.monotonic() - began,
            )
        )
        return answer

    async def _patiently(self, tenant: Tenant, call: Call, watch: Callable[[Record], None]) -> Answer:
        """Ask, and wait for what passes. Raises Refused for what does not."""
        world = self._house.world
        until = world.monotonic() + _PATIENCE_S
        while True:
            try:
                return await self._asked(tenant, call, watch)
            except ReviewbotError as error:
                refusal = of_error(error)
                hint_s = refusal.headers.get("retry-after")
                # A budget that is used up comes with 429, and without a hint.
                if refusal.status not in _PASSING or hint_s is None or world.monotonic() > until:
                    raise Refused(refusal) from error
                await world.sleep(min(max(float(hint_s), _LEAST_WAIT_S), _MOST_WAIT_S))

    async def _asked(self, tenant: Tenant, call: Call, watch: Callable[[Record], None]) -> Answer:
        house, used = self._house, 0
        client = house.tenancy.clients[tenant.name]
        await house.rates.admit(tenant, call.prompt_tokens)
        try:
            relayed = await client.relay(call, lambda _tape, _joined: None, watch)
            usage = relayed.completion.usage
            used = usage.prompt_tokens + usage.completion_tokens or call.prompt_tokens
            used = used if relayed.source == "miss" else 0
        finally:
            await house.rates.settle(tenant, call.prompt_tokens, used)
        return Answer(status=_OK, body=relayed.completion.text.encode("utf-8", "surrogateescape"), relayed=relayed)
