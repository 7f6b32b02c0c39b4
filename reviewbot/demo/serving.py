"""A server on loopback that speaks as OpenAI-compatible ones do, so that the real client has somebody to ask."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from reviewbot.demo.script import MODEL, Script

_CHARACTERS_PER_TOKEN: Final = 4
"""Near enough for figures that nobody pays for."""


@contextmanager
def serving(script: Script) -> Iterator[str]:
    """Run the server for the length of a block; gives its base URL."""
    server = _Server(("127.0.0.1", 0), _handler(script))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # the client keeps idle connections open


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        def answer(self, task: str, asked: str) -> str:
            return script.answer(task, asked)

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, task: str, asked: str) -> str:
        raise NotImplementedError

    def do_POST(self) -> None:
        """Answer a request for a completion."""
        asked = self.rfile.read(int(self.headers.get("content-length", 0)))
        messages = json.loads(asked)["messages"]
        text = "\n".join(message["content"] for message in messages)
        body = _completion(text, self.answer(self.headers.get("x-reviewbot-task", ""), text))
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Say nothing: standard error is for the demo's own story."""


def _completion(asked: str, text: str) -> bytes:
    prompt, answer = len(asked) // _CHARACTERS_PER_TOKEN, len(text) // _CHARACTERS_PER_TOKEN
    usage = {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return json.dumps({"object": "chat.completion", "model": MODEL, "choices": [choice], "usage": usage}).encode()
