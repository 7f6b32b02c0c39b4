"""A change request whose forge, git server included, has one address; and a worker's bench before it."""

import atexit
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import gitrepo
from fakes.git_server import GitServer, serving_git
from gitrepo import Repo
from jobs import HURRIED, KEY, ROOT
from posting.gitlab_stage import TOKEN
from posting.stages import STAGES, GitHub, GitLab, Stage
from review_queue import a_job

from reviewbot.domain.job import ReviewJob
from reviewbot.queue.outcomes import QueueStats, Taken
from reviewbot.repository.bare import Limits, Stores
from reviewbot.repository.bare_git import basic
from reviewbot.worker import child
from reviewbot.worker.forks import ForkServer
from reviewbot.worker.measuring import Measures
from reviewbot.worker.reviewing import Bench
from reviewbot.worker.telling import Log

SURROUNDINGS = {"PATH": os.environ["PATH"]}  # noqa: TID251 - where git is
PYTHON = {"PYTHONPATH": os.pathsep.join(map(str, (HURRIED, ROOT))), "PYTHONWARNINGS": "error"}
LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Hosted:
    """A stage with a git server before it."""

    stage: Stage
    git: GitServer

    @property
    def token(self) -> str:
        return TOKEN if isinstance(self.stage, GitLab) else self.stage.environ["GITHUB_TOKEN"]

    @property
    def environ(self) -> Mapping[str, str]:
        """What a worker's operator sets."""
        model = {"REVIEWBOT_BASE_URL": self.stage.model.base_url, "REVIEWBOT_API_KEY": KEY}
        if isinstance(self.stage, GitLab):
            return {**model, "REVIEWBOT_GITLAB_URL": self.git.url, "GITLAB_TOKEN": self.token}
        return {**model, "REVIEWBOT_GITHUB_API_URL": self.git.url, "GITHUB_TOKEN": self.token}

    def job(self, **fields: Any) -> ReviewJob:  # noqa: ANN401 - whatever differs
        """Make the job of the newest push."""
        gitlab = isinstance(self.stage, GitLab)
        known: dict[str, Any] = {
            "forge": "gitlab" if gitlab else "github",
            "server": f"{self.git.url}/api/v4" if gitlab else self.git.url,
            "project": "group/project" if gitlab else "acme/app",
            "project_id": 42,
            "number": 7,
            "head_sha": self.stage.repo.git("rev-parse", "feature"),
        }
        return a_job(**(known | fields))

    def taken(self, attempt: int = 1, **fields: Any) -> Taken:  # noqa: ANN401
        """Put that job into a worker's hands."""
        return Taken(job=self.job(**fields), attempt=attempt, ticket="ticket", lease="lease")


@contextmanager
def hosted(forge: str, folder: Path, **stage: Any) -> Iterator[Hosted]:  # noqa: ANN401 - of `posting.stages`
    """Open a change request on a forge of one address, which wants its token for git too."""
    with STAGES[forge](folder, **stage) as made:
        gitlab = isinstance(made, GitLab)
        assert isinstance(made, GitLab | GitHub)
        token = TOKEN if gitlab else made.environ["GITHUB_TOKEN"]
        path, user = ("group/project", "oauth2") if gitlab else ("acme/app", "x-access-token")
        repos: Mapping[str, Repo] = {path: made.repo}
        with serving_git(repos, frozenset({basic(user, token)}), made.server.url) as git:
            yield Hosted(made, git)


class Said:
    """What a worker's log says."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def review(self) -> str:
        """What the reviews said."""
        return "\n".join(line["line"] for line in self.lines if line["event"] == "review")


def stores(folder: Path, limits: Limits = LIMITS, **environ: str) -> Stores:
    """Open the stores in a folder."""
    surroundings = SURROUNDINGS | environ
    return Stores(folder=folder, limits=limits, environ=surroundings, clock=time.monotonic, pause=_pause)


def bench(at: Hosted, folder: Path, said: Said, superseded: Callable[[Taken], bool] = lambda _: False) -> Bench:
    """Lay out what a worker has at hand."""
    return Bench(
        stores=stores(folder / "stores"),
        forks=forks(),
        token=lambda _: at.token,
        environ={**SURROUNDINGS, **PYTHON, **at.environ},
        superseded=superseded,
        stopping=threading.Event(),
        clock=time.monotonic,
        log=Log(said.stream, lambda: datetime.now(UTC)),
        measures=Measures(1, lambda: QueueStats(projects=()), time.monotonic),
        timeout_s=120,
        memory_bytes=2_000_000_000,
    )


@cache
def forks() -> ForkServer:
    """Start what reviews are forked from, once for all tests of a process."""
    made = ForkServer(child.imported(["gitlab", "github"]), {**SURROUNDINGS, **PYTHON})
    atexit.register(made.close)
    return made


def with_limits(made: Bench, **limits: Any) -> Bench:  # noqa: ANN401 - of `Limits`
    """Change how much may be fetched."""
    return replace(made, stores=replace(made.stores, limits=replace(made.stores.limits, **limits)))


class Worker:
    """``reviewbot worker`` as a process."""

    def __init__(self, folder: Path, redis_url: str, environ: Mapping[str, str], *options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._said = folder / "said.jsonl"
        known = {**PYTHON, "REVIEWBOT_REDIS_URL": redis_url, "HOME": str(folder), "TMPDIR": str(folder), **environ}
        with self._said.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reviewbot", "worker", "--store", str(folder / "stores"), *options],
                cwd=folder,
                env=gitrepo.environment(**known),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stream,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it has said so far."""
        text = self._said.read_text("utf-8")
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def said(self, event: str) -> list[dict[str, Any]]:
        """Give the lines of one kind."""
        return [line for line in self.lines if line["event"] == event]

    def until(self, come: Callable[[], object], seconds: float = 60) -> None:
        """Wait for something that this or another process does."""
        end = time.monotonic() + seconds
        while not come():
            assert time.monotonic() < end, self._said.read_text("utf-8")
            _pause(0.05)

    def end(self) -> int:
        """Tell it to end, and give its exit code."""
        self.process.terminate()
        return self.process.wait(30)

    def reviews(self) -> list[int]:
        """Give the processes that review for it."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                with suppress(OSError):
                    forked = b"reviewbot.worker.forkserver" in (entry / "cmdline").read_bytes().split(b"\0")
                    # Each has a temporary folder of its own.
                    if forked and (entry / "cwd").readlink().parent == self.folder:
                        found.append(int(entry.name))
        return found


def _pause(seconds: float) -> None:
    time.sleep(seconds)  # noqa: TID251 - other processes hold the locks
