"""Requests and tokens per minute of each account, in Redis: for any number of processes and machines together.

Requests are an exact sliding log in one sorted set for each account. Tokens are the same two-bucket counter as in
memory, in the same script, rather than `limits`' counter: a request needs both or neither, in one round trip; the
server's clock decides, not the machine's; and what was reserved too much can be given back. Either way it is never
one entry a token, which costs 5 times the CPU and 10 times the wait (measured at 2,000 tokens).
"""

import asyncio
import hashlib
import itertools
import logging
import secrets
from collections import deque
from collections.abc import Iterable, Iterator

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import ProviderError
from reviewbot.llm import rates
from reviewbot.llm.limiting import Ask, Line, MemoryLimiter
from reviewbot.llm.redis_script import SECOND_US, LimitScript, ScriptAnswer

_LOG = logging.getLogger("reviewbot")
_AWAY_S = 5.0  # how long a Redis that is down is left alone
_FRESH = 0.9  # share of the window within which an own request must still be found
_POLLS = 60  # looks in each window while waiting: other processes give tokens back without telling


class _Account:
    """What this process knows of one account."""

    def __init__(self, name: str, line: Line) -> None:
        # Hashed again, because a configuration may call an account what it likes; braces keep both on one shard.
        place = hashlib.sha256(name.encode()).hexdigest()[:16]
        self.keys = [f"reviewbot:limit:{{{place}}}:requests", f"reviewbot:limit:{{{place}}}:state"]
        self.line = line
        self.mine: deque[tuple[float, str]] = deque()
        """Own requests of the last window: when (by the own clock) and under which name."""
        self.reserved = rates.Reservations()
        self.refused = 0
        """Refusals that Redis has not been told of yet."""
        self.gap_s = 0.0
        """Their Retry-After window."""
        self.next_s = float("-inf")
        """When the first in line is served, by the own clock, as Redis said last."""
        self.left = 1.0
        self.left_s = float("-inf")
        self.ahead = False
        """Whether something was let through without Redis, which it is still to be told."""


