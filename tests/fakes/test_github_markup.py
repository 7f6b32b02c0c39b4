"""The fake GitHub's eye for what is alive in a body, and for suggestions that cannot be applied."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github_example import APP, Raw, Scene, at, repainted, scene, served
from fakes.github_markup import alive
from fakes.github_server import FakeGitHub

GAP = "\u200b"


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
    ("body", "found"),
    [
        ("ask @ann-1", [("mention", "@ann-1")]),
        ("ask @acme/team.", [("mention", "@acme/team")]),
        (r"\@ann and &#64;bob", [("mention", "@ann"), ("mention", "@bob")]),
        ("**@ann**", [("mention", "@ann")]),
        ("| a |\n|---|\n| @ann |", [("mention", "@ann")]),
        ("see #12 and a/b#3, gh-4", [("reference", "#12"), ("reference", "a/b#3"), ("reference", "gh-4")]),
        (r"\#12", [("reference", "#12")]),
        ("![x](http://h/i.png)", [("image", "http://h/i.png")]),
        ("[x](http://h)", [("link", "http://h")]),
        ("go to https://h.example/x", [("link", "https://h.example/x")]),
        ("www.h.example", [("link", "www.h.example")]),
        ("<b>x</b>", [("html", "b"), ("html", "b")]),
        ("<details>\n<summary>@ann</summary>", [("html", "details"), *[("html", "summary")] * 2, ("mention", "@ann")]),
        ("<!-- open\n\n@ann -->", []),
        ("<!-- @ann --><img src=x>", [("html", "img")]),
    ],
)
def test_what_is_alive_is_found(body: str, found: list[tuple[str, str]]) -> None:
    assert found == [(each.kind, each.text) for each in alive(body)]


@pytest.mark.parametrize(
    "body",
    [
        "`@ann #12 <b> https://h`",
        "```\n@ann #12 <b>\n![x](http://h)\n```",
        "    @ann in indented code",
        "<!-- mark: @ann #12 <b> https://h -->",
        f"@{GAP}ann #{GAP}12 https:{GAP}//h",
        r"\<b\> \![x] &lt;b&gt;",
        "mail me@example, a@b, x#y, #x, C# 7, &#35;x",
        "```suggestion\n@decorator\n```",
    ],
)
def test_what_is_dead_is_left_in_peace(body: str) -> None:
    assert () == alive(body)


def test_all_that_was_posted_is_looked_at(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10, body="@ann"), body="#1")
    bot.ask("POST", "/repos/acme/app/issues/7/comments", {"body": "<b>"})
    assert ["mention", "reference", "html"] == [each.kind for each in server.alive()]


def suggested(text: str) -> str:
    return f"why\n\n```suggestion\n{text}```\n"


@pytest.mark.parametrize(
    ("comment", "text", "lines"),
    [
        (at(10), "new\n", ["line 9", "new", "added 11"]),
        (at(10), "one\ntwo\n", ["line 9", "one", "two", "added 11"]),
        (at(10), "", ["line 9", "added 11"]),
        (at(10), "\n", ["line 9", "", "added 11"]),
        (at(11, start_line=10), "both\n", ["line 9", "both", "line 11"]),
    ],
)
def test_a_suggestion_replaces_the_comments_own_lines(
    server: FakeGitHub, bot: Raw, comment: dict[str, object], text: str, lines: list[str]
) -> None:
    bot.review(comment | {"body": suggested(text)})
    (posted,) = server.comments
    assert [None] == [each.broken for each in server.proposals(posted)]
    assert lines == server.applied(posted).split("\n")[8 : 8 + len(lines)]
    assert server.applied(posted).endswith("line 40")


def test_a_longer_fence_holds_a_fence(server: FakeGitHub, bot: Raw) -> None:
    bot.review(at(10, body="````suggestion\n```\nx\n```\n````"))
    assert [("```", "x", "```")] == [each.lines for each in server.proposals(server.comments[0])]


@pytest.mark.parametrize(
    ("comment", "word"),
    [
        (at(10, side="LEFT"), "removed lines"),
        (at(11, start_line=10, start_side="LEFT"), "removed lines"),
        (at(11, start_line=9), "over removed lines"),
        (at(26, start_line=25), "over removed lines"),
    ],
)
def test_a_suggestion_that_meets_removed_lines_is_broken(
    server: FakeGitHub, bot: Raw, comment: dict[str, object], word: str
) -> None:
    assert bot.review(comment | {"body": suggested("x\n")}).status_code == 200
    (proposal,) = server.proposals(server.comments[0])
    assert word in str(proposal.broken)


def test_a_suggestion_without_lines_of_its_own_is_broken(it: Scene, server: FakeGitHub, bot: Raw) -> None:
    bot.comment(subject_type="file", body=suggested("x\n"))
    bot.review(at(10, body=suggested("x\n")))
    server.push(repainted(it, {APP: "other\n"}))
    assert ["a comment on a file has no lines to replace", "the comment is outdated"] == [
        server.proposals(each)[0].broken for each in server.comments
    ]
