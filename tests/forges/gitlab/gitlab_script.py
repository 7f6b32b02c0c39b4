"""A server on loopback that answers as told: for what a real GitLab never says, and what stands before it."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from reviewbot.forges.gitlab.calls import Access, Calls

TOKEN = "glpat" + "-made-up-" + "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; the connection just breaks off where ``status`` is 0."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    """In the place of JSON."""


@dataclass(slots=True)
class Script:
    """Answers in their order, the last one for ever; what was asked; how long the client waited."""

    replies: Sequence[Reply]
    asked: list[str] = field(default_factory=list)
    """Method and path with the query."""
    tokens: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    url: str = ""

    def next(self) -> Reply:
        return self.replies[min(len(self.asked), len(self.replies)) - 1]

    def calls(self, *, job_token: bool = False) -> Calls:
        access = Access(url=self.url, token=TOKEN, project="group/a project", iid=3, job_token=job_token)
        return Calls(access, self.waits.append)


@contextmanager
def serving(*replies: Reply) -> Iterator[Script]:
    """Serve the answers; leave no thread and no socket behind."""
    script = Script(replies)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    server.daemon_threads = True
    script.url = f"http://127.0.0.1:{server.server_address[1]}/relative/root"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            script.asked.append(f"{self.command} {self.path}")
            script.tokens.append(self.headers.get("PRIVATE-TOKEN", "") or f"job {self.headers.get('JOB-TOKEN')}")
            reply = script.next()
            self.close_connection = True
            if reply.status == 0:
                return
            body = b"" if reply.status == 204 else (reply.text or json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            pass

    return Handler
