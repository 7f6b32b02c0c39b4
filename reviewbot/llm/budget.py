"""Budgets: the worst case is set aside before a request leaves, and settled after.

A request that does not fit only because of others in flight waits for them: most of what is set aside comes
back, because answers are shorter than they may be. So a budget is never exceeded, and little of it is left.
"""

import asyncio
import itertools
import os
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, TypeVar

from reviewbot.domain.claim import Cap, Claim, Fit, Ruling, Standing
from reviewbot.domain.events import BudgetMoved, BudgetWarned
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import BudgetExceeded, UsageError
from reviewbot.llm.budget_store import MemoryBudgetStore
from reviewbot.llm.overspending import JOB, Remedies, exceeded
from reviewbot.llm.ports import BudgetStore

_T = TypeVar("_T")
_MILLION: Final = 1_000_000
_WARNING: Final = (8, 10)
"""The share of a budget at which it is said, as a fraction."""
_HOLD_S: Final = 900.0
"""Longer than a request with all its attempts may take."""
_FIRST_LOOK_S, _LAST_LOOK_S = 0.05, 1.0
"""How often a store that others use too is asked again, at first and in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Money in USD. None is no limit."""

    run_usd: Decimal | None = None
    day_usd: Decimal | None = None
    """Days and months are UTC."""
    month_usd: Decimal | None = None
    remedies: Remedies = JOB
    """What is said to help where they are too small."""

    @property
    def lasting(self) -> bool:
        """Whether a store is needed that outlives the run."""
        return self.day_usd is not None or self.month_usd is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Money set aside for one request."""

    id: str
    worst_usd: Decimal


class Budget:
    """The money of one run, within that of its day and month."""

    def __init__(
        self,
        limits: Limits,
        world: Surroundings,
        *,
        store: BudgetStore | None = None,
        observe: Callable[[BudgetMoved | BudgetWarned], None] = lambda _: None,
        scope: str = "all",
        hold_s: float = _HOLD_S,
    ) -> None:
        """Take limits and the lasting store for those of day and month. Raises UsageError if it is missing.

        ``scope`` names whose days and months they are, as a tenant's. ``hold_s`` is how long a request can
        take at most; what is set aside longer belonged to a process that died, and is not waited for.
        """
        if limits.lasting and store is None:
            message = (
                "a budget for a day or month needs a lasting store: set REVIEWBOT_CACHE_DIR or REVIEWBOT_REDIS_URL"
            )
            raise UsageError(message)
        self.spent_usd = Decimal(0)
        """By this run, so far."""
        self._limits = limits
        self._world = world
        self._memory = MemoryBudgetStore()
        self._store = store
        self._observe = observe
        self._scope = scope
        self._hold_s = hold_s
        self._open: dict[str, tuple[tuple[BudgetStore, Claim], ...]] = {}
        self._process = os.urandom(16).hex()
        self._names = itertools.count()
        self._turn = asyncio.Lock()
        self._changed = asyncio.Event()
        self._warned: set[str] = set()
        self._run = (Cap(period="run", account="run", limit=_limit(limits.run_usd)),)

    async def reserve(self, worst_usd: Decimal) -> Reservation:
        """Set money aside, if need be when others in flight are settled: first come, first served.

        Raises BudgetExceeded when it would not fit even if those cost nothing. May wait as long as they take.
        """
        micros = _micros(worst_usd, ROUND_CEILING)
        if not self._turn.locked():
            taken = await self._take(micros, worst_usd)
            if taken is not None:
                return taken
            self._changed.set()  # what was taken of one store is back, if another had too little
        async with self._turn:
            look_s = _FIRST_LOOK_S
            while True:
                self._changed.clear()
                taken = await self._take(micros, worst_usd)
                if taken is not None:
                    return taken
                await self._wait_for_change(look_s)
                look_s = min(2 * look_s, _LAST_LOOK_S)

    async def settle(self, reservation: Reservation, cost_usd: Decimal) -> None:
        """Book what a request did cost, and free the rest of what was set aside. A second time does nothing."""
        claims = self._open.pop(reservation.id, ())
        if not claims:
            return
        self.spent_usd += cost_usd
        await self._undisturbed(self._book(claims, _micros(cost_usd, ROUND_CEILING)))
        self._changed.set()

    async def keep(self, reservation: Reservation) -> None:
        """Book all that was set aside: after a timeout or a broken stream, which the provider may bill."""
        await self.settle(reservation, reservation.worst_usd)

    async def aclose(self) -> None:
        """Close the store. What is still open counts as spent."""
        if self._store is not None:
            await self._store.aclose()

    async def _take(self, micros: int, worst_usd: Decimal) -> Reservation | None:
        """Set money aside, or give None where that may be possible later. Raises BudgetExceeded."""
        name = f"{self._process}{next(self._names):x}"
        claims = tuple(self._claims(name, micros))
        try:
            ruling = await self._undisturbed(self._claim(claims))
        except asyncio.CancelledError:
            # Nothing may stay set aside for a request that is never sent.
            await self._undisturbed(self._book(claims, 0))
            self._changed.set()
            raise
        if ruling.fit is Fit.NEVER:
            self._tell(ruling.standings)
            raise exceeded(ruling, micros, self._limits.remedies)
        if ruling.fit is Fit.LATER:
            return None
        self._tell(ruling.standings, micros)  # a ruling tells how accounts stood without the claim
        self._open[name] = claims
        return Reservation(id=name, worst_usd=worst_usd)

    def _claims(self, name: str, micros: int) -> Iterator[tuple[BudgetStore, Claim]]:
        """Give what is to be claimed of which store."""
        now = self._world.now().astimezone(UTC)
        at_s = now.timestamp()
        yield self._memory, Claim(id=name, micros=micros, caps=self._run, at_s=at_s, until_s=at_s + self._hold_s)
        if self._store is not None and self._limits.lasting:
            caps = tuple(self._lasting(now))
            yield self._store, Claim(id=name, micros=micros, caps=caps, at_s=at_s, until_s=at_s + self._hold_s)

    def _lasting(self, now: datetime) -> Iterator[Cap]:
        periods = (("day", f"{now:%Y-%m-%d}", self._limits.day_usd), ("month", f"{now:%Y-%m}", self._limits.month_usd))
        for period, date, limit_usd in periods:
            if limit_usd is not None:
                yield Cap(period=period, account=f"{self._scope}:{period}:{date}", limit=_limit(limit_usd))

    async def _claim(self, claims: tuple[tuple[BudgetStore, Claim], ...]) -> Ruling:
        """Claim of every store, or of none."""
        standings: list[Standing] = []
        for at, (store, claim) in enumerate(claims):
            try:
                ruling = await store.reserve(claim)
            except BudgetExceeded:
                await self._book(claims[:at], 0)
                raise
            standings.extend(ruling.standings)
            if ruling.fit is not Fit.NOW:
                await self._book(claims[:at], 0)
                return Ruling(fit=ruling.fit, standings=tuple(standings))
        return Ruling(fit=Fit.NOW, standings=tuple(standings))

    async def _book(self, claims: tuple[tuple[BudgetStore, Claim], ...], micros: int) -> None:
        for store, claim in claims:
            self._tell(await store.settle(claim, micros))

    async def _wait_for_change(self, look_s: float) -> None:
        """Wait until a request of this process is settled, or for a while where other processes settle too."""
        if self._store is None:
            await self._changed.wait()
            return
        change, pause = asyncio.ensure_future(self._changed.wait()), asyncio.ensure_future(self._world.sleep(look_s))
        try:
            await asyncio.wait({change, pause}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            change.cancel()
            pause.cancel()

    async def _undisturbed(self, work: Coroutine[object, object, _T]) -> _T:
        """Do a short piece of work to its end even when cancelled: half a booking would stay."""
        if self._store is None:
            return await work  # memory alone never waits, so nothing can come in between
        task = asyncio.create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task})
            task.exception()  # it is the cancellation that is heard
            raise

    def _tell(self, standings: tuple[Standing, ...], more: int = 0) -> None:
        """Tell how accounts stand with so much more set aside, and once of each that it is nearly used up."""
        for standing in standings:
            cap, spent_usd = standing.cap, _usd(standing.spent)
            limit_usd = None if cap.limit is None else _usd(cap.limit)
            held_usd = _usd(standing.held + more)
            money = {"spent_usd": spent_usd, "held_usd": held_usd}
            self._observe(BudgetMoved(period=cap.period, limit_usd=limit_usd, scope=self._scope, **money))
            if limit_usd is not None and cap.account not in self._warned and _nearly_used_up(standing):
                self._warned.add(cap.account)
                told = {"spent_usd": spent_usd, "limit_usd": limit_usd}
                self._observe(BudgetWarned(period=cap.period, scope=self._scope, **told))


def _nearly_used_up(standing: Standing) -> bool:
    share, whole = _WARNING
    return bool(standing.spent) and standing.spent * whole >= (standing.cap.limit or 0) * share


def _micros(usd: Decimal, rounding: str) -> int:
    return int((usd * _MILLION).to_integral_value(rounding))


def _limit(usd: Decimal | None) -> int | None:
    return None if usd is None else _micros(usd, ROUND_FLOOR)


def _usd(micros: int) -> Decimal:
    return Decimal(micros) / _MILLION