class RedisLimiter:
    """Limits of accounts among all processes that use one Redis. For one event loop; close it with `aclose`.

    With ``fail_open`` each process keeps the limits on its own while Redis is down or slow; otherwise requests fail.
    A Redis that was flushed is told again what this process did; without ``fail_open`` everybody then waits a window,
    because what the others did is not known. Where there is no limit to exceed, nobody waits.
    """

    def __init__(  # noqa: PLR0913 - the limits, where they are kept, and what holds without
        self,
        url: str,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        world: Surroundings,
        *,
        fail_open: bool,
        window_s: float = rates.WINDOW_S,
        timeout_s: float = 1.0,
    ) -> None:
        """Take the limits of each account, None for none. Raises UsageError where redis is missing or the URL none.

        ``timeout_s`` is how long Redis may take to answer; ``window_s`` is shorter in tests only.
        """
        self._script = LimitScript(url, requests_per_minute, tokens_per_minute, window_s, timeout_s)
        self._local = MemoryLimiter(requests_per_minute, tokens_per_minute, world, window_s=window_s)
        self._limit, self._window_s = requests_per_minute, window_s
        self._limited = not (requests_per_minute is tokens_per_minute is None)
        self._world = world
        self._fail_open = fail_open
        self._accounts: dict[str, _Account] = {}
        self._process = secrets.token_hex(6)
        self._names = itertools.count()
        self._taking_back: set[asyncio.Task[None]] = set()
        self._down = False
        self._away_until_s = float("-inf")

    def __repr__(self) -> str:
        return f"RedisLimiter({self._script.place})"

    async def aclose(self) -> None:
        """Take back what cancelled requests reserved, and close the connections."""
        await asyncio.gather(*self._taking_back)
        await self._script.aclose()

    async def acquire(self, account: str, tokens: int, deadline_at: float) -> None:
        """Wait until the limits of the account leave room among all processes; reserves the tokens.

        ``deadline_at`` is in seconds of ``world.monotonic``. Raises LimitWait as soon as it is known that it cannot
        be met, and ProviderError where Redis is down and the limits must be shared.
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
            await self._tell(known, operation="settle", more=more, bucket=bucket or 0)
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
        if self._down:
            return self._local.capacity(account)
        if len(known.line):
            return 0.0
        return min(known.left + (self._world.monotonic() - known.left_s) / self._window_s, 1.0)

    def _account(self, name: str) -> _Account:
        known = self._accounts.get(name)
        if known is None:
            known = self._accounts[name] = _Account(name, self._line(name))
        return known

    def _line(self, name: str) -> Line:
        async def attempt(ask: Ask) -> float:
            return await self._attempt(name, ask)

        async def undo(ask: Ask) -> None:
            await self._undo(name, ask)

        def hopeless(asks: Iterable[Ask]) -> Iterator[tuple[Ask, float]]:
            return self._hopeless(name, asks)

        return Line(self._world, attempt, undo, hopeless, longest_nap_s=self._window_s / _POLLS)

    def _hopeless(self, name: str, asks: Iterable[Ask]) -> Iterator[tuple[Ask, float]]:
        """Give those whose time comes too late even if no other process takes a turn."""
        next_s, now_s = self._accounts[name].next_s, self._world.monotonic()
        for position, ask in enumerate(asks):
            windows = 0 if self._limit is None else position // self._limit
            earliest_s = next_s + windows * self._window_s
            if earliest_s > max(ask.deadline_at, now_s):
                yield ask, earliest_s - now_s

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
        known = self._accounts[name]
        if not self._resting:
            try:
                wait_s = await self._shared(known, ask)
            except self._script.errors as error:
                self._note_down(error)
            else:
                self._note_up()
                if wait_s <= 0:
                    self._local.rates(name).admit(self._world.monotonic(), ask.tokens)
                    self._remember(known, ask)
                return wait_s
        return self._alone(name, ask)

    @property
    def _resting(self) -> bool:
        return self._fail_open and self._world.monotonic() < self._away_until_s

    def _alone(self, name: str, ask: Ask) -> float:
        if not self._fail_open:
            message = (
                f"Redis at {self._script.place} cannot be reached, and without it the rate limit cannot be shared. "
                "Start it, correct REVIEWBOT_REDIS_URL, or let each process keep the limit on its own (redis.fail_open)"
            )
            raise ProviderError(message)
        wait_s = self._local.attempt(name, ask)
        known = self._accounts[name]
        known.next_s = self._world.monotonic() + wait_s
        if wait_s <= 0:
            known.ahead = True
            self._remember(known, ask)
        return wait_s

    def _remember(self, known: _Account, ask: Ask) -> None:
        now_s = self._world.monotonic()
        ask.at_s = now_s
        known.mine.append((now_s, ask.name))
        while known.mine[0][0] + self._window_s * (1 + rates.GUARD) <= now_s:
            known.mine.popleft()

    async def _shared(self, known: _Account, ask: Ask) -> float:
        """Ask Redis; give 0 or the seconds to wait."""
        refused = known.refused
        said = await self._ask_for(known, ask, refused)
        if said.wait_us < 0:
            await self._restore(known)
            said = await self._ask_for(known, ask, refused)
        known.refused = max(known.refused - refused, 0)  # others may have told of them too: it is a step at most
        # Lost again at once: nothing is certain, so a moment later.
        wait_s = said.wait_us / SECOND_US if said.wait_us >= 0 else self._window_s / _POLLS
        known.next_s = self._world.monotonic() + wait_s
        if wait_s == 0:
            known.reserved.note(said.bucket, ask.tokens)
        return wait_s

    async def _ask_for(self, known: _Account, ask: Ask, refused: int) -> ScriptAnswer:
        fresh_s = self._world.monotonic() - self._window_s * _FRESH
        last = known.mine[-1][1] if known.mine and known.mine[-1][0] > fresh_s else ""
        told = {"refused": refused, "gap": round(known.gap_s * SECOND_US)}
        return await self._run(known, operation="acquire", tokens=ask.tokens, member=ask.name, last=last, **told)

    async def _restore(self, known: _Account) -> None:
        """Tell Redis what this process did in the last window."""
        now_s = self._world.monotonic()
        entries = [[round((now_s - at_s) * SECOND_US), member] for at_s, member in known.mine]
        hold = self._limited and not self._fail_open
        if not known.ahead:
            then = "all wait until the window is past" if hold else "each process tells it again"
            _LOG.warning("Redis at %s has lost the last requests (flushed?): %s", self._script.place, then)
        known.ahead = False
        await self._run(known, operation="restore", entries=entries, hold=hold)

    async def _undo(self, name: str, ask: Ask) -> None:
        known = self._accounts[name]
        if ask.at_s is not None:
            self._local.rates(name).undo(self._world.monotonic(), ask.at_s, ask.tokens)
        known.reserved.take(ask.tokens)
        known.mine = deque(entry for entry in known.mine if entry[1] != ask.name)
        await self._tell(known, operation="undo", member=ask.name, tokens=ask.tokens)

    async def _tell(self, known: _Account, **what: object) -> None:
        """Tell Redis, if it is there."""
        if self._resting:
            return
        try:
            await self._run(known, **what)
        except self._script.errors as error:
            self._note_down(error)

    async def _run(self, known: _Account, **what: object) -> ScriptAnswer:
        said = await self._script.run(known.keys, **what)
        if said.wait_us >= 0:
            known.left, known.left_s = said.left, self._world.monotonic()
        return said

    def _note_down(self, error: Exception) -> None:
        self._away_until_s = self._world.monotonic() + _AWAY_S
        if not self._down:
            then = "each process keeps the limits on its own" if self._fail_open else "requests fail"
            _LOG.warning(
                "Redis at %s is down (%s): until it is back, %s", self._script.place, type(error).__name__, then
            )
        self._down = True

    def _note_up(self) -> None:
        if self._down:
            _LOG.warning("Redis at %s is back: the limits are shared again", self._script.place)
        self._down = False
