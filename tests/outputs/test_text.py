"""The terminal: order, frames, colours, and nothing hostile."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.finding import Finding, Rejection, Span, Suggestion
from reviewbot.domain.outcome import FileReport, Outcome, Report, Verdict
from reviewbot.domain.patch import FilePatch, Hunk, Side, Status
from reviewbot.outputs.text import render

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


def test_the_first_line_says_what_was_compared_and_by_which_engine(report: Report, quiet: Report) -> None:
    assert render(report).split("\n")[0] == "main (1a2b3c4) → work tree · llm engine (deepseek-flash)"
    assert render(quiet).split("\n")[0] == "main (1111111) → work tree · static engine"


def test_a_quiet_report_is_one_calm_line_after_its_head(quiet: Report) -> None:
    head, note, blank, calm, end = render(quiet).split("\n")
    assert head.startswith("main")
    assert note == "note: No API key: set REVIEWBOT_API_KEY for a model review."
    assert (blank, end) == ("", "")
    assert calm == "No findings: 1 file with 7 changed lines reviewed."


def test_a_quiet_report_of_a_model_still_tells_its_cost(quiet: Report) -> None:
    rejected = (Rejection(path="a.py", title="x", reason="y"),)
    lines = render(replace(quiet, engine="llm", rejected=rejected)).split("\n")
    assert lines[3] == "No findings: 1 file with 7 changed lines reviewed, 1 claim rejected."
    assert lines[4].startswith("usage     0 requests,")


def test_an_empty_change_says_so(quiet: Report) -> None:
    assert "Nothing to review: there are no changes." in render(replace(quiet, files=()))


def test_a_failed_gate_without_findings_shows_the_verdict(quiet: Report) -> None:
    failed = replace(quiet, verdict=Verdict(passed=False, exit_code=1, reasons=("coverage is 70 %",)))
    assert "verdict   failed (exit code 1): coverage is 70 %" in render(failed)
    assert "No findings." in render(failed)


def test_findings_stand_under_their_file_the_worst_file_first(report: Report) -> None:
    out = render(report)
    places = [out.index(word) for word in ("a b/<script>.py\n", "src/app/service.py\n", "caf\\xe9/r\\xff.txt\n")]
    assert places == sorted(places)
    assert out.index("Undefined name") < out.index("The assertion is gone")


def test_code_stands_behind_a_gutter_with_its_lines_marked(report: Report) -> None:
    assert (
        "  --> src/app/service.py:83\n"
        "  82 |     name = 'service'\n"
        "> 83 |     retries = retries\n"
        "     |     ^^^^^^^^^^^^^^^^^\n"
        "  84 |     def stop(self): ...\n"
    ) in render(report)


def test_a_suggestion_is_a_diff_that_keeps_what_stays(report: Report) -> None:
    assert (
        "    suggestion for lines 14-16:\n"
        "          rows = []\n"
        "    -     while len(rows) != limit:\n"
        "    -         rows += query()\n"
        "    +     while len(rows) < limit:\n"
        "    +         rows += query(limit)\n"
    ) in render(report)


def test_a_suggestion_to_drop_a_line_shows_only_that_line(report: Report, finding: Callable[..., Finding]) -> None:
    drop = finding(suggestion=Suggestion(start_line=16, line=16, replacement=""))
    out = render(replace(report, findings=(drop,)))
    assert "suggestion for line 16:\n    -         rows += query()\n\n" in out


def test_a_finding_without_a_place_is_listed_apart(report: Report) -> None:
    apart = render(report).split("Without a place in the diff\n")[1]
    assert apart.startswith("medium  Callers outside of this change\\nstill pass a string")
    assert " --> src/app/service.py\n" in apart


def test_further_places_are_listed_and_a_long_list_is_counted(report: Report, finding: Callable[..., Finding]) -> None:
    assert "also at lines 90, 91" in render(report)
    many = replace(report, findings=(finding(also_at=tuple(range(1, 31))),))
    assert "18, 19, 20 and 10 more" in render(many)
    one = replace(report, findings=(finding(also_at=(7,)),))
    assert "also at line 7\n" in render(one)


def test_files_not_reviewed_are_grouped_by_reason_and_the_rest_is_counted(
    quiet: Report, skipped: Callable[..., tuple[FileReport, ...]]
) -> None:
    out = render(replace(quiet, files=skipped(13)))
    assert "  skipped: lock file\n    locks/00.lock\n" in out
    assert "    locks/09.lock\n    and 3 more, listed by --format json\n" in out
    assert "locks/10.lock" not in out


def test_failures_come_before_what_was_skipped_on_purpose(report: Report) -> None:
    out = render(report)
    assert out.index("failed: the endpoint") < out.index("skipped: binary")


def test_a_long_excerpt_keeps_its_beginning_and_its_end(quiet: Report, finding: Callable[..., Finding]) -> None:
    hunk = Hunk(old_start=1, new_start=1, body="\n".join(f"+line {n}" for n in range(1, 31)))
    file = FilePatch(path="long.py", old_path=None, status=Status.ADDED, hunks=(hunk,))
    span = Span(side=Side.RIGHT, start=5, end=25)
    found = finding(path="long.py", span=span)
    out = render(replace(quiet, files=(FileReport(file=file, outcome=Outcome.REVIEWED),), findings=(found,)))
    assert "   4 | line 4\n>  5 | line 5\n" in out
    assert ">    | … 15 lines more …\n> 25 | line 25\n  26 | line 26\n" in out


def test_a_finding_on_lines_that_no_hunk_shows_is_told_without_code(
    report: Report, finding: Callable[..., Finding]
) -> None:
    lost = finding(span=Span(side=Side.RIGHT, start=500, end=501))
    assert "--> src/app/service.py:500-501\n\nfiles" in render(replace(report, findings=(lost,), files=()))


@pytest.mark.parametrize("width", [40, 60, 100])
def test_no_line_is_wider_than_the_terminal(report: Report, width: int) -> None:
    wide = [line for line in render(report, width=width).split("\n") if len(line) > width]
    assert all("-->" in line or "main (" in line or "(lines" in line for line in wide)


def test_colour_marks_the_severity_and_plain_text_has_no_escape(report: Report) -> None:
    assert "\x1b[" not in render(report)
    assert "\x1b[1;37;41mcritical\x1b[0m" in render(report, color=True)


def test_colour_changes_nothing_but_colour(report: Report) -> None:
    bare = re.sub(r"\x1b\[[0-9;]*m", "", render(report, color=True))
    assert [line.rstrip() for line in bare.split("\n")] == render(report).split("\n")


@pytest.mark.parametrize("command", ["::add-mask::x", "  ::stop-commands::x", "a ##[group]x", "##vso[task.x]"])
def test_nothing_in_a_report_is_a_command_to_a_ci_runner(
    report: Report, finding: Callable[..., Finding], command: str
) -> None:
    hostile = finding(path=command, title=command, body=command, span=Span(side=Side.RIGHT, start=1, end=1))
    for line in render(replace(report, findings=(hostile,))).split("\n"):
        assert not line.lstrip().startswith("::")
        assert not re.search(r"##\w*\[", line)


@settings(deadline=None, max_examples=60)
@given(path=ANY_TEXT, title=ANY_TEXT, body=ANY_TEXT, code=ANY_TEXT, color=st.booleans())
def test_no_text_reaches_the_terminal_raw(
    hostile: Callable[..., Report], path: str, title: str, body: str, code: str, *, color: bool
) -> None:
    out = render(hostile(path=path, title=title, body=body, code=code), color=color)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", out) if color else out
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", bare)
