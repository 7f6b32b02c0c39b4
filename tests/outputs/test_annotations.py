"""GitHub workflow commands, read back the way the runner reads them."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.finding import Finding, Severity, Span
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Side
from reviewbot.domain.view import label, shown
from reviewbot.outputs.annotations import render

ANY_TEXT = st.text(st.sampled_from(":,%\r\n#[]=ax") | st.characters(exclude_categories=()), max_size=40)


def read(line: str) -> tuple[str, dict[str, str], str]:
    """Parse a command as actions/runner does (ActionCommand.TryParseV2)."""
    match = re.fullmatch(r"::(\w+) (.*?)::(.*)", line)
    assert match is not None
    pairs = (pair.split("=", 1) for pair in match[2].split(","))
    return match[1], {name: unescaped(value) for name, value in pairs}, unescaped(match[3])


def unescaped(text: str) -> str:
    for escape, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(escape, sign)
    return text


def test_levels_follow_severities(report: Report) -> None:
    lines = [line for line in render(report).split("\n") if line.startswith("::")]
    assert [read(line)[0] for line in lines] == ["error", "error", "warning", "warning", "notice", "notice"]


def test_a_finding_on_new_lines_names_them_and_others_only_their_file(report: Report) -> None:
    lines = [read(line)[1] for line in render(report).split("\n") if line.startswith("::")]
    assert (lines[1]["file"], lines[1]["line"], lines[1]["endLine"]) == ("src/app/service.py", "15", "16")
    assert list(lines[3]) == list(lines[4]) == ["file", "title"]


@pytest.mark.parametrize("severity", list(Severity))
def test_ten_annotations_a_level_and_a_count_of_the_rest(
    report: Report, finding: Callable[..., Finding], severity: Severity
) -> None:
    many = tuple(finding(title=f"n{number}", severity=severity) for number in range(13))
    lines = render(replace(report, findings=many)).split("\n")
    assert sum(line.startswith("::") for line in lines) == 10
    assert lines[10] == "reviewbot: 3 further findings without an annotation; the report lists them all."


def test_critical_findings_take_the_places_of_high_ones(report: Report, finding: Callable[..., Finding]) -> None:
    high = tuple(finding(title=f"high {number}") for number in range(10))
    found = (*high, finding(title="critical", severity=Severity.CRITICAL))
    out = render(replace(report, findings=found))
    assert out.startswith("::error file=src/app/service.py,line=16,endLine=16,title=critical (llm bug)::")
    assert "title=high 8 " in out
    assert "title=high 9 " not in out


def test_nothing_found_is_a_plain_line(quiet: Report) -> None:
    assert render(quiet) == "reviewbot: no findings.\n"


@settings(deadline=None, max_examples=100)
@given(path=ANY_TEXT, title=ANY_TEXT, body=ANY_TEXT)
def test_any_text_comes_back_whole_and_adds_no_command(
    hostile: Callable[..., Report], path: str, title: str, body: str
) -> None:
    report = hostile(path=path, title=title, body=body, code="x")
    first, second, rest, end = render(report).split("\n")
    files = "1 file" if label(path) == label(body) else "2 files"
    assert (rest, end) == (f"reviewbot: {files} not (fully) reviewed; the report says why.", "")
    for line in (first, second):
        _, properties, _ = read(line)
        assert properties["file"] == label(path)
        assert properties["title"].startswith(label(shown(title)))


def test_a_percent_sign_is_escaped_first(report: Report, finding: Callable[..., Finding]) -> None:
    odd = finding(path="a%2C,b:c.py", title="100%", body="50%0A", span=Span(side=Side.RIGHT, start=1, end=1))
    line = render(replace(report, findings=(odd,))).split("\n")[0]
    assert line == ("::error file=a%252C%2Cb%3Ac.py,line=1,endLine=1,title=100%25 (llm bug)::50%250A")
