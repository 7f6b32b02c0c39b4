"""Memory of a worker, idle and with a large review in hand, and how soon it ends when it is told to.

    git clone --bare https://github.com/qodo-ai/pr-agent /tmp/pr-agent.git
    python benchmarks/worker.py --repo /tmp/pr-agent.git --base 6605f9c4 --head 0e37fc84

A real Redis, a real git server, the fake GitLab, and a model that answers after 1 s. Two branches are made in the
repository. Memory is read 50 times a second: PSS counts pages that processes share once, the sum of RSS once for each;
between fork and exec a review is there twice that way. Linux only.
"""

import argparse
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Self

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]

from fakes.git_server import serving_git
from fakes.gitlab_server import FakeGitLab
from fakes.model_server import Answer, serving
from gitrepo import Repo
from redis_server import running_redis
from review_queue import a_desk, a_job
from worker_scene import Worker

from reviewbot.repository.bare_git import basic

_SOURCE, _TARGET = "measured-source", "measured-target"
_TOKEN = "made-up-" + "token"


def _family(pid: int) -> list[int]:
    """Give a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            words = _read(entry / "stat").rpartition(")")[2].split()
            if words:
                children.setdefault(int(words[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError:
        return ""  # it has ended


def _mb(pid: int, file: str, field: str) -> float:
    lines = [line for line in _read(Path(f"/proc/{pid}/{file}")).splitlines() if line.startswith(field)]
    return int(lines[0].split()[1]) / 1024 if lines else 0.0


def _pss(pids: list[int]) -> float:
    return sum(_mb(pid, "smaps_rollup", "Pss:") for pid in pids)


def _rss(pids: list[int]) -> float:
    return sum(_mb(pid, "status", "VmRSS:") for pid in pids)


class _Peak:
    """Looks at a worker's memory until the end of a block."""

    def __init__(self, pid: int) -> None:
        self.pss = self.rss = 0.0
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            family = _family(self._pid)
            self.pss, self.rss = max(self.pss, _pss(family)), max(self.rss, _rss(family))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--head", required=True)
    options = parser.parse_args()
    repo = Repo(options.repo)
    for name, commit in ((_SOURCE, options.head), (_TARGET, options.base)):
        repo.git("update-ref", f"refs/heads/{name}", commit)
    header = frozenset({basic("oauth2", _TOKEN)})
    with (
        contextmanager(running_redis)() as redis,
        serving(lambda _: Answer(delay_s=1.0)) as model,
        FakeGitLab(repo, source=_SOURCE, target=_TARGET) as forge,
        serving_git({"group/project": repo}, header, forge.url) as git,
        a_desk(redis.url) as desk,
        tempfile.TemporaryDirectory() as folder,
    ):
        forge.add_user("reviewbot", token=_TOKEN, kind="project", bot=True)
        environ = {"REVIEWBOT_BASE_URL": model.base_url, "REVIEWBOT_GITLAB_URL": git.url, "GITLAB_TOKEN": _TOKEN}
        with Worker(Path(folder), redis.url, environ) as worker:
            worker.until(lambda: worker.said("ready"))
            pid = worker.process.pid
            time.sleep(2)  # noqa: TID251 - a script
            print(f"idle               {_rss([pid]):6.0f} MB RSS {_pss([pid]):6.0f} MB PSS")
            head = repo.git("rev-parse", _SOURCE)
            with _Peak(pid) as peak:
                desk.enqueue(
                    a_job(
                        server=git.url,
                        project_id=42,
                        project="group/project",
                        number=7,
                        head_sha=head,
                        target_branch=_TARGET,
                    )
                )
                worker.until(lambda: worker.said("ended"), 600)
            ended = worker.said("ended")[0]
            how = f"{ended['outcome']}, {ended['ms']} ms"
            print(f"with its review    {peak.rss:6.0f} MB RSS {peak.pss:6.0f} MB PSS, {how}")
            began = time.monotonic()
            code = worker.end()
            print(f"told to end        exit {code} after {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
