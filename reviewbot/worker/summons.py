"""Whether a job is to be stopped, and why: it is superseded, it takes too long, or its worker is told to end."""

import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final

_ASK_S: Final = 1.0
"""How often the queue is asked."""


class Why(StrEnum):
    """The reason to stop a job."""

    STOPPING = "stopping"
    SUPERSEDED = "superseded"
    LATE = "late"


class Summons:
    """Asked now and then by whoever does the job."""

    def __init__(
        self,
        superseded: Callable[[], bool],
        stopping: threading.Event,
        clock: Callable[[], float],
        timeout_s: float,
    ) -> None:
        self._superseded = superseded
        self._stopping = stopping
        self._clock = clock
        self._deadline = clock() + timeout_s
        self._asked = clock()
        self.why: Why | None = None

    def __call__(self) -> bool:
        """Tell whether to stop; once it is so, it stays so."""
        if self.why is None:
            self.why = self._looked()
        return self.why is not None

    def _looked(self) -> Why | None:
        now = self._clock()
        if self._stopping.is_set():
            return Why.STOPPING
        if now > self._deadline:
            return Why.LATE
        if now - self._asked >= _ASK_S:
            self._asked = now
            return Why.SUPERSEDED if self._superseded() else None
        return None
