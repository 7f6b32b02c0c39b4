"""A review posted to a GitLab that stands on a real git repository: where everything lands, and at what cost."""

import time
from pathlib import Path

import pytest
from fakes.gitlab_server import REPORTER, FakeGitLab, Logged, Rules
from forges.gitlab.gitlab_scene import ANCHORED, EVERYWHERE, a_comment, a_forge, a_server, fingerprint, review

from reviewbot.domain.finding import Placement
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Posted, PostingPlan, Summary
from reviewbot.errors import Superseded

OTHER = "glpat" + "-other-" + "0123456789abcdef"


def kinds(server: FakeGitLab) -> dict[str | None, str]:
    """Say for each finding as what it stands; the summary is None."""
    shown = [comment for comment in server.comments() if comment.author == "project_42_bot_9"]
    assert len(shown) == len({fingerprint(comment.body) for comment in shown}), "a finding stands twice"
    return {fingerprint(comment.body): comment.kind for comment in shown}


def test_every_comment_stands_at_the_lines_that_it_speaks_of(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        posted = review(forge, EVERYWHERE)
        texts = {fingerprint(comment.body): comment.text for comment in server.comments()}
        assert dict(zip([comment.fingerprint for comment in EVERYWHERE], ANCHORED, strict=True)) == {
            key: text for key, text in texts.items() if key
        }
        assert Posted(created=9, summary="created") == posted
        assert (1, (), ()) == (server.emails, server.broken, server.drafts)


def test_a_second_run_on_the_same_head_writes_nothing(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE)
        before = (server.snapshot(), len(server.writes))
        assert Posted() == review(forge, EVERYWHERE)
        assert (before, 1) == ((server.snapshot(), len(server.writes)), server.emails)


def test_what_cannot_stand_at_its_line_stands_at_its_file_and_else_in_the_summary(tmp_path: Path) -> None:
    comments = (
        a_comment(1, "big.txt", 700),
        a_comment(2, "logo.bin", 1),
        a_comment(3, "app.py", 10_000),
        a_comment(4, "quiet.py", 1),
        a_comment(5, "nowhere.py", None),
        a_comment(6, "app.py", 10),
        a_comment(7, "added.py", 99),
    )
    with a_server(tmp_path) as server, a_forge(server) as forge:
        posted = review(forge, comments)
        at_file = (*comments[:3], comments[6])
        expected = {a.fingerprint: "file" for a in at_file} | {comments[5].fingerprint: "inline", None: "plain"}
        assert expected == kinds(server)
        assert (
            (comments[0].fingerprint, Placement.FILE, "GitLab does not show the file's diff (collapsed)"),
            (comments[1].fingerprint, Placement.FILE, "GitLab does not show the file's diff (binary)"),
            (comments[2].fingerprint, Placement.FILE, "GitLab did not find the lines in its diff"),
            (comments[3].fingerprint, Placement.SUMMARY, "the file is not in GitLab's diff"),
            (comments[4].fingerprint, Placement.SUMMARY, "the file is not in GitLab's diff"),
            (comments[6].fingerprint, Placement.FILE, "the lines are not in GitLab's diff"),
        ) == posted.demoted
        assert 5 == posted.created
        summary = next(comment for comment in server.comments() if comment.kind == "plain")
        assert f"- {comments[3].fingerprint} summary\n" in summary.body
        assert (1, ()) == (server.emails, server.drafts)
        assert Posted() == review(forge, comments)


def test_a_server_that_knows_no_comments_on_files_gets_them_in_the_summary(tmp_path: Path) -> None:
    comments = (a_comment(1, "logo.bin", None), a_comment(2, "app.py", 10))
    with a_server(tmp_path, Rules(version=(16, 3))) as server, a_forge(server) as forge:
        posted = review(forge, comments)
        assert {comments[1].fingerprint: "inline", None: "plain"} == kinds(server)
        assert [(comments[0].fingerprint, Placement.SUMMARY)] == [entry[:2] for entry in posted.demoted]
        assert "does not have a valid value" in posted.demoted[0][2]


@pytest.mark.parametrize("version", [(15, 6), (18, 6)])
def test_older_and_newer_servers_take_ranges_and_lines(tmp_path: Path, version: tuple[int, int]) -> None:
    comments = EVERYWHERE[:8]
    with a_server(tmp_path, Rules(version=version)) as server, a_forge(server) as forge:
        assert Posted(created=8, summary="created") == review(forge, comments)
        assert () == server.broken


def test_what_gitlab_drops_on_publishing_is_posted_again_at_its_file(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:

        def spoil(logged: Logged) -> None:
            if logged.path.endswith("bulk_publish"):
                for draft in server.state.drafts[:1]:
                    draft.note = " "  # invalid: GitLab drops it, and answers 204
                server.on_request = None

        server.on_request = spoil
        posted = review(forge, EVERYWHERE[:2])
        first, second = (comment.fingerprint for comment in EVERYWHERE[:2])
        assert {first: "file", second: "inline", None: "plain"} == kinds(server)
        assert ((first, Placement.FILE, "GitLab dropped it when the review was published"),) == posted.demoted
        summary = next(comment for comment in server.comments() if comment.kind == "plain")
        assert f"- {first} file\n" in summary.body


def test_what_gitlab_drops_at_its_file_too_ends_in_the_summary(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:

        def spoil(logged: Logged) -> None:
            if logged.path.endswith("bulk_publish"):
                for draft in server.state.drafts:
                    draft.note = draft.note if "summary" in draft.note else " "

        server.on_request = spoil
        posted = review(forge, EVERYWHERE[:2])
        keys = [comment.fingerprint for comment in EVERYWHERE[:2]]
        assert (0, [(key, Placement.SUMMARY) for key in keys]) == (posted.created, [at[:2] for at in posted.demoted])
        assert ["plain"] == [comment.kind for comment in server.comments()]
        assert Posted() == review(forge, EVERYWHERE[:2])


def test_without_a_text_there_is_no_summary(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        summary = Summary(thread_id=None, note_id=None, body=None)
        plan = PostingPlan(request=forge.request(), create=EVERYWHERE[:1], keep=(), resolve=(), summary=summary)
        assert Posted(created=1) == forge.carry_out(plan, lambda _: None)
        assert [EVERYWHERE[0].fingerprint] == [fingerprint(comment.body) for comment in server.comments()]


def test_a_summary_that_gitlab_drops_is_said_to_be_missing_and_comes_with_the_next_run(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:

        def spoil(logged: Logged) -> None:
            if logged.path.endswith("bulk_publish"):
                server.state.drafts[-1].note = " "

        server.on_request = spoil
        posted = review(forge, EVERYWHERE[:1])
        assert ("kept", ("GitLab dropped the summary; the next run writes it again.",)) == (
            posted.summary,
            posted.notes,
        )
        server.on_request = None
        assert Posted(summary="created") == review(forge, EVERYWHERE[:1])


def test_the_summary_is_edited_without_an_e_mail(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:3])
        posted = review(forge, EVERYWHERE[1:3])
        assert Posted(resolved=1, summary="edited") == posted
        assert 1 == server.emails
        resolved = {fingerprint(comment.body): comment.resolved for comment in server.comments()}
        assert (True, False) == (resolved[EVERYWHERE[0].fingerprint], resolved[EVERYWHERE[1].fingerprint])


@pytest.mark.parametrize("threads", [True, False], ids=["newer servers", "older servers"])
def test_the_summary_never_stays_an_open_thread(tmp_path: Path, threads: bool) -> None:
    with a_server(tmp_path, Rules(plain_drafts_are_threads=threads)) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:1])
        summary = server.state.discussions[-1]
        assert (threads, threads) == (summary.resolvable, summary.resolved)


def test_a_summary_alone_is_a_plain_comment_with_one_e_mail(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        assert Posted(summary="created") == review(forge, ())
        assert [None] == [note.type for _, note in server.state.notes()]
        assert ["note"] == [mail.kind for mail in server.mails]


def test_a_summary_that_a_person_answered_stays_open(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.add_token(server.author, OTHER)
        with a_forge(server) as forge, a_forge(server, OTHER) as human:
            review(forge, EVERYWHERE[:1])
            thread = human.threads()[-1]
            human._calls.once("post", f"{human._calls.request_path}/discussions/{thread.id}/notes", {"body": "why?"})
            assert not forge.threads()[-1].resolved
            review(forge, EVERYWHERE[:1])
            assert not forge.threads()[-1].resolved


def test_a_summary_deleted_meanwhile_comes_with_the_next_run(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:2])

        def delete() -> None:
            del server.state.discussions[-1]

        posted = review(forge, EVERYWHERE[1:2], delete)
        assert ("kept", ("The summary was deleted meanwhile; the next run writes a new one.",)) == (
            posted.summary,
            posted.notes,
        )
        assert "created" == review(forge, EVERYWHERE[1:2]).summary


def test_nothing_is_written_once_a_newer_push_has_come(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:

        def push() -> None:
            server.state.diffs.repo.commit({"app.py": "all new\n"})
            server.push()

        with pytest.raises(Superseded, match="a newer commit"):
            review(forge, EVERYWHERE, push)
        assert () == server.writes


def test_a_push_while_comments_are_staged_outdates_them_and_loses_none(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:

        def push(logged: Logged) -> None:
            if logged.path.endswith("bulk_publish"):
                server.on_request = None
                server.state.diffs.repo.commit({"app.py": "all new\n"})
                server.push()

        server.on_request = push
        assert Posted(created=3, summary="created") == review(forge, EVERYWHERE[:3])
        assert 4 == len(kinds(server))
        assert Posted() == review(forge, EVERYWHERE[:3])


def test_a_position_that_gitlab_refuses_ends_at_its_file(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        server.faults.add("POST", "draft_notes$", "status", status=400)
        posted = review(forge, EVERYWHERE[:2])
        assert [(EVERYWHERE[0].fingerprint, Placement.FILE)] == [entry[:2] for entry in posted.demoted]
        assert "GitLab answered 400" in posted.demoted[0][2]


def test_after_a_push_every_finding_still_stands_once(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:3])
        server.state.diffs.repo.commit(
            {"app.py": "shifted\n" + server.state.diffs.repo.git("show", "feature:app.py") + "\n"}
        )
        server.push()
        assert Posted() == review(forge, EVERYWHERE[:3])
        assert 4 == len(kinds(server))


def test_a_finding_that_comes_back_gets_a_new_thread(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:2])
        review(forge, EVERYWHERE[1:2])
        assert 1 == review(forge, EVERYWHERE[:2]).created
        shown = [(fingerprint(comment.body), comment.resolved) for comment in server.comments()]
        first = EVERYWHERE[0].fingerprint
        assert [True, False] == sorted((resolved for key, resolved in shown if key == first), reverse=True)


def test_another_persons_copy_of_a_mark_proves_nothing(tmp_path: Path) -> None:
    with a_server(tmp_path) as server:
        server.add_token(server.author, OTHER)
        with a_forge(server) as forge, a_forge(server, OTHER) as human:
            human._calls.once("post", f"{human._calls.request_path}/discussions", {"body": EVERYWHERE[0].body})
            server.faults.add("POST", "bulk_publish$", "partial", published=0)
            assert 1 == review(forge, EVERYWHERE[:1]).created
            assert 2 == len(kinds(server))


def test_a_persons_own_drafts_are_neither_published_nor_deleted(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        forge._calls.once("post", f"{forge._calls.request_path}/draft_notes", {"note": "not ready yet"})
        posted = review(forge, EVERYWHERE[:2])
        assert ["not ready yet"] == [draft.note for draft in server.drafts]
        assert 3 == len(kinds(server))
        assert "has drafts of its own" in posted.notes[0]
        assert 1 == len(posted.notes)


def test_without_the_right_to_resolve_threads_stay_open_and_that_is_told(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, EVERYWHERE[:3])
        bot = server.state.users[-1]
        server.state.levels[bot.id] = REPORTER
        server.state.discussions[-1].notes[0].resolved_by = None
        posted = review(forge, EVERYWHERE[2:3])
        assert (0, "edited") == (posted.resolved, posted.summary)
        assert "Threads that are done stay open: GitLab answered 403" in posted.notes[0]
        assert "The summary stays an open thread: GitLab answered 403" in posted.notes[1]


def test_thirty_findings_take_less_than_two_seconds_of_work(tmp_path: Path) -> None:
    comments = [a_comment(number, "app.py", number) for number in range(1, 31)]
    with a_server(tmp_path) as server, a_forge(server) as forge:
        begin = time.process_time()
        posted = review(forge, comments)
        elapsed_s = time.process_time() - begin
        assert (30, (), 1) == (posted.created, posted.demoted, server.emails)
        assert elapsed_s < 2


def test_a_removed_line_of_a_renamed_file_is_found_under_its_old_name(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        review(forge, [a_comment(1, "new_name.py", 15, side=Side.LEFT)])
        assert ["row 15"] == [comment.text for comment in server.comments() if comment.kind == "inline"]
