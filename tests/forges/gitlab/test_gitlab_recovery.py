"""What is left after faults and kills: always the same as without, and nothing twice."""

import os
import signal
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from fakes.gitlab_server import FakeGitLab, Logged
from forges.gitlab import gitlab_scene
from forges.gitlab.gitlab_scene import EVERYWHERE, a_comment, a_forge, a_server, fingerprint, review
from gitrepo import environment
from nursery import Nursery

from reviewbot.domain.finding import Placement
from reviewbot.domain.posting import Posted
from reviewbot.errors import ForgeError
from reviewbot.forges.gitlab.refusals import LostError

BULK = "draft_notes/bulk_publish$"
DRAFTS = "draft_notes$"
COMMENTS = (*EVERYWHERE[:3], a_comment(20, "big.txt", 5), a_comment(21, "app.py", 9_999))
_TESTS = Path(gitlab_scene.__file__).parents[2]
_BORN = {"PYTHONPATH": f"{_TESTS.parent}{os.pathsep}{_TESTS}"}
UNCLEAR = [
    pytest.param(("status", True), id="502 after storing"),
    pytest.param(("status", False), id="502 before storing"),
    pytest.param(("reset", True), id="reset after storing"),
    pytest.param(("reset", False), id="reset before storing"),
    pytest.param(("hang", True), id="silence after storing"),
    pytest.param(("hang", False), id="silence before storing"),
]


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Give what people see after two runs without any fault."""
    with a_server(tmp_path_factory.mktemp("calm")) as server:
        _two_runs(server)
        return server.snapshot()


def _two_runs(server: FakeGitLab) -> tuple[Posted, Posted]:
    """Post all comments, then resolve one, add none, and edit the summary."""
    with a_forge(server, timeout_s=0.25) as forge:
        return review(forge, COMMENTS), review(forge, COMMENTS[1:])


def _assert_settled(server: FakeGitLab, calm: object) -> None:
    """Compare with a run without faults, and see that one more run writes nothing."""
    assert calm == server.snapshot()
    writes = len(server.writes)
    with a_forge(server) as forge:
        assert Posted() == review(forge, COMMENTS[1:])
    assert writes == len(server.writes)


@pytest.mark.parametrize("fault", UNCLEAR)
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(("POST", DRAFTS, 0), id="first draft"),
        pytest.param(("POST", DRAFTS, 4), id="draft without a line"),
        pytest.param(("POST", DRAFTS, 6), id="draft of the summary"),
        pytest.param(("DELETE", DRAFTS.replace("$", "/"), 0), id="removal of a draft"),
        pytest.param(("POST", BULK, 0), id="bulk publish"),
        pytest.param(("PUT", "discussions/", 0), id="closing the summary"),
        pytest.param(("PUT", "discussions/", 1), id="resolving"),
        pytest.param(("PUT", "notes/", 0), id="editing the summary"),
        pytest.param(("GET", "discussions$", 1), id="reading threads"),
        pytest.param(("GET", DRAFTS, 1), id="reading drafts"),
    ],
)
def test_one_unclear_answer_changes_nothing(
    tmp_path: Path, calm: object, where: tuple[str, str, int], fault: tuple[str, bool]
) -> None:
    method, path, skip = where
    kind, after_store = fault
    with a_server(tmp_path) as server:
        server.faults.add(method, path, kind, after_store=after_store, skip=skip)
        _two_runs(server)
        assert [] == server.faults.waiting
        _assert_settled(server, calm)


@pytest.mark.parametrize("published", range(7))
def test_a_review_published_by_half_is_finished(tmp_path: Path, calm: object, published: int) -> None:
    with a_server(tmp_path) as server:
        server.faults.add("POST", BULK, "partial", published=published)
        first, _ = _two_runs(server)
        assert ("GitLab did not publish the review in one piece: it was finished comment by comment.",) == first.notes
        _assert_settled(server, calm)


def test_a_line_missing_from_the_stored_diff_stands_once_though_publishing_fails_on_it(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.state.unpersisted.add("app.py")
        posted = review(forge, EVERYWHERE[:3])
        shown = [fingerprint(comment.body) for comment in server.comments()]
        assert (4, 4, ()) == (len(shown), len(set(shown)), server.drafts)
        assert ("created", ()) == (posted.summary, posted.demoted)
        assert Posted() == review(forge, EVERYWHERE[:3])


def test_a_draft_that_never_gets_published_ends_at_its_file(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.faults.add("POST", BULK, "status", status=500)
        server.faults.add("PUT", "/publish$", "status", status=500, times=6)
        posted = review(forge, EVERYWHERE[:1])
        assert [Placement.FILE] == [place for _, place, _ in posted.demoted]
        assert {EVERYWHERE[0].fingerprint} == {fingerprint(comment.body) for comment in server.comments()}
        # The summary's draft went the same way; it is no finding, and the next run writes it.
        assert "GitLab dropped the summary; the next run writes it again." in posted.notes
        assert "created" == review(forge, EVERYWHERE[:1]).summary
        assert 2 == len(server.comments())


def test_a_server_that_is_still_publishing_after_a_time_out_is_waited_for(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.faults.add("POST", BULK, "status", status=504)
        looks = 0

        def meanwhile(_: float) -> None:
            """Publish one more draft whenever the client waits, as the server behind a proxy would."""
            nonlocal looks
            looks += 1
            if server.drafts and server.faults.waiting == []:
                with a_forge(server) as elsewhere:
                    path = f"{elsewhere._calls.request_path}/draft_notes/{server.drafts[0].id}/publish"
                    elsewhere._calls.once("put", path)

        with a_forge(server, pause=meanwhile) as forge:
            review(forge, EVERYWHERE[:4])
        shown = [fingerprint(comment.body) for comment in server.comments()]
        assert (5, 5) == (len(shown), len(set(shown)))
        assert looks >= 5
        assert [] == [logged for logged in server.writes if logged.status == 404]


@pytest.mark.parametrize(("retry_after", "waited"), [("13", 13.0), (None, 20.0)])
@pytest.mark.parametrize("path", [DRAFTS, BULK])
def test_limits_on_requests_are_waited_out(tmp_path: Path, path: str, retry_after: str | None, waited: float) -> None:
    waits: list[float] = []
    with a_server(tmp_path) as server, a_forge(server, pause=waits.append) as forge:
        server.faults.add("POST", path, "limit", retry_after=retry_after)
        assert Posted(created=9, summary="created") == review(forge, EVERYWHERE)
        assert ([waited], 1) == (waits, server.emails)


def test_drafts_left_by_a_killed_run_are_deleted_even_if_there_is_nothing_to_post(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:1])
        forge._calls.once("post", f"{forge._calls.request_path}/draft_notes", {"note": EVERYWHERE[0].body})
        assert Posted() == review(forge, EVERYWHERE[:1])
        assert (2, ()) == (len(server.comments()), server.drafts)


def test_a_draft_that_is_stored_late_is_not_published_with_the_one_sent_again(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:

        def late(logged: Logged) -> None:
            if logged.method == "POST" and "summary" in logged.params.get("note", ""):
                server.state.drafts.append(replace(server.state.drafts[0], id=server.state.next_id()))

        server.on_request = late
        server.faults.add("POST", DRAFTS, "status")
        assert Posted(created=2, summary="created") == review(forge, EVERYWHERE[:2])
        assert (3, ()) == (len(server.comments()), server.drafts)


@pytest.mark.parametrize("published", [0, 1])
def test_an_old_resolved_thread_does_not_stand_for_the_finding_that_came_back(tmp_path: Path, published: int) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:2])
        review(forge, EVERYWHERE[1:2])
        server.faults.add("POST", BULK, "partial", published=published)
        assert 1 == review(forge, EVERYWHERE[:2]).created
        back = [comment.resolved for comment in server.comments() if EVERYWHERE[0].fingerprint in comment.body]
        assert [False, True] == sorted(back[:1] + back[-1:])


def test_a_server_that_stays_down_is_an_error_and_the_next_run_mends_it(tmp_path: Path, calm: object) -> None:
    with a_server(tmp_path) as server:
        server.faults.add("POST", DRAFTS, "status", status=503, skip=2, times=99)
        with a_forge(server) as forge, pytest.raises(LostError, match="GitLab answered 503"):
            review(forge, COMMENTS)
        assert 2 == len(server.drafts)
        server.faults.waiting.clear()
        _two_runs(server)
        _assert_settled(server, calm)


def test_a_position_that_breaks_the_server_costs_only_its_line(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.faults.add("POST", DRAFTS, "status", status=500, times=3)
        posted = review(forge, EVERYWHERE[:2])
        assert [(EVERYWHERE[0].fingerprint, Placement.FILE)] == [entry[:2] for entry in posted.demoted]
        assert posted.demoted[0][2].startswith("GitLab answered 500")
        assert 3 == len(server.comments())


def test_a_summary_posted_alone_is_not_posted_twice(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.faults.add("POST", "/notes$", "status", after_store=True)
        assert Posted(summary="created") == review(forge, ())
        assert 1 == len(server.comments())


def test_a_summary_posted_alone_is_posted_again_if_it_is_not_there(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.faults.add("POST", "/notes$", "status", times=2)
        assert Posted(summary="created") == review(forge, ())
        assert 1 == len(server.comments())
        server.state.discussions.clear()
        server.faults.add("POST", "/notes$", "status", times=3)
        with pytest.raises(LostError):
            review(forge, ())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", DRAFTS, 404), ("PUT", "discussions/", 409), ("PUT", "notes/", 409), ("DELETE", "draft_notes/", 409)],
)
def test_a_refusal_that_nobody_expects_ends_the_run(tmp_path: Path, method: str, path: str, status: int) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, COMMENTS[:1])
        server.faults.add(method, path, "status", status=status)
        with pytest.raises(ForgeError, match=f"GitLab answered {status}"):
            review(forge, COMMENTS[1:])


def test_a_draft_that_somebody_else_published_meanwhile_is_not_missed(tmp_path: Path, calm: object) -> None:
    with a_server(tmp_path) as server:
        server.faults.add("POST", BULK, "status")
        server.faults.add("PUT", "/publish$", "status", status=404, after_store=True)
        _two_runs(server)
        _assert_settled(server, calm)


def test_a_publishing_that_is_refused_ends_the_run(tmp_path: Path, calm: object) -> None:
    with a_server(tmp_path) as server:
        server.faults.add("POST", BULK, "status")
        server.faults.add("PUT", "/publish$", "status", status=409, skip=2)
        with a_forge(server) as forge, pytest.raises(ForgeError, match="GitLab answered 409"):
            review(forge, COMMENTS)
        _two_runs(server)
        _assert_settled(server, calm)


def test_threads_and_drafts_that_are_gone_already_are_no_error(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, COMMENTS[:2])
        server.faults.add("PUT", "discussions/", "status", status=404)
        server.faults.add("DELETE", "draft_notes/", "status", status=404, after_store=True)
        posted = review(forge, COMMENTS[1:])
        assert (0, "edited") == (posted.resolved, posted.summary)


@cache
def _nursery() -> Nursery:
    return Nursery(("forges.gitlab.gitlab_scene", "gitlab.v4.objects"), environment(**_BORN))


def _killed_after(server: FakeGitLab, writes: int, skip: int, *, answered: bool) -> bool:
    """Run a review in a process of its own and kill it after so many writes; tell whether it got that far."""
    server.stop_after(writes, answered=answered)
    process = _nursery().start(
        ("-m", "forges.gitlab.gitlab_scene", server.url, str(skip)), _TESTS, environment(**_BORN)
    )
    while (ended := process.ended(0)) is None and not server.reached.wait(0.01):
        pass
    if ended is None:
        process.kill()
        ended = process.ended(60)
    server.resume()
    assert ended is not None
    code, _, told = ended
    assert code in (0, -signal.SIGKILL), told.decode()
    return code != 0


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "unanswered"])
@pytest.mark.parametrize(("before", "now", "most"), [(None, 5, 7), (5, 6, 2)], ids=["first run", "second run"])
def test_a_run_killed_after_any_write_is_mended_by_the_next(
    tmp_path: Path, before: int | None, now: int, most: int, answered: bool
) -> None:
    """The second run resolves one thread and edits the summary."""
    ends: list[object] = []
    killed = True
    while killed:
        with a_server(tmp_path / str(len(ends))) as server, a_forge(server) as forge:
            if before is not None:
                review(forge, EVERYWHERE[before:])
            killed = _killed_after(server, len(ends) + 1, now, answered=answered)
            review(forge, EVERYWHERE[now:])
            ends.append(server.snapshot())
    # The last one was not killed: it had no more to write.
    assert [ends[-1]] * (most + 1) == ends
