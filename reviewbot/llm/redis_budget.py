"""Budgets of days and months in Redis, for all processes that share it."""

import asyncio
import logging
from typing import Final

from reviewbot.domain.claim import Cap, Claim, Fit, Ruling, Standing
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import BudgetLost
from reviewbot.llm.budget_store import judged
from reviewbot.llm.redis_accounts import UNLIMITED, RedisAccounts
from reviewbot.llm.redis_link import RedisDownError, RedisLink
from reviewbot.llm.redis_pulse import Pulse

_log = logging.getLogger(__name__)
_RETRY_S: Final = 5.0
"""After which whoever was refused may ask again."""
_IDLE_S: Final = 86_400.0
"""After which an account that was not used is looked at no more: its day is over."""


class RedisBudgetStore:
    """Accounts in Redis; one script for each step makes it atomic.

    While Redis is down, nothing is set aside: BudgetLost. With ``fail_open`` each process goes on: where it is
    ``sliced`` within what it has leased of each account in advance, over the ``pulse``, at most a tenth of the limit
    for all together; else with all that it knows to be left, as if it were alone. A Redis that is back is told what
    was spent meanwhile, before anything else, and each settlement counts once.
    """

    def __init__(
        self,
        link: RedisLink,
        world: Surroundings,
        *,
        fail_open: bool = False,
        sliced: bool = True,
        pulse: Pulse | None = None,
    ) -> None:
        self._world = world
        self._fail_open = fail_open
        self._sliced = sliced
        self._pulse = pulse
        self._accounts = RedisAccounts(link)
        self._elsewhere: dict[str, Claim] = {}
        """Set aside from what is leased, without Redis."""
        self._untold: dict[str, tuple[Claim, int]] = {}
        """Settlements that Redis has not heard of, in micro-dollars."""
        self._used_s: dict[str, float] = {}
        """When each account was last used."""
        self._earning: set[str] = set()
        """Accounts that this process has spent from: only these are worth a lease."""
        self._telling = asyncio.Lock()
        if pulse is not None:
            pulse.add(self.look)

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account. Raises BudgetLost while Redis is down."""
        self._used_s.update((cap.account, self._world.monotonic()) for cap in claim.caps)
        told = False
        try:
            await self._catch_up()
            told = True
            answer = await self._accounts.reserve(claim)
        except RedisDownError as error:
            if told and error.asked:
                # Whether it is set aside there nobody knows: it is freed when Redis is back.
                self._untold[claim.id] = (claim, 0)
            return self._reserved_alone(claim, error)
        fit = Fit.NOW if answer.fits else judged(claim, answer.standings)
        # What fits by the numbers and was not set aside has to wait: until all have told Redis what it lost.
        return Ruling(fit=Fit.LATER if fit is Fit.NOW and not answer.fits else fit, standings=answer.standings)

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it."""
        self._earning.update(cap.account for cap in claim.caps)
        self._elsewhere.pop(claim.id, None)
        self._untold[claim.id] = (claim, micros)
        try:
            answer = await self._accounts.settle(claim, micros)
        except RedisDownError as error:
            _log.warning("the shared budget counts a request at its worst case until Redis is back: %s", error)
            return ()
        self._untold.pop(claim.id, None)
        return answer.standings

    async def look(self) -> None:
        """Tell Redis what it missed, see whether it lost anything, and renew the leases. Raises RedisDownError."""
        now_s = self._world.monotonic()
        self._used_s = {account: at_s for account, at_s in self._used_s.items() if now_s < at_s + _IDLE_S}
        await self._accounts.greet()
        if not self._used_s:
            return
        await self._catch_up()
        caps = [cap for account, cap in self._accounts.caps.items() if account in self._used_s]
        await self._lease(
            [cap for cap in caps if cap.account in self._earning], leasing=self._fail_open and self._sliced
        )
        await self._lease([cap for cap in caps if cap.account not in self._earning], leasing=False)

    async def aclose(self) -> None:
        """Tell what is still to be told, and give the leases back. The link belongs to whoever opened it."""
        if self._pulse is not None:
            self._pulse.remove(self.look)
        try:
            await self._catch_up()
            self._accounts.leased.clear()
            await self._lease(list(self._accounts.caps.values()), leasing=False)
        except RedisDownError as error:
            _log.warning("the shared budget was not told of all that was spent: %s", error)

    async def _lease(self, caps: list[Cap], *, leasing: bool) -> None:
        if not caps:
            return
        replicas = None if self._pulse is None or not leasing else self._pulse.replicas
        uses = [sum(self._alone(cap.account)) for cap in caps]
        await self._accounts.lease(caps, self._world.now().timestamp(), uses, replicas)

    async def _catch_up(self) -> None:
        """Tell Redis of what it missed. Raises RedisDownError."""
        if not self._untold:
            return
        async with self._telling:  # by one for all: the others would only tell the same
            for name, (claim, micros) in tuple(self._untold.items()):
                if name not in self._elsewhere:
                    await self._accounts.settle(claim, micros)
                    self._untold.pop(name, None)

    def _reserved_alone(self, claim: Claim, error: RedisDownError) -> Ruling:
        """Set money aside without Redis. Raises BudgetLost where there is too little."""
        standings, fit = [], Fit.NOW
        for cap in claim.caps:
            spent, held = self._alone(cap.account)
            room = self._room(cap)
            if spent + claim.micros > room:
                message = f"the shared budget cannot be kept ({error}), so nothing more is sent"
                raise BudgetLost(message, _RETRY_S) from error
            if spent + held + claim.micros > room:
                fit = Fit.LATER
            standings.append(Standing(cap=cap, spent=self._accounts.spent(cap.account) + spent, held=held))
        if fit is Fit.NOW:
            self._elsewhere[claim.id] = claim
        return Ruling(fit=fit, standings=tuple(standings))

    def _room(self, cap: Cap) -> int:
        """Give what may be spent of an account without Redis, in micro-dollars."""
        if not self._fail_open:
            return 0
        if self._sliced:
            return self._accounts.leased.get(cap.account, 0)
        held = sum(claim.micros for claim in self._accounts.open.values() if _draws(claim, cap.account))
        return (UNLIMITED if cap.limit is None else cap.limit) - self._accounts.spent(cap.account) - held

    def _alone(self, account: str) -> tuple[int, int]:
        """Give what was spent of an account without Redis, and what is set aside."""
        spent = sum(
            micros
            for claim, micros in self._untold.values()
            if _draws(claim, account) and claim.id not in self._accounts.open  # those are set aside in Redis
        )
        return spent, sum(claim.micros for claim in self._elsewhere.values() if _draws(claim, account))


def _draws(claim: Claim, account: str) -> bool:
    return any(cap.account == account for cap in claim.caps)
