"""What one account has used, and when it may go on. No waiting here: the time is always an argument.

Requests are an exact sliding log, tokens a sliding-window counter (two buckets, the older one weighted), and a
pace holds back an account that the provider has told to slow down. Times are in seconds of any clock that only
grows; rates are per window.
"""

from collections import deque
from dataclasses import dataclass, field, replace
from math import floor, sqrt

WINDOW_S = 60.0
GUARD = 0.02
"""Share by which the log's window is longer than the provider's: two requests that leave us a window apart may
arrive closer together, when the first was the slower on its way. Costs 2 % of the limit and saves the 429."""
STEP_DOWN = 0.5
TOLERATED = 0.15
"""Share of refusals since the last step that calls for no further one: some providers refuse at any rate, and those
that do not are then less than a fifth above their limit."""
STEP_UP = 0.1
"""Of the full rate, for each quiet window."""
LOWEST = 1 / 16
"""Of the full rate: slow enough for any mistake about a limit, fast enough to find out that it was one."""
STEP_GAP = 1 / 6
"""Of the window: what was sent before a step still comes back with 429, and is no reason for another step."""
OBSERVED = 1 / 6
"""Of the window: over less time a burst looks like any rate, and half of that would be a guess that costs minutes."""
_SLACK_S = 1e-6  # clocks are floats
_SLACK_TOKENS = 1e-3


def step_gap_s(window_s: float, wait_s: float | None) -> float:
    """Give how long after a step down there is no other: the Retry-After window, a whole one where it is not told."""
    return max(window_s if wait_s is None else wait_s, window_s * STEP_GAP)


def beyond_chance(count: int, expected: float) -> bool:
    """Tell whether so many of something rare are more than expected, by a standard deviation at least."""
    return count - sqrt(count) >= expected


@dataclass(slots=True)
class RequestLog:
    """When each request of the last window was let through."""

    limit: int | None
    window_s: float = WINDOW_S
    times: deque[float] = field(default_factory=deque)

    @property
    def kept_s(self) -> float:
        """How long a request counts."""
        return self.window_s * (1 + GUARD)

    def trim(self, now_s: float) -> None:
        """Forget what no longer counts."""
        while self.times and self.times[0] + self.kept_s <= now_s + _SLACK_S:
            self.times.popleft()

    def earliest(self, now_s: float) -> float:
        """Give the time from which one more request fits."""
        if self.limit is None or len(self.times) < self.limit:
            return now_s
        return max(now_s, self.times[-self.limit] + self.kept_s)

    def rate(self, now_s: float) -> float:
        """Give the observed rate, in requests a window; 0.0 where that is not known yet."""
        span_s = now_s - self.times[0] if self.times else 0.0
        if span_s < self.window_s * OBSERVED:
            return 0.0
        return len(self.times) * self.window_s / min(span_s, self.window_s)

    def copy(self) -> "RequestLog":
        """Give one to try things on."""
        return replace(self, times=self.times.copy())


@dataclass(slots=True)
class TokenCounter:
    """Tokens of this bucket of time and the last one; what of the last still counts is assumed to be spread evenly."""

    limit: int | None
    window_s: float = WINDOW_S
    bucket: int = 0
    current: float = 0.0
    previous: float = 0.0

    def roll(self, now_s: float) -> None:
        """Move to the bucket of a time."""
        bucket = floor(now_s / self.window_s)
        if bucket != self.bucket:
            self.previous = self.current if bucket == self.bucket + 1 else 0.0
            self.bucket, self.current = bucket, 0.0

    def used(self, now_s: float) -> float:
        """Estimate the tokens of the last window."""
        self.roll(now_s)
        return self.current + self.previous * (1 - now_s / self.window_s + self.bucket)

    def earliest(self, now_s: float, tokens: int) -> float:
        """Give the time from which so many tokens fit; more than the limit fit when nothing else counts."""
        if self.limit is None:
            return now_s
        wanted = min(tokens, self.limit)
        if self.used(now_s) + wanted <= self.limit + _SLACK_TOKENS:
            return now_s
        start_s = self.bucket * self.window_s
        room = self.limit - wanted - self.current
        if room >= 0:
            return start_s + (1 - room / self.previous) * self.window_s
        return start_s + (2 - (self.limit - wanted) / self.current) * self.window_s

    def add(self, now_s: float, tokens: int) -> None:
        """Count tokens now."""
        self.roll(now_s)
        self.current += tokens

    def give_back(self, now_s: float, bucket: int, tokens: int) -> None:
        """Uncount tokens that were counted in a bucket, if that still counts."""
        self.roll(now_s)
        if bucket == self.bucket:
            self.current = max(self.current - tokens, 0.0)
        elif bucket == self.bucket - 1:
            self.previous = max(self.previous - tokens, 0.0)

    def copy(self) -> "TokenCounter":
        """Give one to try things on."""
        return replace(self)


