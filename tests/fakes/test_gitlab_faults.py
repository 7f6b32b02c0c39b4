"""Everything that goes wrong on purpose between a client and the fake GitLab."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from fakes.gitlab_scene import NEW, TOKEN, Scene, scene, text
from fakes.gitlab_server import FakeGitLab, Logged
from gitlab.exceptions import GitlabCreateError, GitlabHttpError

LIMITED = {"message": {"error": "This endpoint has been requested too many times. Try again later."}}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        yield found


def bodies(at: Scene) -> list[str]:
    return [comment.body for comment in at.server.comments()]


@pytest.mark.parametrize("stored", [False, True])
def test_a_gateway_error_comes_before_or_after_storing(at: Scene, *, stored: bool) -> None:
    at.server.faults.add("POST", "/notes$", "status", status=502, after_store=stored)
    with pytest.raises(GitlabCreateError) as failed:
        at.request.notes.create({"body": "once"})
    assert (502, ["once"] if stored else []) == (failed.value.response_code, bodies(at))
    at.request.notes.create({"body": "again"})
    assert [502, 201] == [logged.status for logged in at.server.writes]


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize(("kind", "error"), [("hang", requests.ReadTimeout), ("reset", requests.ConnectionError)])
def test_an_answer_may_never_come(at: Scene, kind: str, error: type[Exception], *, stored: bool) -> None:
    at.server.faults.add("POST", "/notes$", kind, after_store=stored)
    with pytest.raises(error):
        at.raw("POST", "/notes", json={"body": "once"}, timeout=0.3)
    assert (["once"] if stored else [], [None]) == (bodies(at), [logged.status for logged in at.server.writes])
    assert 201 == at.raw("POST", "/notes", json={"body": "again"}).status_code


@pytest.mark.parametrize("wait", ["3", None])
def test_too_many_requests_may_say_how_long_to_wait(at: Scene, wait: str | None) -> None:
    at.server.faults.add("POST", "discussions", "limit", retry_after=wait)
    answer = at.raw("POST", "/discussions", json={"body": "b"})
    assert (429, wait, LIMITED) == (answer.status_code, answer.headers.get("Retry-After"), answer.json())
    at.server.faults.add("POST", "discussions", "limit")
    with pytest.raises(GitlabHttpError) as failed:
        at.client.http_post("/projects/42/merge_requests/7/discussions", post_data={"body": "b"}, obey_rate_limit=False)
    assert 429 == failed.value.response_code


def test_a_bulk_publish_may_break_off_anywhere_and_leave_every_draft(at: Scene) -> None:
    for published in range(3):
        for line in (10, 11):
            at.draft(str(line), new_line=line)
        at.server.faults.add("POST", "bulk_publish", "partial", published=published)
        answer = at.raw("POST", "/draft_notes/bulk_publish", json={})
        assert (500, {"message": "500 Internal Server Error"}) == (answer.status_code, answer.json())
        assert (published, 2, 0) == (len(bodies(at)), len(at.server.drafts), at.server.emails)
        at.server.state.discussions.clear()
        at.server.state.drafts.clear()


def test_faults_wait_for_their_turn(at: Scene) -> None:
    at.server.faults.add("GET", "/notes$", "status", status=500, skip=1, times=2)
    assert [200, 200, 500, 500, 200] == [
        at.raw("GET", path).status_code for path in ("/notes", "/discussions", "/notes", "/notes", "/notes")
    ]
    assert [] == at.server.faults.waiting


def test_the_head_may_move_between_reading_and_posting(at: Scene) -> None:
    position = at.position(new_line=11)

    def before(logged: Logged) -> None:
        if logged.write:
            at.server.on_request = None
            at.repo.commit({"app.py": text(["first", *NEW])})
            at.server.push()

    at.server.on_request = before
    at.request.discussions.create({"body": "look", "position": position})
    assert [(12, "added 11")] == [(comment.new_line, comment.text) for comment in at.server.comments()]


def test_each_answered_write_is_told(at: Scene) -> None:
    told = list[tuple[int, str]]()
    done = threading.Semaphore(0)

    def hear(number: int, logged: Logged) -> None:
        told.append((number, logged.method))
        done.release()

    at.server.on_answered = hear
    note = at.request.notes.create({"body": "b"})
    at.request.notes.list(get_all=True)
    note.delete()
    assert done.acquire(timeout=5)
    assert done.acquire(timeout=5)
    assert [(1, "POST"), (2, "DELETE")] == told


_WRITER = """
import sys, requests
for number in range(5):
    requests.post(sys.argv[1], headers={"PRIVATE-TOKEN": sys.argv[2]}, json={"body": str(number)}, timeout=60)
"""


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("writes", [0, 1, 3])
def test_a_client_can_be_killed_after_any_write(at: Scene, writes: int, *, answered: bool) -> None:
    at.server.stop_after(writes, answered=answered)
    url = f"{at.server.url}/api/v4/projects/42/merge_requests/7/notes"
    with subprocess.Popen([sys.executable, "-c", _WRITER, url, TOKEN]) as client:
        assert at.server.reached.wait(30)
        client.kill()
    at.server.resume()
    assert [str(number) for number in range(writes)] == bodies(at)
    assert 201 == at.raw("POST", "/notes", json={"body": "after"}).status_code
    assert writes + 1 == len(bodies(at))


def test_nothing_is_done_for_a_killed_client_once_others_are_answered_again(at: Scene) -> None:
    body = b'{"body": "late"}'
    at.server.stop_after(1)
    assert 200 == at.raw("GET", "/notes").status_code
    with socket.create_connection(at.address) as killed:
        assert 201 == at.raw("POST", "/notes", json={"body": "in time"}).status_code
        with pytest.raises(requests.ReadTimeout):
            at.raw("GET", "/notes", timeout=0.3)
        at.server.resume()
        killed.sendall(b"POST /api/v4/projects/42/merge_requests/7/notes HTTP/1.1\r\nHost: localhost\r\n")
        killed.sendall(f"PRIVATE-TOKEN: {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        killed.settimeout(0.3)
        with pytest.raises(TimeoutError):
            killed.recv(1)
    at.request.notes.create({"body": "after"})
    assert ["in time", "after"] == bodies(at)


def test_a_client_that_ends_before_is_not_stopped(at: Scene) -> None:
    at.server.stop_after(3)
    at.request.notes.create({"body": "b"})
    assert not at.server.reached.is_set()


def test_a_defect_of_the_fake_itself_does_not_pass_unseen(at: Scene) -> None:
    def break_down(_: Logged) -> None:
        message = "out of order"
        raise RuntimeError(message)

    def use() -> None:
        with FakeGitLab(at.repo) as server:
            server.on_request = break_down
            assert 500 == requests.get(f"{server.url}/api/v4/version", timeout=5).status_code

    with pytest.raises(RuntimeError, match="out of order"):
        use()
