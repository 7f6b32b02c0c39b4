"""Git's own smart HTTP server on loopback: ``git http-backend`` behind a small CGI handler.

Repositories are served under the path that they are given; a request must carry one of the known Authorization
headers, where there are any. What was asked is remembered, so that tests can count round trips and bytes. All other
requests go on to ``upstream``, a fake forge's API: so both have one address, as on a real forge.
"""

import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import gitrepo
from gitrepo import Repo

_CHUNK = 65_536
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "host"})


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a client."""

    method: str
    path: str
    query: str
    authorization: str
    sent: int
    """Bytes of the answer's body."""


class GitServer:
    """A running server."""

    def __init__(self, repos: Mapping[str, Repo], authorizations: frozenset[str], upstream: str) -> None:
        self.repos = dict(repos)
        self.upstream = upstream
        self.authorizations = authorizations
        self.visits: list[Visit] = []
        self.stalled = threading.Event()
        """While set, packs are begun and never ended."""
        self.begun = threading.Event()
        """Set when the first of those is."""
        self.old = False
        """Whether it knows the first protocol alone."""
        self.stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def sent(self) -> int:
        """Bytes of all answers."""
        return sum(visit.sent for visit in self.visits)

    @property
    def packs(self) -> int:
        """How many times something was asked for, beyond the list of branches."""
        return sum(visit.method == "POST" for visit in self.visits)

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True


def _handler(server: GitServer) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        git_server = server

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"  # an answer ends with its connection
    git_server: GitServer

    def _any(self) -> None:
        body = self._body()
        if ".git/" in self.path:
            self._serve(body)
        else:
            self._pass_on(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any  # noqa: N815 - names that http.server wants

    def _pass_on(self, body: bytes) -> None:
        connection = HTTPConnection(urlsplit(self.git_server.upstream).netloc, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        try:
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            data = answer.read()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in {*_HOP, "server", "date"}:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except ConnectionError:
            self.close_connection = True  # either side has left
        finally:
            connection.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        pass

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _serve(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        authorization = self.headers.get("authorization", "")
        name, _, service = path.removeprefix("/").partition(".git/")
        repo = self.git_server.repos.get(name)
        sent = 0
        try:
            if self.git_server.authorizations and authorization not in self.git_server.authorizations:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
            elif repo is None:
                self.send_error(404)
            else:
                sent = self._answer(repo, service, query, body)
        except ConnectionError:
            self.close_connection = True  # the client has left, or was killed
        self.git_server.visits.append(Visit(self.command, path, query, authorization, sent))

    def _answer(self, repo: Repo, service: str, query: str, body: bytes) -> int:
        environ = {
            **gitrepo.environment(),
            "GIT_PROJECT_ROOT": repo.git("rev-parse", "--absolute-git-dir"),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_PROTOCOL": "" if self.git_server.old else self.headers.get("git-protocol", ""),
            "REQUEST_METHOD": self.command,
            "PATH_INFO": f"/{service}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("content-type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("content-encoding", ""),
        }
        command = ["git", "-c", "safe.directory=*", "http-backend"]
        process = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        with process:
            try:
                process.stdin.write(body)
                process.stdin.close()
                self._head(process)
                return self._copy(process)
            finally:
                process.kill()

    def _head(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        status, headers = 200, []
        while line := process.stdout.readline().decode().rstrip("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                headers.append((name, value))
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def _copy(self, process: "subprocess.Popen[bytes]") -> int:
        assert process.stdout is not None
        sent = 0
        while part := process.stdout.read(_CHUNK):
            if self.command == "POST" and self.git_server.stalled.is_set():
                self.git_server.begun.set()
                self.git_server.stopping.wait()
            self.wfile.write(part)
            sent += len(part)
        return sent


@contextmanager
def serving_git(
    repos: Mapping[str, Repo], authorizations: frozenset[str] = frozenset(), upstream: str = ""
) -> Iterator[GitServer]:
    """Serve repositories by their paths, such as ``group/project``, for the length of a block."""
    for repo in repos.values():
        for name in ("allowFilter", "allowAnySHA1InWant"):  # as both forges have it
            repo.git("config", f"uploadpack.{name}", "true")
    server = GitServer(repos, authorizations, upstream)
    server.start()
    try:
        yield server
    finally:
        server.stop()
