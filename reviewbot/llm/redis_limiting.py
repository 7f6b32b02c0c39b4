"""Requests and tokens per minute of each account, in Redis: for any number of processes and machines together.

Requests are an exact sliding log in one sorted set for each account. Tokens are the same two-bucket counter as in
memory, in the same script, rather than `limits`' counter: a request needs both or neither, in one round trip; the
server's clock decides, not the machine's; and what was reserved too much can be given back. Either way it is never
one entry a token, which costs 5 times the CPU and 10 times the wait (measured at 2,000 tokens).
"""

import asyncio
import itertools
import secrets
from collections.abc import Iterable, Iterator
from functools import partial

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import LimitLost
from reviewbot.llm import rates
from reviewbot.llm.limit_account import LimitAccount
from reviewbot.llm.limiting import Ask, LimitsOf, Line, MemoryLimiter
from reviewbot.llm.redis_limits import POLLS, RedisLimits
from reviewbot.llm.redis_pulse import GONE_S, Pulse
from reviewbot.llm.redis_script import LimitScript
from reviewbot.llm.slices import SliceLease, sliced

_RETRY_S = 5.0  # after which whoever was refused may ask again


class RedisLimiter:
    """Limits of accounts among all processes that use one Redis. For one event loop; close it with `aclose`.

    While Redis is down or slow, requests under a limit fail; with ``fail_open`` each process goes on within its slice
    of the limit (`slices`), leased in advance over the ``pulse``; without a pulse it has the whole limit to itself. A
    Redis that is back, or was flushed, is told again what this process did, and lets nobody through until others have
    told it too: without ``fail_open`` for a window, because what those did that have ended is not known. Where there
    is no limit to exceed, nobody fails and nobody waits.
    """

    def __init__(  # noqa: PLR0913 - the limits, where they are kept, and what holds without
        self,
        url: str,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        world: Surroundings,
        *,
        fail_open: bool,
        limits_of: LimitsOf | None = None,
        pulse: Pulse | None = None,
        window_s: float = rates.WINDOW_S,
        timeout_s: float = 1.0,
    ) -> None:
        """Take the limits of each account, None for none. Raises UsageError where redis is missing or the URL none.

        Where accounts differ, ``limits_of`` tells their limits, and the two numbers hold for none.
        ``timeout_s`` is how long Redis may take to answer; ``window_s`` is shorter in tests only.
        """
        self._limits_of = limits_of or (lambda _: (requests_per_minute, tokens_per_minute))
        self._local = MemoryLimiter(None, None, world, limits_of=self._limits_of, window_s=window_s)
        self._process = secrets.token_hex(6)
        self._redis = RedisLimits(
            LimitScript(url, window_s, timeout_s),
            world,
            self._limits_of,
            process=self._process,
            fail_open=fail_open,
            pulse=pulse,
            window_s=window_s,
            timeout_s=timeout_s,
        )
        self._window_s = window_s
        self._world = world
        self._fail_open = fail_open
        self._pulse = pulse
        self._accounts: dict[str, LimitAccount] = {}
        self._names = itertools.count()
        self._taking_back: set[asyncio.Task[None]] = set()
        if pulse is not None and fail_open:
            pulse.add(self.renew)

    def __repr__(self) -> str:
        return f"RedisLimiter({self._redis.place})"

    async def aclose(self) -> None:
        """Take back what cancelled requests reserved, and close the connections."""
        if self._pulse is not None:
            self._pulse.remove(self.renew)
        await asyncio.gather(*self._taking_back)
        await self._redis.aclose()

    def admit(self, account: str, tokens: int) -> bool:
        """Never: only Redis can tell, and that takes a while."""
        del account, tokens
        return False

    async def acquire(self, account: str, tokens: int, deadline_at: float) -> None:
        """Wait until the limits of the account leave room among all processes; reserves the tokens.

        ``deadline_at`` is in seconds of ``world.monotonic``. Raises LimitWait as soon as it is known that it cannot
        be met, and LimitLost where Redis is down and the limits must be shared.
        """
        name = f"{self._process}:{next(self._names)}"
        await self._account(account).line.enter(Ask(tokens, deadline_at, name))

    async def settle(self, account: str, reserved: int, used: int) -> None:
        """Replace the reserved tokens by the used ones. A Redis that is down is no reason to lose the answer."""
        await self._local.settle(account, reserved, used)
        known = self._account(account)
        bucket = known.reserved.take(reserved)
        more = used - reserved
        if more > 0 or (more < 0 and bucket is not None):
            await self._redis.tell(known, operation="settle", more=more, bucket=bucket or 0)
        known.line.stir()

    def slow_down(self, account: str, wait_s: float | None) -> None:
        """Halve the account's rate for all processes, told to Redis with this process's next request."""
        self._local.slow_down(account, wait_s)
        known = self._account(account)
        known.refused += 1
        known.gap_s = rates.step_gap_s(self._window_s, wait_s)
        known.line.stir()

    def capacity(self, account: str) -> float:
        """Give the share of the limits that was left when Redis was last asked, filling up since; 0 to 1."""
        known = self._account(account)
        if self._redis.outage.down:
            return self._local.capacity(account) if self._may_alone(known, 1) else 0.0
        if len(known.line):
            return 0.0
        return min(known.left + (self._world.monotonic() - known.left_s) / self._window_s, 1.0)

    async def renew(self) -> None:
        """Have Redis set a slice of each limit aside for this process, for when it is lost; on the pulse."""
        for known in tuple(self._accounts.values()):
            await self._redis.renew(known, self._local.rates(known.name))

    def _account(self, name: str) -> LimitAccount:
        known = self._accounts.get(name)
        if known is None:
            known = self._accounts[name] = LimitAccount(name, self._line(name), self._window_s)
            self._redis.add(known)
        return known

    def _line(self, name: str) -> Line:
        def hopeless(asks: Iterable[Ask]) -> Iterator[tuple[Ask, float]]:
            limit, _ = self._limits_of(name)
            return self._accounts[name].hopeless(asks, limit, self._world.monotonic())

        nap_s = self._window_s / POLLS
        return Line(self._world, partial(self._attempt, name), partial(self._undo, name), hopeless, nap_s)

    async def _attempt(self, name: str, ask: Ask) -> float:
        asking = asyncio.create_task(self._let_through(name, ask))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:
            # What was sent is on its way: only its answer tells whether there is something to take back.
            taking_back = asyncio.create_task(self._take_back(asking, name, ask))
            self._taking_back.add(taking_back)
            taking_back.add_done_callback(self._taking_back.discard)
            raise

    async def _take_back(self, asking: asyncio.Task[float], name: str, ask: Ask) -> None:
        await asyncio.wait([asking])
        if not asking.cancelled() and asking.exception() is None and asking.result() <= 0:
            await self._undo(name, ask)

    async def _let_through(self, name: str, ask: Ask) -> float:
        known, own = self._accounts[name], self._local.rates(name)
        wait_s = await self._redis.acquire(known, own, ask)
        if wait_s is None:
            return self._alone(known, ask)
        if wait_s <= 0:
            own.admit(self._world.monotonic(), ask.tokens)
            self._remember(known, ask)
        return wait_s

    def _alone(self, known: LimitAccount, ask: Ask) -> float:
        if not self._fail_open and self._limits_of(known.name) != (None, None):
            message = (
                f"Redis at {self._redis.place} cannot be reached, and without it the rate limit cannot be shared. "
                "Start it, correct REVIEWBOT_REDIS_URL, or let each process go on without it, within its slice of the "
                "limit: redis.fail_open = true for a job, [gateway] fail_open = true for a gateway"
            )
            raise LimitLost(message, _RETRY_S)
        fits = self._may_alone(known, ask.tokens)
        wait_s = self._local.attempt(known.name, ask) if fits else self._window_s / POLLS
        known.next_s = self._world.monotonic() + wait_s
        if wait_s <= 0:
            known.behind = True
            known.doubtful.pop(ask.name, None)
            self._remember(known, ask)
        return wait_s

    def _may_alone(self, known: LimitAccount, tokens: int) -> bool:
        """Tell whether a request fits into this process's slice."""
        limits = self._limits_of(known.name)
        if self._pulse is None or limits == (None, None):
            return True
        now_s, own = self._world.monotonic(), self._local.rates(known.name)
        if known.slice is None:
            lease = known.lease if now_s < known.leased_s + GONE_S else SliceLease()
            known.slice = sliced(limits, self._pulse.replicas, lease, own, now_s)
        return known.slice.fits(own, tokens, now_s)

    def _remember(self, known: LimitAccount, ask: Ask) -> None:
        ask.at_s = self._world.monotonic()
        known.remember(ask.at_s, ask.name)

    async def _undo(self, name: str, ask: Ask) -> None:
        known = self._accounts[name]
        if ask.at_s is not None:
            self._local.rates(name).undo(self._world.monotonic(), ask.at_s, ask.tokens)
        known.reserved.take(ask.tokens)
        known.forget(ask.name)
        await self._redis.tell(known, operation="undo", member=ask.name, tokens=ask.tokens)
