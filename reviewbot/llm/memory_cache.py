"""Answers kept in memory, for a gateway that is alone."""

from collections import OrderedDict
from typing import Final

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings

_OVERHEAD_BYTES: Final = 1_000
"""Of an entry, besides its text."""


class MemoryCache:
    """A cache that ends with its process. Nobody else can write to it, so nothing in it is signed."""

    def __init__(self, world: Surroundings, *, ttl_s: float = 3_600, max_bytes: int = 50_000_000) -> None:
        self._world = world
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, tuple[float, Completion]] = OrderedDict()
        """When each was put, and the answer; what was used last is at the end."""

    async def get(self, key: str) -> Completion | None:
        """Give an answer that is fresh, or None."""
        found = self._entries.get(key)
        if found is None:
            return None
        put_s, completion = found
        if self._world.monotonic() - put_s >= self._ttl_s:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return completion

    async def put(self, key: str, completion: Completion) -> None:
        """Keep an answer, and drop those that were not used for longest where the room is used up."""
        self._drop(key)
        self._entries[key] = (self._world.monotonic(), completion)
        self._bytes += _size(completion)
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def aclose(self) -> None:
        """Let go of all."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= _size(found[1])


def _size(completion: Completion) -> int:
    return len(completion.text) + _OVERHEAD_BYTES
