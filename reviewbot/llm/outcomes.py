"""Successes and failures of a sliding window of time, in memory that does not grow with the calls."""

from collections import deque

_SLICES = 60


class Outcomes:
    """How many of the calls of the last ``window_s`` seconds failed, exact to a sixtieth of the window."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._slice_s = window_s / _SLICES
        self._slices: deque[list[int]] = deque()
        """Number of the slice of time, calls, failures."""
        self._calls = 0
        self._failures = 0

    def add(self, now_s: float, *, ok: bool) -> None:
        """Count a call that ended now."""
        number = int(now_s / self._slice_s)
        if not self._slices or self._slices[-1][0] != number:
            self._slices.append([number, 0, 0])
        self._slices[-1][1] += 1
        self._slices[-1][2] += not ok
        self._calls += 1
        self._failures += not ok

    def counts(self, now_s: float) -> tuple[int, int]:
        """Give the calls and how many of them failed."""
        oldest = int(now_s / self._slice_s) - _SLICES
        while self._slices and self._slices[0][0] <= oldest:
            _, calls, failures = self._slices.popleft()
            self._calls -= calls
            self._failures -= failures
        return self._calls, self._failures

    def clear(self) -> None:
        """Forget all."""
        self._slices.clear()
        self._calls = self._failures = 0
