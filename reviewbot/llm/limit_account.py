"""What a process knows of one account whose limits it shares with others."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator

from reviewbot.llm import rates
from reviewbot.llm.limiting import Ask, Line
from reviewbot.llm.slices import Slice, SliceLease

_FRESH = 0.9  # share of the window within which an own request must still be found


class LimitAccount:
    """One account: its own requests, what Redis said last, and what holds without Redis."""

    def __init__(self, name: str, line: Line, window_s: float) -> None:
        # Hashed again, because a configuration may call an account what it likes; braces keep all on one shard.
        place = f"reviewbot:limit:{{{hashlib.sha256(name.encode()).hexdigest()[:16]}}}"
        self.name = name
        self.keys = [f"{place}:requests", f"{place}:state", f"{place}:leases"]
        self.line = line
        self._window_s = window_s
        self._mine: deque[tuple[float, str]] = deque()
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
        self.behind = False
        """Whether Redis may not know what was let through without it, here or elsewhere."""
        self.doubtful: dict[str, int] = {}
        """Requests that Redis may have let through unheard, with their tokens."""
        self.lease = SliceLease()
        self.leased_s = float("-inf")
        self.slice: Slice | None = None
        """What may be let through without Redis, while it is away."""

    def remember(self, now_s: float, name: str) -> None:
        """Take note of an own request."""
        self._mine.append((now_s, name))
        while self._mine[0][0] + self._window_s * (1 + rates.GUARD) <= now_s:
            self._mine.popleft()

    def forget(self, name: str) -> None:
        """Take back an own request."""
        self._mine = deque(entry for entry in self._mine if entry[1] != name)

    def last(self, now_s: float) -> str:
        """Name the own request that Redis must still know, or none."""
        fresh_s = now_s - self._window_s * _FRESH
        return self._mine[-1][1] if self._mine and self._mine[-1][0] > fresh_s else ""

    def mine(self, now_s: float) -> list[tuple[float, str]]:
        """Give the own requests of the last window, each with its age in seconds."""
        return [(now_s - at_s, name) for at_s, name in self._mine]

    def used_alone(self, own: rates.Rates, now_s: float) -> float:
        """Give the tokens that were used without Redis, of those that count now."""
        if self.slice is None:
            return 0.0
        return max(own.tokens.used(now_s) - self.slice.before.tokens.used(now_s), 0.0)

    def hopeless(self, asks: Iterable[Ask], limit: int | None, now_s: float) -> Iterator[tuple[Ask, float]]:
        """Give those whose time comes too late even if no other process takes a turn."""
        for position, ask in enumerate(asks):
            windows = 0 if limit is None else position // limit
            earliest_s = self.next_s + windows * self._window_s
            if earliest_s > max(ask.deadline_at, now_s):
                yield ask, earliest_s - now_s
