"""A run killed at any request leaves what the next run completes: the same end, and nothing twice."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import gitrepo
import pytest
from github_plans import NUMBER, OF_EACH_KIND, finding, post
from github_scene import Scene, open_server

from reviewbot.forges.github import GitHubForge

ROOT = Path(__file__).parents[3]
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


def run_until(scene: Scene, token: str, request: int) -> int:
    """Run in a process of its own, kill it once that request took effect, and give its exit status."""
    argv = [sys.executable, "-c", RUN, scene.server.url, scene.server.graphql_url, token]
    folders = [ROOT, ROOT / "tests"]
    environ = gitrepo.environment(PYTHONPATH=os.pathsep.join(map(str, folders)))
    process: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        process[0].kill()

    scene.server.faults.cut(request, kill, answered=False)
    process.append(subprocess.Popen(argv, env=environ, stderr=subprocess.PIPE))
    _, said = process[0].communicate(timeout=60)
    scene.server.faults.clear()
    assert process[0].returncode in {0, -signal.SIGKILL}, said.decode()
    return process[0].returncode


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
