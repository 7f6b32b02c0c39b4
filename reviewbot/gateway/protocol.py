"""uvicorn's HTTP protocol, with the limits on a request's arrival that it does not have.

Tried with uvicorn 0.54: a connection that never sends a whole head stays open for ever, a head may be of any length,
and what is no HTTP is answered in plain text. Here a head has to arrive in time and within 64 kB; whoever goes on
sending a body after the answer is cut off.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from reviewbot.gateway.refusing import Refusal

_HEAD_BYTES: Final = 64_000
_STATUS_LINES: Final = {
    400: b"HTTP/1.1 400 Bad Request\r\n",
    408: b"HTTP/1.1 408 Request Timeout\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\n",
}


def timed(header_s: float, body_s: float) -> type[asyncio.Protocol]:
    """Make a protocol that waits so many seconds for a request's head, and for its body after that."""

    class Protocol(_Timed):
        header_limit_s = header_s
        body_limit_s = body_s

    return Protocol


class _Timed(HttpToolsProtocol):
    header_limit_s: float
    body_limit_s: float

    def __init__(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - handed on
        super().__init__(*arguments, **options)
        self._arriving: asyncio.TimerHandle | None = None
        self._head_bytes = 0
        self._head_done = False
        """Of the request that is arriving; between two requests, False."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._expect(self.header_limit_s)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._relax()

    def data_received(self, data: bytes) -> None:
        if not self._head_done:
            self._head_bytes += len(data)
            if self._arriving is None:
                self._expect(self.header_limit_s)
        super().data_received(data)
        if not self._head_done and self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, f"the head of the request is longer than {_HEAD_BYTES:,} bytes")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head_done = False
        if self._arriving is None:
            self._expect(self.header_limit_s)  # the first bytes came with the end of the request before
        # What cuts off a client that takes nothing: closing would wait for it.
        self.scope["state"]["abort"] = self.transport.abort

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head_done:  # what comes after a body is for nobody: the app has begun with what came before
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._head_done = True
        self._relax()
        self._expect(self.body_limit_s)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._head_done, self._head_bytes = False, 0
        self._relax()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, f"this is no HTTP/1.1: {msg}")

    def _expect(self, within_s: float) -> None:
        self._arriving = self.loop.call_later(within_s, self._late)

    def _relax(self) -> None:
        if self._arriving is not None:
            self._arriving.cancel()
            self._arriving = None

    @property
    def _answering(self) -> bool:
        """Whether an answer is under way."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return cycle is not None and not cycle.response_complete

    def _late(self) -> None:
        self._arriving = None
        if self.transport.is_closing():
            return
        if self._answering:
            # The app waits for the body too, and answers in a moment; or more came than was asked for.
            self._expect(self.body_limit_s)
        elif self._head_done:
            self.transport.abort()  # it was answered, and goes on sending
        else:
            self._refuse(408, f"the head of the request was not there within {self.header_limit_s:.0f} s")

    def _refuse(self, status: int, message: str) -> None:
        """Answer what never became a request, and close; nothing is said into the answer to another one."""
        if self._answering:
            self.transport.abort()
            return
        body = Refusal(status=status, message=message, code="bad_http").body
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        self.transport.write(_STATUS_LINES[status] + head + body)
        self.transport.close()
