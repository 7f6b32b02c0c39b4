"""httpx, in several small connection pools.

httpx looks through its whole pool whenever a request begins or ends, and asks the system of each idle connection
whether it is still there: its cost grows with the square of the pool's size. Small pools cure that (measured: 100
answers at once cost 1.3 ms CPU each in pools of ten, 8.9 ms in one; 400 at once a quarter less in pools of five than of
ten, and no less in smaller ones).
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

import httpx

from reviewbot.domain.wire import WireRequest
from reviewbot.errors import WireError
from reviewbot.llm.ports import WireResponse

_SHARD = 5
_KEEPALIVE_S = 30.0
_READ = httpx.ByteStream(b"")


class HttpxWire:
    """Pools for ``connections`` requests at once. Use it in an ``async with`` block, in one event loop."""

    def __init__(self, connections: int) -> None:
        self._count = -(-connections // _SHARD)
        self._stack = AsyncExitStack()
        self._shards: list[httpx.AsyncClient] = []
        self._load: list[int] = []

    async def __aenter__(self) -> Self:
        limits = httpx.Limits(max_connections=_SHARD, max_keepalive_connections=_SHARD, keepalive_expiry=_KEEPALIVE_S)
        # One TLS context for all: loading the certificates is what makes a client slow to open.
        context = httpx.create_ssl_context()
        for _ in range(self._count):
            client = httpx.AsyncClient(limits=limits, timeout=None, verify=context)  # noqa: S113 - the stream reader's limits hold
            self._shards.append(await self._stack.enter_async_context(client))
        self._load = [0] * self._count
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def send(self, request: WireRequest) -> AsyncIterator[WireResponse]:
        """Send a request; its answer may be read until the end of the block. Raises WireError."""
        shard = self._load.index(min(self._load))
        self._load[shard] += 1
        try:
            timeout = httpx.Timeout(None, connect=request.connect_timeout_s)
            async with self._shards[shard].stream(
                "POST", request.url, content=request.body, headers=dict(request.headers), timeout=timeout
            ) as response:
                try:
                    yield _Response(response)
                finally:
                    await response.aclose()
                    # The two refer to each other: every answer would wait for the garbage collector.
                    response.stream = _READ
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            message = f"'{request.url}' is no http(s) URL that requests can go to: {error}"
            raise WireError(message, passing=False) from error
        except httpx.HTTPError as error:
            connected = not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise WireError(_words(error), connected=connected) from error
        finally:
            self._load[shard] -= 1


class _Response:
    """An answer being read."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers = response.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. Raises WireError where it breaks off."""
        try:
            async for piece in self._response.aiter_bytes():
                yield piece
        except httpx.HTTPError as error:
            raise WireError(_words(error)) from error


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
