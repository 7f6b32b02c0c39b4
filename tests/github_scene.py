"""A pull request on a fake GitHub, and the adapter under test with a clock that nobody waits for.

main:    base ── moved on (other.txt)
feature:    └─── change: app.py edited, old_name.py renamed to new_name.py, gone.py deleted, fresh.py new
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gitrepo
from fakes.github_server import FakeGitHub, Setup
from github import Auth, Github
from github_plans import NUMBER, fingerprint, post
from gitrepo import Repo

from reviewbot.domain.posting import Comment, Posted
from reviewbot.forges.github import Access, GitHubForge

_OLD = [f"line {number}" for number in range(1, 41)]
_NEW = [*_OLD[:4], "changed 5", *_OLD[5:11], *_OLD[12:30], "added one", "added two", *_OLD[30:]]
_NAMES = [f"name {number}" for number in range(1, 21)]


def text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def change(path: Path) -> tuple[Repo, str, str]:
    """Make the repository; give it with the tips of main and of feature."""
    repo = gitrepo.filled(path, _fill)
    return repo, repo.head, repo.git("rev-parse", "feature")


def _fill(repo: Repo) -> None:
    gone = text(["gone 1", "gone 2", "gone 3"])
    repo.commit({"app.py": text(_OLD), "old_name.py": text(_NAMES), "gone.py": gone, "logo.bin": b"\0one"})
    repo.branch("feature")
    repo.git("mv", "old_name.py", "new_name.py")
    repo.git("rm", "--quiet", "gone.py")
    new_name = text([*_NAMES[:9], "renamed 10", *_NAMES[10:]])
    fresh = text(["fresh 1", "fresh 2", "fresh 3"])
    repo.commit({"app.py": text(_NEW), "new_name.py": new_name, "fresh.py": fresh, "logo.bin": b"\0two"})
    repo.branch("main", "main")
    repo.commit({"other.txt": "meanwhile\n"})


@dataclass(slots=True, kw_only=True)
class Scene:
    """A server with its pull request, and what the adapter waited for."""

    repo: Repo
    base: str
    head: str
    server: FakeGitHub
    pauses: list[float] = field(default_factory=list)

    def access(self, token: str) -> Access:
        return Access(
            api_url=self.server.url,
            graphql_url=self.server.graphql_url,
            token=token,
            repository="acme/app",
            pause=self.pauses.append,
            timeout_s=1,
        )

    def forge(self, token: str | None = None) -> GitHubForge:
        """Open the pull request; by default as a GitHub App that may do everything."""
        return GitHubForge(self.access(token or self.server.app_token()), NUMBER)

    def post(self, forge: GitHubForge, *wanted: Comment) -> Posted:
        """Plan afresh, and carry it out."""
        return post(forge, *wanted)

    def say(self, token: str, path: str, /, **body: object) -> int:
        """Let somebody write with a program of their own, below the pull request; give the number of what they made."""
        auth = Auth.Token(token)
        client = Github(auth=auth, base_url=self.server.url, retry=None, seconds_between_writes=0)
        _, made = client.requester.requestJsonAndCheck("POST", f"/repos/acme/app/{path}", input=body)
        return int(made["id"])

    def remark(self, token: str, body: str = "hm", **place: object) -> int:
        """Let somebody comment on the diff, by default on a line of app.py; give the comment's number."""
        where = place or {"line": 5, "side": "RIGHT"}
        return self.say(
            token, f"pulls/{NUMBER}/comments", body=body, commit_id=self.head, **{"path": "app.py", **where}
        )

    def asked(self, verb: str, path: str) -> int:
        """Count the requests of a kind, by the end of their path."""
        return sum(each.method == verb and each.path.endswith(path) for each in self.server.log)

    @property
    def titles(self) -> list[str]:
        """First lines of the comments on the diff."""
        return [comment.body.partition("\n")[0] for comment in self.server.comments]

    def stands(self, number: int) -> list[str]:
        """Say in which places a finding is to be seen."""
        mark = f"fp={fingerprint(number)}"
        return [
            *("inline" for comment in self.server.comments if mark in comment.body),
            *("review" for review in self.server.reviews if mark in review.body),
            *("summary" for remark in self.server.issue_comments if mark in remark.body),
        ]


def open_server(path: Path, setup: Setup | None = None, base_path: str = "") -> Scene:
    """Make a scene; its server is to be entered."""
    repo, base, head = change(path)
    server = FakeGitHub(repo, base=base, head=head, setup=setup, base_path=base_path, check_answers=True)
    return Scene(repo=repo, base=base, head=head, server=server)
