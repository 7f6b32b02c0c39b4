"""A saved report is read again: nothing in it is believed that can be worked out anew."""

import json
from typing import Any

import drawing
import pytest

from reviewbot.domain.finding import Span, Suggestion
from reviewbot.domain.outcome import LineCounts, Outcome
from reviewbot.domain.patch import Side
from reviewbot.domain.synopsis import Risk, Synopsis
from reviewbot.errors import UsageError
from reviewbot.steps import restoring

PATCH = drawing.patch(
    """
    app.py
        1 def f():
      - 2     return 1
      + 2     token = "x"
      + 3     return token
    """
)
FINDING = {
    "path": "app.py", "side": "RIGHT", "start_line": 3, "line": 3, "severity": "high", "confidence": "high",
    "category": "bug", "rule": None, "title": "Wrong", "body": "It is.", "quote": "    return token",
    "suggestion": {"start_line": 3, "line": 3, "replacement": "    return 1"}, "source": "llm",
    "fingerprint": "made up", "placement": "inline",
}  # fmt: skip
REPORT = {
    "schema": 1, "engine": "llm", "model": "m", "base": "b" * 40, "head": "a" * 40,
    "files": [
        {"path": "app.py", "old_path": "app.py", "status": "modified", "binary": False, "added": [2, 3], "removed": [2],
         "outcome": "partial", "reason": "too long",
         "unreviewed": [{"side": "RIGHT", "start": 2, "end": 2, "outcome": "skipped", "reason": "too long"}]},
    ],
    "lines": {"changed": 3, "reviewed": 2, "skipped": 1, "failed": 0},
    "findings": [FINDING], "rejected": [], "coverage": None, "tests": [],
    "usage": {"requests": 1, "cost_usd": "0.0012", "wall_s": 1.5},
    "verdict": {"passed": False, "exit_code": 1, "reasons": ["too bad"]},
}  # fmt: skip


def read(**changed: object) -> restoring.Saved:
    return restoring.read(json.dumps({**REPORT, **changed}), "r.json")


def found(**changed: object) -> tuple[Span | None, Suggestion | None]:
    """Give the place and the suggestion of the one finding."""
    (finding,) = restoring.findings(read(findings=[{**FINDING, **changed}]), PATCH, str)
    return finding.span, finding.suggestion


def test_a_report_is_restored_around_the_patch_at_hand() -> None:
    saved = read()
    report = restoring.restore(saved, PATCH)
    assert ("a" * 40, "b" * 40) == (saved.head_sha, saved.base_sha)
    assert ("llm", "m", LineCounts(reviewed=2, skipped=1, failed=0)) == (report.engine, report.model, report.lines)
    assert (PATCH.files[0], Outcome.PARTIAL, 2) == (
        report.files[0].file,
        report.files[0].outcome,
        report.files[0].unreviewed[0].end,
    )
    assert (False, 1, ("too bad",)) == (report.verdict.passed, report.verdict.exit_code, report.verdict.reasons)
    assert ("0.0012", 1.5) == (str(report.usage.cost_usd), report.usage.wall_s)


def test_a_file_that_the_patch_does_not_have_is_kept_by_name() -> None:
    gone = {**REPORT["files"][0], "path": "gone.py"}  # type: ignore[index]
    assert "gone.py" == restoring.restore(read(files=[gone]), PATCH).files[0].file.path


def test_a_finding_whose_quote_stands_there_keeps_its_place_and_its_suggestion() -> None:
    expected = (Span(side=Side.RIGHT, start=3, end=3), Suggestion(start_line=3, line=3, replacement="    return 1"))
    assert expected == found()


def test_a_quote_of_a_part_of_the_line_stands_there_too() -> None:
    assert Span(side=Side.RIGHT, start=2, end=2) == found(quote="token =", line=2, start_line=2)[0]


@pytest.mark.parametrize("line", [1, 2, 999_999_999])
def test_a_quote_that_stands_elsewhere_is_looked_for_and_loses_its_suggestion(line: int) -> None:
    assert (Span(side=Side.RIGHT, start=3, end=3), None) == found(line=line, start_line=line)


@pytest.mark.parametrize(
    "changed",
    [
        {"quote": "not there at all"},
        {"quote": ""},
        {"path": "other.py"},
        {"path": "../app.py"},
        {"line": None, "quote": "nothing"},
        {"start_line": 1, "line": 999_999_999, "quote": "nothing"},
    ],
)
def test_what_stands_nowhere_is_adrift(changed: dict[str, Any]) -> None:
    assert (None, None) == found(**changed)


@pytest.mark.parametrize("lines", [(3, 2), (2, 999_999_999), (40, 41)])
def test_a_suggestion_for_lines_that_the_patch_does_not_show_is_dropped(lines: tuple[int, int]) -> None:
    span, suggestion = found(suggestion={"start_line": lines[0], "line": lines[1], "replacement": "x"})
    assert (Span(side=Side.RIGHT, start=3, end=3), None) == (span, suggestion)


def test_bytes_that_are_no_utf8_survive_as_surrogates() -> None:
    saved = read(findings=[{**FINDING, "path": "caf\udce9.py"}])
    assert "caf\udce9.py" == restoring.findings(saved, PATCH, str)[0].path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "r.json is no JSON"),
        ("{", "r.json is no JSON"),
        ("[" * 100_000, "r.json is no JSON"),
        ("[]", "r.json is no report of schema 1"),
        (json.dumps({**REPORT, "schema": 2}), "schema"),
        (json.dumps({**REPORT, "head": "main"}), "head"),
        (json.dumps({**REPORT, "findings": [{**FINDING, "title": 7}]}), r"findings\.0\.title"),
        (json.dumps({**REPORT, "findings": [{**FINDING, "quote": "x" * 20_001}]}), "20,000 characters"),
        (json.dumps({**REPORT, "findings": [FINDING] * 5_001}), "findings"),
        (json.dumps({**REPORT, "findings": [{**FINDING, "severity": "worst"}]}), "severity"),
        (json.dumps({"schema": 1}), r"and \d more"),
    ],
)
def test_what_is_no_report_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        restoring.read(text, "r.json")


def test_a_models_words_on_the_change_are_kept() -> None:
    told = read(summary={"text": "It adds f.", "risk": "high"})
    assert Synopsis(text="It adds f.", risk=Risk.HIGH) == restoring.restore(told, PATCH).synopsis
    assert None is restoring.restore(read(), PATCH).synopsis
