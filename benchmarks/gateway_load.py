"""Puts requests on an OpenAI-compatible endpoint, and takes the times: bare asyncio, so that it measures others.

Prints one JSON object: seconds to the first content and to the end of each answer, and what did not end well.
"""

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter
from typing import cast
from urllib.parse import urlsplit

import uvloop

_CONTENT = b'"content":" tok"'


class Connection(asyncio.Protocol):
    """One connection; a request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._done: asyncio.Future[None] | None = None
        self._head: bytes | None = None
        self._tail = b""
        self._left: int | None = None
        self.status = 0
        self.first_s: float | None = None
        self.tokens = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is no subclass

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request that was under way."""
        del exc
        self._transport = None
        self._end(ConnectionError("closed"))

    async def ask(self, request: bytes) -> None:
        """Send a request and wait for the end of its answer."""
        assert self._transport is not None
        self._done = asyncio.get_running_loop().create_future()
        self._head, self._tail, self._left, self.first_s, self.tokens = b"", b"", None, None, 0
        self._transport.write(request)
        await self._done

    @property
    def open(self) -> bool:
        """Whether another request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def data_received(self, data: bytes) -> None:
        """Look for the head, the first content and the end."""
        if self._head is not None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            head, data = self._head[:end].lower(), self._head[end + 4 :]
            self._head = None
            self.status = int(head[9:12])
            at = head.find(b"content-length: ")
            self._left = int(head[at + 16 :].split(b"\r\n", 1)[0]) if at >= 0 else None
        found = data.count(_CONTENT)
        if found and self.first_s is None:
            self.first_s = time.perf_counter()
        self.tokens += found
        if self._left is not None:
            self._left -= len(data)
            if self._left <= 0:
                self._end()
            return
        self._tail = (self._tail + data)[-5:]
        if self._tail == b"0\r\n\r\n":
            self._end()

    def _end(self, error: Exception | None = None) -> None:
        done, self._done = self._done, None
        if done is not None and not done.done():
            done.set_result(None) if error is None else done.set_exception(error)


def request(url: str, token: str, text: str, *, stream: bool) -> bytes:
    """Spell a request."""
    parts = urlsplit(url)
    body = json.dumps(
        {"model": "fake", "messages": [{"role": "user", "content": text}], "stream": stream, "max_tokens": 1_000}
    ).encode()
    head = (
        f"POST {parts.path}/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {token}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Load:
    """Requests on a server, and what came of them."""

    def __init__(self, wanted: argparse.Namespace) -> None:
        parts = urlsplit(wanted.url)
        self.ttft_s: list[float] = []
        self.took_s: list[float] = []
        self.outcomes = Counter[str]()
        self._wanted = wanted
        self._host, self._port = parts.hostname, parts.port
        self._idle: list[Connection] = []
        self._numbers = itertools.count()

    async def closed(self) -> None:
        """So many at once: each asks again as soon as it has its answer."""
        until = time.perf_counter() + self._wanted.seconds

        async def work() -> None:
            while time.perf_counter() < until and (number := next(self._numbers)) < self._wanted.count:
                await self._one(number, time.perf_counter())

        await asyncio.gather(*(work() for _ in range(self._wanted.at_once)))

    async def opened(self) -> None:
        """So many a second, evenly, whether answers come or not; times count from when a request was due."""
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(self._wanted.count):
                due = started + number / self._wanted.rate
                await asyncio.sleep(max(due - time.perf_counter(), 0))
                group.create_task(self._one(number, due))

    async def _one(self, number: int, due: float) -> None:
        wanted = self._wanted
        text = wanted.text if wanted.same else f"{wanted.text} {number}"
        connection = await self._connection()
        try:
            await connection.ask(request(wanted.url, wanted.token, text, stream=wanted.stream))
        except ConnectionError:
            self.outcomes["broken"] += 1
            return
        self._idle.append(connection)
        whole = connection.status == 200 and (not wanted.stream or connection.tokens == wanted.tokens)
        self.outcomes["ok" if whole else str(connection.status)] += 1
        self.took_s.append(time.perf_counter() - due)
        if connection.first_s is not None:
            self.ttft_s.append(connection.first_s - due)

    async def _connection(self) -> Connection:
        while self._idle:
            found = self._idle.pop()
            if found.open:
                return found
        _, made = await asyncio.get_running_loop().create_connection(Connection, self._host, self._port)
        return made


async def main(wanted: argparse.Namespace) -> None:
    """Run the load."""
    load = Load(wanted)
    begun = time.perf_counter()
    await (load.opened() if wanted.rate else load.closed())
    wall_s = time.perf_counter() - begun
    figures = {"wall_s": wall_s, "outcomes": load.outcomes, "took_s": load.took_s, "ttft_s": load.ttft_s}
    print(json.dumps(figures))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", default="token")
    parser.add_argument("--text", default="hello")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=1_000.0)
    parser.add_argument("--at-once", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second, instead of so many at once")
    parser.add_argument("--tokens", type=int, default=0)
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--same", action="store_true", help="send the same request each time")
    uvloop.run(main(parser.parse_args()))
