"""The HTTP side of the fake GitLab: bytes in, bytes out, or none."""

import json
import socket
import struct
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs

from fakes.gitlab_faults import Fault, Logged
from fakes.gitlab_routes import Answer, Asked
from fakes.gitlab_state import Json


class Exchange(Protocol):
    """Who answers."""

    def exchange(self, asked: Asked, era: int) -> tuple[Logged, Answer | Fault]: ...

    def sent(self, logged: Logged) -> None: ...

    def era(self) -> int: ...


class Http:
    """A server on loopback, a thread for each connection."""

    def __init__(self, owner: Exchange) -> None:
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(owner, self.stopping))
        self._server.era = owner.era

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def settle(self) -> None:
        """Return when all connections that are opened by now have been given their era."""
        with socket.create_connection(("127.0.0.1", self._server.server_address[1])) as last:
            self._server.seen(last.getsockname())

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    era: Callable[[], int]

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.born: dict[tuple[str, int], int] = {}
        self._accepted = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the library has it
        # Connections come here one after the other, in the order in which they were opened.
        with self._accepted:
            self.born[client_address] = self.era()
            self._accepted.notify_all()
        super().process_request(request, client_address)

    def seen(self, address: tuple[str, int]) -> None:
        """Wait for a connection."""
        with self._accepted:
            assert self._accepted.wait_for(lambda: address in self.born, timeout=10), "nobody serves"
            del self.born[address]  # a port may be used again


def _handler(owner: Exchange, stopping: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        pass

    Handler.owner, Handler.stopping = owner, stopping
    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: Exchange
    stopping: threading.Event

    def setup(self) -> None:
        super().setup()
        assert isinstance(self.server, _Server)
        self.era = self.server.born.get(self.client_address, 0)

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client has left, or was killed

    def _serve(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        path, _, query = self.path.partition("?")
        try:
            params = _params(query, data)
        except ValueError as error:
            message = f"There was a problem in the JSON you submitted: {error}"
            self._send(Answer(status=HTTPStatus.BAD_REQUEST, body={"error": message}))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(method=self.command, path=path, query=query, headers=headers, params=params)
        logged, outcome = self.owner.exchange(asked, self.era)
        if isinstance(outcome, Answer):
            self._send(outcome)
            self.owner.sent(logged)
        else:
            self._leave(outcome)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - names that http.server wants

    def _send(self, answer: Answer) -> None:
        text = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
        data = b"" if answer.body is None else text.encode()
        self.send_response(answer.status)
        # An answer without content has no type either; python-gitlab would try to read it as JSON.
        content = {"Content-Type": "application/json", "Content-Length": str(len(data))}
        for name, value in {**({} if answer.status == HTTPStatus.NO_CONTENT else content), **answer.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.wfile.flush()

    def _leave(self, fault: Fault) -> None:
        """Give no answer: break the connection, or keep it open until the server stops."""
        self.close_connection = True
        if fault.kind == "reset":
            # Closing with a linger time of 0 sends a reset instead of an end.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        else:
            self.stopping.wait()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
        """Print nothing: what was asked is in the log of the fake."""


def _params(query: str, data: bytes) -> Json:
    single: Json = {name: values if name.endswith("[]") else values[-1] for name, values in parse_qs(query).items()}
    body = json.loads(data) if data.strip() else {}
    if not isinstance(body, dict):
        message = "not an object"
        raise ValueError(message)  # noqa: TRY004 - the same complaint as for what is no JSON
    return single | body
