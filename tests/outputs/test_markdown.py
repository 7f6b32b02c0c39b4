"""The Markdown document: its parts, its limits, and strangers' text in it."""

import re
from collections.abc import Callable
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import FileReport, Report
from reviewbot.outputs.markdown import render

ANY_TEXT = st.text(
    st.sampled_from("`~*_[]()!<>/\\@#:-| \n\r\u2028ax") | st.characters(exclude_categories=()), max_size=60
)
GITHUB_LIMIT = 65_536


def test_the_verdict_comes_first_and_the_figures_stand_in_a_table(report: Report) -> None:
    out = render(report)
    assert out.startswith("## reviewbot: failed (exit code 4): 2 chunks failed for good\n")
    assert "| files | 8: 4 reviewed, 1 partial, 2 skipped, 1 failed |\n" in out


def test_low_severities_are_folded_and_high_ones_are_not(report: Report) -> None:
    out = render(report)
    assert "### Critical (1)" in out
    assert "### High (1)" in out
    assert "<details>\n<summary>Medium (1)</summary>\n\n" in out
    assert "<details>\n<summary>Low (2)</summary>\n\n" in out
    assert out.count("<details>") == out.count("</details>") == 5


def test_a_finding_without_a_place_is_listed_apart(report: Report, finding: Callable[..., Finding]) -> None:
    assert "<summary>Without a place in the diff (1)</summary>" in render(report)
    grave = replace(report, findings=(finding(span=None),))
    assert "### Without a place in the diff (1)" in render(grave)


def test_a_quiet_report_says_so(quiet: Report) -> None:
    out = render(quiet)
    assert out.startswith("## reviewbot: passed\n")
    assert out.endswith("\nNo findings.\n")


def test_files_not_reviewed_are_folded_with_their_reasons(
    quiet: Report, skipped: Callable[..., tuple[FileReport, ...]]
) -> None:
    out = render(replace(quiet, files=skipped(13)))
    assert "<summary>Not (fully) reviewed: 13 files</summary>" in out
    assert "**skipped**: lock file\n\n- `locks/00.lock`\n" in out
    assert "- and 3 more, listed in the JSON report\n" in out


def test_too_many_findings_are_counted_and_the_worst_stay(report: Report, finding: Callable[..., Finding]) -> None:
    many = tuple(finding(title=f"n {number}", severity=Severity.LOW, body="x" * 900) for number in range(500))
    out = render(replace(report, findings=(finding(title="worst"), *many)))
    assert len(out) < GITHUB_LIMIT
    assert "**high: worst**" in out
    [left_out] = re.findall(r"(\d+) further findings would not fit here; the JSON report lists them all", out)
    assert out.count("**low: n ") + int(left_out) == 500


def test_a_finding_too_long_for_the_document_keeps_its_title(report: Report, finding: Callable[..., Finding]) -> None:
    out = render(replace(report, findings=(finding(body="word " * 20_000),)))
    assert "**high: The loop never ends**" in out
    assert len(out) < GITHUB_LIMIT


def test_too_many_reasons_are_counted(quiet: Report, skipped: Callable[..., tuple[FileReport, ...]]) -> None:
    files = tuple(file for number in range(300) for file in skipped(1, f"reason {number} {'r' * 300}"))
    out = render(replace(quiet, files=files))
    assert len(out) < GITHUB_LIMIT
    assert "further reasons in the JSON report." in out


def test_a_long_title_is_cut(report: Report, finding: Callable[..., Finding]) -> None:
    assert f"high: {'t' * 400}…" in render(replace(report, findings=(finding(title="t" * 5_000),)))


@settings(deadline=None, max_examples=150)
@given(path=ANY_TEXT, title=ANY_TEXT, body=ANY_TEXT, code=ANY_TEXT)
def test_nothing_in_a_document_acts(
    hostile: Callable[..., Report], path: str, title: str, body: str, code: str
) -> None:
    out = render(hostile(path=path, title=title, body=body, code=code))
    assert not any(re.match(r"\s*(/|::)", line) for line in out.splitlines())
    tokens = MarkdownIt("commonmark").enable("table").parse(out)
    flat = [token for outer in tokens for token in (outer, *(outer.children or ()))]
    assert not {token.type for token in flat} & {"html_inline", "image", "link_open", "code_block", "hr"}
    ours = {"<details>", "</details>"}
    for token in flat:
        if token.type == "html_block":
            assert set(re.findall(r"<[^>]*>", token.content)) <= ours | {"<summary>", "</summary>"}
    assert out.count("\n<details>\n") == out.count("\n</details>\n")
