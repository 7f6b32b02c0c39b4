"""A merge request with one file of each kind, behind a fake GitLab, and the real python-gitlab before it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitlab
import requests
from fakes.gitlab_server import FakeGitLab, Rules, User
from gitlab.v4.objects import ProjectMergeRequest, ProjectMergeRequestDiscussion, ProjectMergeRequestDraftNote
from gitrepo import Repo, filled

TOKEN = "token-of-the-bot"
OLD = [f"line {number}" for number in range(1, 31)]
# Line 10 is replaced by two, line 28 goes.
NEW = [*OLD[:9], "changed 10", "added 11", *OLD[10:27], *OLD[28:]]


def text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def commits(path: Path) -> Repo:
    """Make the branches: ``main``, and ``feature`` with the change."""
    return filled(path, _fill)


def _fill(repo: Repo) -> None:
    moved = [f"kept {number}" for number in range(1, 13)]
    repo.commit({"app.py": text(OLD), "gone.py": "one\ntwo\n", "before.py": text(moved), "pure.py": "as it is\n"})
    repo.branch("feature")
    for old, new in (("before.py", "after.py"), ("pure.py", "purer.py")):
        repo.git("mv", old, new)
    repo.git("rm", "--quiet", "gone.py")
    repo.commit({"app.py": text(NEW), "after.py": text([*moved[:5], "edited 6", *moved[6:]]), "new.py": "a\r\nb\r\n"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """Everything that a test talks to."""

    repo: Repo
    server: FakeGitLab
    bot: User
    client: gitlab.Gitlab

    @property
    def request(self) -> ProjectMergeRequest:
        return self.client.projects.get(42, lazy=True).mergerequests.get(7, lazy=True)

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.server.url.removeprefix("http://").partition(":")
        return host, int(port)

    def position(self, path: str = "app.py", old_path: str | None = None, **more: object) -> dict[str, Any]:
        """Give a position on the newest version."""
        refs = self.server.request.refs
        return {
            "base_sha": refs.base,
            "start_sha": refs.start,
            "head_sha": refs.head,
            "position_type": "text",
            "old_path": old_path or path,
            "new_path": path,
            **more,
        }

    def discuss(self, body: str = "look", **position: Any) -> ProjectMergeRequestDiscussion:  # noqa: ANN401
        sent = {"body": body} | ({"position": self.position(**position)} if position else {})
        return self.request.discussions.create(sent)

    def draft(self, note: str = "look", **position: Any) -> ProjectMergeRequestDraftNote:  # noqa: ANN401
        sent = {"note": note} | ({"position": self.position(**position)} if position else {})
        return self.request.draft_notes.create(sent)

    def raw(self, method: str, path: str, *, token: str = TOKEN, **more: Any) -> requests.Response:  # noqa: ANN401
        """Ask without the library; ``path`` begins behind the merge request."""
        url = f"{self.server.url}/api/v4/projects/42/merge_requests/7{path}"
        headers, timeout = more.pop("headers", {"PRIVATE-TOKEN": token}), more.pop("timeout", 10)
        return requests.request(method, url, headers=headers, timeout=timeout, **more)

    def as_user(self, token: str) -> gitlab.Gitlab:
        """Give another user's client; the caller closes it."""
        return gitlab.Gitlab(self.server.url, private_token=token, keep_base_url=True, timeout=10)


@contextmanager
def scene(path: Path, rules: Rules | None = None) -> Iterator[Scene]:
    repo = commits(path / "repo")
    with FakeGitLab(repo, rules=rules) as server:
        bot = server.add_user("reviewbot", token=TOKEN, kind="project", bot=True)
        with gitlab.Gitlab(server.url, private_token=TOKEN, keep_base_url=True, timeout=10) as client:
            yield Scene(repo=repo, server=server, bot=bot, client=client)
