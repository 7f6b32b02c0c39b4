"""Discussions and notes of the fake GitLab, by the real python-gitlab."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.gitlab_notes import MOST_CHARACTERS
from fakes.gitlab_scene import Scene, scene
from fakes.gitlab_server import DEVELOPER, MAINTAINER, REPORTER, Rules
from gitlab.exceptions import GitlabCreateError, GitlabHttpError

ANN, EVE = "token-of-ann", "token-of-eve"
LOST = {"message": {"base": ["Thread to reply to cannot be found"]}}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        found.server.add_token(found.server.author, ANN)
        yield found


def bodies(at: Scene) -> list[str]:
    return [comment.body for comment in at.server.comments()]


def test_a_comment_on_the_request_is_individual_until_it_is_answered(at: Scene) -> None:
    at.request.notes.create({"body": "hello"})
    (discussion,) = at.request.discussions.list(get_all=True)
    assert discussion.attributes["individual_note"]
    assert not discussion.attributes["notes"][0]["resolvable"]
    discussion.notes.create({"body": "hello yourself"})
    again = at.request.discussions.get(discussion.id)
    assert not again.attributes["individual_note"]
    assert [True, True] == [note["resolvable"] for note in again.attributes["notes"]]
    assert ["plain", "reply"] == [comment.kind for comment in at.server.comments()]


def test_every_direct_comment_sends_an_email_and_an_edit_none(at: Scene) -> None:
    note = at.request.notes.create({"body": "one"})
    thread = at.discuss("two", new_line=10)
    thread.notes.create({"body": "three"})
    note.body = "one, better"
    note.save()
    assert (3, ["one, better", "two", "three"]) == (at.server.emails, bodies(at))


def test_notes_come_newest_first_unless_asked_otherwise(at: Scene) -> None:
    for body in ("one", "two"):
        at.request.notes.create({"body": body})
    assert ["two", "one"] == [note.body for note in at.request.notes.list(get_all=True)]
    assert ["one", "two"] == [note.body for note in at.request.notes.list(get_all=True, sort="asc")]
    assert "one" == at.request.notes.get(at.server.comments()[0].note_id).body


def test_a_thread_is_resolved_by_developers_and_by_the_author(at: Scene) -> None:
    at.server.add_user("eve", token=EVE, level=REPORTER)
    at.server.state.levels[at.server.author.id] = REPORTER
    thread = at.discuss(new_line=10)
    assert (403, {"message": "403 Forbidden"}) == resolve(at, EVE, thread.id)
    assert 200 == resolve(at, ANN, thread.id)[0]
    (note,) = at.request.discussions.get(thread.id).attributes["notes"]
    assert (True, "ann") == (note["resolved"], note["resolved_by"]["username"])
    thread.resolved = False
    thread.save()
    assert not at.server.comments()[0].resolved


def resolve(at: Scene, token: str, thread: str) -> tuple[int, object]:
    answer = at.raw("PUT", f"/discussions/{thread}?resolved=true", token=token)
    return answer.status_code, answer.json()


def test_the_last_resolved_thread_sends_an_email_of_its_own(at: Scene) -> None:
    threads = [at.discuss(new_line=line) for line in (10, 11)]
    for thread in threads:
        assert ["note", "note"] == [mail.kind for mail in at.server.mails]
        resolve(at, ANN, thread.id)
    assert ["note", "note", "all resolved"] == [mail.kind for mail in at.server.mails]
    assert 2 == at.server.emails


def test_a_note_of_a_thread_changes_its_body_or_its_state_but_not_both(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    (note,) = thread.attributes["notes"]
    path = f"/discussions/{thread.id}/notes/{note['id']}"
    neither = {"error": "body, resolved are missing, exactly one parameter must be provided"}
    assert neither == at.raw("PUT", path, json={}).json()
    both = at.raw("PUT", path, json={"body": "b", "resolved": True})
    assert (400, {"error": "body, resolved are mutually exclusive"}) == (both.status_code, both.json())
    assert at.raw("PUT", path, json={"resolved": True}).json()["resolved"]
    assert "b" == at.raw("PUT", path, json={"body": "b"}).json()["body"]
    assert {"error": "resolved is invalid"} == at.raw("PUT", path, json={"resolved": "perhaps"}).json()
    assert "b" == at.raw("GET", path).json()["body"]
    assert ["b"] == [one["body"] for one in at.raw("GET", f"/discussions/{thread.id}/notes").json()]


def test_only_threads_can_be_resolved(at: Scene) -> None:
    note = at.request.notes.create({"body": "plain"})
    (discussion,) = at.request.discussions.list(get_all=True)
    assert (403, {"message": "403 Forbidden"}) == resolve(at, ANN, discussion.id)
    answer = at.raw("PUT", f"/discussions/{discussion.id}/notes/{note.id}", token=ANN, json={"resolved": True})
    assert {"message": "400 Bad request - Note is not resolvable"} == answer.json()


def test_others_comments_are_changed_by_maintainers_alone(at: Scene) -> None:
    at.server.add_user("eve", token=EVE, level=MAINTAINER)
    note = at.request.notes.create({"body": "mine"})
    refused = at.raw("PUT", f"/notes/{note.id}", token=ANN, json={"body": "hers"})
    assert (403, {"message": "403 Forbidden"}) == (refused.status_code, refused.json())
    assert 200 == at.raw("PUT", f"/notes/{note.id}", token=EVE, json={"body": "hers"}).status_code
    assert 403 == at.raw("DELETE", f"/notes/{note.id}", token=ANN).status_code
    assert ["hers"] == bodies(at)


def test_a_thread_goes_with_its_last_note(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    answer = thread.notes.create({"body": "answer"})
    answer.delete()
    assert ["look"] == bodies(at)
    thread.notes.delete(thread.attributes["notes"][0]["id"])
    assert [] == at.request.discussions.list(get_all=True)


def test_a_note_needs_a_text_of_bearable_length(at: Scene) -> None:
    for body, fault in (
        (" ", "can't be blank"),
        ("x" * (MOST_CHARACTERS + 1), f"is too long (maximum is {MOST_CHARACTERS} characters)"),
    ):
        with pytest.raises(GitlabCreateError) as refused:
            at.request.notes.create({"body": body})
        assert f'400 Bad request - Note {{:note=>["{fault}"]}}' == refused.value.error_message
    note = at.request.notes.create({"body": "x" * MOST_CHARACTERS})
    for path in (f"/notes/{note.id}", f"/discussions/{at.server.comments()[0].discussion_id}/notes"):
        assert 400 == at.raw("PUT" if path.startswith("/notes") else "POST", path, json={"body": ""}).status_code


def test_a_note_of_commands_alone_is_not_stored(at: Scene) -> None:
    answer = at.raw("POST", "/notes", json={"body": "/close"})
    assert (202, {"close": True}) == (answer.status_code, answer.json()["commands_changes"])
    with pytest.raises(GitlabCreateError, match="can't be blank"):
        at.discuss("/close", new_line=10)
    assert ([], 0, 2) == (bodies(at), at.server.emails, len(at.server.quick_actions))


def test_what_acts_in_a_note_is_noticed(at: Scene) -> None:
    at.discuss("hello @ann, see #1", new_line=10)
    assert [("mention", "@ann"), ("reference", "#1")] == [(leak.what.kind, leak.what.text) for leak in at.server.leaks]


def test_a_discussion_on_such_a_line_is_stored_and_fails(at: Scene) -> None:
    at.server.state.unpersisted.add("app.py")
    with pytest.raises(GitlabCreateError) as refused:
        at.discuss(new_line=10)
    assert (500, ["look"]) == (refused.value.response_code, bodies(at))


def test_what_is_not_there_is_not_found(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    for method, path, message in (
        ("GET", "/discussions/" + "0" * 40, "404 Discussion Not Found"),
        ("POST", "/discussions/" + "0" * 40 + "/notes", "404 Discussion Not Found"),
        ("PUT", f"/discussions/{thread.id}/notes/1", "404 Not found"),
        ("DELETE", "/notes/1", "404 Not found"),
        ("DELETE", "/draft_notes/1", "404 Not found"),
    ):
        answer = at.raw(method, path, json={"body": "b"})
        assert (404, {"message": message}) == (answer.status_code, answer.json())
    assert {"error": "404 Not Found"} == at.raw("GET", "/nothing").json()


def test_lists_come_in_pages_of_twenty_and_at_most_a_hundred(at: Scene) -> None:
    for number in range(105):
        at.request.notes.create({"body": str(number)})
    first = at.raw("GET", "/discussions")
    assert (20, "2", "105", "6") == (
        len(first.json()),
        *(first.headers[f"X-{name}"] for name in ("Next-Page", "Total", "Total-Pages")),
    )
    most = at.raw("GET", "/discussions?per_page=1000&page=2")
    assert (5, "", "1") == (len(most.json()), most.headers["X-Next-Page"], most.headers["X-Prev-Page"])
    assert [str(number) for number in range(105)] == [
        one.attributes["notes"][0]["body"] for one in at.request.discussions.list(iterator=True, per_page=50)
    ]


def test_links_of_pages_may_lead_elsewhere_behind_a_proxy(tmp_path: Path) -> None:
    with scene(tmp_path, Rules(external_url="https://gitlab.example")) as at:
        for number in range(21):
            at.request.notes.create({"body": str(number)})
        link = at.raw("GET", "/notes").headers["Link"]
        assert link.startswith("<https://gitlab.example/api/v4/projects/42/merge_requests/7/notes?page=2")
        assert 21 == len(at.request.notes.list(get_all=True))


def test_a_suggestion_is_applied_to_the_file(at: Scene) -> None:
    thread = at.discuss("better:\n```suggestion:-1+1\none\n\n```\n", new_line=10)
    note = thread.attributes["notes"][0]["id"]
    assert "line 8\none\n\nline 11" in at.server.apply_suggestion(note)
    three = "```suggestion\nc\n```\n````suggestion\n```\n````\n~~~suggestion\n~~~"
    windows = at.discuss(three, path="new.py", new_line=2)
    note = windows.attributes["notes"][0]["id"]
    assert ["a\r\nc\r\n", "a\r\n```\r\n", "a\r\n"] == [at.server.apply_suggestion(note, number) for number in range(3)]
    assert at.server.broken == ()


@pytest.mark.parametrize(
    ("offsets", "position", "fault"),
    [
        (":-10", {"new_line": 10}, "begins before the file"),
        (":+21", {"new_line": 10}, "ends behind the file"),
        (":+101", {"new_line": 10}, "reaches more than 100 lines"),
        (":1-2", {"new_line": 10}, "offsets that GitLab does not read: :1-2"),
        ("", {"old_line": 10}, "not on a line of the new text"),
    ],
)
def test_a_suggestion_that_cannot_be_applied_is_told(
    at: Scene, offsets: str, position: dict[str, int], fault: str
) -> None:
    at.discuss(f"```suggestion{offsets}\nx\n```", **position)
    assert [fault] == [broken.reason for broken in at.server.broken]


def test_equal_ends_have_equal_snapshots_whatever_the_way(tmp_path: Path) -> None:
    shots = []
    for number in range(3):
        with scene(tmp_path / str(number)) as at:
            if number == 1:
                at.draft("deleted").delete()
            for line in (10, 11) if number else (11, 10):
                at.discuss(f"run {number} on {line}", new_line=line)
            if number == 2:
                at.draft("left over")
            shots.append(at.server.snapshot(lambda body: body.partition(" on ")[2]))
    assert shots[0] == shots[1] != shots[2]


def test_the_library_raises_what_the_fake_refuses(at: Scene) -> None:
    with pytest.raises(GitlabHttpError) as refused:
        at.client.http_post("/projects/42/merge_requests/7/discussions", post_data={})
    assert (400, "body is missing") == (refused.value.response_code, refused.value.error_message)
    assert DEVELOPER == at.server.state.level(at.bot)


def test_a_note_is_resolved_by_those_who_may_resolve_its_thread(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    at.repo.commit({"app.py": "other\n"})
    at.server.push()
    path = f"/discussions/{thread.id}/notes/{thread.attributes['notes'][0]['id']}"
    at.server.state.levels[at.bot.id] = REPORTER
    assert 403 == at.raw("PUT", path, json={"resolved": True}).status_code
    assert 200 == at.raw("PUT", path, token=ANN, json={"resolved": True}).status_code
    assert 200 == resolve(at, ANN, thread.id)[0]
    assert [True, None] == [note.get("resolved") for note in at.request.discussions.get(thread.id).attributes["notes"]]
