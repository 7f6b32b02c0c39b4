"""Budgets of days and months in Redis, for all processes that share it."""

import logging
from collections.abc import Awaitable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from reviewbot.domain.claim import Claim, Fit, Ruling, Standing
from reviewbot.errors import BudgetExceeded
from reviewbot.llm.budget_store import judged
from reviewbot.llm.redis_link import RedisDownError, RedisLink
from reviewbot.ports import BudgetStore

if TYPE_CHECKING:
    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
_KEPT_S: Final = 62 * 86_400
"""Longer than any month."""
_READ: Final = """
local function standing(at, now_s, floor)
    -- KEYS come in pairs: the hash of an account, and the hash of what is set aside from it.
    local account, open = KEYS[2 * at - 1], KEYS[2 * at]
    local spent = tonumber(redis.call('HGET', account, 'spent') or '0')
    if spent < floor then
        -- Redis was flushed, or started without its data: what this process knows to be spent is spent.
        redis.call('HSET', account, 'spent', floor)
        spent = floor
    end
    local lost, held = 0, 0
    for _, value in ipairs(redis.call('HVALS', open)) do
        local micros, until_s = string.match(value, '^(%d+) (.+)$')
        if tonumber(until_s) < now_s then lost = lost + micros else held = held + micros end
    end
    return spent, lost, held
end
"""
_RESERVE: Final = f"""{_READ}
local id, micros, until_s, now_s, kept_s = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4]), ARGV[5]
local fits, answer = 1, {{}}
for at = 1, #KEYS / 2 do
    local limit, floor = tonumber(ARGV[4 + 2 * at]), tonumber(ARGV[5 + 2 * at])
    local spent, lost, held = standing(at, now_s, floor)
    -- Asked again after a lost answer: it is set aside already.
    if redis.call('HEXISTS', KEYS[2 * at], id) == 1 then held = held - micros end
    if spent + lost + held + micros > limit then fits = 0 end
    answer[3 * at - 2], answer[3 * at - 1], answer[3 * at] = spent, lost, held
end
for at = 1, fits * #KEYS / 2 do
    redis.call('HSET', KEYS[2 * at], id, ARGV[2] .. ' ' .. until_s)
    redis.call('EXPIRE', KEYS[2 * at], kept_s)
    redis.call('EXPIRE', KEYS[2 * at - 1], kept_s)
end
answer[#answer + 1] = fits
return answer
"""
_SETTLE: Final = f"""{_READ}
local id, micros, now_s, kept_s = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local answer = {{}}
for at = 1, #KEYS / 2 do
    standing(at, now_s, tonumber(ARGV[4 + at]))
    redis.call('HDEL', KEYS[2 * at], id)
    redis.call('HINCRBY', KEYS[2 * at - 1], 'spent', micros)
    redis.call('EXPIRE', KEYS[2 * at - 1], kept_s)
    answer[3 * at - 2], answer[3 * at - 1], answer[3 * at] = standing(at, now_s, 0)
end
return answer
"""


class RedisBudgetStore:
    """Accounts in Redis; one script for each step makes it atomic.

    While Redis is down, nothing fits, unless there is a ``fallback``, such as a `MemoryBudgetStore`: each process
    then has the whole limits to itself. A Redis that is back is told what was spent meanwhile, before anything else.
    """

    def __init__(self, link: RedisLink, *, fallback: BudgetStore | None = None) -> None:
        self._link = link
        self._fallback = fallback
        self._elsewhere: set[str] = set()
        """Claims that the fallback holds."""
        self._seen: dict[str, int] = {}
        """What was spent of each account when last asked, in micro-dollars."""
        self._untold: list[tuple[Claim, int]] = []
        """Settlements that Redis has not heard of, in micro-dollars."""

    async def reserve(self, claim: Claim) -> Ruling:
        """Set money aside if it fits into every account. Raises BudgetExceeded while Redis is down."""
        try:
            await self._catch_up()
            *numbers, fits = await self._reserved(claim)
        except RedisDownError as error:
            if self._fallback is None:
                message = f"the shared budget cannot be kept ({error}), so nothing more is sent"
                raise BudgetExceeded(message) from error
            self._elsewhere.add(claim.id)
            return await self._fallback.reserve(claim)
        standings = tuple(self._standings(claim, numbers))
        return Ruling(fit=Fit.NOW if fits else judged(claim, standings), standings=standings)

    async def settle(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        """Book what a request did cost, and free what was set aside for it."""
        if self._fallback is not None and claim.id in self._elsewhere:
            self._elsewhere.discard(claim.id)
            self._untold.append((claim, micros))
            return await self._fallback.settle(claim, micros)
        try:
            return await self._settled(claim, micros)
        except RedisDownError as error:
            self._untold.append((claim, micros))
            _log.warning("the shared budget counts a request at its worst case until Redis is back: %s", error)
            return ()

    async def aclose(self) -> None:
        """Nothing to close: the link belongs to whoever opened it."""

    async def _catch_up(self) -> None:
        """Tell Redis of what it missed. Raises RedisDownError."""
        while self._untold:
            claim, micros = self._untold.pop()
            try:
                await self._settled(claim, micros)
            except RedisDownError:
                self._untold.append((claim, micros))
                raise

    async def _reserved(self, claim: Claim) -> list[int]:
        limits = (value for cap in claim.caps for value in (_limit(cap.limit), self._seen.get(cap.account, 0)))
        return await self._run(_RESERVE, claim, (claim.id, claim.micros, claim.until_s, claim.at_s, _KEPT_S, *limits))

    async def _settled(self, claim: Claim, micros: int) -> tuple[Standing, ...]:
        floors = [self._seen.get(cap.account, 0) for cap in claim.caps]
        numbers = await self._run(_SETTLE, claim, (claim.id, micros, claim.at_s, _KEPT_S, *floors))
        return tuple(self._standings(claim, numbers))

    async def _run(self, script: str, claim: Claim, arguments: tuple[str | float, ...]) -> list[int]:
        # One hash tag, so that a cluster keeps the accounts of a claim together.
        tagged = (f"reviewbot:budget:{{money}}:{cap.account}" for cap in claim.caps)
        keys = [key for account in tagged for key in (account, f"{account}:open")]

        def call(redis: "Redis") -> Awaitable[list[int]]:
            return redis.register_script(script)(keys=keys, args=arguments)

        return await self._link.ask(call)

    def _standings(self, claim: Claim, numbers: Sequence[int]) -> Iterator[Standing]:
        for cap, spent, lost, held in zip(claim.caps, numbers[::3], numbers[1::3], numbers[2::3], strict=True):
            self._seen[cap.account] = max(spent, self._seen.get(cap.account, 0))
            yield Standing(cap=cap, spent=spent + lost, held=held)


def _limit(limit: int | None) -> int:
    """Spell no limit as more micro-dollars than anybody has, which Lua still counts exactly."""
    return 2**53 if limit is None else limit
