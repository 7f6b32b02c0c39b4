"""Takes what may be slow, as writing to a disk, off the path of whoever tells it."""

import queue
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

_T = TypeVar("_T")
_MOST: Final = 10_000
"""That may wait: some seconds of a busy gateway's."""
_LAST_S: Final = 5.0


class Aside(Generic[_T]):
    """Hands on in a thread of its own, in order. What comes while too much waits is dropped and counted."""

    def __init__(self, take: Callable[[_T], object], most: int = _MOST, last_s: float = _LAST_S) -> None:
        """``take`` must not raise. ``last_s`` is how long the end waits for it, in seconds."""
        self.dropped = 0
        self._take = take
        self._last_s = last_s
        self._waiting: queue.Queue[_T | None] = queue.Queue(most)
        self._thread = threading.Thread(target=self._work, daemon=True, name="aside")

    def __call__(self, told: _T, /) -> None:
        """Take it; does not wait."""
        try:
            self._waiting.put_nowait(told)
        except queue.Full:
            self.dropped += 1

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let what waits be taken, for a while: a disk may hang."""
        try:
            self._waiting.put(None, timeout=self._last_s)
        except queue.Full:
            return
        self._thread.join(self._last_s)

    def _work(self) -> None:
        while (told := self._waiting.get()) is not None:
            self._take(told)
