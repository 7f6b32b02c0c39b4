"""The pieces of an answer as they come, for those who pass them on.

One writes, several may follow, each from the start. The writer is to wait while even the follower that is furthest
ahead lags too far behind: a provider must not fill the memory for somebody who reads slowly, and one slow reader must
not hold up the others.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

_AHEAD_BYTES: Final = 256_000
"""How far the writer may be ahead of the foremost follower."""


class Tape:
    """One answer. For one event loop; what is written stays until the tape is dropped."""

    def __init__(self, ahead_bytes: int = _AHEAD_BYTES) -> None:
        self.content_type = ""
        """Of the answer; known once it has begun."""
        self.begun = False
        """Whether anything was handed out. After that, nobody can start over."""
        self._ahead_bytes = ahead_bytes
        self._pieces: list[bytes] = []
        self._size = 0
        self._closed = False
        self._followers: list[Follower] = []
        self._room: asyncio.Future[None] | None = None

    @property
    def size(self) -> int:
        """How many bytes were written."""
        return self._size

    @property
    def full(self) -> bool:
        """Whether the writer should wait. Without a follower nobody is slow."""
        if not self._followers:
            return False
        return self._size - max(follower.position for follower in self._followers) > self._ahead_bytes

    def begin(self, content_type: str) -> None:
        """Say that an answer comes, before its first piece."""
        self.content_type, self.begun = content_type, True

    def write(self, piece: bytes) -> None:
        """Hand out a piece."""
        self._pieces.append(piece)
        self._size += len(piece)
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

    def whole(self) -> bytes:
        """Give all that was written."""
        return b"".join(self._pieces)

    def follow(self) -> "Follower":
        """Follow it from the start. Say ``leave`` when that is over."""
        follower = Follower(self)
        self._followers.append(follower)
        return follower

    def since(self, count: int) -> list[bytes]:
        """Give the pieces after so many; for `Follower`."""
        return self._pieces[count:]

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
        self._count = 0
        self._news: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Tell of news; for `Tape`."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield what there is, all of it at once, then what comes, until the tape is closed."""
        while True:
            pieces = self._tape.since(self._count)
            if pieces:
                block = pieces[0] if len(pieces) == 1 else b"".join(pieces)
                yield block
                # Taken when it was passed on, so that the writer waits for who cannot pass it on.
                self._count += len(pieces)
                self.position += len(block)
                self._tape.moved()
            elif self._tape.closed:
                return
            else:
                self._news = asyncio.get_running_loop().create_future()
                await self._news

    def leave(self) -> None:
        """Follow no longer."""
        self._tape.moved(gone=self)
