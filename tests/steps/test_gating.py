"""A finished review → pass or not, and with which exit code."""

from itertools import combinations

import pytest

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span
from reviewbot.domain.outcome import LineCounts, Verdict
from reviewbot.domain.patch import Side
from reviewbot.steps import gating

LINES = LineCounts(reviewed=3)
CODES = (130, 70, 2, 3, 1, 4, 5, 6)


def finding(severity: Severity, confidence: Confidence = Confidence.HIGH, *, adrift: bool = False) -> Finding:
    return Finding(
        path="a.py",
        severity=severity,
        confidence=confidence,
        category=Category.BUG,
        title="t",
        body="",
        quote="x",
        source="ruff",
        span=None if adrift else Span(side=Side.RIGHT, start=1, end=1),
    )


def test_a_review_without_trouble_passes() -> None:
    assert gating.judge((), LINES, None, ()) == Verdict(passed=True, exit_code=0)


def test_a_change_without_lines_passes_and_says_so() -> None:
    assert gating.judge((), LineCounts(), None, ()).reasons == ("no changed lines to review",)
    assert gating.judge((), LineCounts(), None, [(2, "unreadable")]).reasons == ("unreadable",)
    assert gating.judge((), LineCounts(skipped=1), None, ()).reasons == ()


@pytest.mark.parametrize("codes", [*combinations(CODES, 1), *combinations(CODES, 2), CODES])
def test_of_several_exit_codes_the_weightiest_counts(codes: tuple[int, ...]) -> None:
    trouble = [(code, f"reason {code}") for code in reversed(codes)]
    reasons = tuple(reason for _, reason in trouble)
    assert gating.judge((), LINES, None, trouble) == Verdict(passed=False, exit_code=codes[0], reasons=reasons)


@pytest.mark.parametrize(("code", "expected"), [(130, 130), (70, 70), (2, 2), (3, 3), (4, 1), (5, 1), (6, 1)])
def test_a_failed_gate_has_its_place_among_the_codes(code: int, expected: int) -> None:
    verdict = gating.judge([finding(Severity.HIGH)], LINES, Severity.LOW, [(code, "trouble")])
    assert (verdict.exit_code, verdict.reasons) == (expected, ("trouble", "1 finding of severity low or above"))


@pytest.mark.parametrize("severity", Severity)
@pytest.mark.parametrize("fail_on", Severity)
def test_findings_at_or_above_the_bar_fail(severity: Severity, fail_on: Severity) -> None:
    order = ["low", "medium", "high", "critical"]
    fails = order.index(severity) >= order.index(fail_on)
    assert gating.judge([finding(severity)], LINES, fail_on, ()).exit_code == (1 if fails else 0)


def test_without_a_bar_no_finding_fails() -> None:
    assert gating.judge([finding(Severity.CRITICAL)], LINES, None, ()).passed


@pytest.mark.parametrize(
    "harmless",
    [
        finding(Severity.CRITICAL, Confidence.MEDIUM),
        finding(Severity.CRITICAL, Confidence.LOW),
        finding(Severity.CRITICAL, adrift=True),
    ],
)
def test_only_sure_findings_with_a_place_count(harmless: Finding) -> None:
    assert gating.judge([harmless], LINES, Severity.LOW, ()).passed
    verdict = gating.judge([harmless, *[finding(Severity.HIGH)] * 2], LINES, Severity.HIGH, ())
    assert verdict.reasons == ("2 findings of severity high or above",)
