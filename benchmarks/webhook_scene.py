"""A gateway, two workers, a Redis, a git server and many merge requests, for `webhook_reviews.py`.

The forge is a fake GitLab for each merge request, all on one repository with a branch for each head.
"""

import argparse
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

sys.path[:0] = [str(Path(__file__).parents[1] / "tests")]

import httpx
from fakes.git_server import serving_git
from fakes.gitlab_faults import Fault, Logged
from fakes.gitlab_http import Http
from fakes.gitlab_routes import Answer, Asked
from fakes.gitlab_server import FakeGitLab, Rules
from fakes.model_server import Answer as Completion
from fakes.model_server import Asked as Prompt
from fakes.model_server import ModelServer, serving
from gitrepo import Repo
from hooks_scene import TOKEN as SECRET
from hooks_scene import gitlab_headers, merge_request, spelt
from jobs import KEY, ROOT, attentive
from redis_server import RedisServer, running_redis
from review_queue import a_desk
from webhook_story import Step, repository
from worker_scene import Worker

from reviewbot.queue.outcomes import QueueStats
from reviewbot.repository.bare_git import basic

_TOKEN = "made-up-" + "token"
BOT = "reviewbot"
WORKERS = 2
FLOODING, OTHERS = 42, 100
"""Project ids; other projects' go on from the second."""
_MOST_OTHERS = 10
_WRONG = re.compile(r"wrong r(\d+)h")
_NAMED = re.compile(r"/projects/([^/]+)(?:/merge_requests/(\d+))?")


def path_of(id_: int) -> str:
    """Give a project's path."""
    return f"group/project-{id_}"


class Requests:
    """Many merge requests under one address: each is a fake GitLab of its own, behind one front."""

    def __init__(self) -> None:
        self.fakes: dict[tuple[int, int], FakeGitLab] = {}
        """By project and number."""
        self._first: dict[int, tuple[int, int]] = {}
        self.http = Http(self)

    def open(self, repo: Repo, project: int, number: int, branch: str) -> FakeGitLab:
        """Open a request; ``branch`` is its first push."""
        fake = FakeGitLab(repo, source=branch, project=path_of(project), rules=Rules(external_url=self.http.url))
        fake.state.project_id = fake.request.source_project_id = project
        fake.request.iid = number
        fake.add_user(BOT, token=_TOKEN, kind="project", bot=True)
        self.fakes[project, number] = fake
        self._first.setdefault(project, (project, number))
        return fake

    def exchange(self, asked: Asked, era: int) -> tuple[Logged, Answer | Fault]:
        """Let the request answer that is named, or any of the project's, or any."""
        found = _NAMED.search(asked.path)
        if found is None:
            return self.fakes[self._first[min(self._first)]].exchange(asked, era)
        project = int(found[1].rpartition("-")[2])
        fake = self.fakes[(project, int(found[2])) if found[2] else self._first[project]]
        return fake.exchange(asked, era)

    def era(self) -> int:
        """No client is cut off here."""
        return 0

    def sent(self, logged: Logged) -> None:
        """Nobody waits for it."""


@dataclass(kw_only=True)
class Scene:
    """All that is there, but the workers."""

    folder: Path
    redis: RedisServer
    model: ModelServer
    requests: Requests
    git_url: str
    hooks: httpx.Client
    repo: Repo
    slots: int
    asked: list[tuple[int, float, float]]
    """Calls of the model: which request for, and from when to when by the clock."""
    outcomes: Counter[str] = field(default_factory=Counter)
    _bodies: dict[tuple[int, int, int], bytes] = field(default_factory=dict)

    def push(self, project: int, number: int, head: int, ago_s: float = 0) -> None:
        """Take a new head, and write the webhook that tells of it; ``ago_s`` is when it was, by its words."""
        sha = self.repo.git("rev-parse", f"{number}/{head}")
        if head == 1:
            self.requests.open(self.repo, project, number, f"{number}/1")
        else:
            self.requests.fakes[project, number].push(sha)
        path = path_of(project)
        where = {"id": project, "web_url": f"{self.git_url}/{path}", "path_with_namespace": path}
        told: dict[str, Any] = {
            "number": number,
            "ago_s": ago_s,
            "last_commit": {"id": sha},
            "project": where,
            "target_project_id": project,
        }
        body = merge_request("open", **told) if head == 1 else merge_request("update", oldrev=sha, **told)
        self._bodies[project, number, head] = spelt(body)

    def send(self, project: int, number: int, head: int) -> None:
        """Send it until it is taken, as somebody who looks at a forge's list of failed webhooks does."""
        body = self._bodies[project, number, head]
        while True:
            found = self.hooks.post("/webhooks/gitlab", content=body, headers=gitlab_headers())
            assert found.status_code in {httpx.codes.ACCEPTED, httpx.codes.SERVICE_UNAVAILABLE}, found.text
            self.outcomes[found.json().get("outcome") or str(found.status_code)] += 1
            if found.status_code == httpx.codes.ACCEPTED:
                return
            pause(0.5)

    def play(self, story: Sequence[Step], *, at_once: bool = False) -> None:
        """Let it happen; ``at_once`` as if it had happened until now."""
        began, over_s = time.monotonic(), story[-1].at_s
        for step in story:
            if not at_once:
                pause(max(began + step.at_s - time.monotonic(), 0))
            if step.push:
                self.push(FLOODING, step.number, step.head, over_s - step.at_s if at_once else 0)
            else:
                self.send(FLOODING, step.number, step.head)

    def stats(self) -> QueueStats:
        """Ask the queue."""
        with a_desk(self.redis.url) as desk:
            return desk.queue.stats()

    def ended(self) -> Counter[str]:
        """Give how many jobs have ended how, as the queue has counted."""
        found = Counter[str]()
        for project in self.stats().projects:
            found.update(dict(project.ended))
        return found

    def busy(self) -> int:
        """Count the jobs that are not done."""
        return sum(one.waiting + one.running + one.retrying for one in self.stats().projects)


