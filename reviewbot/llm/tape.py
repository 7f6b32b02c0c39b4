"""The pieces of an answer as they come, for those who pass them on.

One writes, several may follow, each from the start. The writer is to wait while even the follower that is furthest
ahead lags too far behind: a provider must not fill the memory for somebody who reads slowly, and one slow reader must
not hold up the others.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

_AHEAD_BYTES: Final = 256_000
"""How far the writer may be ahead of the foremost follower."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a stream has told, as far as it is text."""

    texts: Mapping[str, bytes]
    """By field of its deltas, in UTF-16: halves of a character may come in two events, and are one again here."""
    names: Mapping[str, object]
    """What all its events have in common, and its readers may go by."""
    size: int
    """Of the tape then."""


class Tape:
    """One answer. For one event loop; what is written stays until the tape is dropped."""

    def __init__(self, ahead_bytes: int = _AHEAD_BYTES) -> None:
        self.content_type = ""
        """Of the answer; known once it has begun."""
        self.begun = False
        """Whether anything was handed out. After that, nobody can start over."""
        self.begun_at: float | None = None
        """When, on the event loop's clock."""
        self.sealed = False
        """Whether the provider calls it whole though it is not: asked again, it would say the same."""
        self.told: Told | None = None
        """What another answer has to repeat to go on where this one is; None where none can."""
        self._ahead_bytes = ahead_bytes
        # Not a list: hundreds of streams have a hundred thousand pieces, each of which would have a head of its own.
        self._data = bytearray()
        self._closed = False
        self._followers: list[Follower] = []
        self._room: asyncio.Future[None] | None = None

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return len(self._data)

    @property
    def full(self) -> bool:
        """Whether the writer should wait. Without a follower nobody is slow."""
        if not self._followers:
            return False
        return len(self._data) - max(follower.position for follower in self._followers) > self._ahead_bytes

    def begin(self, content_type: str) -> None:
        """Say that an answer comes, before its first piece."""
        self.content_type, self.begun = content_type, True
        self.begun_at = asyncio.get_running_loop().time()

    def write(self, piece: bytes) -> None:
        """Hand out a piece."""
        self._data += piece
        for follower in self._followers:
            follower.wake()

    async def room(self) -> None:
        """Wait until the tape is not full any more."""
        while self.full:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def close(self) -> None:
        """Say that nothing more comes."""
        self._closed = True
        for follower in self._followers:
            follower.wake()

    def text(self) -> str:
        """Give all that was written; what is no UTF-8 in it as surrogate escapes."""
        return self._data.decode("utf-8", "surrogateescape")

    def follow(self) -> "Follower":
        """Follow it from the start. Say ``leave`` when that is over."""
        follower = Follower(self)
        self._followers.append(follower)
        return follower

    def since(self, position: int) -> bytes:
        """Give what was written after so many bytes; for `Follower`."""
        with memoryview(self._data) as view:
            return bytes(view[position:])

    @property
    def closed(self) -> bool:
        """Whether nothing more comes."""
        return self._closed

    def moved(self, gone: "Follower | None" = None) -> None:
        """Take note that a follower went on, or left; for `Follower`."""
        if gone is not None and gone in self._followers:
            self._followers.remove(gone)
        if self._room is not None and not self._room.done() and not self.full:
            self._room.set_result(None)


class Follower:
    """One who passes a tape on, at a pace of its own."""

    def __init__(self, tape: Tape) -> None:
        self.position = 0
        """Bytes taken."""
        self._tape = tape
        self._given = 0
        """Bytes of the last block."""
        self._news: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Tell of news; for `Tape`."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """Give what there is, all of it at once, or else what comes next; ends when the tape is closed."""
        # Taken when it was passed on, so that the writer waits for who cannot pass it on.
        self.position += self._given
        self._given = 0
        self._tape.moved()
        while not (block := self._tape.since(self.position)):
            if self._tape.closed:
                raise StopAsyncIteration
            self._news = asyncio.get_running_loop().create_future()
            await self._news
        self._given = len(block)
        return block

    def leave(self) -> None:
        """Follow no longer."""
        self._tape.moved(gone=self)
