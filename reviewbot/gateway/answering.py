"""One answer on its way to the one who asked: as it comes where it is a stream, whole where it is not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Final

from reviewbot.errors import ReviewbotError
from reviewbot.gateway.refusing import Refusal, Refused, of_error
from reviewbot.llm.orders import Relayed
from reviewbot.llm.ports import Listen
from reviewbot.llm.tape import Tape

Message = MutableMapping[str, Any]
"""What ASGI passes to and fro."""
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Ask = Callable[[Listen], Awaitable[Relayed]]

STALL_S: Final = 60.0
"""How long a reader may take nothing of what is there for it."""
_UNBUFFERED: Final = (
    # nginx and its kin hold answers back until a page is full, unless told so; others compress streams.
    (b"x-accel-buffering", b"no"),
    (b"cache-control", b"no-cache, no-transform"),
)


class Left(Exception):  # noqa: N818 - nobody's error
    """Whoever asked is gone, or takes nothing any more."""


class Answering:
    """One answer under way."""

    def __init__(
        self,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
        clock: Callable[[], float],
        stall_s: float = STALL_S,
    ) -> None:
        """Take the two ends of the connection, the headers that every answer has, and a clock, in seconds."""
        self.status: int | None = None
        """What was sent; None while nothing was."""
        self.first_at: float | None = None
        """When the first of its content was sent, on the clock that was given."""
        self.broke: Refusal | None = None
        """What a stream ended with that broke off."""
        self._receive = receive
        self._send = send
        self._headers = headers
        self._clock = clock
        self._stall_s = stall_s
        self._loop = asyncio.get_running_loop()
        self._gone = False
        self._sending_since: float | None = None
        self._following: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[Any] | None = None

    async def answer(self, ask: Ask) -> Relayed:
        """Ask, and pass on what comes.

        Raises Refused where nothing was sent, and Left where there is nobody any more: whatever was asked for is
        cancelled then, unless others wait for it too. A stream that breaks off ends with an event that says why, and
        raises what broke it.
        """
        self._asking = asyncio.current_task()
        watching: list[asyncio.Task[None]] = []

        def listen(tape: Tape, joined: bool) -> None:
            self._following = self._loop.create_task(self._follow(tape, "joined" if joined else "miss"))
            watching.append(self._loop.create_task(self._watch()))

        try:
            relayed = await ask(listen)
            await self._finish(relayed)
        except asyncio.CancelledError:
            if self._gone and self._asking is not None and self._asking.uncancel() == 0:
                raise Left from None
            if self._following is not None:
                self._following.cancel()
            await self._break_off(_STOPPING)
            raise
        except ReviewbotError as error:
            await self._break_off(of_error(error))
            raise
        else:
            return relayed
        finally:
            for task in (*watching, *([] if self._following is None else [self._following])):
                task.cancel()

    async def _follow(self, tape: Tape, source: str) -> None:
        """Pass on what a tape brings, from its first piece on."""
        follower = tape.follow()
        try:
            async for block in follower:
                if self.status is None:
                    await self._begin(200, tape.content_type, source)
                    self.first_at = self._clock()
                self._sending_since = self._clock()
                await self._send({"type": "http.response.body", "body": block, "more_body": True})
                self._sending_since = None
        finally:
            follower.leave()

    async def _watch(self) -> None:
        """Cancel all when whoever asked is gone, or takes nothing."""
        while not self._stalled():
            try:
                async with asyncio.timeout(self._stall_s / 2):
                    message = await self._receive()
            except TimeoutError:
                continue
            if message["type"] == "http.disconnect":
                break
        self._gone = True
        if self._asking is not None:
            self._asking.cancel()

    def _stalled(self) -> bool:
        return self._sending_since is not None and self._clock() - self._sending_since > self._stall_s

    async def _finish(self, relayed: Relayed) -> None:
        """Send what is left: the end of a stream, or all of an answer that came whole."""
        if self._following is not None:
            await self._following
        if self.status is not None:
            await self._end(b"")
            return
        completion = relayed.completion
        body = completion.text.encode("utf-8", "surrogateescape")
        await self._begin(200, completion.content_type or "application/json", relayed.source, len(body))
        self.first_at = self._clock()
        await self._end(body)

    async def _break_off(self, refusal: Refusal) -> None:
        """End a stream that has begun with what broke it off; raise Refused where nothing was sent yet."""
        if self._following is not None:
            await asyncio.wait({self._following})
        if self.status is None:
            raise Refused(refusal)
        self.broke = refusal
        await self._end(refusal.event)

    async def _begin(self, status: int, content_type: str, source: str, length: int | None = None) -> None:
        plain = content_type.isascii() and content_type.isprintable()
        own = {"content-type": content_type if plain else "application/json", "x-reviewbot-cache": source}
        if length is not None:
            own["content-length"] = str(length)
        self.status = status
        await self._send({"type": "http.response.start", "status": status, "headers": spelt({**self._headers, **own})})

    async def _end(self, body: bytes) -> None:
        await self._send({"type": "http.response.body", "body": body, "more_body": False})


_STOPPING: Final = Refusal(
    status=503,
    message="the gateway stops, and this answer took longer than it could wait",
    kind="api_error",
    code="stopping",
    headers={"retry-after": "1"},
)


async def refuse(send: Send, refusal: Refusal, headers: Mapping[str, str]) -> None:
    """Send a refusal."""
    body = refusal.body
    own = {"content-type": "application/json", "content-length": str(len(body))}
    told = spelt({**headers, **own, **refusal.headers})
    await send({"type": "http.response.start", "status": refusal.status, "headers": told})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def spelt(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """Spell headers as ASGI wants them, with those that keep proxies from holding answers back."""
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()] + list(_UNBUFFERED)
