"""What became of comments, told from the code and the threads alone."""

from collections.abc import Mapping
from dataclasses import replace

import drawing
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.conversations import marked, note
from steps.posting_scene import APP, BOT, STRANGER, SUM, WRITER, claim, request

from reviewbot.domain.finding import Finding
from reviewbot.domain.patch import FilePatch, Patch, Side
from reviewbot.domain.request import Account
from reviewbot.domain.uptake import Uptake
from reviewbot.steps import following
from reviewbot.steps.following import Push

FINGERPRINT = "0123456789abcdef" * 2
BETTER = "    return sum(row.price or 0 for row in rows)"
TEXT = f"def total(rows):\n{SUM}\n    # never reached\n"


def finding(quote: str = SUM, **changes: object) -> Finding:
    return replace(claim(quote, fingerprint=FINGERPRINT), **changes)  # type: ignore[arg-type] # fields by name


def push(text: str | None = TEXT, change: str = APP, *, moved: bool = True, since: str = "") -> Push:
    """Push a new text of app.py; ``since`` draws what is new in it."""
    patch = drawing.patch(change) if change else Patch(files=())
    removed = following.removed(drawing.patch(since)) if since else {}
    return Push(patch=patch, text=lambda _: text, moved=moved, removed=removed)


def uptake(told: Finding, now: Push, **thread: object) -> Uptake:
    one = marked(note(2, WRITER), finding=told, **thread)  # type: ignore[arg-type] # fields by name
    (found,) = following.followed([one], BOT, request(), now)
    return found.uptake


def closed(by: Account | None) -> Mapping[str, object]:
    return {"resolved": True, "resolved_by": by}


SINCE = """
app.py
  - 3     # reached
  + 3     # never reached
"""


def test_what_is_told_names_the_comment() -> None:
    told = finding(rule="F821", source="ruff")
    (found,) = following.followed([marked(finding=told)], BOT, request(), push())
    assert ("gitlab", "group/project", 12, FINGERPRINT) == found.key
    assert ("high", "bug", "ruff", "F821") == (found.severity, found.category, found.source, found.rule)


def test_code_that_is_as_it_was_is_open_and_after_a_push_ignored() -> None:
    assert Uptake.OPEN is uptake(finding(), push(moved=False))
    assert Uptake.IGNORED is uptake(finding(), push())


@pytest.mark.parametrize("text", ["", "def total(rows):\n    return 0\n", TEXT.replace("sum(row", "sum(2 * row")])
def test_code_that_stands_nowhere_any_more_was_changed(text: str) -> None:
    assert Uptake.CHANGED is uptake(finding(), push(text))


def test_indentation_alone_is_no_change_and_neither_is_a_move() -> None:
    assert Uptake.IGNORED is uptake(finding(), push(TEXT.replace("    ", "\t")))
    assert Uptake.IGNORED is uptake(finding(), push(f"# more\n\n{TEXT}"))


def test_a_line_that_has_grown_was_changed_but_a_quoted_part_of_one_was_not() -> None:
    grown = push("x = 10\n", since="app.py\n  - 1 x = 1\n  + 1 x = 10")
    assert Uptake.CHANGED is uptake(finding("x = 1"), grown)
    assert Uptake.IGNORED is uptake(finding("sum(row.price"), push(since=SINCE))


def test_a_suggestion_that_stands_there_was_applied() -> None:
    told = finding(suggestion=claim(SUM, suggestion=BETTER).suggestion)
    assert Uptake.APPLIED is uptake(told, push(TEXT.replace(SUM, BETTER)))
    assert Uptake.APPLIED is uptake(told, push(TEXT.replace(SUM, BETTER)), **closed(WRITER))
    assert Uptake.CHANGED is uptake(told, push(TEXT.replace(SUM, f"{BETTER}  # really")))
    assert Uptake.IGNORED is uptake(told, push(f"{TEXT}{BETTER}\n"))


def test_a_suggestion_that_keeps_what_it_replaces_was_applied_too() -> None:
    told = finding(suggestion=claim(SUM, suggestion=f"    check(rows)\n{SUM}").suggestion)
    assert Uptake.IGNORED is uptake(told, push())
    assert Uptake.APPLIED is uptake(told, push(TEXT.replace(SUM, f"    check(rows)\n{SUM}")))
    same = finding(suggestion=claim(SUM, suggestion=SUM).suggestion)
    assert Uptake.IGNORED is uptake(same, push())


def test_a_suggestion_to_delete_is_followed_by_any_change() -> None:
    told = finding(suggestion=claim(SUM, suggestion="").suggestion)
    assert Uptake.CHANGED is uptake(told, push("def total(rows):\n"))


