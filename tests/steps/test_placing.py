"""Where the forge's own diff lets a finding stand."""

from dataclasses import replace

import drawing
import pytest
from steps.posting_scene import claim, forge_files, report

from reviewbot.domain.finding import Finding, Placement, Span
from reviewbot.domain.patch import Side
from reviewbot.domain.request import ForgeFile
from reviewbot.steps import placing

APP = """
app.py
    1 one
  - 2 two
  + 2 TWO
    3 three
  @@
    20 twenty
  + 21 new
"""
SHOWN = forge_files(drawing.patch(APP))[0]


def spanning(start: int, end: int, side: Side = Side.RIGHT) -> Finding:
    return replace(
        claim("TWO"), span=Span(side=side, start=start, end=end), placement=Placement.INLINE, fingerprint="f" * 32
    )  # fmt: skip


def placed(finding: Finding, *files: ForgeFile, refused: frozenset[str] = frozenset()) -> Placement:
    made = replace(report(APP), findings=(finding,))
    return placing.placements(files, made, refused)[finding.fingerprint]


@pytest.mark.parametrize(
    ("start", "end", "side", "place"),
    [
        (2, 2, Side.RIGHT, Placement.INLINE),
        (1, 3, Side.RIGHT, Placement.INLINE),
        (2, 2, Side.LEFT, Placement.INLINE),
        (3, 3, Side.LEFT, Placement.INLINE),
        (2, 3, Side.LEFT, Placement.FILE),
        (21, 21, Side.RIGHT, Placement.INLINE),
        (21, 21, Side.LEFT, Placement.FILE),
        (3, 20, Side.RIGHT, Placement.FILE),
        (4, 4, Side.RIGHT, Placement.FILE),
        (3, 4, Side.RIGHT, Placement.FILE),
        (22, 22, Side.RIGHT, Placement.FILE),
    ],
)
def test_lines_have_to_stand_in_one_hunk_of_the_forge(start: int, end: int, side: Side, place: Placement) -> None:
    assert place is placed(spanning(start, end, side), SHOWN)


@pytest.mark.parametrize(
    "file",
    [
        replace(SHOWN, path="other.py"),
        replace(SHOWN, hunks=None),
        replace(SHOWN, hunks=""),
        replace(SHOWN, hunks=None, withheld="collapsed"),
        replace(SHOWN, withheld="too large"),
        replace(SHOWN, hunks="Binary files differ"),
        replace(SHOWN, hunks="@@ -1,9 +1,9 @@\n one\n"),
        replace(SHOWN, hunks="@@ nonsense @@\n one\n"),
        replace(SHOWN, hunks="@@ -1 +1 @@\n-a\n+b\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
    ],
    ids=["other path", "no hunks", "empty", "collapsed", "too large", "binary", "torn", "unreadable", "two files"],
)
def test_without_readable_hunks_a_finding_stands_at_its_file(file: ForgeFile) -> None:
    assert Placement.FILE is placed(spanning(2, 2), file)


@pytest.mark.parametrize("end", ["", "\n", "\n\\ No newline at end of file"])
def test_the_end_of_the_forges_text_may_be_written_in_any_way(end: str) -> None:
    text = (SHOWN.hunks or "").removesuffix("\n") + end
    assert Placement.INLINE is placed(spanning(21, 21), replace(SHOWN, hunks=text))


def test_a_file_that_nobody_can_name_takes_no_comment() -> None:
    path = "caf\udce9.py"
    finding = replace(spanning(2, 2), path=path)
    assert Placement.SUMMARY is placed(finding, replace(SHOWN, path=path))


def test_what_was_meant_for_the_summary_or_was_refused_before_stays_there() -> None:
    finding = spanning(2, 2)
    assert Placement.SUMMARY is placed(replace(finding, placement=Placement.SUMMARY), SHOWN)
    assert Placement.SUMMARY is placed(replace(finding, span=None), SHOWN)
    assert Placement.SUMMARY is placed(finding, SHOWN, refused=frozenset({finding.fingerprint}))
    assert Placement.FILE is placed(replace(finding, placement=Placement.FILE), SHOWN)


@pytest.mark.parametrize(
    ("start", "end", "side", "expected"),
    [
        (20, 20, Side.LEFT, Span(side=Side.RIGHT, start=20, end=20)),
        (2, 2, Side.LEFT, Span(side=Side.LEFT, start=2, end=2)),
        (2, 3, Side.LEFT, Span(side=Side.LEFT, start=2, end=3)),
        (1, 3, Side.LEFT, Span(side=Side.LEFT, start=1, end=3)),
        (3, 3, Side.RIGHT, Span(side=Side.RIGHT, start=3, end=3)),
    ],
)
def test_unchanged_lines_are_told_by_their_new_number(start: int, end: int, side: Side, expected: Span) -> None:
    assert expected == placing.by_new_number(spanning(start, end, side), report(APP)).span
