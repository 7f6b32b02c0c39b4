"""An OpenAI-compatible server on loopback: counts, remembers, and refuses what real ones refuse."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as it came in."""

    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def user(self) -> str:
        """The first user message."""
        return next(str(message["content"]) for message in self.body["messages"] if message["role"] == "user")

    @property
    def is_repair(self) -> bool:
        return self.headers.get("x-reviewbot-repair") == "1"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to answer: a text in a completion, or an error."""

    text: str = '{"findings": []}'
    status: int = 200
    raw: bytes | None = None
    """A body of one's own instead of a completion."""
    finish_reason: str = "stop"
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0


def findings(*claims: Mapping[str, object]) -> Answer:
    """Answer with findings."""
    return Answer(text=json.dumps({"findings": list(claims)}))


def refusal(status: int, message: str, kind: str = "invalid_request_error", **headers: str) -> Answer:
    """Answer with an error in the providers' form."""
    body = {"error": {"message": message, "type": kind, "param": None, "code": None}}
    return Answer(status=status, raw=json.dumps(body).encode(), headers=headers)


Script = Callable[[Asked], Answer]


class ModelServer:
    """A running server. ``script`` decides each answer; what was asked is remembered."""

    def __init__(self, script: Script, keys: Sequence[str] | None, formats: Sequence[str]) -> None:
        self.script = script
        self.keys = keys
        self.formats = formats
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, headers: Mapping[str, str], data: bytes) -> Answer:
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            return self._judge(headers, data)
        finally:
            with self._lock:
                self._now -= 1

    def _judge(self, headers: Mapping[str, str], data: bytes) -> Answer:
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
        answer = self.script(asked)
        if answer.delay_s:
            time.sleep(answer.delay_s)  # noqa: TID251 - a real server takes real time
        return answer


def _handler(server: ModelServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers.get("content-length", 0)))
            if not self.path.endswith("/chat/completions"):
                self._send(refusal(404, f"Invalid URL (POST {self.path})"), b"")
                return
            headers = {key.lower(): value for key, value in self.headers.items()}
            self._send(server.answer(headers, data), data)

        def _send(self, answer: Answer, asked: bytes) -> None:
            body = answer.raw if answer.raw is not None else _completion(answer, asked)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
            pass

    return Handler


def _completion(answer: Answer, asked: bytes) -> bytes:
    request = json.loads(asked)
    prompt = sum(len(message["content"]) for message in request["messages"]) // 4
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": len(answer.text) // 4,
        "total_tokens": prompt + len(answer.text) // 4,
        "prompt_cache_hit_tokens": 0,
        "prompt_cache_miss_tokens": prompt,
    }
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text},
        "finish_reason": answer.finish_reason,
    }
    return json.dumps(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": request["model"],
            "choices": [choice],
            "usage": usage,
        }
    ).encode()


@contextmanager
def serving(
    script: Script,
    keys: Sequence[str] | None = None,
    formats: Sequence[str] = ("json_schema", "json_object", "text"),
) -> Iterator[ModelServer]:
    """Run a server for the length of a block."""
    server = ModelServer(script, keys, formats)
    server.start()
    try:
        yield server
    finally:
        server.stop()