def test_a_thread_that_people_close_counts_if_its_file_was_changed() -> None:
    for person in (WRITER, STRANGER, None):
        assert Uptake.DISMISSED is uptake(finding(), push(), **closed(person))
        assert Uptake.RESOLVED is uptake(finding(), push(since=SINCE), **closed(person))
    assert Uptake.DISMISSED is uptake(finding(), push(since=SINCE.replace("app", "other")), **closed(WRITER))


def test_what_the_bot_has_closed_was_resolved() -> None:
    """Without its code being gone that is what a static rule does not report any more."""
    assert Uptake.RESOLVED is uptake(finding(), push(), **closed(BOT))


def test_removed_code_is_looked_for_among_what_the_change_removes() -> None:
    told = finding("    return sum(rows)", side=Side.LEFT)
    assert Uptake.IGNORED is uptake(told, push())
    assert Uptake.CHANGED is uptake(told, push(change="app.py\n  + 9 import os"))


def test_without_the_text_the_diff_has_to_do() -> None:
    assert Uptake.IGNORED is uptake(finding(), push(None))
    assert Uptake.CHANGED is uptake(finding("gone()"), push(None))


def test_a_file_that_the_change_leaves_alone_by_now_was_changed_back() -> None:
    assert Uptake.CHANGED is uptake(finding(), push(change="other.py\n  + 1 x = 1"))


def test_a_file_under_a_new_name_is_known_again() -> None:
    assert Uptake.IGNORED is uptake(finding(), push(change=APP.replace("app.py", "app.py -> new.py")))
    assert Uptake.IGNORED is uptake(finding(path="older.py"), push(change="newer.py (added)\n  + 1 x = 1"))


@pytest.mark.parametrize("quote", ["", "  \n", "key = …"])
def test_code_that_cannot_be_looked_for_was_not_changed(quote: str) -> None:
    assert Uptake.IGNORED is uptake(finding(quote), push(""))


def test_a_change_that_is_empty_or_cannot_be_read_tells_nothing() -> None:
    assert Uptake.IGNORED is uptake(finding(), push("", ""))
    broken = FilePatch(path="app.py", old_path="app.py", status=drawing.patch(APP).files[0].status, defect="no UTF-8")
    assert Uptake.IGNORED is uptake(finding(), replace(push(""), patch=Patch(files=(broken,))))


def test_marks_that_cannot_be_believed_and_the_summary_are_no_comments() -> None:
    one = marked()
    others = [replace(one, believed=False), replace(one, is_summary=True), marked(finding=None)]
    assert () == following.followed(others, BOT, request(), push())


def test_a_finding_with_two_threads_counts_once_by_the_better_of_them() -> None:
    done = marked(resolved=True, resolved_by=BOT)
    for threads in ([done, marked()], [marked(), done]):
        assert [Uptake.RESOLVED] == [one.uptake for one in following.followed(threads, BOT, request(), push())]


def test_a_finding_that_has_just_been_posted_is_open() -> None:
    found = following.posted(finding(), request())
    assert (Uptake.OPEN, FINGERPRINT) == (found.uptake, found.fingerprint)


@given(st.lists(st.sampled_from(Uptake), min_size=1))
def test_each_step_forward_is_told_once_and_no_step_back(steps: list[Uptake]) -> None:
    known: dict[tuple[str, str, int, str], Uptake] = {}
    told: list[Uptake] = []
    for step in steps:
        for _ in range(2):
            for one in following.news([following.posted(finding(), request(), step)], known):
                known[one.key] = one.uptake
                told.append(one.uptake)
    assert told == sorted(set(told), key=lambda one: one.rank)
    assert max(steps, key=lambda one: one.rank) is told[-1]


LINES = st.lists(st.sampled_from(["a()", "b()", "return a()", "", "    c = 1"]), max_size=8)


@given(LINES, LINES, st.lists(st.sampled_from(["a()", "b()", "    c = 1"]), min_size=1, max_size=2))
def test_code_that_stands_there_was_never_changed_and_code_that_does_not_always_was(
    before: list[str], after: list[str], quote: list[str]
) -> None:
    told = finding("\n".join(quote))
    assert Uptake.IGNORED is uptake(told, push("\n".join([*before, *quote, *after])))
    assert Uptake.CHANGED is uptake(told, push("\n".join(line for line in before if not line.strip())))


def test_only_what_people_do_something_about_is_accepted() -> None:
    assert [Uptake.RESOLVED, Uptake.CHANGED, Uptake.APPLIED] == [one for one in Uptake if one.accepted]
