"""The fake GitHub's faults: each as the real client meets it, and what was stored then."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
from fakes.github_example import APP, Raw, Scene, at, client, pull_request, repainted, scene, served
from fakes.github_server import FakeGitHub
from github import GithubException, RateLimitExceededException
from github.PullRequest import ReviewComment
from gitrepo import environment

LINE: ReviewComment = {"path": APP, "line": 10, "body": "c"}
# A client that posts five comments, one after another, until somebody kills it.
CLIENT = """
import sys, urllib.request
for number in range(5):
    body = b'{"body": "%d"}' % number
    headers = {"Authorization": "Bearer " + sys.argv[2], "Content-Type": "application/json"}
    urllib.request.urlopen(urllib.request.Request(sys.argv[1], data=body, headers=headers)).read()
"""


@pytest.fixture(name="it")
def _scene(tmp_path: Path) -> Scene:
    return scene(tmp_path / "repo")


@pytest.fixture(name="server")
def _server(it: Scene) -> Iterator[FakeGitHub]:
    with served(it) as server:
        yield server


@pytest.mark.parametrize(("after_store", "stored"), [(True, 1), (False, 0)])
def test_a_502_may_come_before_or_after_the_review_is_stored(
    server: FakeGitHub, after_store: bool, stored: int
) -> None:
    server.faults.add("POST", r"/reviews$", 502, after_store=after_store)
    with pull_request(server, server.actions_token()) as pull:
        with pytest.raises(GithubException) as failed:
            pull.create_review(body="b", event="COMMENT", comments=[LINE])
        assert (502, stored, stored) == (failed.value.status, len(server.comments), len(server.emails))
        pull.create_review(body="b", event="COMMENT")
    assert (0, stored + 1) == (server.faults.left, len(server.reviews))


def test_a_hang_ends_in_the_clients_own_timeout_and_may_have_stored(server: FakeGitHub) -> None:
    server.faults.add("POST", r"/reviews$", "hang", after_store=True)
    with client(server, server.actions_token(), timeout=1) as repository:
        pull = repository.get_pull(7)
        with pytest.raises(requests.exceptions.ReadTimeout):
            pull.create_review(body="b", event="COMMENT", comments=[LINE])
    assert 1 == len(server.comments)
    assert [0] == [each.status for each in server.writes]


def test_a_reset_tears_the_connection_down(server: FakeGitHub) -> None:
    server.faults.add("POST", "/comments$", "reset")
    bot = Raw(server=server, token=server.actions_token())
    with pytest.raises(httpx.ReadError, match="reset"):
        bot.comment(line=10)
    assert () == server.comments


@pytest.mark.parametrize(("status", "wait"), [(403, None), (403, 7), (429, None), (429, 7)])
def test_a_secondary_limit_comes_with_and_without_a_time_to_wait(
    server: FakeGitHub, status: int, wait: int | None
) -> None:
    server.faults.add("*", "", "secondary", status=status, retry_after=wait)
    answer = Raw(server=server, token=server.actions_token()).pull("GET", "/reviews")
    said = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
    assert (status, said) == (answer.status_code, answer.json()["message"])
    assert (None if wait is None else str(wait)) == answer.headers.get("Retry-After")


def test_a_primary_limit_is_what_the_client_takes_it_for(server: FakeGitHub) -> None:
    with pull_request(server, server.actions_token()) as pull:
        server.faults.add("GET", r"/pulls/7$", "primary")
        with pytest.raises(RateLimitExceededException) as refused:
            pull.update()
    assert refused.value.headers is not None
    assert ("0", True) == (
        refused.value.headers["x-ratelimit-remaining"],
        refused.value.headers["x-ratelimit-reset"].isdigit(),
    )


def test_a_misspelt_fault_is_refused(server: FakeGitHub) -> None:
    with pytest.raises(AssertionError, match="hangs"):
        server.faults.add("POST", "", "hangs")


def test_a_fault_meets_only_what_it_is_for_and_as_often_as_said(server: FakeGitHub) -> None:
    bot = Raw(server=server, token=server.actions_token())
    large = server.faults
    large.add("POST", "/reviews", 500, times=2, when=lambda asked: len(asked.body["comments"]) > 1)
    found = [bot.review(*[at(10)] * count).status_code for count in (1, 2, 2, 2)]
    assert [200, 500, 500, 200] == found
    assert bot.pull("GET", "/reviews").status_code == 200


def test_the_head_may_move_between_reading_and_posting(it: Scene, server: FakeGitHub) -> None:
    head = repainted(it, {"later.py": "x\n"})
    server.faults.add("POST", r"/reviews$", lambda: server.push(head))
    bot = Raw(server=server, token=server.actions_token())
    assert it.head == bot.pull("GET", "").json()["head"]["sha"]
    bot.review(at(10), commit_id=it.head)
    assert head == bot.pull("GET", "").json()["head"]["sha"]
    assert [(10, it.head)] == [(each.line, each.original_commit) for each in server.comments]


@pytest.mark.parametrize("number", [1, 3, 5])
@pytest.mark.parametrize("answered", [True, False])
def test_a_client_killed_at_a_request_leaves_exactly_what_it_had_stored(
    server: FakeGitHub, number: int, answered: bool
) -> None:
    url, token = f"{server.url}/repos/acme/app/issues/7/comments", server.actions_token()
    started = list[subprocess.Popen[bytes]]()

    def kill() -> None:
        started[0].kill()

    server.faults.cut(number, kill, answered=answered)
    process = subprocess.Popen([sys.executable, "-c", CLIENT, url, token], env=environment(), stderr=subprocess.PIPE)
    started.append(process)
    process.communicate(timeout=20)
    assert [str(each) for each in range(number)] == [remark.body for remark in server.issue_comments]
    server.faults.clear()
    assert Raw(server=server, token=token).pull("GET", "/reviews").status_code == 200
    assert number == len(server.issue_comments)


def test_what_comes_after_a_cut_is_held_and_then_dropped(server: FakeGitHub) -> None:
    bot = Raw(server=server, token=server.actions_token())
    server.faults.cut(1)
    assert bot.comment(line=10).status_code == 201
    with client_that_waits(server, bot.token) as late, pytest.raises(httpx.ReadTimeout):
        late.post("/repos/acme/app/issues/7/comments", json={"body": "late"})
    server.faults.clear()
    assert bot.comment(line=11).status_code == 201
    assert ((), 2) == (server.issue_comments, len(server.comments))


def client_that_waits(server: FakeGitHub, token: str) -> httpx.Client:
    return httpx.Client(base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=0.3)
