"""The fake GitHub's rules for reviews and comments, asked by raw requests for their exact words."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github_example import (
    APP,
    GONE,
    LOGO,
    MOVED,
    NEW,
    OLD,
    Raw,
    Scene,
    at,
    errors,
    scene,
    served,
)
from fakes.github_refusals import Json
from fakes.github_server import FakeGitHub, Setup

BAD_LINE = (
    "Pull request review thread line must be part of the diff and Pull request review thread diff hunk can't be blank"
)
BAD_PATH = "Pull request review thread path is invalid and Pull request review thread diff hunk can't be blank"
BAD_RANGE = (
    "Pull request review thread line must be part of the diff, Pull request review thread start line must be part of "
    "the same hunk as the line., and Pull request review thread diff hunk can't be blank"
)
BAD_ORDER = "Pull request review thread start line must precede the end line."


@pytest.fixture(name="it")
def _scene(tmp_path: Path) -> Scene:
    return scene(tmp_path / "repo")


@pytest.fixture(name="server")
def _server(it: Scene) -> Iterator[FakeGitHub]:
    with served(it) as server:
        yield server


@pytest.fixture(name="bot")
def _bot(server: FakeGitHub) -> Raw:
    return Raw(server=server, token=server.actions_token())


@pytest.mark.parametrize(
    ("comment", "anchored"),
    [
        (at(10), "added 10"),
        (at(7), "line 7"),
        (at(14, side="RIGHT"), "line 13"),
        (at(10, side="LEFT"), "line 10"),
        (at(25, side="LEFT"), "line 25"),
        (at(11, start_line=9), "line 9\nadded 10\nadded 11"),
        (at(3, path=NEW), "new 3"),
        (at(5, path=MOVED), "row five"),
        (at(5, path=MOVED, side="LEFT"), "row 5"),
        (at(1, path=GONE, side="LEFT"), "bye"),
    ],
)
def test_a_comment_stands_on_the_line_that_git_has_there(
    server: FakeGitHub, bot: Raw, comment: Json, anchored: str
) -> None:
    assert bot.review(comment).status_code == 200
    assert [anchored] == [server.anchored_text(each) for each in server.comments]


@pytest.mark.parametrize(
    ("comment", "error"),
    [
        (at(6), BAD_LINE),
        (at(15), BAD_LINE),
        (at(40), BAD_LINE),
        (at(7, side="LEFT"), BAD_LINE),
        (at(11, side="LEFT"), BAD_LINE),
        (at(1, path=LOGO), BAD_LINE),
        ({"path": APP, "body": "no line"}, BAD_LINE),
        (at(1, path="other.py"), BAD_PATH),
        (at(1, path=OLD), BAD_PATH),
        (at(24, start_line=10), BAD_RANGE),
        (at(8, start_line=1), BAD_RANGE),
        (at(10, start_line=10), BAD_ORDER),
        (at(8, start_line=10), BAD_ORDER),
        (at(10, start_line=25, start_side="LEFT"), BAD_RANGE),
        (at(8, start_line=10, start_side="LEFT"), BAD_ORDER),
        (at(10, body=" "), "Body can't be blank"),
        (at(10, body="x" * 65_537), "Body is too long (maximum is 65536 characters)"),
    ],
)
def test_a_comment_off_the_diff_is_refused_in_githubs_words(
    server: FakeGitHub, bot: Raw, comment: Json, error: str
) -> None:
    answer = bot.review(at(10), comment)
    assert [error] == errors(answer)
    assert "Unprocessable Entity" == answer.json()["message"]
    assert "422" == answer.json()["status"]
    assert () == server.comments + server.reviews


def test_a_range_may_begin_left_and_end_right(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(11, start_line=10, start_side="LEFT"))
    (comment,) = server.comments
    assert ("LEFT", 10, "RIGHT", 11) == (comment.start_side, comment.start_line, comment.side, comment.line)


def test_all_bad_comments_are_refused_together_without_a_word_on_which(bot: Raw) -> None:
    assert [BAD_LINE, BAD_PATH] == errors(bot.review(at(6), at(10), at(7, side="LEFT"), at(1, path="none")))


def test_the_words_of_late_are_other_words(it: Scene) -> None:
    with served(it, setup=Setup(newer_words=True)) as server:
        bot = Raw(server=server, token=server.actions_token())
        asked = (at(6), at(1, path="none"), at(8, start_line=1))
        said = ["Line could not be resolved", "Path could not be resolved", "Start line could not be resolved"]
        assert said == errors(bot.review(*asked))


def test_a_body_may_have_65536_characters_whatever_their_bytes(server: FakeGitHub, bot: Raw) -> None:
    assert bot.review(at(10, body="€" * 65_536), body="é" * 65_536).status_code == 200
    assert ["Body is too long (maximum is 65536 characters)"] == errors(bot.review(body="x" * 65_537))
    assert 1 == len(server.reviews)


def test_a_review_with_nothing_to_say_is_refused(bot: Raw) -> None:
    assert ["Body can't be blank"] == errors(bot.review(body=""))
    assert ["Body can't be blank"] == errors(bot.review(at(10), body=None, event="REQUEST_CHANGES"))
    assert bot.review(at(10), body=None).status_code == 200


def test_a_review_is_one_email_with_all_its_comments_and_answers_200(server: FakeGitHub, bot: Raw) -> None:
    answer = bot.review(*(at(line) for line in range(7, 15)))
    assert (200, "COMMENTED") == (answer.status_code, answer.json()["state"])
    assert [("review", "github-actions[bot]", 8)] == [(each.kind, each.user, each.comments) for each in server.emails]


def test_a_review_without_an_event_is_pending_unseen_and_silent(server: FakeGitHub, bot: Raw) -> None:
    ann = Raw(server=server, token=server.token("ann"))
    number = bot.review(at(10), event=None).json()["id"]
    assert ((), ()) == (server.emails, server.comments)
    assert [["PENDING"], []] == [[each["state"] for each in who.pull("GET", "/reviews").json()] for who in (bot, ann)]
    assert [[], []] == [who.pull("GET", "/comments").json() for who in (bot, ann)]
    seen = [who.pull("GET", f"/reviews/{number}/comments").status_code for who in (bot, ann)]
    assert [200, 404] == seen
    assert ["pending"] == [name for name, found in server.snapshot().items() if found]


def test_a_pending_review_blocks_everything_until_it_is_deleted(server: FakeGitHub, bot: Raw) -> None:
    number = bot.review(at(10), event=None).json()["id"]
    opener = Raw(server=server, token=server.token("ann")).comment(line=11).json()["id"]
    assert ["User can only have one pending review per pull request"] == errors(bot.review(at(11)))
    single = [
        {
            "resource": "PullRequestReview",
            "code": "custom",
            "field": "user_id",
            "message": "user_id can only have one pending review per pull request",
        }
    ]
    assert single == errors(bot.comment(line=11))
    assert single == errors(bot.pull("POST", f"/comments/{opener}/replies", {"body": "r"}))
    assert bot.pull("DELETE", f"/reviews/{number}").status_code == 200
    assert bot.review(at(11)).status_code == 200
    assert [11, 11] == [comment.line for comment in server.comments]


def test_a_pending_review_can_be_submitted_once_and_then_never_deleted(server: FakeGitHub, bot: Raw) -> None:
    number = bot.review(at(10), event=None, body="first").json()["id"]
    assert "COMMENTED" == bot.pull("POST", f"/reviews/{number}/events", {"event": "COMMENT"}).json()["state"]
    assert 1 == len(server.emails)
    again = bot.pull("POST", f"/reviews/{number}/events", {"event": "COMMENT"})
    assert ["Can not submit a review that is not pending"] == errors(again)
    late = bot.review(event=None).json()["id"]
    long = bot.pull("POST", f"/reviews/{late}/events", {"event": "COMMENT", "body": "x" * 65_537})
    assert ["Body is too long (maximum is 65536 characters)"] == errors(long)
    said = ["Can not delete a non-pending pull request review"]
    assert said == errors(bot.pull("DELETE", f"/reviews/{number}"))


def test_a_body_is_edited_without_an_email_by_its_author_only(server: FakeGitHub, bot: Raw) -> None:
    number = bot.review(at(10)).json()["id"]
    comment = server.comments[0].id
    eve = Raw(server=server, token=server.token("eve", role="read"))
    sent = len(server.emails)
    paths = [f"/repos/acme/app/pulls/7/reviews/{number}", f"/repos/acme/app/pulls/comments/{comment}"]
    methods = ["PUT", "PATCH"]
    asked = list(zip(methods, paths, strict=True))
    assert [403, 403] == [eve.ask(method, path, {"body": "mine"}).status_code for method, path in asked]
    assert [200, 200] == [bot.ask(method, path, {"body": "new"}).status_code for method, path in asked]
    assert ("new", "new") == (server.reviews[0].body, server.comments[0].body)
    assert [422, 422] == [bot.ask(method, path, {"body": "x" * 65_537}).status_code for method, path in asked]
    assert sent == len(server.emails)


def test_nobody_approves_or_blocks_a_pull_request_of_their_own(server: FakeGitHub) -> None:
    ann, bob = (Raw(server=server, token=server.token(login)) for login in ("ann", "bob"))
    said = ["Review Can not request changes on your own pull request"]
    assert said == errors(ann.review(event="REQUEST_CHANGES"))
    assert ["Can not approve your own pull request"] == errors(ann.review(event="APPROVE"))
    assert ann.review().status_code == 200
    assert "APPROVED" == bob.review(event="APPROVE").json()["state"]


def test_a_commit_must_be_part_of_the_pull_request(it: Scene, bot: Raw) -> None:
    for foreign in (it.base, it.fork_point, "f" * 40):
        assert ["The commitOID is not part of the pull request"] == errors(bot.review(at(10), commit_id=foreign))
        (error,) = bot.comment(line=10, commit_id=foreign).json()["errors"]
        assert {
            "message": "commit_id is not part of the pull request",
            "resource": "PullRequestReviewComment",
            "field": "commit_id",
            "code": "invalid",
        } == error


def test_single_comments_cost_an_email_each_and_answer_201(server: FakeGitHub, bot: Raw) -> None:
    line, file = bot.comment(line=10), bot.comment(subject_type="file", path=LOGO)
    answered = bot.pull("POST", f"/comments/{line.json()['id']}/replies", {"body": "r"})
    threaded = bot.comment(in_reply_to=line.json()["id"])
    assert [201] * 4 == [each.status_code for each in (line, file, answered, threaded)]
    assert ["comment", "file comment", "reply", "reply"] == [each.kind for each in server.emails]
    assert ("file", None) == (file.json()["subject_type"], file.json()["line"])
    assert line.json()["id"] == answered.json()["in_reply_to_id"]


def test_a_single_comment_is_neither_blank_nor_too_long(server: FakeGitHub, bot: Raw) -> None:
    said = [errors(bot.comment(line=10, body=body)) for body in (" ", "x" * 65_537)]
    fields = [(error["field"], error["code"]) for (error,) in said if isinstance(error, dict)]
    assert [("body", "missing_field"), ("data", "unprocessable")] == fields
    assert () == server.comments


def test_a_comment_on_a_file_is_anchored_to_no_text(server: FakeGitHub, bot: Raw) -> None:
    number = bot.comment(subject_type="file").json()["id"]
    assert [""] == [server.anchored_text(each) for each in server.comments]
    assert [number] == [each["id"] for each in bot.pull("GET", f"/reviews/{server.reviews[0].id}/comments").json()]
    assert "COMMENTED" == bot.pull("GET", f"/reviews/{server.reviews[0].id}").json()["state"]


def test_a_reply_to_a_reply_is_not_found(bot: Raw) -> None:
    opener = bot.comment(line=10).json()["id"]
    answer = bot.pull("POST", f"/comments/{opener}/replies", {"body": "r"}).json()["id"]
    assert 404 == bot.pull("POST", f"/comments/{answer}/replies", {"body": "r"}).status_code


@pytest.mark.parametrize(
    ("asked", "field", "message"),
    [
        ({"line": 6}, "line", "must be part of the diff"),
        ({"line": 24, "start_line": 10}, "start_line", "must be part of the same hunk as the line."),
        ({"line": 9, "start_line": 9}, "start_line", "must precede the end line."),
        ({"line": 1, "path": "none"}, "path", "is invalid"),
    ],
)
def test_a_single_comment_is_refused_in_words_of_its_own(bot: Raw, asked: Json, field: str, message: str) -> None:
    (error,) = errors(bot.comment(**asked))
    name = f"pull_request_review_thread.{field}"
    resource = "PullRequestReviewComment"
    assert {"resource": resource, "code": "custom", "field": name, "message": f"{name} {message}"} == error


def test_a_file_beyond_the_limit_shows_no_patch_and_takes_comments_on_itself_only(it: Scene) -> None:
    with served(it, setup=Setup(patch_lines=12)) as server:
        bot = Raw(server=server, token=server.actions_token())
        shown = {each["filename"]: "patch" in each for each in bot.pull("GET", "/files").json()}
        assert {APP: False, NEW: True, GONE: True, MOVED: True, LOGO: False} == shown
        assert [BAD_LINE] == errors(bot.review(at(10)))
        assert bot.comment(subject_type="file").status_code == 201


def test_a_deleted_comment_is_gone_and_its_replies_stay(server: FakeGitHub, bot: Raw) -> None:
    opener = bot.comment(line=10).json()["id"]
    bot.pull("POST", f"/comments/{opener}/replies", {"body": "r"})
    assert bot.ask("DELETE", f"/repos/acme/app/pulls/comments/{opener}").status_code == 204
    assert 404 == bot.ask("GET", f"/repos/acme/app/pulls/comments/{opener}").status_code
    assert ["r"] == [comment.body for comment in server.comments]