class Crew:
    """Two workers, each on a machine of its own; another one comes in the place of one that is killed."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._ever: list[Worker] = []
        self._now = [self._started(place) for place in range(WORKERS)]
        self._chance = random.Random(8)  # noqa: S311 - a load, not a secret
        self.kills = 0

    def __enter__(self) -> Self:
        self._now[-1].until(lambda: all(worker.said("ready") for worker in self._now))
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._now:
            worker.__exit__()

    def _started(self, place: int) -> Worker:
        scene = self._scene
        environ = {
            "PYTHONPATH": str(ROOT),  # the tests' own has a faster clock
            "REVIEWBOT_BASE_URL": scene.model.base_url,
            "REVIEWBOT_API_KEY": KEY,
            "REVIEWBOT_GITLAB_URL": scene.git_url,
            "GITLAB_TOKEN": _TOKEN,
        }
        folder = scene.folder / f"worker-{len(self._ever)}"
        options = ("--slots", str(scene.slots), "--store", str(scene.folder / f"stores-{place}"))
        self._ever.append(Worker(folder, scene.redis.url, environ, *options))
        return self._ever[-1]

    def kill(self, *, in_turn: bool) -> None:
        """Kill one with SIGKILL, by chance or each in turn, and start another."""
        place = self.kills % WORKERS if in_turn else self._chance.randrange(WORKERS)
        self._now[place].__exit__()
        self._now[place] = self._started(place)
        self.kills += 1

    def said(self, event: str) -> list[dict[str, Any]]:
        """Give what all have said, the killed ones too."""
        return sorted((line for worker in self._ever for line in worker.said(event)), key=lambda line: line["time"])


def until(come: Callable[[], bool]) -> None:
    """Wait for something that other processes do."""
    while not come():
        pause(0.2)


def pause(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)  # noqa: TID251 - real processes take real time


@contextmanager
def _gateway(redis: RedisServer, git_url: str, folder: Path) -> Iterator[httpx.Client]:
    environ = {
        "PATH": os.environ["PATH"],  # noqa: TID251 - where Python is
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "REVIEWBOT_API_KEY": KEY,
        "REVIEWBOT_BASE_URL": "http://127.0.0.1:9",
        "REVIEWBOT_REDIS_URL": redis.url,
        "REVIEWBOT_WEBHOOK_SECRETS": f"gitlab={SECRET}",
        "REVIEWBOT_GITLAB_URL": git_url,
    }
    log = folder / "gateway.log"
    with log.open("wb") as sink:
        argv = [sys.executable, "-m", "reviewbot", "gateway", "--port", "0"]
        process = subprocess.Popen(argv, env=environ, cwd=folder, stdout=sink, stderr=sink)
    try:
        while "gateway at " not in log.read_text():
            assert process.poll() is None, log.read_text()
            pause(0.05)
        url = log.read_text().split("gateway at ", 1)[1].split("/v1", 1)[0]
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            yield client
    finally:
        process.terminate()
        process.wait()


@contextmanager
def opened(options: argparse.Namespace, heads: Mapping[int, int]) -> Iterator[Scene]:
    """Start everything but the workers; ``heads`` says how many each request has."""
    answer, calls = attentive(), list[tuple[int, float, float]]()

    def slowly(asked: Prompt) -> Completion:
        found, now_s = _WRONG.search(asked.user), time.time()
        calls.append((int(found[1]) if found else 0, now_s, now_s + options.model_s))
        return replace(answer(asked), delay_s=options.model_s)

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        repo = repository(folder / "forge", options.requests, heads)
        requests = Requests()
        requests.http.start()
        stack.callback(requests.http.stop)
        redis = stack.enter_context(contextmanager(running_redis)(lasting=True))
        projects = {path_of(id_): repo for id_ in (FLOODING, *range(OTHERS, OTHERS + _MOST_OTHERS))}
        git = stack.enter_context(serving_git(projects, frozenset({basic("oauth2", _TOKEN)}), requests.http.url))
        yield Scene(
            folder=folder,
            redis=redis,
            model=stack.enter_context(serving(slowly)),
            requests=requests,
            git_url=git.url,
            hooks=stack.enter_context(_gateway(redis, git.url, folder)),
            repo=repo,
            slots=options.slots,
            asked=calls,
        )
