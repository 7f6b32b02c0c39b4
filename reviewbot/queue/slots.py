"""A worker's ordinary slots, and how many of them are at a job: only beside busy ones a spare slot looks for work."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Slots:
    """The ordinary slots of one worker process; used from its threads."""

    def __init__(self, count: int) -> None:
        self._free = threading.Semaphore(count)
        self._count = count
        self._at_work = 0
        self._changing = threading.Lock()

    def enter(self, timeout_s: float = 0.0) -> bool:
        """Take a slot, waiting so long for a free one; tells whether there was one."""
        return self._free.acquire(timeout=timeout_s) if timeout_s else self._free.acquire(blocking=False)

    def leave(self) -> None:
        """Free a slot."""
        self._free.release()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Do a job in a slot that was entered. The queue is told of its end after the block, not within."""
        with self._changing:
            self._at_work += 1
        try:
            yield
        finally:
            with self._changing:
                self._at_work -= 1

    @contextmanager
    def watched(self) -> Iterator[bool]:
        """Hold what is at work, and tell whether all slots are.

        Within the block no ordinary slot ends a job. Otherwise a spare slot could look just between two jobs of a
        project, or before the first, find that nothing of it runs, and be lost to the project that it is held against.
        """
        with self._changing:
            yield self._at_work == self._count
