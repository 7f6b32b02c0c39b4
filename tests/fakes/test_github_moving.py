"""Where the comments of the fake GitHub stand after a push."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github_example import APP, NEW, Raw, Scene, at, numbered, repainted, scene, served
from fakes.github_server import FakeGitHub


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


def test_a_review_of_an_older_commit_is_placed_where_its_lines_stand_now(
    it: Scene, server: FakeGitHub, bot: Raw
) -> None:
    lines = numbered(5, "new")
    server.push(repainted(it, {NEW: ["above", *lines[:3], "changed", lines[4]]}))
    bot.review(at(2, path=NEW), at(4, path=NEW), commit_id=it.head)
    assert [(3, False), (None, True)] == [(each.line, each.outdated) for each in server.comments]
    assert ["new 2", "new 4"] == [server.anchored_text(each) for each in server.comments]


def test_comments_go_with_their_lines_or_become_outdated(it: Scene, server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10), at(13, start_line=12), at(24), at(25, side="LEFT"), at(3, path=NEW), at(11, start_line=10))
    app = it.repo.git("show", f"{it.head}:{APP}").split("\n")
    app[10:11] = ["added 11 again", "and 12"]
    server.push(repainted(it, {APP: app, NEW: numbered(2, "new")}))
    found = [(each.original_line, each.start_line, each.line, each.outdated) for each in server.comments]
    expected = [
        (10, None, 10, False),
        (13, 13, 14, False),
        (24, None, 25, False),
        (25, None, 25, False),
        (3, None, None, True),
        (11, None, None, True),
    ]
    assert expected == found
    outdated = bot.pull("GET", "/comments").json()[-1]
    assert (None, None, 11, it.head) == tuple(
        outdated[name] for name in ("line", "position", "original_line", "original_commit_id")
    )


def test_a_comment_is_outdated_when_its_file_or_its_hunk_leaves_the_diff(
    it: Scene, server: FakeGitHub, bot: Raw
) -> None:
    bot.review(at(14), at(3, path=NEW), at(10, side="LEFT"))
    bot.comment(path=NEW, subject_type="file")
    app = it.repo.git("show", f"{it.head}:{APP}").split("\n")
    it.repo.branch("feature", it.head)
    (it.repo.path / NEW).unlink()
    server.push(repainted(it, {APP: [*app[:9], "line 10", *app[11:]]}, start="feature"))
    assert [True] * 4 == [each.outdated for each in server.comments]


def test_a_range_torn_apart_is_outdated_and_one_moved_as_a_whole_is_not(
    it: Scene, server: FakeGitHub, bot: Raw
) -> None:
    bot.review(at(3, path=NEW, start_line=2), at(5, path=NEW, start_line=4))
    lines = numbered(5, "new")
    server.push(repainted(it, {NEW: [*lines[:2], "between", *lines[2:]]}))
    assert [(None, None), (5, 6)] == [(each.start_line, each.line) for each in server.comments]


def test_a_moved_target_branch_moves_the_left_side(it: Scene, server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(25, side="LEFT"), at(10))
    it.repo.branch("main", it.fork_point)
    base = it.repo.commit({APP: "\n".join(["top", *numbered(40)]) + "\n"})
    it.repo.branch("feature", it.head)
    it.repo.git("merge", "--quiet", "--no-edit", base)
    server.push_base(base)
    server.push(it.repo.head)
    assert [("LEFT", 26), ("RIGHT", 11)] == [(each.side, each.line) for each in server.comments]
