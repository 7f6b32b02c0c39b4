"""The page's sections on coverage and generated tests: what stands in them, whoever wrote the names."""

from dataclasses import replace
from fractions import Fraction

import drawing

from reviewbot.domain.candidate import (
    Candidate,
    CandidateStatus,
    Filter,
    Gap,
    Judged,
    Point,
    Proved,
    SuggestedFile,
    Unreached,
)
from reviewbot.domain.coverage import CoverageGate, CoverageStatus, IndirectLoss, PatchCoverage, PatchFileCoverage
from reviewbot.domain.outcome import Comparison, FileReport, Outcome, Report, Verdict
from reviewbot.domain.proof_view import proof
from reviewbot.outputs.html import render

CHANGE = """
    a.py
      + 1 one = 1
      + 2 two = 2 if one else 3
      + 3 three = 3
"""
EVIL = "<script>alert(1)</script>"
POINT = Point(path="a.py", line=3)


def a_report(**changes: object) -> Report:
    file = drawing.file(CHANGE)
    plain = Report(
        engine="static",
        model=None,
        comparison=Comparison(base_sha=None, head_sha=None, description="a change"),
        files=(FileReport(file=file, outcome=Outcome.REVIEWED),),
        findings=(),
        verdict=Verdict(passed=True, exit_code=0, reasons=()),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def a_coverage(**changes: object) -> PatchCoverage:
    file = PatchFileCoverage(path="a.py", covered=(1, 2), missing=(3,), partial=(2,), by_statement=True)
    plain = PatchCoverage(
        status=CoverageStatus.FAILED,
        patch_percent=Fraction(200, 3),
        project_percent=Fraction(50),
        files=(file,),
        gate=CoverageGate(asked=True),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def judged(status: CandidateStatus, path: str, reason: str, stopped: Filter | None = None) -> Judged:
    return Judged(candidate=Candidate(path=path, code="pass"), status=status, reason=reason, filter=stopped)


def test_a_page_without_coverage_says_nothing_of_it() -> None:
    page = render(a_report())
    assert "<h2>Coverage</h2>" not in page
    assert "<h2>Generated tests</h2>" not in page
    assert ".proof" not in page


def test_uncovered_lines_are_marked_in_the_diff_and_covered_ones_are_not() -> None:
    page = render(a_report(coverage=a_coverage()))
    assert 1 == page.count('<tr class="add uncovered" title="not covered by tests">')
    assert 1 == page.count('<tr class="add half" title="a branch of this line is not taken by tests">')
    assert 1 == page.count('<tr class="add">')


def test_the_bar_and_the_table_tell_the_same_as_the_headline() -> None:
    page = render(a_report(coverage=a_coverage()))
    assert "failed: 66.67 % of 3 changed statements covered" in page
    assert 'aria-label="2 of 3 covered"' in page
    assert "<td>2 of 3 (66.67 %)</td><td>3</td><td>\N{EN DASH}</td><td>2</td>" in page


def test_a_test_of_the_change_is_no_product_and_is_not_marked() -> None:
    (file,) = a_coverage().files
    assert {} == proof(a_report(coverage=a_coverage(files=(replace(file, is_test=True),)))).marks


def test_a_gate_that_nobody_asked_for_is_not_shown_as_one_that_blocks() -> None:
    section = proof(a_report(coverage=a_coverage(gate=CoverageGate()))).coverage
    assert section is not None
    assert section.passed


def test_what_became_of_every_test_is_told() -> None:
    tests = Proved(
        tests=(
            judged(CandidateStatus.PROVEN, "tests/test_a.py", ""),
            judged(CandidateStatus.REJECTED, "tests/test_b.py", "first line\n  second line", Filter.STATIC),
            judged(CandidateStatus.SUSPECTED, "tests/test_c.py", "the code breaks its promise", Filter.PASSES),
        ),
        files=(SuggestedFile(path="tests/test_a.py", code="def test_a(): ...\n", covers=(POINT,), made_of=()),),
    )
    page = render(a_report(tests=tests))
    assert "3 candidates: 1 proven, 1 suspected bug, 1 rejected" in page
    assert 'tests/test_a.py</span> <span class="soft">for a.py 3</span>' in page
    assert "stopped at: static" in page
    assert "first line second line" in page
    assert "the code breaks its promise" in page


def test_why_no_tests_were_generated_is_told() -> None:
    gap = Gap(path="a.py", name="f", start=1, code=("three = 3",), missing=(3,))
    tests = Proved(unreached=(Unreached(gap=gap, points=(POINT,), reason="no sandbox"),), notes=("none: no sandbox",))
    page = render(a_report(tests=tests))
    assert '<p class="note">none: no sandbox</p>' in page
    assert '<span class="path">a.py</span> <span class="soft">3 f</span>: no sandbox' in page


def test_no_text_of_a_stranger_is_markup() -> None:
    loss = IndirectLoss(path=EVIL, lines=(1,))
    coverage = a_coverage(reasons=(EVIL,), notes=(EVIL,), indirect=(loss,))
    tests = Proved(
        tests=(judged(CandidateStatus.REJECTED, EVIL, EVIL),),
        files=(SuggestedFile(path=EVIL, code=EVIL, covers=(replace(POINT, path=EVIL),), made_of=()),),
        notes=(EVIL,),
    )
    page = render(a_report(coverage=coverage, tests=tests))
    assert "<script" not in page
    assert 11 == page.count("&lt;script&gt;alert(1)&lt;/script&gt;")


def test_a_secret_in_a_generated_test_is_not_shown() -> None:
    token = "ghp_" + "a1b2c3d4e5f6g7h8i9j0" * 2
    file = SuggestedFile(path="tests/test_a.py", code=f'KEY = "{token}"\n', covers=(POINT,), made_of=())
    assert token[:36] not in render(a_report(tests=Proved(files=(file,))))
