"""Markers of a merge that somebody left, told from underlines, quotations and texts about Git."""

from collections.abc import Callable

import pytest

from reviewbot.analyzers.conflicts import analyze
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Severity
from reviewbot.domain.patch import FilePatch
from reviewbot.ports import Sources

Change = Callable[..., FilePatch]
Texts = Callable[..., Sources]
START, BASE, MIDDLE, END = "<" * 7 + " HEAD", "|" * 7 + " base", "=" * 7, ">" * 7 + " topic"
CONFLICT = f"{START}\na = 1\n{MIDDLE}\na = 2\n{END}\n"


@pytest.fixture
def check(change: Change, texts: Texts) -> Callable[..., Analysis]:
    def check(path: str, new: str, old: str | None = None, *, known: bool = True) -> Analysis:
        return analyze([change(path, new, old)], texts({path: new.encode()} if known else {}))

    return check


Check = Callable[..., Analysis]


def test_a_conflict_is_one_finding_that_names_its_other_markers(check: Check) -> None:
    analysis = check("a.py", f"x = 1\n{CONFLICT}", "x = 1\n")
    (found,) = analysis.findings
    assert (found.rule, found.severity, found.quote) == ("conflict-marker", Severity.HIGH, START)
    assert found.span is not None
    assert (found.span.start, found.also_at) == (2, (4, 6))
    assert analysis.covered == frozenset()


def test_the_common_ancestor_and_carriage_returns_belong_to_it(check: Check) -> None:
    text = f"{START}\na\n{BASE}\nb\n{MIDDLE}\nc\n{END}\n".replace("\n", "\r\n")
    (found,) = check("a.c", text).findings
    assert found.also_at == (3, 5, 7)
    assert found.quote == START


def test_markers_that_stood_there_before_are_not_the_changes(check: Check) -> None:
    assert check("a.py", f"{CONFLICT}x = 2\n", f"{CONFLICT}x = 1\n").findings == ()


def test_the_separator_counts_where_the_other_markers_are_context(check: Check) -> None:
    old = f"{START}\na = 1\n{END}\n"
    (found,) = check("a.py", CONFLICT, old).findings
    assert found.quote == MIDDLE


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.py", f"Title\n{MIDDLE}\n"),
        ("README.rst", f"Heading\n{MIDDLE}\n\ntext\n"),
        ("a.md", f"{END} quoted seven deep\n"),
        ("a.md", f"How it looks:\n\n```\n{CONFLICT}```\n"),
        ("a.md", f"~~~text\n{CONFLICT}~~~\n"),
        ("a.cpp", "<" * 8 + " x\n" + "a " + "<" * 7 + " b\n"),
        ("a.py", f"    {START}\n"),
        ("a.py", "<" * 7 + "x\n"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_what_only_looks_like_a_marker_is_left_alone(check: Check, path: str, text: str, *, known: bool) -> None:
    assert check(path, text, known=known).findings == ()


def test_a_lone_marker_counts_in_code_and_a_whole_conflict_in_prose(check: Check) -> None:
    assert len(check("a.go", f"x\n{END}\n").findings) == 1
    assert len(check("a.md", CONFLICT).findings) == 1
    assert len(check("a.md", f"```\nx\n```\n{CONFLICT}", "gone\n", known=False).findings) == 1


def test_removed_markers_are_no_finding(check: Check) -> None:
    assert check("a.py", "a = 1\n", CONFLICT).findings == ()
