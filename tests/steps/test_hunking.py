"""Raw hunks → hunks: only what two readings agree on."""

import re

import pytest

from reviewbot.domain.patch import Hunk
from reviewbot.steps import hunking
from reviewbot.steps.splitting import RawHunk, Section, split


def section(*hunks: str) -> Section:
    (only,) = split(f"--- a/x\n+++ b/x\n{''.join(hunks)}".encode("utf-8", "surrogateescape"))
    assert only.defect is None
    return only


def parsed(*hunks: str) -> tuple[Hunk, ...]:
    return hunking.hunks(section(*hunks))


def refused(*hunks: str) -> str:
    with pytest.raises(hunking.MismatchError) as caught:
        parsed(*hunks)
    return str(caught.value)


def test_a_file_without_hunks_has_none() -> None:
    assert hunking.hunks(Section()) == ()


def test_numbers_text_and_section_are_those_of_the_text() -> None:
    (hunk,) = parsed("@@ -3,2 +4,3 @@ def f():\n a\n-b\n+c\n+d\n")
    assert hunk == Hunk(old_start=3, new_start=4, body=" a\n-b\n+c\n+d", section="def f():")


def test_a_side_without_lines_counts_from_the_line_after_the_one_it_names() -> None:
    top, end = parsed("@@ -0,0 +1 @@\n+a\n", "@@ -9,2 +9,0 @@\n-b\n-c\n")
    assert (top.old_start, top.new_start) == (1, 1)
    assert (end.old_start, end.new_start) == (9, 10)


def test_marks_of_a_missing_newline_are_kept_apart_from_the_lines() -> None:
    (hunk,) = parsed("@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+c\n\\ Kein Zeilenumbruch\n")
    assert (hunk.body, hunk.no_newline) == (" a\n-b\n+c", (1, 2))


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\r", "\0"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    forged = f"x{separator}+++ b/forged{separator}@@ -1 +1 @@{separator}-a{separator}+b"
    (hunk,) = parsed(f"@@ -1 +1 @@\n-{forged}\n+{separator}\n")
    assert [line.text for line in hunk.lines()] == [forged, separator]


def test_bytes_that_are_no_utf_8_survive() -> None:
    (hunk,) = parsed("@@ -1 +1 @@\n-caf\udce9\n+\udcff\udcfe\n")
    assert hunk.body == "-caf\udce9\n+\udcff\udcfe"


def test_a_very_long_line_survives() -> None:
    (hunk,) = parsed(f"@@ -0,0 +1 @@\n+{'x' * 200_000}\n")
    assert len(hunk.body) == 200_001


@pytest.mark.parametrize("line", ["", "\r"])
def test_a_blank_context_line_that_lost_its_space_is_context(line: str) -> None:
    (hunk,) = parsed(f"@@ -1,2 +1,3 @@\n{line}\n+a\n{line}\n")
    assert hunk.body == f" {line}\n+a\n {line}"


def test_the_last_line_needs_no_newline() -> None:
    (hunk,) = hunking.hunks(next(split(b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b")))
    assert hunk.body == "-a\n+b"


def test_a_long_section_is_cut_since_every_part_of_a_hunk_repeats_it() -> None:
    (hunk,) = parsed(f"@@ -1 +1 @@ {'x' * 200_000}\n-a\n+b\n")
    assert hunk.section == "x" * 200


def test_a_hunk_without_lines_is_refused() -> None:
    assert refused("@@ -1,0 +1,0 @@\n") == "a hunk has no lines"


@pytest.mark.parametrize(
    "hunks",
    [
        ("@@ -0 +1 @@\n-a\n+b\n",),
        ("@@ -1 +0 @@\n-a\n+b\n",),
        ("@@ -5 +5 @@\n-a\n+b\n", "@@ -5 +6 @@\n-a\n+b\n"),
        ("@@ -5 +5 @@\n-a\n+b\n", "@@ -6 +5 @@\n-a\n+b\n"),
        ("@@ -5 +5 @@\n-a\n+b\n", "@@ -1 +1 @@\n-a\n+b\n"),
        ("@@ -1,3 +1,3 @@\n-a\n-b\n-c\n+a\n+b\n+c\n", "@@ -3 +4 @@\n-a\n+b\n"),
    ],
)
def test_hunks_that_overlap_run_backwards_or_begin_at_line_0_are_refused(hunks: tuple[str, ...]) -> None:
    assert refused(*hunks) == "hunks overlap, run backwards or begin at line 0"


def test_hunks_may_touch() -> None:
    first, second = parsed("@@ -5 +5 @@\n-a\n+b\n", "@@ -6 +6 @@\n-c\n+d\n")
    assert (first.old_start, second.old_start) == (5, 6)


def test_a_line_that_begins_with_a_lone_carriage_return_is_refused() -> None:
    assert re.match("unidiff|Hunk", refused("@@ -1,2 +1,2 @@\n\rfoo\n-a\n+b\n"))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (RawHunk(1, 1, 1, 1, b"", b"-a", plain=True), "Hunk is shorter than expected"),
        (RawHunk(1, 1, 1, 1, b"", b"-a\n+b\n@@ -5 +5 @@\n-c\n+d", plain=True), "unidiff sees other hunks"),
        (
            RawHunk(1, 1, 1, 1, b"", b"-a\n+b\n--- c\n+++ d\n@@ -5 +5 @@\n-c\n+d", plain=True),
            "unidiff sees other hunks",
        ),
        (RawHunk(1, 1, 1, 1, b"", b"-a\n+b\r\r\n", plain=False), "unidiff reads other lines"),
    ],
)
def test_what_unidiff_reads_otherwise_is_refused(raw: RawHunk, reason: str) -> None:
    """Such a hunk cannot come from `splitting`; the second reading is there for the day when one does."""
    with pytest.raises(hunking.MismatchError, match=reason):
        hunking.hunks(Section(hunks=[raw]))
