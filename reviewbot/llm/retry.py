"""Which faults are worth another attempt, and how long to wait before it."""

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime

from tenacity import RetryCallState
from tenacity.wait import wait_base, wait_random_exponential

from reviewbot.errors import ProviderError

RETRYABLE = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})


class FaultError(ProviderError):
    """One attempt failed."""

    def __init__(
        self, message: str, *, retryable: bool, wait_s: float | None = None, status: int | None = None
    ) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.wait_s = wait_s
        """What the provider asked for, in seconds."""
        self.status = status


def asked_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (seconds or a date) and ``retry-after-ms``; None where neither helps."""
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None:
        return _number(milliseconds, 1_000)
    text = headers.get("retry-after")
    if text is None:
        return None
    seconds = _number(text, 1)
    if seconds is not None:
        return seconds
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - now).total_seconds(), 0.0)


def _number(text: str, unit: int) -> float | None:
    try:
        value = float(text) / unit
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


class Wait(wait_base):
    """What the provider asked for, else exponential with jitter."""

    def __init__(self, initial_s: float, max_s: float) -> None:
        self._otherwise = wait_random_exponential(multiplier=initial_s, max=max_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        """Give the seconds to wait before the next attempt."""
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, FaultError) and error.wait_s is not None:
            return error.wait_s
        return self._otherwise(retry_state)
