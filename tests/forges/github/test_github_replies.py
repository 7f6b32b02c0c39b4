"""Replies on GitHub: each once, whatever nobody knows of it, and threads resolved after them."""

import pytest
from github_plans import NUMBER, finding
from github_scene import Scene

from reviewbot.domain.posting import Posted, PostingPlan, Reply, Summary
from reviewbot.domain.thread import Thread
from reviewbot.errors import ForgeError
from reviewbot.forges.github import GitHubForge

REPLIES = r"/comments/\d+/replies$"


def on_the_diff(forge: GitHubForge) -> list[Thread]:
    return [thread for thread in forge.threads() if thread.path is not None]


def begun(scene: Scene, forge: GitHubForge, count: int = 1) -> list[Thread]:
    """Review, and let somebody answer in each thread."""
    scene.post(forge, *(finding(number, start=4 + number) for number in range(1, count + 1)))
    carl = scene.server.token("carl")
    for thread in on_the_diff(forge):
        scene.say(carl, f"pulls/{NUMBER}/comments/{thread.opener.id}/replies", body="Why?")
    return on_the_diff(forge)


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


def post(forge: GitHubForge, *replies: Reply) -> Posted:
    summary = Summary(thread_id="t", note_id="1", body=None)
    plan = PostingPlan(request=forge.request(), create=(), keep=(), resolve=(), summary=summary, replies=replies)
    return forge.carry_out(plan, lambda _: None)


def answers(scene: Scene) -> int:
    return scene.titles.count("So it is.")


def test_a_reply_stands_in_its_thread_and_what_gives_in_closes_it(scene: Scene) -> None:
    forge = scene.forge()
    first, second = begun(scene, forge, 2)
    emails = len(scene.server.emails)
    assert Posted(replied=2, resolved=1) == post(forge, a_reply(first), a_reply(second, resolves=False))
    assert [True, False] == [thread.resolved for thread in on_the_diff(forge)]
    assert ["So it is."] * 2 == [thread.notes[-1].body.partition("\n")[0] for thread in on_the_diff(forge)]
    assert emails + 2 == len(scene.server.emails)


def test_a_second_job_with_the_same_reply_says_nothing(scene: Scene) -> None:
    forge = scene.forge()
    (thread,) = begun(scene, forge)
    post(forge, a_reply(thread, resolves=False))
    assert Posted() == post(forge, a_reply(thread))
    assert 1 == answers(scene)


@pytest.mark.parametrize("kind", [502, "reset", "hang"])
@pytest.mark.parametrize("stored", [True, False])
def test_a_reply_whose_outcome_is_unknown_stands_once(scene: Scene, kind: int | str, stored: bool) -> None:
    forge = scene.forge()
    (thread,) = begun(scene, forge)
    scene.server.faults.add("POST", REPLIES, kind, after_store=stored)
    assert Posted(replied=1, resolved=1) == post(forge, a_reply(thread))
    assert 1 == answers(scene)


@pytest.mark.parametrize("status", [404, 422])
def test_a_reply_that_github_does_not_take_is_told_and_closes_nothing(scene: Scene, status: int) -> None:
    forge = scene.forge()
    (thread,) = begun(scene, forge)
    scene.server.faults.add("POST", REPLIES, status)
    posted = post(forge, a_reply(thread))
    assert (0, 0) == (posted.replied, posted.resolved)
    assert posted.notes[0].startswith("A reply was not taken: ")


def test_a_refusal_for_another_reason_ends_the_run(scene: Scene) -> None:
    forge = scene.forge()
    (thread,) = begun(scene, forge)
    scene.server.faults.add("POST", REPLIES, 401)
    with pytest.raises(ForgeError, match="401"):
        post(forge, a_reply(thread))


def test_a_thread_of_somebody_else_gets_no_reply(scene: Scene) -> None:
    scene.remark(scene.server.token("carl"))
    forge = scene.forge()
    (thread,) = on_the_diff(forge)
    assert Posted() == post(forge, a_reply(thread))


def test_who_may_write_is_asked_of_github(scene: Scene) -> None:
    scene.remark(scene.server.token("carl"))
    scene.remark(scene.server.token("mallory", role="read"))
    forge = scene.forge()
    people = {thread.opener.author.name: forge.writes(thread.opener.author) for thread in on_the_diff(forge)}
    assert {"carl": True, "mallory": False} == people
