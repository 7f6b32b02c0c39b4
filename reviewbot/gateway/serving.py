"""The server around the app: uvicorn, and a stop that breaks no stream."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from reviewbot.errors import UsageError
from reviewbot.gateway.house import House
from reviewbot.gateway.protocol import timed

_BACKLOG: Final = 2_048
_KEEP_ALIVE_S: Final = 75
"""Longer than the minute for which proxies keep idle connections: so it is not us who close as they send."""
NOTICE_S: Final = 2.0
_LAST_WORDS_S: Final = 2.0
"""For streams that are cut off in the end to say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long others may take. In seconds."""

    header_s: float
    """A client for the head of a request."""
    body_s: float
    """And for its body."""
    drain_s: float
    """Requests under way when we are told to stop."""
    notice_s: float = NOTICE_S
    """Load balancers, from the first word in readyz that we stop until nobody new is let in."""


def bind(host: str, port: int) -> socket.socket:
    """Take the address to listen on. Raises UsageError where it cannot be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        message = f"--host {host} is no address of this machine: {error.strerror or error}"
        raise UsageError(message) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        message = (
            f"cannot listen on {host}, port {port}: {error.strerror or error}. Stop what listens there, or choose "
            "another --port"
        )
        raise UsageError(message) from error
    return listening


class Serving:
    """A server for one app, in one event loop."""

    def __init__(self, app: ASGIApp, house: House, patience: Patience) -> None:
        self._house = house
        self._notice_s = patience.notice_s
        self._told = asyncio.Event()
        self.forced = False
        """Whether a second signal ended what was under way."""
        self._server = _Server(
            uvicorn.Config(
                app,
                http=timed(patience.header_s, patience.body_s),
                loop="none",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                backlog=_BACKLOG,
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=max(round(patience.drain_s), 1),
            )
        )

    async def run(self, listening: socket.socket) -> None:
        """Serve until told to stop; then let what is under way come to its end."""
        stopping = asyncio.create_task(self._stop_in_time())
        try:
            await self._server.serve(sockets=[listening])
            await self._last_words()
        finally:
            stopping.cancel()

    def heed_signals(self) -> None:
        """Let SIGTERM and SIGINT stop it, in a program's main thread."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def stop(self) -> None:
        """Stop gracefully; told again, at once."""
        if not self._told.is_set():
            self._house.draining = True
            self._told.set()
            return
        self.forced = True
        self._server.should_exit = self._server.force_exit = True

    async def _stop_in_time(self) -> None:
        await self._told.wait()
        await asyncio.sleep(self._notice_s)
        self._server.should_exit = True

    async def _last_words(self) -> None:
        """Give what was cut off a moment to say so."""
        tasks = set(self._server.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORDS_S)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals alone: uvicorn would stop at once, without a word to the load balancer."""
        yield
