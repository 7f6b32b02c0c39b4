"""Requests and tokens per minute of each account, in memory: for one process on its own.

Callers of one account wait in line, first come first served. Who cannot be served before its deadline is told so at
once, and can take another key or another endpoint instead.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass

from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import ProviderError
from reviewbot.llm.rates import WINDOW_S, Rates

LimitsOf = Callable[[str], tuple[int | None, int | None]]
"""Gives an account's requests and tokens a minute, None for no limit. Asked each time, so that they may change."""


class LimitWait(ProviderError):  # noqa: N818 - no error of anybody's: it says how long it would take
    """The limits leave no room before the deadline."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(
            f"the rate limit has no room for {wait_s:.0f} s, which is past the request's deadline. Raise the "
            "configured requests or tokens per minute if the account allows more, add a key of another account, or "
            "raise the deadline"
        )
        self.wait_s = wait_s
        """How long it would take, in seconds."""


@dataclass(slots=True, eq=False)
class Ask:
    """A caller that wants to send a request."""

    tokens: int
    deadline_at: float
    name: str = ""
    """Unique among all processes, where they share limits."""
    at_s: float | None = None
    """When it was let through."""
    turn: asyncio.Future[None] | None = None
    """Done when it is; None while it need not wait."""


class Line:
    """The callers of one account that wait. Whoever is first asks again when its time has come."""

    def __init__(
        self,
        world: Surroundings,
        attempt: Callable[[Ask], Awaitable[float]],
        undo: Callable[[Ask], Awaitable[None]],
        hopeless: Callable[[Iterable[Ask]], Iterator[tuple[Ask, float]]],
        longest_nap_s: float = float("inf"),
    ) -> None:
        self._world = world
        self._attempt = attempt
        """Lets through (0) or gives the seconds to wait; takes back what it did when it is cancelled."""
        self._undo = undo
        self._hopeless = hopeless
        """Gives those that cannot be served in time, each with the seconds that it would take."""
        self._longest_nap_s = longest_nap_s
        self._asks: deque[Ask] = deque()
        self._server: asyncio.Task[None] | None = None
        self._nap: asyncio.Future[None] | None = None
        self._stirred = False

    def __len__(self) -> int:
        return len(self._asks)

    async def enter(self, ask: Ask) -> None:
        """Return when the request may be sent. Raises LimitWait, and whatever the attempt raises."""
        if not self._asks and await self._attempt(ask) <= 0:
            return
        turn = ask.turn = asyncio.get_running_loop().create_future()
        self._asks.append(ask)
        self._refuse_hopeless()
        if self._asks and (self._server is None or self._server.done()):
            self._server = asyncio.create_task(self._serve())
        try:
            await turn
        except asyncio.CancelledError:
            await self._leave(ask, turn)
            raise

    async def _leave(self, ask: Ask, turn: asyncio.Future[None]) -> None:
        if ask in self._asks:
            self._asks.remove(ask)
        if not turn.cancelled() and turn.exception() is None:
            await self._undo(ask)
        self.stir()

    def stir(self) -> None:
        """Look again: something changed that may make it shorter or longer."""
        self._stirred = True
        if self._nap is not None:
            self._nap.cancel()

    async def _serve(self) -> None:
        while self._asks:
            ask = self._asks[0]
            self._stirred = False
            try:
                wait_s = await self._attempt(ask)
            except Exception as error:  # noqa: BLE001 - whatever it is, the caller must not wait for ever
                self._tell(ask, error)
                continue
            if wait_s <= 0:
                await self._let_through(ask)
                continue
            self._refuse_hopeless()
            if self._asks and self._asks[0] is ask and not self._stirred:
                await self._sleep(min(wait_s, self._longest_nap_s))

    async def _let_through(self, ask: Ask) -> None:
        if self._tell(ask, None):
            return
        await self._undo(ask)

    def _tell(self, ask: Ask, error: Exception | None) -> bool:
        """Answer a caller; whether it was still there to hear it."""
        if ask in self._asks:
            self._asks.remove(ask)
        if ask.turn is None or ask.turn.done():
            return False
        if error is None:
            ask.turn.set_result(None)
        else:
            ask.turn.set_exception(error)
        return True

    def _refuse_hopeless(self) -> None:
        for ask, wait_s in list(self._hopeless(self._asks)):
            self._tell(ask, LimitWait(wait_s))

    async def _sleep(self, wait_s: float) -> None:
        self._nap = asyncio.ensure_future(self._world.sleep(wait_s))
        try:
            # Unlike awaiting the nap itself, this does not raise when `stir` cancels it.
            await asyncio.wait([self._nap])
        finally:
            self._nap.cancel()
            self._nap = None


class MemoryLimiter:
    """Limits of accounts within this process. For one event loop at a time."""

    def __init__(
        self,
        requests_per_minute: int | None,
        tokens_per_minute: int | None,
        world: Surroundings,
        *,
        limits_of: LimitsOf | None = None,
        window_s: float = WINDOW_S,
    ) -> None:
        """Take the limits of each account, None for none; the window is shorter in tests only.

        Where accounts differ, ``limits_of`` tells their limits, and the two numbers hold for none.
        """
        self._limits_of = limits_of or (lambda _: (requests_per_minute, tokens_per_minute))
        self._window_s = window_s
        self._world = world
        self._rates: dict[str, Rates] = {}
        self._lines: dict[str, Line] = {}

    def admit(self, account: str, tokens: int) -> bool:
        """Let a request through if nobody is before it and there is room now."""
        return not len(self._lines.get(account, ())) and self._admit(account, tokens, self._world.monotonic()) <= 0

    async def acquire(self, account: str, tokens: int, deadline_at: float) -> None:
        """Wait until the limits of the account leave room; reserves the tokens.

        ``deadline_at`` is in seconds of ``world.monotonic``. Raises LimitWait at once when it cannot be met.
        More tokens than the limit are let through alone.
        """
        line = self._lines.get(account)
        if line is None:
            line = self._lines[account] = self._open(account)
        await line.enter(Ask(tokens, deadline_at))

    async def settle(self, account: str, reserved: int, used: int) -> None:
        """Replace the reserved tokens by the used ones; more than reserved is a debt that makes others wait."""
        self.rates(account).settle(self._world.monotonic(), reserved, used)
        self._stir(account)

    def slow_down(self, account: str, wait_s: float | None) -> None:
        """Halve the account's rate, at most once for each Retry-After window; it recovers by itself."""
        self.rates(account).slow_down(self._world.monotonic(), wait_s)
        self._stir(account)

    def capacity(self, account: str) -> float:
        """Give the share of the limits that is left right now, 0 to 1; 0 while somebody waits."""
        if len(self._lines.get(account, ())):
            return 0.0
        return self.rates(account).left(self._world.monotonic())

    def rates(self, account: str) -> Rates:
        """Give what an account has used."""
        requests, tokens = self._limits_of(account)
        found = self._rates.get(account)
        if found is None:
            found = self._rates[account] = Rates(requests, tokens, self._window_s)
        found.log.limit, found.tokens.limit = requests, tokens
        return found

    def attempt(self, account: str, ask: Ask) -> float:
        """Let a request through (0) or give the seconds until it is worth asking again."""
        now_s = self._world.monotonic()
        wait_s = self._admit(account, ask.tokens, now_s)
        if wait_s <= 0:
            ask.at_s = now_s
        return wait_s

    def _admit(self, account: str, tokens: int, now_s: float) -> float:
        rates = self.rates(account)
        wait_s = rates.earliest(now_s, tokens) - now_s
        if wait_s <= 0:
            rates.admit(now_s, tokens)
        return wait_s

    def _open(self, account: str) -> Line:
        rates = self.rates(account)

        async def attempt(ask: Ask) -> float:
            return self.attempt(account, ask)

        async def undo(ask: Ask) -> None:
            if ask.at_s is not None:
                rates.undo(self._world.monotonic(), ask.at_s, ask.tokens)

        return Line(self._world, attempt, undo, lambda asks: hopeless(rates, asks, self._world.monotonic()))

    def _stir(self, account: str) -> None:
        line = self._lines.get(account)
        if line is not None:
            line.stir()


def hopeless(rates: Rates, asks: Iterable[Ask], now_s: float) -> Iterator[tuple[Ask, float]]:
    """Play through who is let through when, and give those whose time comes after their deadline."""
    played = rates.copy()
    at_s = now_s
    for ask in asks:
        earliest_s = played.earliest(at_s, ask.tokens)
        if earliest_s > ask.deadline_at:
            yield ask, earliest_s - now_s
        else:
            played.admit(earliest_s, ask.tokens)
            at_s = earliest_s
