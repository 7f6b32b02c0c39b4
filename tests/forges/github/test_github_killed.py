"""A run killed at any request leaves what the next run completes: the same end, and nothing twice."""

import os
import signal
from functools import cache
from pathlib import Path

import gitrepo
import pytest
from github_plans import NUMBER, OF_EACH_KIND, finding, post
from github_scene import Scene, open_server
from nursery import Child, Nursery

from reviewbot.forges.github import GitHubForge

ROOT = Path(__file__).parents[3]
BORN = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests")))}
REQUESTS = 21
"""How many requests the whole run takes; counted below."""
OLD = finding(20, start=7)
"""Stands from an earlier run, and has done its work."""
RUN = """
import sys
from github_plans import NUMBER, OF_EACH_KIND, post
from reviewbot.forges.github import Access, GitHubForge
api_url, graphql_url, token = sys.argv[1:]
access = Access(api_url=api_url, graphql_url=graphql_url, token=token, repository="acme/app", pause=lambda _: None)
post(GitHubForge(access, NUMBER), *OF_EACH_KIND)
"""


def prepared(path: Path) -> tuple[Scene, str]:
    """Make a pull request that was reviewed once; its server is to be entered."""
    scene = open_server(path)
    return scene, scene.server.app_token()


@cache
def _nursery() -> Nursery:
    return Nursery(("github_plans", "reviewbot.forges.github"), gitrepo.environment(**BORN))


def run_until(scene: Scene, token: str, request: int) -> int:
    """Run in a process of its own, kill it once that request took effect, and give its exit status."""
    argv = ("-c", RUN, scene.server.url, scene.server.graphql_url, token)
    process: list[Child] = []

    def kill() -> None:
        process[0].kill()

    scene.server.faults.cut(request, kill, answered=False)
    process.append(_nursery().start(argv, ROOT, gitrepo.environment(**BORN)))
    ended = process[0].ended(timeout_s=60)
    scene.server.faults.clear()
    assert ended is not None
    code, _, said = ended
    assert code in {0, -signal.SIGKILL}, said.decode()
    return code


def outcome(scene: Scene, token: str) -> dict[str, list[str]]:
    post(GitHubForge(scene.access(token), NUMBER), *OF_EACH_KIND)
    return scene.server.snapshot()


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Give what everybody sees after a run that nothing interrupts."""
    scene, token = prepared(tmp_path_factory.mktemp("whole"))
    with scene.server:
        post(scene.forge(token), OLD)
        before = len(scene.server.log)
        seen = outcome(scene, token)
        assert REQUESTS == len(scene.server.log) - before
        places = [scene.stands(number) for number in (1, 2, 3, 30, 4)]
    assert [["inline"], ["inline"], ["review"], ["review"], ["summary"]] == places
    return seen


@pytest.mark.parametrize("request_number", range(1, REQUESTS + 1))
def test_a_run_killed_at_any_request_is_completed_by_the_next(
    tmp_path: Path, expected: dict[str, list[str]], request_number: int
) -> None:
    scene, token = prepared(tmp_path)
    with scene.server:
        post(scene.forge(token), OLD)
        assert -signal.SIGKILL == run_until(scene, token, request_number)
        assert expected == outcome(scene, token)
        writes = len(scene.server.writes)
        assert expected == outcome(scene, token)
        assert writes == len(scene.server.writes)
