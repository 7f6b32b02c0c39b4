"""The plan of a dry run, as text and as JSON."""

import json
from dataclasses import replace

from reviewbot.domain.finding import Placement, Span
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment, Keep, PostingPlan, Reply, Resolve, Summary
from reviewbot.domain.request import GITHUB, GITLAB, Account, ChangeRequest
from reviewbot.outputs import posting

REQUEST = ChangeRequest(
    dialect=GITLAB,
    project="group/project",
    number=7,
    url="",
    title="A change",
    description="",
    author=Account(id=1, name="ann"),
    labels=(),
    draft=False,
    open=True,
    from_fork=False,
    head_sha="a" * 40,
    base_sha="b" * 40,
    start_sha="c" * 40,
    source_branch="feature",
    target_branch="main",
)


def comment(title: str, path: str, span: Span | None) -> Comment:
    place = Placement.FILE if span is None else Placement.INLINE
    return Comment(
        fingerprint="f" * 32, title=title, placement=place, path=path, old_path=path, span=span, body="at the line",
        file_body="at the file",
    )  # fmt: skip


PLAN = PostingPlan(
    request=REQUEST,
    create=(
        comment("One", "a.py", Span(side=Side.RIGHT, start=5, end=5)),
        comment("Several", "b\n.py", Span(side=Side.LEFT, start=5, end=7)),
        comment("Whole\x1b[31m", "c.py", None),
    ),
    keep=(Keep(thread_id="1", fingerprint="1" * 32, title="Kept", reason="found again"),),
    resolve=(Resolve(thread_id="2", fingerprint="2" * 32, title="Gone", reason="its code is gone"),),
    summary=Summary(thread_id=None, note_id=None, body="### passed\n\nall \x07 well"),
    notes=("1 finding can only be posted at the file",),
)


def test_a_plan_for_people_names_each_place_and_the_summarys_text() -> None:
    assert (
        "What would be posted to merge request 7 of group/project at aaaaaaa:\n"
        "  + a.py:5  One\n"
        "  + b\\n.py:5-7 (old)  Several\n"
        "  + c.py (file)  Whole\\x1b[31m\n"
        "  ~ resolve Gone: its code is gone\n"
        "  = keep Kept: found again\n"
        "  summary: create\n"
        "  note: 1 finding can only be posted at the file\n"
        "3 new comments, 1 resolved, 1 kept\n"
        "\n"
        "  | ### passed\n"
        "  | \n"
        "  | all \\x07 well\n"
    ) == posting.as_text(PLAN)


REPLY = Reply(
    thread_id="5",
    opener_id="51",
    note_id="52",
    fingerprint="5" * 32,
    title="Doubted\x07",
    body="So it is.",
    resolves=True,
)


def test_a_plan_shows_what_people_are_answered() -> None:
    plan = replace(PLAN, replies=(REPLY, replace(REPLY, title="Explained", resolves=False)))
    said = posting.as_text(plan)
    assert "  > answer, and resolve: Doubted\\x07\n  > answer: Explained\n  summary: create\n" in said
    shown = json.loads(posting.as_json(plan))["replies"]
    assert {
        "thread": "5", "fingerprint": "5" * 32, "title": "Doubted\x07", "answers": "52", "resolves": True,
        "body": "So it is.",
    } == shown[0]  # fmt: skip
    assert [True, False] == [one["resolves"] for one in shown]


def test_a_plan_that_only_answers_is_not_empty() -> None:
    only = replace(PLAN, create=(), resolve=(), summary=replace(PLAN.summary, body=None))
    assert (True, False) == (only.empty, replace(only, replies=(REPLY,)).empty)


def test_a_plan_with_nothing_to_do_says_so() -> None:
    empty = replace(
        PLAN, request=replace(REQUEST, dialect=GITHUB), create=(), resolve=(), keep=(), notes=(),
        summary=Summary(thread_id="3", note_id="4", body=None),
    )  # fmt: skip
    assert (
        "What would be posted to pull request 7 of group/project at aaaaaaa:\n"
        "  nothing: everything stands there already\n"
        "  summary: keep\n"
        "0 new comments, 0 resolved, 0 kept\n"
    ) == posting.as_text(empty)


def test_a_plan_for_programs_holds_what_would_be_sent() -> None:
    plan = json.loads(posting.as_json(replace(PLAN, summary=replace(PLAN.summary, thread_id="3", note_id="4"))))
    assert {"forge": "gitlab", "project": "group/project", "number": 7, "head": "a" * 40, "base": "b" * 40} == plan[
        "request"
    ]
    assert [("inline", "at the line"), ("inline", "at the line"), ("file", "at the file")] == [
        (one["placement"], one["body"]) for one in plan["create"]
    ]
    assert [("RIGHT", 5, 5), ("LEFT", 5, 7), (None, None, None)] == [
        (one["side"], one["start_line"], one["line"]) for one in plan["create"]
    ]
    assert {"thread": "2", "fingerprint": "2" * 32, "title": "Gone", "reason": "its code is gone"} == plan["resolve"][0]
    assert {"thread": "1", "fingerprint": "1" * 32, "title": "Kept", "reason": "found again"} == plan["keep"][0]
    assert ("edit", "### passed\n\nall \x07 well") == (plan["summary"]["action"], plan["summary"]["body"])
    assert ["1 finding can only be posted at the file"] == plan["notes"]
