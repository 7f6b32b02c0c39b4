"""The wire of the fake GitHub: HTTP in, HTTP out, and the ways in which it breaks."""

import json
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler

from fakes.github_calls import Reply
from fakes.github_faults import Cut, Held, Logged
from fakes.github_front import Front
from fakes.github_timeline import RATE


def handler(server: Front) -> type[BaseHTTPRequestHandler]:
    """Make the class that http.server wants."""

    class Handler(_Handler):
        behind = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    behind: Front

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client has left, as a killed one does

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        token = self.headers.get("authorization", "").partition(" ")[2]
        logged = self.behind.read(self.command, self.path, token, data)
        try:
            cut = self.behind.faults.enter()
        except Held:
            self.behind.faults.wait()
            self._break(reset=False)
            return
        self._answer(logged, token, cut)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the parent's names

    def _answer(self, logged: Logged, token: str, cut: Cut | None) -> None:
        try:
            reply = self.behind.answer(logged, token, self.headers.get("accept", ""))
        except ConnectionAbortedError as fault:
            self.behind.log.append(logged)
            self._fail(hang=str(fault) == "hang")
            return
        except Exception as mistake:  # noqa: BLE001 - raised where the server is left
            self.behind.failures.append(mistake)
            self.behind.log.append(replace(logged, status=500))
            self._break(reset=False)
            return
        if cut is not None and not cut.answered:
            self.behind.log.append(logged)
            cut.do()
            self._break(reset=False)
            return
        self.behind.log.append(replace(logged, status=reply.status))
        self._send(reply)
        if cut is not None:
            cut.do()

    def _fail(self, *, hang: bool) -> None:
        if hang:
            self.behind.stopping.wait()
        self._break(reset=not hang)

    def _send(self, reply: Reply) -> None:
        is_text = isinstance(reply.body, str)
        if reply.status == 204:
            content = b""
        else:
            content = str(reply.body).encode("utf-8", "replace") if is_text else json.dumps(reply.body).encode()
        kind = "text/plain" if is_text else "application/json"
        self.send_response(reply.status)
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(content))}
        for name, value in {**headers, **_rates(), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _break(self, *, reset: bool) -> None:
        """End the connection without an answer; with ``reset`` the hard way, as a crashed proxy does."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()
            return
        with suppress(OSError):  # a killed client has left already
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


def _rates() -> Mapping[str, str]:
    return {f"X-RateLimit-{name.capitalize()}": str(value) for name, value in RATE.items()}
