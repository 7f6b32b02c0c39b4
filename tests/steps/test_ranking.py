"""Which findings stand inline."""

from precision.claims import claim, fact

from reviewbot.domain.finding import Confidence, Finding, Severity
from reviewbot.steps import ranking

SURE = Confidence.HIGH


def inline(*findings: Finding, most: int = 10) -> list[str]:
    return [found.title for found in ranking.place(findings, most) if found.placement == "inline"]


def test_what_nobody_verified_and_what_has_no_place_stands_in_the_summary() -> None:
    assert ["verified"] == inline(
        claim(title="unverified", severity=Severity.CRITICAL),
        claim(title="verified", confidence=SURE),
        claim(None, title="adrift", confidence=SURE),
    )


def test_of_low_severity_each_file_has_one() -> None:
    low = [
        claim(line, path=path, title=f"{path}:{line}", severity=Severity.LOW, confidence=SURE)
        for path in ("a.py", "b.py")
        for line in (1, 5)
    ]
    assert ["a.py:1", "b.py:1"] == inline(*low)
    assert ["a.py:1", "a.py:5", "b.py:1", "b.py:5"] == inline(*low, most=0)


def test_the_cap_never_holds_the_worst_back() -> None:
    many = [
        claim(line, title=f"{severity}{line}", severity=severity, confidence=SURE)
        for severity in (Severity.CRITICAL, Severity.HIGH, Severity.MEDIUM)
        for line in (1, 5)
    ]
    assert ["critical1", "critical5", "high1", "high5"] == inline(*many, most=1)
    assert ["critical1", "critical5", "high1", "high5", "medium1"] == inline(*many, most=5)


def same(*places: tuple[str, int]) -> list[Finding]:
    return [claim(line, path=path, title="No timeout", quote="get(url)", confidence=SURE) for path, line in places]


def test_one_problem_in_many_places_is_told_once_with_a_list() -> None:
    first, *others = ranking.place(same(("a.py", 1), ("b.py", 7), ("c`\n.py", 9)), 10)
    assert ("inline", "The same stands at `b.py:7`, `c\ufffd\ufffd.py:9`.") == (first.placement, first.body)
    assert [("summary", ""), ("summary", "")] == [(other.placement, other.body) for other in others]


def test_twice_is_not_many_and_a_rules_findings_are_its_own_affair() -> None:
    assert 2 == len(inline(*same(("a.py", 1), ("b.py", 7))))
    assert 3 == len(inline(*[fact(1, path=path, severity=Severity.HIGH) for path in ("a.py", "b.py", "c.py")]))


def test_a_long_list_is_cut_and_counted() -> None:
    first, *_ = ranking.place(same(*[("a.py", line) for line in range(1, 40, 3)]), 10)
    assert first.body.endswith("`a.py:31` and 2 more places.")


def test_placing_again_says_nothing_twice() -> None:
    once = ranking.place([*same(("a.py", 1), ("b.py", 7), ("c.py", 9)), claim(3, body="More.", confidence=SURE)], 10)
    assert once == ranking.place(once, 10)
    moved = ranking.place(once[:2], 10)
    assert ["", ""] == [finding.body for finding in moved]
