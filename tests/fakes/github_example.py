"""A small pull request on a fake GitHub, and clients for it."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from fakes.github_refusals import Json
from fakes.github_server import FakeGitHub, Setup
from github import Auth, Github
from github.PullRequest import PullRequest
from github.Repository import Repository
from gitrepo import Repo, filled

APP = "src/app.py"
OLD, MOVED, NEW, GONE, LOGO = "lib/old.py", "lib/moved.py", "new.py", "gone.py", "logo.bin"


def numbered(count: int, word: str = "line") -> list[str]:
    return [f"{word} {number}" for number in range(1, count + 1)]


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A repository with a pull request: one file edited in two places, others renamed, added, deleted, binary.

    The new ``src/app.py`` shows lines 7 to 14 (10 and 11 are added) and 23 to 28; the old line 10 and the old
    line 25 are removed.
    """

    repo: Repo
    fork_point: str
    base: str
    head: str


def scene(path: Path) -> Scene:
    repo = filled(path, _fill)
    fork_point, base, head = repo.git("rev-parse", "main~1", "main", "feature").split("\n")
    return Scene(repo=repo, fork_point=fork_point, base=base, head=head)


def _fill(repo: Repo) -> None:
    old = numbered(40)
    files: dict[str, str | bytes] = {
        APP: text(old),
        OLD: text(numbered(20, "row")),
        GONE: "bye\n",
        LOGO: b"\0\1",
        "other.py": "x\n",
    }
    fork_point = repo.commit(files)
    repo.branch("feature")
    edited = [*old[:9], "added 10", "added 11", *old[10:24], *old[25:]]
    (repo.path / GONE).unlink()
    (repo.path / OLD).unlink()
    rows = numbered(20, "row")
    rows[4] = "row five"
    repo.commit({APP: text(edited), MOVED: text(rows), NEW: text(numbered(5, "new")), LOGO: b"\0\2"})
    repo.branch("main")
    repo.git("reset", "--quiet", "--hard", fork_point)
    repo.commit({"other.py": "y\n"})


def repainted(it: Scene, edits: dict[str, list[str] | str], start: str | None = None) -> str:
    """Commit more on the source branch; give the new head."""
    it.repo.branch("feature", start or it.head)
    files: dict[str, str | bytes] = {
        path: text(lines) if isinstance(lines, list) else lines for path, lines in edits.items()
    }
    return it.repo.commit(files)


@contextmanager
def served(it: Scene, base_path: str = "", setup: Setup | None = None) -> Iterator[FakeGitHub]:
    """Serve the scene, and hold every answer against GitHub's description."""
    with FakeGitHub(
        it.repo, base=it.base, head=it.head, base_path=base_path, setup=setup, check_answers=True
    ) as server:
        yield server
    assert not server.drift, server.drift[0]


@contextmanager
def client(server: FakeGitHub, token: str, timeout: int = 15) -> Iterator[Repository]:
    """Give the repository as the real client sees it."""
    real = Github(
        auth=Auth.Token(token),
        base_url=server.url,
        per_page=100,
        retry=None,
        timeout=timeout,
        seconds_between_requests=None,
        seconds_between_writes=None,
    )
    with closing(real):
        yield real.get_repo("acme/app")


@contextmanager
def pull_request(server: FakeGitHub, token: str) -> Iterator[PullRequest]:
    with client(server, token) as repository:
        yield repository.get_pull(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """Requests without a library, for the words of the answers."""

    server: FakeGitHub
    token: str

    def ask(self, method: str, path: str, body: Json | None = None, accept: str = "") -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept or "application/vnd.github+json"}
        url = f"{self.server.url}{path}"
        return httpx.request(method, url, json=body, headers=headers, timeout=10, verify=False)  # noqa: S501 - no TLS

    def pull(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        return self.ask(method, f"/repos/acme/app/pulls/7{path}", body)

    def review(self, *comments: Json, **more: object) -> httpx.Response:
        asked: Json = {"commit_id": self.server.world.head, "event": "COMMENT", "body": "b", "comments": list(comments)}
        return self.pull("POST", "/reviews", {name: part for name, part in (asked | more).items() if part is not None})

    def comment(self, **more: object) -> httpx.Response:
        asked: Json = {"body": "c", "commit_id": self.server.world.head, "path": APP}
        return self.pull("POST", "/comments", asked | more)

    def graphql(self, query: str, **variables: object) -> Json:
        headers = {"Authorization": f"bearer {self.token}"}
        sent = {"query": query, "variables": variables}
        answer = httpx.post(self.server.graphql_url, json=sent, headers=headers, timeout=10, verify=False)  # noqa: S501
        assert answer.status_code == 200
        found: Json = answer.json()
        return found


def at(line: int, body: str = "c", path: str = APP, **more: object) -> Json:
    """Write a comment for a review."""
    return {"path": path, "body": body, "line": line, **more}


def errors(response: httpx.Response) -> list[object]:
    assert response.status_code == 422
    found: list[object] = response.json()["errors"]
    return found