@dataclass(slots=True)
class Pace:
    """How far an account is held back: halved by a refusal, a tenth of the full rate more for each quiet window.

    An account that is held back sends evenly spaced: a lowered count for each window would send a burst and then
    stand still for the rest of the window.
    """

    window_s: float = WINDOW_S
    full: float = 0.0
    low: float | None = None
    stepped_s: float = 0.0
    next_step_s: float = float("-inf")
    counted_s: float = float("-inf")
    sent: int = 0
    """Since then."""
    refused: int = 0
    """Since then."""

    def rate(self, now_s: float) -> float | None:
        """Give the requests a window that may be sent, None at full speed."""
        if self.low is None:
            return None
        quiet_windows = floor((now_s - self.stepped_s + _SLACK_S) / self.window_s)
        rate = self.low + quiet_windows * STEP_UP * self.full
        if rate < self.full:
            return rate
        self.low = None
        return None

    def share(self, now_s: float) -> float:
        """Give the rate as a share of the full one, 0 to 1."""
        rate = self.rate(now_s)
        return 1.0 if rate is None else rate / self.full

    def step_down(self, now_s: float, wait_s: float | None, full: float) -> None:
        """Go one step down from the present rate, at most once for each Retry-After window.

        The first refusal counts at once; later ones when they are more than `TOLERATED`.
        """
        self.count(now_s, refused=1)
        rate = self.rate(now_s) or full
        first = self.full == 0
        if now_s < self.next_step_s or rate == 0:
            return
        if not first and not beyond_chance(self.refused, TOLERATED * self.sent):
            return
        if self.low is None:
            self.full = full
        self.low = max(rate * STEP_DOWN, self.full * LOWEST, 1.0)
        self.stepped_s = self.counted_s = now_s
        self.sent = self.refused = 0
        self.next_step_s = now_s + step_gap_s(self.window_s, wait_s)

    def count(self, now_s: float, *, sent: int = 0, refused: int = 0) -> None:
        """Count requests that were sent or refused, since the last step or for a window."""
        if now_s >= self.counted_s + self.window_s:
            self.counted_s, self.sent, self.refused = now_s, 0, 0
        self.sent += sent
        self.refused += refused

    def earliest(self, now_s: float, last_s: float | None) -> float:
        """Give the time from which the next request is due after the last one."""
        rate = self.rate(now_s)
        return now_s if rate is None or last_s is None else max(now_s, last_s + self.window_s / rate)

    def copy(self) -> "Pace":
        """Give one to try things on."""
        return replace(self)


class Reservations:
    """In which bucket tokens were reserved, so that what was not used is given back where it was counted."""

    def __init__(self) -> None:
        self._buckets: dict[int, deque[int]] = {}

    def note(self, bucket: int, tokens: int) -> None:
        """Remember a reservation, and forget those that count no longer (their requests were cancelled)."""
        for amount in [amount for amount, buckets in self._buckets.items() if buckets[-1] < bucket - 1]:
            del self._buckets[amount]
        self._buckets.setdefault(tokens, deque()).append(bucket)

    def take(self, tokens: int) -> int | None:
        """Give the bucket of the oldest reservation of so many tokens and forget it; None where there is none."""
        buckets = self._buckets.get(tokens)
        if buckets is None:
            return None
        bucket = buckets.popleft()
        if not buckets:
            del self._buckets[tokens]
        return bucket


class Rates:
    """Requests, tokens and pace of one account together."""

    def __init__(self, requests: int | None, tokens: int | None, window_s: float = WINDOW_S) -> None:
        self.log = RequestLog(requests, window_s)
        self.tokens = TokenCounter(tokens, window_s)
        self.pace = Pace(window_s)
        self.reserved = Reservations()

    def earliest(self, now_s: float, tokens: int) -> float:
        """Give the time from which a request with so many tokens fits, ``now_s`` where it fits now."""
        self.log.trim(now_s)
        last_s = self.log.times[-1] if self.log.times else None
        at_s = max(self.log.earliest(now_s), self.tokens.earliest(now_s, tokens), self.pace.earliest(now_s, last_s))
        return now_s if at_s <= now_s + _SLACK_S else at_s

    def admit(self, now_s: float, tokens: int) -> None:
        """Count a request."""
        self.log.times.append(now_s)
        self.pace.count(now_s, sent=1)
        if self.tokens.limit is not None:
            self.tokens.add(now_s, tokens)
            self.reserved.note(self.tokens.bucket, tokens)

    def undo(self, now_s: float, at_s: float, tokens: int) -> None:
        """Uncount a request that was never sent."""
        if at_s in self.log.times:
            self.log.times.remove(at_s)
        self.settle(now_s, tokens, 0)

    def settle(self, now_s: float, reserved: int, used: int) -> None:
        """Replace an estimate by what was used; what was used above it counts from now."""
        if self.tokens.limit is None:
            return  # nobody asks how many there were
        bucket = self.reserved.take(reserved)
        if used > reserved:
            self.tokens.add(now_s, used - reserved)
        elif bucket is not None:
            self.tokens.give_back(now_s, bucket, reserved - used)

    def slow_down(self, now_s: float, wait_s: float | None) -> None:
        """Go one step down, at most once for each Retry-After window."""
        self.log.trim(now_s)
        limit = self.log.limit
        self.pace.step_down(now_s, wait_s, self.log.rate(now_s) if limit is None else float(limit))

    def left(self, now_s: float) -> float:
        """Give the share of the limits that is left, 0 to 1."""
        requests, tokens = self.log.limit, self.tokens.limit
        if requests is None and tokens is None:
            return self.pace.share(now_s)
        self.log.trim(now_s)
        by_requests = 1.0 if requests is None else 1 - len(self.log.times) / requests
        by_tokens = 1.0 if tokens is None else 1 - self.tokens.used(now_s) / tokens
        return max(min(by_requests, by_tokens), 0.0) * self.pace.share(now_s)

    def copy(self) -> "Rates":
        """Give one to try things on."""
        other = Rates(None, None, self.log.window_s)
        other.log, other.tokens, other.pace = self.log.copy(), self.tokens.copy(), self.pace.copy()
        return other
