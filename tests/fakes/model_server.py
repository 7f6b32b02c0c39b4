"""An OpenAI-compatible server on loopback: counts, remembers, and refuses what real ones refuse."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fakes.answers import Answer, Asked, accepting, completion, events, findings, refusal, verdict

__all__ = ["Answer", "Asked", "ModelServer", "Script", "findings", "refusal", "serving", "verdict"]

Script = Callable[[Asked], Answer]


class ModelServer:
    """A running server. ``script`` decides each answer; what was asked is remembered.

    A script that answers a verify request with findings says yes to the claim, see `fakes.answers.accepting`.
    """

    def __init__(self, script: Script, keys: Sequence[str] | None, formats: Sequence[str], port: int = 0) -> None:
        self.script = script
        self.keys = keys
        self.formats = formats
        self.asked: list[Asked] = []
        self.hits = 0
        """Requests that came in, those with a wrong key included."""
        self.connections = 0
        self.most_at_once = 0
        self.stopping = threading.Event()
        self._now = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), _handler(self))

    @property
    def port(self) -> int:
        return self._server.server_address[1]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def reviews(self) -> list[Asked]:
        """What was asked about the change, without what was asked about single claims."""
        return [asked for asked in self.asked if asked.task == "review"]

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def connected(self) -> None:
        with self._lock:
            self.connections += 1

    def enter(self) -> None:
        with self._lock:
            self.hits += 1
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1

    def answer(self, headers: Mapping[str, str], data: bytes) -> Answer:
        if self.keys is not None and headers.get("authorization", "").removeprefix("Bearer ") not in self.keys:
            return refusal(401, "Authentication Fails, Your api key is invalid", "authentication_error")
        try:
            body = json.loads(data)
        except ValueError:
            return refusal(400, "Failed to parse the request body as JSON")
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            return refusal(422, "Failed to deserialize the JSON body: missing field `messages`")
        if not isinstance(body.get("model"), str):
            return refusal(400, "Model Not Exist")
        asked = Asked(headers=headers, body=body)
        with self._lock:
            self.asked.append(asked)
        form = (body.get("response_format") or {"type": "text"})["type"]
        if form not in self.formats:
            return refusal(400, f"This response_format type is unavailable now: {form}")
        return accepting(asked, self.script(asked))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512  # a benchmark opens its connections all at once


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        model_server = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    model_server: ModelServer

    def setup(self) -> None:
        super().setup()
        self.model_server.connected()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.close_connection = True  # the client has left, as clients do

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {key.lower(): value for key, value in self.headers.items()}
        sending = _Sending(self, self.model_server)
        try:
            if self.path.endswith("/chat/completions"):
                sending.send(self.model_server.answer(headers, data), data)
            else:
                sending.send(refusal(404, f"Invalid URL (POST {self.path})"), b"{}")
        finally:
            sending.leave()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass


class _Sending:
    """One answer on its way. Counts as present until just before its last bytes.

    A client may ask again the moment it has them, which must not look like two requests at once.
    """

    def __init__(self, handler: BaseHTTPRequestHandler, server: ModelServer) -> None:
        self._handler = handler
        self._server = server
        self._inside = True
        server.enter()

    def leave(self) -> None:
        if self._inside:
            self._inside = False
            self._server.leave()

    def send(self, answer: Answer, data: bytes) -> None:
        self._wait(answer.delay_s)
        if answer.silent:
            self._server.stopping.wait()
        if answer.silent or answer.dropped:
            self._cut()
            return
        request = {} if answer.raw is not None else json.loads(data)
        if answer.raw is None and (request.get("stream") is True if answer.sse is None else answer.sse):
            self._stream(answer, events(answer, request))
        else:
            self._wait(answer.duration_s)
            self._whole(answer, completion(answer, request) if answer.raw is None else answer.raw)

    def _whole(self, answer: Answer, body: bytes) -> None:
        self._begin(answer, {"content-type": "application/json", "content-length": str(len(body))})
        if answer.stall_after is not None:
            self._server.stopping.wait()
        if answer.cut_after is not None or answer.stall_after is not None:
            self._write(body[: len(body) // 2], answer)
            self._cut()
            return
        self.leave()
        self._write(body, answer)

    def _stream(self, answer: Answer, parts: Iterator[tuple[float, bytes]]) -> None:
        self._begin(answer, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        for wait_s, part in parts:
            self._wait(wait_s)
            for piece in _split(part, answer.split_bytes):
                self._write(b"%x\r\n%b\r\n" % (len(piece), piece), answer)
        if answer.stall_after is not None:
            self._server.stopping.wait()
        if answer.cut_after is not None or answer.stall_after is not None:
            self._cut()
            return
        self.leave()
        self._write(b"0\r\n\r\n", answer)

    def _begin(self, answer: Answer, headers: Mapping[str, str]) -> None:
        self._handler.send_response(answer.status)
        given = {name.lower(): value for name, value in answer.headers.items()}
        for name, value in {**headers, **given}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()

    def _write(self, data: bytes, answer: Answer) -> None:
        self._handler.wfile.write(data)
        if answer.split_bytes is not None:
            time.sleep(0.0005)  # noqa: TID251 - lets the client read before the next packet comes

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._server.stopping.wait(seconds)

    def _cut(self) -> None:
        self.leave()
        self._handler.close_connection = True
        self._handler.connection.shutdown(socket.SHUT_WR)


def _split(part: bytes, size: int | None) -> Iterator[bytes]:
    step = len(part) if size is None else size
    return (part[at : at + step] for at in range(0, len(part), step))


@contextmanager
def serving(
    script: Script,
    keys: Sequence[str] | None = None,
    formats: Sequence[str] = ("json_schema", "json_object", "text"),
    *,
    port: int = 0,
) -> Iterator[ModelServer]:
    """Run a server for the length of a block; ``port`` where it is to come back."""
    server = ModelServer(script, keys, formats, port)
    server.start()
    try:
        yield server
    finally:
        server.stop()
