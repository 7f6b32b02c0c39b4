"""A project on a git server, and change requests on forges of one address."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gitrepo
import pytest
from fakes.git_server import GitServer, serving_git
from posting.stages import STAGES
from redis_server import RedisServer, running_redis
from worker_scene import Hosted, Said, hosted

from reviewbot.repository.bare import Wanted
from reviewbot.repository.bare_git import basic

SECRET = basic("oauth2", "made-up-" + "token")


@dataclass(frozen=True, slots=True)
class Project:
    """A repository and the server that shows it."""

    repo: gitrepo.Repo
    server: GitServer

    @property
    def url(self) -> str:
        return f"{self.server.url}/group/project.git"

    def wanted(self, head: str = "", target: str = "main", authorization: str | None = SECRET) -> Wanted:
        """Want a change, by default that of the branch ``topic``."""
        commit = head or self.repo.git("rev-parse", "topic")
        ref = "refs/merge-requests/7/head"
        return Wanted(url=self.url, head=commit, head_ref=ref, target=target, authorization=authorization)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Serve main, and ``topic`` that changes one of its 40 files, adds one and removes one."""
    repo = gitrepo.init(tmp_path / "forge")
    repo.commit({f"f{number}.py": f"number = {number}\n" for number in range(40)} | {".reviewbot.toml": ""})
    repo.branch("topic")
    repo.git("rm", "--quiet", "f3.py")
    repo.commit({"f1.py": "number = undefined_name\n", "new.py": "new = 1\n"})
    repo.git("update-ref", "refs/merge-requests/7/head", "topic")
    with serving_git({"group/project": repo}, frozenset({SECRET})) as server:
        yield Project(repo, server)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture(params=sorted(STAGES))
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosted]:
    """Give a change with three findings, on either forge."""
    with hosted(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def on_gitlab(tmp_path: Path) -> Iterator[Hosted]:
    """Give it on GitLab."""
    with hosted("gitlab", tmp_path) as made:
        yield made


@pytest.fixture
def said() -> Said:
    return Said()
