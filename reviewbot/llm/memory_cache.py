"""Answers kept in memory, for a gateway that is alone."""

import zlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Final

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings

_OVERHEAD_BYTES: Final = 1_000
"""Of an entry, besides its text."""
_PACKED_FROM: Final = 4_000
"""Characters: longer texts are streams mostly, which pack to a tenth and less in half a millisecond."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """An answer, whose text stands apart where it is packed."""

    put_s: float
    answer: Completion
    packed: bytes | None

    @property
    def size(self) -> int:
        text = len(self.answer.text) if self.packed is None else len(self.packed)
        return text + _OVERHEAD_BYTES

    def unpacked(self) -> Completion:
        if self.packed is None:
            return self.answer
        return replace(self.answer, text=zlib.decompress(self.packed).decode("utf-8", "surrogatepass"))


class MemoryCache:
    """A cache that ends with its process. Nobody else can write to it, so nothing in it is signed."""

    def __init__(self, world: Surroundings, *, ttl_s: float = 3_600, max_bytes: int = 10_000_000) -> None:
        self._world = world
        self._ttl_s = ttl_s
        self._max_bytes = max_bytes
        self._bytes = 0
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        """What was used last is at the end."""

    async def get(self, key: str) -> Completion | None:
        """Give an answer that is fresh, or None."""
        found = self._entries.get(key)
        if found is None:
            return None
        if self._world.monotonic() - found.put_s >= self._ttl_s:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return found.unpacked()

    async def put(self, key: str, completion: Completion) -> None:
        """Keep an answer, and drop those that were not used for longest where the room is used up."""
        self._drop(key)
        entry = _entry(self._world.monotonic(), completion)
        self._entries[key] = entry
        self._bytes += entry.size
        while self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    async def aclose(self) -> None:
        """Let go of all."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        found = self._entries.pop(key, None)
        if found is not None:
            self._bytes -= found.size


def _entry(now_s: float, completion: Completion) -> _Entry:
    if len(completion.text) < _PACKED_FROM:
        return _Entry(now_s, completion, None)
    packed = zlib.compress(completion.text.encode("utf-8", "surrogatepass"), 1)
    return _Entry(now_s, replace(completion, text=""), packed)
