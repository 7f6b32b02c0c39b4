"""Drafts of the fake GitLab, which is lenient where they are made and silent where they are published."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.gitlab_scene import Scene, scene
from fakes.gitlab_server import REPORTER, Rules
from gitlab.exceptions import GitlabUpdateError

ANN = "token-of-ann"
LOST = {"message": {"base": ["Thread to reply to cannot be found"]}}


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        found.server.add_token(found.server.author, ANN)
        yield found


def bodies(at: Scene) -> list[str]:
    return [comment.body for comment in at.server.comments()]


def test_commands_are_run_and_taken_out_of_notes_drafts_and_edits(at: Scene) -> None:
    note = at.request.notes.create({"body": "hello\n/close\nthere"})
    at.raw("PUT", f"/notes/{note.id}", json={"body": "again\r/merge now"})
    at.draft("draft\r\n/approve", new_line=10)
    assert ["/close", "/merge now"] == [command.line for command in at.server.quick_actions]
    at.request.draft_notes.bulk_publish()
    assert ["/close", "/merge now", "/approve"] == [command.line for command in at.server.quick_actions]
    assert ["again", "draft"] == bodies(at)


def test_a_draft_is_seen_by_its_author_alone_until_it_is_published(at: Scene) -> None:
    draft = at.draft(new_line=10)
    assert [draft.id] == [one.id for one in at.request.draft_notes.list(get_all=True)]
    assert [] == at.raw("GET", "/draft_notes", token=ANN).json()
    for method, path in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("PUT", "/publish")):
        answer = at.raw(method, f"/draft_notes/{draft.id}{path}", token=ANN, json={"note": "hers"})
        assert (404, {"message": "404 Not found"}) == (answer.status_code, answer.json())
    assert ("look", draft.line_code) == (at.request.draft_notes.get(draft.id).note, draft.line_code)
    assert [] == bodies(at)


def test_publishing_all_drafts_sends_one_email(at: Scene) -> None:
    for line in (10, 11):
        at.draft(f"on {line}", new_line=line)
    at.draft("summary")
    at.request.draft_notes.bulk_publish()
    assert (["on 10", "on 11", "summary"], 1, ()) == (bodies(at), at.server.emails, at.server.drafts)
    at.request.draft_notes.bulk_publish()
    assert (3, 1) == (len(bodies(at)), at.server.emails)


def test_publishing_takes_leftovers_of_earlier_runs_but_not_those_of_others(at: Scene) -> None:
    at.draft("leftover", new_line=10)
    at.raw("POST", "/draft_notes", token=ANN, json={"note": "a human's"})
    at.draft("of this run", new_line=11)
    at.request.draft_notes.bulk_publish()
    assert ["leftover", "of this run"] == bodies(at)
    assert ["a human's"] == [draft.note for draft in at.server.drafts]


def test_a_draft_whose_line_is_not_there_vanishes_without_a_word(at: Scene) -> None:
    at.draft("nowhere", new_line=9)
    at.draft("somewhere", new_line=10)
    assert 204 == at.raw("POST", "/draft_notes/bulk_publish", json={}).status_code
    assert (["somewhere"], ()) == (bodies(at), at.server.drafts)


def test_an_incomplete_draft_becomes_a_comment_on_the_request(at: Scene) -> None:
    at.request.draft_notes.create({"note": "no line", "position": at.position()})
    at.request.draft_notes.bulk_publish()
    assert [("plain", "no line")] == [(comment.kind, comment.body) for comment in at.server.comments()]


def test_a_draft_without_position_is_a_thread_on_newer_servers(tmp_path: Path) -> None:
    for threads in (True, False):
        with scene(tmp_path / str(threads), Rules(plain_drafts_are_threads=threads)) as at:
            at.draft("summary")
            at.request.draft_notes.bulk_publish()
            (discussion,) = at.request.discussions.list(get_all=True)
            assert threads != discussion.attributes["individual_note"]


def test_an_edited_draft_keeps_its_position_only_if_it_is_sent_again(at: Scene) -> None:
    draft = at.draft(new_line=10)
    draft.note, draft.position = "better", at.position(new_line=11)
    draft.save()
    assert 11 == at.request.draft_notes.get(draft.id).position["new_line"]
    at.raw("PUT", f"/draft_notes/{draft.id}", json={"note": "best"})
    again = at.request.draft_notes.get(draft.id)
    assert ("best", None, None) == (again.note, again.line_code, again.position["new_line"])


def test_an_edit_of_a_draft_needs_a_text_and_a_sound_position(at: Scene) -> None:
    draft = at.draft(new_line=10)
    draft.position = at.position(new_line=11)
    with pytest.raises(GitlabUpdateError, match="400 Bad request - Missing params to modify"):
        draft.save()
    answer = at.raw("PUT", f"/draft_notes/{draft.id}", json={"note": "b", "position": at.position(side="RIGHT")})
    assert {"message": {"position": ["must be a valid json schema"]}} == answer.json()


def test_a_draft_may_be_published_alone(at: Scene) -> None:
    one, two = at.draft("one", new_line=10), at.draft("two", new_line=11)
    two.publish()
    assert (["two"], [one.id], 1) == (bodies(at), [draft.id for draft in at.server.drafts], at.server.emails)
    one.delete()
    assert () == at.server.drafts


def test_a_drafted_answer_resolves_its_thread_or_opens_it_again(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    for resolved in (True, False):
        sent = {"note": "done?", "in_reply_to_discussion_id": thread.id, "resolve_discussion": resolved}
        at.request.draft_notes.create(sent)
        at.request.draft_notes.bulk_publish()
        assert resolved == at.server.comments()[0].resolved
    assert ["look", "done?", "done?"] == bodies(at)


def test_drafted_answers_are_checked_when_they_are_made(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    at.server.push()
    system = at.request.discussions.list(get_all=True)[-1].id
    at.server.state.levels[at.bot.id] = REPORTER
    for sent, body in (
        ({"in_reply_to_discussion_id": "0" * 40}, LOST),
        ({"in_reply_to_discussion_id": system}, {"message": {"base": ["Replies to system notes are not allowed"]}}),
        (
            {"in_reply_to_discussion_id": thread.id, "resolve_discussion": True},
            {"message": {"base": ["User is not allowed to resolve thread"]}},
        ),
    ):
        answer = at.raw("POST", "/draft_notes", json={"note": "n"} | sent)
        assert (400, body) == (answer.status_code, answer.json())
    again = [at.raw("POST", "/draft_notes", json={"note": "n", "in_reply_to_discussion_id": thread.id}) for _ in "ab"]
    assert [201, 400] == [answer.status_code for answer in again]
    assert {"message": {"author_id": ["has already been taken"]}} == again[1].json()
    assert "Discussion can not be replied to" in at.raw("POST", f"/discussions/{system}/notes", json={"body": "b"}).text


def test_a_line_that_the_stored_diff_lacks_breaks_off_a_bulk_publish_half_way(tmp_path: Path) -> None:
    with scene(tmp_path, Rules(patch_bytes=4000)) as at:
        at.repo.commit({"big.py": "a line of some length\n" * 100})
        at.server.push()
        for path, line in (("app.py", 10), ("big.py", 50), ("app.py", 11)):
            at.draft(f"{path} {line}", path=path, new_line=line)
        answer = at.raw("POST", "/draft_notes/bulk_publish", json={})
        assert (500, {"message": "500 Internal Server Error"}) == (answer.status_code, answer.json())
        assert (["app.py 10", "big.py 50"], 3) == (bodies(at), len(at.server.drafts))
        at.raw("POST", "/draft_notes/bulk_publish", json={})
        assert 4 == len(bodies(at))  # each retry publishes the same once more
        assert 0 == at.server.emails


def test_drafts_come_all_at_once(at: Scene) -> None:
    for number in range(25):
        at.draft(str(number))
    answer = at.raw("GET", "/draft_notes")
    assert (25, False) == (len(answer.json()), "X-Total" in answer.headers)


def test_a_thread_resolved_by_a_draft_keeps_its_system_notes_apart(at: Scene) -> None:
    thread = at.discuss(new_line=10)
    at.repo.commit({"app.py": "other\n"})
    at.server.push()
    sent = {"note": "done", "in_reply_to_discussion_id": thread.id, "resolve_discussion": True}
    at.request.draft_notes.create(sent)
    at.request.draft_notes.bulk_publish()
    notes = at.request.discussions.get(thread.id).attributes["notes"]
    assert [(False, True), (True, None), (False, True)] == [(note["system"], note.get("resolved")) for note in notes]
    assert ["note", "review", "all resolved"] == [mail.kind for mail in at.server.mails]


def test_the_stored_diff_is_not_asked_for_lines_of_older_versions(at: Scene) -> None:
    at.draft(new_line=10)
    at.repo.commit({"other.py": "x\n"})
    at.server.push()
    at.server.state.unpersisted.add("app.py")
    at.request.draft_notes.bulk_publish()
    assert ["look"] == bodies(at)


def test_lines_of_collapsed_files_are_lost_or_not_as_the_server_has_it(tmp_path: Path) -> None:
    for lost, status in ((True, 500), (False, 204)):
        with scene(tmp_path / str(lost), Rules(patch_bytes=1500, collapsed_lines_lost=lost)) as at:
            at.draft(new_line=10)
            assert status == at.raw("POST", "/draft_notes/bulk_publish", json={}).status_code
            assert ["look"] == bodies(at)
