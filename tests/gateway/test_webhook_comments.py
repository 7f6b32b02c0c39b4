"""Comments that webhooks tell of: which are to be replied to, and which the bot keeps out of."""

from collections.abc import Iterator

import pytest
from hooks_scene import HEAD, MARK, Hooked, Json, changed, hooked, note, review_comment
from redis_server import RedisServer, running_redis

from reviewbot.domain.job import JobKind


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    yield from running_redis()


@pytest.fixture(scope="module")
def running(redis: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hooked]:
    with hooked(redis, tmp_path_factory.mktemp("hooks")) as found:
        yield found


@pytest.fixture
def at(running: Hooked) -> Hooked:
    running.forget()
    return running


def test_an_answer_in_the_bots_own_thread_is_to_be_replied_to_on_gitlab(at: Hooked) -> None:
    assert (202, "skipped") == at.outcome("gitlab", note(f"Look\n{MARK}", username="reviewer"))
    answer = note("But why?")
    assert (202, "queued") == at.outcome("gitlab", answer)
    job = at.taken()
    assert job is not None
    assert (JobKind.REPLY, "d" * 40, str(answer["object_attributes"]["id"]), HEAD, 7) == (
        job.kind,
        job.thread,
        job.note,
        job.head_sha,
        job.number,
    )


def test_an_answer_in_the_bots_own_thread_is_to_be_replied_to_on_github(at: Hooked) -> None:
    own = review_comment(f"Look\r\n{MARK}", login="app[bot]", kind="Bot")
    root = own["comment"]["id"]
    assert (202, "skipped") == at.outcome("github", own)
    assert (202, "queued") == at.outcome("github", review_comment("But why?", in_reply_to_id=root))
    job = at.taken()
    assert job is not None
    assert (JobKind.REPLY, str(root)) == (job.kind, job.thread)


@pytest.mark.parametrize(
    ("forge", "body"),
    [
        pytest.param("gitlab", note("hm", thread="e" * 40), id="gitlab: a thread of people's"),
        pytest.param("gitlab", note("hm", type=None), id="gitlab: no thread"),
        pytest.param("gitlab", note("added 1 commit", system=True), id="gitlab: a system's note"),
        pytest.param("gitlab", note("hm", internal=True), id="gitlab: an internal note"),
        pytest.param("gitlab", note("hm", action="update"), id="gitlab: an edited note"),
        pytest.param("gitlab", note("hm", noteable_type="Issue"), id="gitlab: a note on an issue"),
        pytest.param("gitlab", note("I am no human", username="project_42_bot_0a1b"), id="gitlab: a bot"),
        pytest.param("gitlab", note("without a mark", username="REVIEWER"), id="gitlab: the bot's own account"),
        pytest.param("gitlab", note(f"> quoted\n\n{MARK}"), id="gitlab: a mark"),
        pytest.param("gitlab", changed(note("hm"), ("merge_request", "state"), "merged"), id="gitlab: merged"),
        pytest.param(
            "gitlab", changed(note("hm"), ("merge_request", "labels"), [{"title": "no-review"}]), id="gitlab: ignored"
        ),
        pytest.param("github", review_comment("hm", in_reply_to_id=1), id="github: a thread of people's"),
        pytest.param("github", review_comment("hm"), id="github: a thread of one's own"),
        pytest.param("github", review_comment("hm", login="x[bot]", kind="Bot"), id="github: a bot"),
        pytest.param("github", review_comment("hm") | {"action": "edited"}, id="github: an edited comment"),
    ],
)
def test_other_comments_are_left_alone(at: Hooked, forge: str, body: Json) -> None:
    at.send("gitlab", note(f"Look\n{MARK}", username="reviewer"))
    assert (202, "skipped") == at.outcome(forge, body)
    assert at.taken() is None


def test_a_strangers_mark_makes_no_thread_the_bots_where_its_account_is_known(at: Hooked) -> None:
    at.send("gitlab", note(f"Look\n{MARK}", username="mallory"))
    assert [] == at.stored()
