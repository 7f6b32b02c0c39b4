"""A finished review → the verdict: pass or not, the exit code, and why."""

from collections.abc import Iterable, Sequence

from reviewbot.domain.candidate import Proved
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.finding import Confidence, Finding, Severity
from reviewbot.domain.outcome import LineCounts, Verdict

EXIT_CODES_BY_WEIGHT = (130, 70, 2, 3, 1, 4, 5, 6)
"""When several apply, the first of these."""


def heaviest(codes: Iterable[int]) -> int:
    """Give the exit code that counts; 0 if there is no other."""
    given = frozenset(codes)
    return next((code for code in EXIT_CODES_BY_WEIGHT if code in given), 0)


def with_coverage(verdict: Verdict, coverage: PatchCoverage) -> Verdict:
    """Add the coverage gate's answer to the verdict."""
    if not coverage.blocks:
        return verdict
    reasons = tuple(f"coverage: {reason}" for reason in coverage.reasons) or (f"coverage: {coverage.status}",)
    exit_code = heaviest((verdict.exit_code, 1))
    return Verdict(passed=False, exit_code=exit_code, reasons=(*verdict.reasons, *reasons))


def with_tests(verdict: Verdict, tests: Proved | None) -> Verdict:
    """Add what went wrong with generated tests, if it was our own fault; that they are missing is no fault."""
    if tests is None or not (tests.bug or tests.interrupted):
        return verdict
    code, reason = (70, tests.bug) if tests.bug else (130, "interrupted while tests were proven")
    reasons = (*verdict.reasons, reason or "")
    return Verdict(passed=False, exit_code=heaviest((verdict.exit_code, code)), reasons=reasons)


def interrupted(verdict: Verdict) -> Verdict:
    """Add that the run was interrupted after its review."""
    reasons = (*verdict.reasons, "interrupted after the review: what was to follow is missing")
    return Verdict(passed=False, exit_code=heaviest((verdict.exit_code, 130)), reasons=reasons)


def judge(
    findings: Sequence[Finding],
    lines: LineCounts,
    fail_on: Severity | None,
    trouble: Sequence[tuple[int, str]],
) -> Verdict:
    """Weigh the findings and what went wrong, given as exit codes with reasons.

    Only findings that are sure and have a place count for ``fail_on``; None is never.
    """
    causes = list(trouble)
    if fail_on is not None:
        counted = [
            finding
            for finding in findings
            if finding.severity.rank >= fail_on.rank
            and finding.confidence is Confidence.HIGH
            and finding.span is not None
        ]
        if counted:
            noun = "finding" if len(counted) == 1 else "findings"
            causes.append((1, f"{len(counted)} {noun} of severity {fail_on.value} or above"))
    exit_code = heaviest(code for code, _ in causes)
    reasons = [reason for _, reason in causes]
    if not causes and lines.changed == 0:
        reasons.append("no changed lines to review")
    return Verdict(passed=exit_code == 0, exit_code=exit_code, reasons=tuple(reasons))
