"""Which lines the fake GitLab takes, what it says of the others, and where a push moves comments."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.gitlab_scene import NEW, OLD, Scene, scene, text
from fakes.gitlab_server import Rules
from gitlab.exceptions import GitlabCreateError

NO_LINE = """400 Bad request - Note {:line_code=>["can't be blank", "must be a valid line code"]}"""
INCOMPLETE = NO_LINE.removesuffix("}") + ', :position=>["is incomplete"]}'
NO_SCHEMA = '400 Bad request - Note {:position=>["must be a valid json schema"]}'


@pytest.fixture
def at(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        yield found


def code(path: str, old: int, new: int) -> str:
    return f"{hashlib.sha1(path.encode(), usedforsecurity=False).hexdigest()}_{old}_{new}"


@pytest.mark.parametrize(
    ("position", "path", "counters", "line"),
    [
        ({"new_line": 10}, "app.py", (11, 10), "changed 10"),
        ({"new_line": 11}, "app.py", (11, 11), "added 11"),
        ({"old_line": 10}, "app.py", (10, 10), "line 10"),
        ({"old_line": 28}, "app.py", (28, 29), "line 28"),
        ({"old_line": 9, "new_line": 9}, "app.py", (9, 9), "line 9"),
        ({"old_line": 11, "new_line": 12}, "app.py", (11, 12), "line 11"),
        ({"old_line": 18, "new_line": 19}, "app.py", (18, 19), "line 18"),
        ({"old_line": 1, "new_line": 1}, "app.py", (1, 1), "line 1"),
        ({"path": "new.py", "new_line": 2}, "new.py", (0, 2), "b\r"),
        ({"path": "gone.py", "old_line": 1}, "gone.py", (1, 0), "one"),
        ({"path": "after.py", "old_path": "before.py", "new_line": 6}, "after.py", (7, 6), "edited 6"),
        ({"path": "after.py", "old_path": "before.py", "old_line": 6}, "after.py", (6, 6), "kept 6"),
    ],
)
def test_a_line_is_named_by_both_counters_and_stands_where_git_has_it(
    at: Scene, position: dict[str, Any], path: str, counters: tuple[int, int], line: str
) -> None:
    assert code(path, *counters) == at.draft(**position).line_code
    at.discuss(**position)
    (comment,) = at.server.comments()
    assert ("inline", line, path) == (comment.kind, comment.text, comment.path)


@pytest.mark.parametrize(
    "position",
    [
        {"new_line": 9},
        {"old_line": 9},
        {"old_line": 10, "new_line": 10},
        {"old_line": 18, "new_line": 18},
        {"old_line": 31, "new_line": 31},
        {"old_line": 0, "new_line": 0},
        {"new_line": 99},
        {"path": "other.py", "new_line": 1},
        {"path": "new.py", "old_line": 1, "new_line": 1},
        {"path": "purer.py", "old_path": "pure.py", "old_line": 1, "new_line": 1},
        {"new_line": 10, "head_sha": "0" * 40},
        {"new_line": 10, "base_sha": "main"},
    ],
    ids=str,
)
def test_what_is_no_line_of_the_diff_is_refused_but_taken_as_a_draft(at: Scene, position: dict[str, Any]) -> None:
    with pytest.raises(GitlabCreateError) as refused:
        at.discuss(**position)
    assert (400, NO_LINE) == (refused.value.response_code, refused.value.error_message)
    assert at.draft(**position).line_code is None


def test_every_line_of_the_diff_can_be_commented_by_one_pair_of_numbers(at: Scene) -> None:
    for number, line in enumerate(NEW, 1):
        olds = (None, *range(number - 2, number + 3))
        taken = [old for old in olds if at.draft(old_line=old, new_line=number).line_code]
        assert [OLD.index(line) + 1 if line in OLD else None] == taken


def test_without_the_old_path_a_rename_is_another_diff(at: Scene) -> None:
    assert code("after.py", 0, 1) == at.draft(path="after.py", new_line=1).line_code
    assert at.draft(path="after.py", old_path="before.py", new_line=1).line_code is None


def test_a_text_position_without_lines_is_incomplete(at: Scene) -> None:
    body = at.raw("POST", "/discussions", json={"body": "look", "position": at.position()}).json()
    assert {"message": INCOMPLETE} == body


def test_newer_rubies_print_the_same_errors_in_another_way(tmp_path: Path) -> None:
    with scene(tmp_path, Rules(ruby34=True)) as at, pytest.raises(GitlabCreateError) as refused:
        at.discuss(new_line=9)
    assert 'Note {line_code: ["can\'t be blank", "must be a valid line code"]}' in str(refused.value)


def test_a_position_may_hold_nothing_but_what_the_schema_knows(at: Scene) -> None:
    for wrong in ({"side": "RIGHT"}, {"line_range": {"start": {"line": 1}}}, {"old_path": "x" * 1001}):
        position = at.position(new_line=10) | wrong
        assert {"message": NO_SCHEMA} == at.raw("POST", "/discussions", json={"body": "b", "position": position}).json()
        drafted = at.raw("POST", "/draft_notes", json={"note": "b", "position": position})
        assert 400 == drafted.status_code
        assert {"message": {"position": ["must be a valid json schema"]}} == drafted.json()
    assert at.server.drafts == ()


def line_range(start: tuple[int, int], end: tuple[int, int], **more: object) -> dict[str, Any]:
    return {
        "start": {"line_code": code("app.py", *start), "type": "new", **more},
        "end": {"line_code": code("app.py", *end), "type": "new"},
    }


def test_numbers_in_a_range_are_refused_before_18_6(tmp_path: Path) -> None:
    for version, refusals in (((18, 5), 1), ((18, 6), 0)):
        with scene(tmp_path / str(version), Rules(version=version)) as at:
            position = at.position(new_line=11, line_range=line_range((11, 10), (11, 11), new_line=10))
            answer = at.raw("POST", "/draft_notes", json={"note": "b", "position": position})
            assert [201, 400][refusals] == answer.status_code


def test_a_range_shows_all_its_lines(at: Scene) -> None:
    at.discuss(new_line=11, line_range=line_range((9, 9), (11, 11)))
    assert ["line 9\nchanged 10\nadded 11"] == [comment.text for comment in at.server.comments()]
    assert at.server.broken == ()


@pytest.mark.parametrize(
    ("start", "end", "fault"),
    [
        ((11, 10), (11, 10), "the range does not end at the note's own line"),
        ((10, 9), (11, 11), "the range does not start at a line of the diff"),
        ((11, 12), (11, 11), "the range starts behind its end"),
    ],
)
def test_a_wrong_range_is_taken_as_gitlab_does_and_told(
    at: Scene, start: tuple[int, int], end: tuple[int, int], fault: str
) -> None:
    at.discuss(new_line=11, line_range=line_range(start, end))
    assert [("line range", fault)] == [(broken.kind, broken.reason) for broken in at.server.broken]


def test_parameters_are_checked_before_anything_else(at: Scene) -> None:
    without = {name: value for name, value in at.position(new_line=10).items() if name != "head_sha"}
    for path, sent, complaint in (
        ("/draft_notes", {"position": without}, "note is missing, position[head_sha] is missing"),
        ("/discussions", {}, "body is missing"),
        (
            "/discussions",
            {"body": "b", "position": at.position(position_type="line")},
            "position[position_type] does not have a valid value",
        ),
        ("/discussions", {"body": "b", "position": at.position(new_line="ten")}, "position[new_line] is invalid"),
        ("/discussions", {"body": "b", "position": "app.py:10"}, "position is invalid"),
        ("/notes", {"body": ["b"]}, "body is invalid"),
    ):
        answer = at.raw("POST", path, json=sent)
        assert (400, {"error": complaint}) == (answer.status_code, answer.json())


def test_a_number_may_come_as_digits(at: Scene) -> None:
    assert code("app.py", 11, 10) == at.draft(new_line="10", old_line="").line_code


def test_a_file_may_be_commented_since_16_4(tmp_path: Path) -> None:
    for version, kinds in (((16, 3), []), ((16, 4), ["file"])):
        with scene(tmp_path / str(version), Rules(version=version)) as at:
            answer = at.raw("POST", "/discussions", json={"body": "b", "position": at.position(position_type="file")})
            assert kinds == [comment.kind for comment in at.server.comments()]
            assert kinds or {"error": "position[position_type] does not have a valid value"} == answer.json()


def test_a_comment_on_a_file_outside_of_the_diff_is_seen_by_nobody(at: Scene) -> None:
    at.discuss(path="other.py", position_type="file")
    assert ["file"] == [broken.kind for broken in at.server.broken]


def test_a_target_tip_in_place_of_the_merge_base_is_another_diff(at: Scene) -> None:
    at.repo.git("checkout", "--quiet", "main")
    tip = at.repo.commit({"app.py": text(["first", *OLD])})
    wrong = {"base_sha": tip, "start_sha": tip}
    assert at.draft(old_line=11, new_line=10, **wrong).line_code is None
    assert code("app.py", 12, 10) == at.draft(new_line=10, **wrong).line_code
    at.discuss(new_line=10, **wrong)
    assert ["refs"] == [broken.kind for broken in at.server.broken]


def push(at: Scene, lines: list[str]) -> None:
    at.repo.git("checkout", "--quiet", "feature")
    at.repo.commit({"app.py": text(lines)})
    at.server.push()


def test_a_push_moves_comments_whose_lines_are_still_there(at: Scene) -> None:
    at.discuss(new_line=11)
    at.discuss(old_line=28)
    at.discuss(old_line=20, new_line=21)
    at.discuss(position_type="file")
    push(at, ["first", *NEW])
    comments = at.server.comments()
    assert [(None, 12), (28, None), (20, 22), (None, None)] == [(one.old_line, one.new_line) for one in comments]
    assert ["added 11", "line 28", "line 20", None] == [one.text for one in comments]
    assert not any(one.outdated for one in comments)


def test_a_push_leaves_an_outdated_comment_on_its_own_version(at: Scene) -> None:
    before = at.server.request.refs
    at.discuss(new_line=11)
    at.discuss(old_line=10)
    at.discuss(old_line=20, new_line=21)
    push(at, [line for line in OLD if line != "line 20"])
    comments = at.server.comments()
    assert [True, True, True] == [one.outdated for one in comments]
    assert ["added 11", "line 10", "line 20"] == [one.text for one in comments]
    discussions = at.request.discussions.list(get_all=True)
    first = discussions[0].attributes["notes"]
    assert before.head == first[0]["position"]["head_sha"]
    assert [False, True] == [note["system"] for note in first]
    assert discussions[-1].attributes["individual_note"]
    assert 2 == len(at.request.diffs.list(get_all=True))


def test_an_outdated_thread_is_resolved_where_the_project_says_so(tmp_path: Path) -> None:
    with scene(tmp_path, Rules(resolve_outdated=True)) as at:
        at.discuss(new_line=11)
        push(at, OLD)
        assert [True] == [one.resolved for one in at.server.comments()]


def test_a_comment_on_a_version_that_is_no_longer_the_newest_is_moved_or_outdated(at: Scene) -> None:
    old = at.position(new_line=11)
    gone = at.position(new_line=10)
    push(at, ["first", *NEW[:9], "other 10", *NEW[10:]])
    for position in (old, gone):
        at.request.discussions.create({"body": "late", "position": position})
    assert [(12, False), (10, True)] == [(one.new_line, one.outdated) for one in at.server.comments()]
    assert at.server.broken == ()


def test_a_file_that_leaves_the_diff_outdates_its_comments(at: Scene) -> None:
    at.discuss(position_type="file")
    at.discuss(old_line=1, new_line=1)
    push(at, OLD)
    assert [True, True] == [one.outdated for one in at.server.comments()]


def test_a_line_of_a_file_that_is_only_renamed_by_now_is_outdated(at: Scene) -> None:
    at.discuss(path="after.py", old_path="before.py", old_line=7, new_line=7)
    at.repo.commit({"after.py": at.repo.git("show", "main:before.py") + "\n"})
    at.server.push()
    assert [(7, True)] == [(one.new_line, one.outdated) for one in at.server.comments()]


def test_an_outdated_comment_stays_so_when_its_line_comes_back(at: Scene) -> None:
    at.discuss(new_line=11)
    push(at, OLD)
    push(at, NEW)
    assert [(11, True)] == [(one.new_line, one.outdated) for one in at.server.comments()]
