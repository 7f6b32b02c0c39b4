"""Replies on GitLab: drafts that are published with the rest, each once, and threads resolved after them."""

from dataclasses import replace
from pathlib import Path

import pytest
import requests
from fakes.gitlab_server import DEVELOPER, REPORTER, FakeGitLab
from forges.gitlab.gitlab_scene import TOKEN, a_comment, a_forge, a_server, review

from reviewbot.domain.posting import Posted, PostingPlan, Reply, Summary
from reviewbot.domain.thread import Thread
from reviewbot.errors import ForgeError
from reviewbot.forges.gitlab import GitLabForge

PERSON = "token-" + "of-carl"
OTHER = "token-" + "of-dora"
BULK = "draft_notes/bulk_publish$"


def ask(server: FakeGitLab, token: str, path: str, **body: str) -> None:
    """Write to the merge request's API with somebody's own program."""
    url = f"{server.url}/api/v4/projects/42/merge_requests/7/{path}"
    requests.post(url, headers={"PRIVATE-TOKEN": token}, json=body, timeout=10).raise_for_status()


def begun(server: FakeGitLab, forge: GitLabForge, count: int = 1) -> list[Thread]:
    """Review, and let somebody answer in each thread."""
    server.add_user("carl", token=PERSON, level=DEVELOPER)
    review(forge, [a_comment(number, "app.py", 10 + number) for number in range(count)])
    threads = [thread for thread in forge.threads() if thread.path is not None]
    for thread in threads:
        ask(server, PERSON, f"discussions/{thread.id}/notes", body="Why?")
    return [thread for thread in forge.threads() if thread.path is not None]


def a_reply(thread: Thread, *, resolves: bool = True) -> Reply:
    note = thread.notes[-1].id
    return Reply(
        thread_id=thread.id,
        opener_id=thread.opener.id,
        note_id=note,
        fingerprint="0" * 32,
        title="finding",
        body=f"So it is.\n\n<!-- reviewbot:v1 reply to={note} closes=writer head=1a2b3c4d sig=- -->",
        resolves=resolves,
    )


def post(forge: GitLabForge, *replies: Reply) -> Posted:
    summary = Summary(thread_id="t", note_id="1", body=None)
    plan = PostingPlan(request=forge.request(), create=(), keep=(), resolve=(), summary=summary, replies=replies)
    return forge.carry_out(plan, lambda _: None)


def answers(server: FakeGitLab) -> list[str]:
    return [one.body for one in server.comments() if one.kind == "reply" and "So it is." in one.body]


def test_all_replies_of_a_run_cost_one_email_and_then_threads_are_resolved(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        first, second = begun(server, forge, 2)
        emails = server.emails
        assert Posted(replied=2, resolved=1) == post(forge, a_reply(first), a_reply(second, resolves=False))
        assert (2, emails + 1, ()) == (len(answers(server)), server.emails, server.drafts)
        assert [True, False] == [thread.resolved for thread in forge.threads() if thread.path is not None]


def test_a_second_job_with_the_same_reply_says_nothing(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        (thread,) = begun(server, forge)
        post(forge, a_reply(thread, resolves=False))
        assert Posted() == post(forge, a_reply(thread))
        assert 1 == len(answers(server))


@pytest.mark.parametrize("kind", ["status", "reset", "hang"])
@pytest.mark.parametrize("where", ["draft_notes$", BULK])
@pytest.mark.parametrize("stored", [True, False])
def test_a_reply_whose_outcome_is_unknown_stands_once(tmp_path: Path, where: str, kind: str, stored: bool) -> None:
    with a_server(tmp_path) as server, a_forge(server, timeout_s=0.25) as forge:
        (thread,) = begun(server, forge)
        server.faults.add("POST", where, kind, after_store=stored)
        posted = post(forge, a_reply(thread))
        assert (1, 1, 1, ()) == (posted.replied, posted.resolved, len(answers(server)), server.drafts)


def test_a_draft_that_a_killed_run_left_is_not_published_beside_the_new_one(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        (thread,) = begun(server, forge)
        reply = a_reply(thread)
        ask(server, TOKEN, "draft_notes", note=reply.body, in_reply_to_discussion_id=thread.id)
        assert 1 == post(forge, reply).replied
        assert (1, ()) == (len(answers(server)), server.drafts)


def test_a_thread_that_is_gone_gets_no_reply(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        (thread,) = begun(server, forge)
        assert Posted() == post(forge, replace(a_reply(thread), thread_id="f" * 40))


def test_a_refusal_for_another_reason_ends_the_run(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        (thread,) = begun(server, forge)
        server.faults.add("POST", "draft_notes$", "status", status=401)
        with pytest.raises(ForgeError, match="401"):
            post(forge, a_reply(thread))


def test_a_reply_that_gitlab_does_not_take_is_told_and_closes_nothing(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        (thread,) = begun(server, forge)
        server.faults.add("POST", "draft_notes$", "status", status=400)
        posted = post(forge, a_reply(thread))
        assert (0, 0) == (posted.replied, posted.resolved)
        assert "A reply was not taken: GitLab answered 400" in posted.notes[0]


def test_who_may_write_is_asked_of_gitlab(tmp_path: Path) -> None:
    with a_server(tmp_path) as server, a_forge(server) as forge:
        (thread,) = begun(server, forge)
        server.add_user("dora", token=OTHER, level=REPORTER)
        ask(server, OTHER, f"discussions/{thread.id}/notes", body="Hm.")
        (now,) = [thread for thread in forge.threads() if thread.path is not None]
        assert [True, False] == [forge.writes(note.author) for note in now.notes[1:]]
