"""Safe text, excerpts and gaps: what several outputs share."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from reviewbot.domain.figures import figures
from reviewbot.domain.finding import Finding, Span, Suggestion
from reviewbot.domain.outcome import FileReport, Outcome, Report, Unreviewed
from reviewbot.domain.patch import FilePatch, Hunk, Side, Status
from reviewbot.domain.usage import Usage
from reviewbot.domain.view import (
    gaps,
    label,
    location,
    prose,
    replacement,
    safe_hunk,
    shown,
    snippet,
    texts,
    visible,
)


@pytest.mark.parametrize(
    ("raw", "spelled"),
    [
        ("tab\tnewline\n", "tab\tnewline\n"),
        ("\x1b[2J", "\\x1b[2J"),
        ("\r\x00\x7f\x9b", "\\r\\x00\\x7f\\x9b"),
        ("\u202e\u2066\u200b\ufeff\u2028", "\\u202e\\u2066\\u200b\\ufeff\\u2028"),
        ("\udcff\udc80", "\\xff\\x80"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("caf\u00e9 \u65e5\u672c \U0001f600", "caf\u00e9 \u65e5\u672c \U0001f600"),
    ],
)
def test_what_could_hide_is_spelled_out(raw: str, spelled: str) -> None:
    assert visible(raw) == spelled


def test_a_label_is_one_line() -> None:
    assert label("a\nb\tc") == "a\\nb\\tc"


def test_shown_text_has_no_secret(report: Report) -> None:
    token = report.files[1].file.hunks[0].body.split('"')[1]
    assert shown(f"x = '{token}'") == "x = 'ghp_…'"


def test_prose_takes_crlf_for_a_newline_but_not_a_lone_carriage_return() -> None:
    assert prose("a\r\nb\rc") == "a\nb\\rc"


def test_carriage_returns_are_shown_where_they_differ() -> None:
    same = Hunk(old_start=1, new_start=1, body=" a\r\n+b\r")
    mixed = Hunk(old_start=1, new_start=1, body="-a\n+a\r")
    assert safe_hunk(same).body == " a\n+b"
    assert safe_hunk(mixed).body == "-a\n+a\\r"


def test_a_private_key_is_hidden_over_all_of_its_lines() -> None:
    rows = [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "MIIEpAIBAAKCAQEAx7Zq8vYt3LmN",
        "-----END RSA PRIVATE KEY-----",
    ]
    hunk = Hunk(old_start=1, new_start=1, body="\n".join(f"+{row}" for row in rows))
    assert "MIIEpAIB" not in safe_hunk(hunk).body
    assert len(safe_hunk(hunk).body.split("\n")) == 3


def test_a_place_is_a_path_and_lines(finding: Callable[..., Finding]) -> None:
    assert location(finding(path="a\nb.py", span=None)) == "a\\nb.py"
    assert location(finding(path="a.py", span=Span(side=Side.RIGHT, start=3, end=5))) == "a.py:3-5"
    assert location(finding(path="a.py", span=Span(side=Side.LEFT, start=3, end=3))) == "a.py:3 (old)"


def test_an_excerpt_comes_from_the_hunk_that_has_the_line(quiet: Report, finding: Callable[..., Finding]) -> None:
    # Hunks without context may touch: the line before belongs to another hunk.
    hunks = (Hunk(old_start=1, new_start=1, body="+one\n+two"), Hunk(old_start=1, new_start=3, body="+three"))
    file = FilePatch(path="a.py", old_path=None, status=Status.ADDED, hunks=hunks)
    found = finding(path="a.py", quote="", span=Span(side=Side.RIGHT, start=3, end=3))
    with_file = replace(quiet, files=(FileReport(file=file, outcome=Outcome.REVIEWED),), findings=(found,))
    [row] = snippet(texts(with_file), found)
    assert (row.number, row.text, row.mark) == (3, "three", (0, 5))


def test_a_type_change_finds_each_side_in_its_own_entry(quiet: Report, finding: Callable[..., Finding]) -> None:
    gone = FilePatch(
        path="a", old_path="a", status=Status.DELETED, hunks=(Hunk(old_start=1, new_start=1, body="-old"),)
    )
    come = FilePatch(path="a", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body="+new"),))
    old = finding(path="a", span=Span(side=Side.LEFT, start=1, end=1))
    new = finding(path="a", span=Span(side=Side.RIGHT, start=1, end=1))
    both = replace(
        quiet,
        files=tuple(FileReport(file=file, outcome=Outcome.REVIEWED) for file in (gone, come)),
        findings=(old, new),
    )
    lines = texts(both)
    assert [snippet(lines, found)[0].text for found in (old, new)] == ["old", "new"]


def test_the_mark_is_the_quote_and_of_a_blank_line_nothing(report: Report, finding: Callable[..., Finding]) -> None:
    part = finding(quote="query()")
    assert snippet(texts(report), part)[1].mark == (16, 7)
    blank = finding(path="a b/<script>.py", span=Span(side=Side.RIGHT, start=2, end=2))
    assert snippet(texts(report), blank)[1].mark is None


def test_a_suggestion_for_lines_outside_of_the_diff_shows_only_the_new_ones(
    report: Report, finding: Callable[..., Finding]
) -> None:
    far = finding(suggestion=Suggestion(start_line=400, line=400, replacement="x = 1"))
    assert replacement(texts(report), far) == (("+", "x = 1"),)
    assert replacement(texts(report), finding()) == ()


def entry(outcome: Outcome, reason: str | None, *runs: Unreviewed) -> FileReport:
    body = "\n".join("+x" for _ in range(100))
    hunk = Hunk(old_start=1, new_start=1, body=body)
    file = FilePatch(path="a.py", old_path=None, status=Status.ADDED, hunks=(hunk,))
    return FileReport(file=file, outcome=outcome, reason=reason, unreviewed=runs)


def run(start: int, end: int, reason: str = "why", outcome: Outcome = Outcome.SKIPPED) -> Unreviewed:
    return Unreviewed(side=Side.RIGHT, start=start, end=end, outcome=outcome, reason=reason)


@pytest.mark.parametrize(
    ("file", "told"),
    [
        (entry(Outcome.REVIEWED, None), []),
        (entry(Outcome.SKIPPED, "binary"), [("skipped", "binary", "")]),
        (entry(Outcome.SKIPPED, None, run(1, 100)), [("skipped", "why", "")]),
        (entry(Outcome.FAILED, None), [("failed", "no reason was recorded", "")]),
        (entry(Outcome.PARTIAL, "some"), [("partial", "some", "")]),
        (entry(Outcome.PARTIAL, None, run(3, 3)), [("skipped", "why", "line 3")]),
        (entry(Outcome.REVIEWED, None, run(3, 4)), [("skipped", "why", "lines 3-4")]),
        (
            entry(Outcome.FAILED, "two reasons", run(1, 50, "a"), run(51, 100, "b", Outcome.FAILED)),
            [("failed", "b", "lines 51-100"), ("skipped", "a", "lines 1-50")],
        ),
    ],
)
def test_no_gap_goes_untold(quiet: Report, file: FileReport, told: list[tuple[str, str, str]]) -> None:
    groups = gaps(replace(quiet, files=(file,)))
    assert [(group.outcome, group.reason, gap.where) for group in groups for gap in group.gaps] == told


def test_many_runs_are_counted(quiet: Report) -> None:
    runs = [run(line, line) for line in range(1, 21, 2)]
    [group] = gaps(replace(quiet, files=(entry(Outcome.PARTIAL, None, *runs),)))
    assert group.gaps[0].where == "lines 1, 3, 5, 7, 9, 11, 13, 15 and 2 more runs"


def test_an_unknown_price_is_not_shown_as_nothing(quiet: Report) -> None:
    asked = replace(quiet, engine="llm", usage=Usage(requests=1, cost_usd=None))
    assert dict(figures(asked))["usage"] == "1 request, 0 tokens in (0 cached), 0 out, cost unknown, 0.0 s"
    paid = replace(asked, usage=Usage(requests=2, cost_usd=Decimal("1.5")))
    assert "2 requests" in dict(figures(paid))["usage"]
    assert "USD 1.5000" in dict(figures(paid))["usage"]
