"""How long to wait before another attempt, and when there have been enough of them."""

import email.utils
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from reviewbot.llm.faults import Fault, FaultKind

_WINDOW_S = 60.0
_FREE_RETRIES = 50
_SHARE = 0.5
_AT_ONCE = frozenset({FaultKind.KEY, FaultKind.BALANCE})


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read how long a provider asks to wait, in seconds; None where it does not say.

    ``retry-after-ms``; ``Retry-After`` in seconds or as a date; ``x-ratelimit-reset-requests`` and
    ``-tokens`` as durations such as ``1s``, ``6m0s``, ``20ms``.
    """
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None and (value := _number(milliseconds, 1_000)) is not None:
        return value
    text = headers.get("retry-after")
    if text is not None:
        seconds = _number(text, 1)
        return seconds if seconds is not None else _until(text, now)
    resets = (headers.get(f"x-ratelimit-reset-{kind}") for kind in ("requests", "tokens"))
    durations = [value for reset in resets if reset is not None and (value := _duration(reset)) is not None]
    return max(durations, default=None)


def _number(text: str, unit: int) -> float | None:
    try:
        value = float(text) / unit
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def _duration(text: str) -> float | None:
    """Read ``6m0s``, ``1.5s``, ``20ms`` or ``1h2m3s``."""
    seconds, number = 0.0, ""
    rest = text.strip().lower().replace("ms", "~")
    units = {"~": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
    for char in rest:
        if char in units and (value := _number(number, 1)) is not None:
            seconds, number = seconds + value * units[char], ""
        else:
            number += char
    return None if number or not rest else seconds


class Wait:
    """What the provider asked for and a little more, else exponential with full jitter."""

    def __init__(self, initial_s: float, max_s: float, chance: Callable[[], float]) -> None:
        self._initial = initial_s
        self._max = max_s
        self._chance = chance

    def seconds(self, error: BaseException | None, attempt_number: int) -> float:
        """Give the seconds to wait after an attempt that ended so, the first being number 1."""
        if isinstance(error, Fault):
            if error.kind in _AT_ONCE or (error.kind is FaultKind.BROKEN and attempt_number == 1):
                return 0.0  # another key, or a kept connection that the server closed as we sent
            if error.wait_s is not None:
                # Not all at the same moment: the requests that were told to wait would meet again.
                return error.wait_s * (1.0 + 0.1 * self._chance())
        ceiling: float = min(self._initial * 2 ** (attempt_number - 1), self._max)
        return ceiling * (0.5 + 0.5 * self._chance())


class RetryBudget:
    """Keeps an outage from multiplying the load: retries may be at most half of the calls of a minute."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._calls: deque[tuple[float, bool]] = deque()
        self._retries = 0

    def note(self, *, retry: bool) -> None:
        """Count an attempt."""
        now = self._monotonic()
        self._calls.append((now, retry))
        self._retries += retry
        while self._calls[0][0] <= now - _WINDOW_S:
            self._retries -= self._calls.popleft()[1]

    @property
    def spent(self) -> bool:
        """Whether there were too many retries in the last minute."""
        return self._retries > _FREE_RETRIES and self._retries > _SHARE * len(self._calls)
