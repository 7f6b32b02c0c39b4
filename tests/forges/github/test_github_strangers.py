"""Servers that are no GitHub, or only nearly."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reviewbot.errors import ForgeError
from reviewbot.forges.github import Access, GitHubForge, inspect_token

Answer = tuple[int, str, Mapping[str, str]]
USER = json.dumps({"login": "bob", "id": 9, "type": "User"})


@pytest.fixture
def serve() -> Iterator[Callable[..., Access]]:
    """Give a function that starts a server with one answer for each path, and gives the way to it."""
    servers: list[ThreadingHTTPServer] = []

    def start(**answers: Answer) -> Access:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body, headers = answers[self.path.strip("/").partition("/")[0].partition("?")[0]]
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Stay silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        return Access(
            api_url=url, graphql_url=f"{url}/graphql", token="made-up", repository="acme/app", pause=lambda _: None
        )

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def plain(body: str, status: int = 200, **headers: str) -> Answer:
    return status, body, headers


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "[]", "{}", '{"login": 5}', "{broken"])
def test_an_answer_that_is_not_githubs_points_to_the_address(serve: Callable[..., Access], body: str) -> None:
    with pytest.raises(ForgeError, match=r"is not what GitHub's API gives. Check that GITHUB_API_URL names the API"):
        GitHubForge(serve(user=plain(body)), 1).account()


@pytest.mark.parametrize("body", ["<html>Sign in</html>", "{}", "5", '[{"filename": 5}]'])
def test_a_list_that_is_not_githubs_points_to_the_address(serve: Callable[..., Access], body: str) -> None:
    with pytest.raises(ForgeError, match="is not what GitHub's API gives"):
        GitHubForge(serve(repos=plain(body)), 1).files()


def test_a_redirect_to_another_place_is_not_followed_with_the_token(serve: Callable[..., Access]) -> None:
    elsewhere = serve(user=plain(USER))
    moved = serve(user=plain("", 301, Location=f"https://localhost{elsewhere.api_url[16:]}/user"))
    with pytest.raises(ForgeError, match=r"GET /user leads elsewhere: .* Check GITHUB_API_URL"):
        GitHubForge(moved, 1).account()


def test_a_redirect_that_asks_for_the_same_request_again_is_told(serve: Callable[..., Access]) -> None:
    with pytest.raises(ForgeError, match="The repository has another name now"):
        GitHubForge(serve(user=plain("", 307, Location="/users/bob")), 1).account()


def test_a_proxy_that_repeats_the_token_does_not_bring_it_into_a_message(serve: Callable[..., Access]) -> None:
    with pytest.raises(ForgeError) as caught:
        GitHubForge(serve(user=plain("bad header: token made-up", 400)), 1).account()
    assert "bad header: token ***" in str(caught.value)


@pytest.mark.parametrize(
    ("rights", "permission"),
    [
        ({"admin": True, "maintain": True, "push": True, "triage": True, "pull": True}, "admin"),
        ({"push": True, "triage": True, "pull": True}, "write"),
        ({"pull": True}, "read"),
        ({}, "none"),
    ],
)
def test_the_highest_right_of_a_token_is_told(
    serve: Callable[..., Access], rights: Mapping[str, bool], permission: str
) -> None:
    access = serve(user=plain(USER), repos=plain(json.dumps({"permissions": rights})))
    report = inspect_token(access)
    assert ("unknown", "bob", permission) == (report.kind, report.account.name, report.permission)
