"""A circuit breaker: an endpoint that fails half of the calls is left alone for a while, then tried by one call.

By the rate of failures, not by failures in a row, because calls run side by side; and with a single probe, because a
crowd of them is what keeps a provider that is coming back down. An endpoint that could not even be connected to may be
tried as soon as it can be: connecting is no load, and whoever does it says so with `returned`.
"""

from collections.abc import Callable
from enum import StrEnum

from reviewbot.domain.events import BreakerChanged, Event
from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm.outcomes import Outcomes

_PROBING_S = 1.0  # until it is worth asking again while somebody else's probe is out
LOOK_S = 2.0
"""Between two looks at an endpoint that could not be connected to."""


class BreakerState(StrEnum):
    """Whether calls go through."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """The breaker of one endpoint and model. Report only what tells of its health: no 4xx, nothing cancelled."""

    def __init__(  # noqa: PLR0913 - what it guards, what it takes from the world, and its four thresholds
        self,
        endpoint: str,
        model: str,
        world: Surroundings,
        observe: Callable[[Event], None],
        *,
        window_s: float = 60,
        minimum: int = 10,
        failure_rate: float = 0.5,
        open_s: float = 60,
    ) -> None:
        """Take the window, the calls in it that are the least to judge by, the rate that opens, and for how long."""
        self._endpoint, self._model = endpoint, model
        self._world = world
        self._observe = observe
        self._minimum, self._failure_rate, self._open_s = minimum, failure_rate, open_s
        self._outcomes = Outcomes(window_s)
        self._until_s = float("-inf")
        """Open: until then. Half-open: until then the probe may take."""
        self._probing = False
        self._lost = False
        """Whether the last failure was that there was no connection."""
        self._looked_s = float("-inf")
        self._under_way = 0
        """Calls let through of which nothing was heard yet."""
        self.state = BreakerState.CLOSED

    def __repr__(self) -> str:
        return f"Breaker({self._endpoint}, {self._model}, {self.state})"

    def admit(self) -> float | None:
        """Let a call through (None), or give the seconds until it is worth asking again.

        In half-open exactly one caller is let through: its probe. It must `record` how that ended, or `abandon` it.
        Who is let through and then finds `state` half-open is the probe; nobody else should `abandon`.
        """
        if self.state is BreakerState.CLOSED:
            self._under_way += 1
            return None
        now_s = self._world.monotonic()
        if self.state is BreakerState.OPEN:
            if now_s < self._until_s:
                return self._until_s - now_s
            self._become(BreakerState.HALF_OPEN)
            self._probing = False
        if self._probing and now_s < self._until_s:
            return _PROBING_S
        # A probe of which nothing was ever heard must not lock the endpoint out for ever.
        self._probing, self._until_s = True, now_s + self._open_s
        return None

    @property
    def lost(self) -> bool:
        """Whether it is open for an endpoint that could not be connected to."""
        return self._lost and self.state is BreakerState.OPEN

    def look(self) -> bool:
        """Tell one caller in `LOOK_S` to see whether a lost endpoint can be connected to again."""
        now_s = self._world.monotonic()
        if not self.lost or now_s < self._looked_s + LOOK_S:
            return False
        self._looked_s = now_s
        return True

    def returned(self) -> None:
        """Take note that a lost endpoint can be connected to: the probe may go now."""
        if self.lost:
            self._until_s = self._world.monotonic()

    def record(self, ok: bool, *, connected: bool = True) -> None:
        """Take note of how a call ended that was let through, and whether there was a connection at all."""
        self._under_way = max(self._under_way - 1, 0)
        self._lost = not connected
        if self.state is BreakerState.CLOSED:
            self._count(ok)
        elif self.state is BreakerState.HALF_OPEN and self._probing:
            if ok:
                self._outcomes.clear()
                self._become(BreakerState.CLOSED)
            else:
                self._open()
        # Otherwise it began before the breaker opened: no news.

    def count_failure(self) -> None:
        """Count a call of which nothing was told when it ended."""
        if self.state is BreakerState.CLOSED:
            self._count(ok=False)

    def abandon(self) -> None:
        """Take note that a call was cancelled, or ended in a way that tells nothing: another may be the probe."""
        self._probing = False

    def forget(self) -> None:
        """Take note that a call other than a probe ended in a way that tells nothing."""
        self._under_way = max(self._under_way - 1, 0)

    def _count(self, ok: bool) -> None:
        now_s = self._world.monotonic()
        self._outcomes.add(now_s, ok=ok)
        calls, failures = self._outcomes.counts(now_s)
        # Those under way count too: faults come at once and answers take their time, so that the first
        # calls to end are failures even where most will succeed.
        calls += self._under_way
        if calls >= self._minimum and failures >= self._failure_rate * calls:
            self._open()

    def _open(self) -> None:
        self._until_s = self._world.monotonic() + self._open_s
        self._become(BreakerState.OPEN)

    def _become(self, state: BreakerState) -> None:
        self.state = state
        self._observe(BreakerChanged(endpoint=self._endpoint, model=self._model, state=state.value))
