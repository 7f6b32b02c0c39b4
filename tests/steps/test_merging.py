"""Findings → one each, ranked, with fingerprints and a place."""

from dataclasses import replace

import drawing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.finding import Category, Confidence, Finding, Placement, Rejection, Severity, Span
from reviewbot.domain.patch import Patch, Side
from reviewbot.steps import merging

PATCH = drawing.patch("b.py\n  + 1 x\na.py\n  + 1 x\nold.py -> new.py\n  + 1 x")


def finding(start: int | None = 1, path: str = "a.py", *, side: Side = Side.RIGHT, **fields: object) -> Finding:
    """Make a finding; without a start it is adrift."""
    known: dict[str, object] = {
        "path": path,
        "severity": Severity.MEDIUM,
        "confidence": Confidence.HIGH,
        "category": Category.BUG,
        "title": "It is wrong",
        "body": "",
        "quote": "x = 1",
        "source": "ruff",
        "span": None if start is None else Span(side=side, start=start, end=start),
    }
    return Finding(**{**known, **fields})  # type: ignore[arg-type]


def merge(*findings: Finding, most: int = 0, patch: Patch = PATCH) -> tuple[Finding, ...]:
    return merging.merge(findings, patch, most).findings


def prints(*findings: Finding, patch: Patch = PATCH) -> list[str]:
    """Give the fingerprints in the order of the findings that are given."""
    merged = merge(*findings, patch=patch)
    bare = [replace(found, fingerprint="", placement=Placement.SUMMARY) for found in merged]
    return [merged[bare.index(found)].fingerprint for found in findings]


def test_nothing_is_merged_to_nothing() -> None:
    assert merging.merge((), PATCH, 10) == merging.Merged(findings=(), rejected=())


# Order


def test_the_most_severe_come_first_then_those_with_a_place_then_the_surest_then_the_order_of_the_diff() -> None:
    ordered = [
        finding(9, severity=Severity.CRITICAL, confidence=Confidence.MEDIUM),
        finding(None, severity=Severity.CRITICAL),
        finding(7, severity=Severity.HIGH),
        finding(5, path="b.py"),
        finding(6, path="b.py", rule="A"),
        finding(6, path="b.py", rule="B"),
        finding(2),
        finding(3, path="new.py"),
        finding(1, path="not in the diff.py"),
        finding(1, path="b.py", confidence=Confidence.MEDIUM),
        finding(None, title="Something else"),
        finding(1, severity=Severity.LOW),
    ]
    for found in (merge(*ordered), merge(*reversed(ordered))):
        assert [replace(each, fingerprint="", placement=Placement.SUMMARY, body="") for each in found] == ordered


FINDINGS = st.lists(
    st.builds(
        finding,
        st.none() | st.integers(1, 4),
        st.sampled_from(["a.py", "b.py", "new.py"]),
        side=st.sampled_from(Side),
        severity=st.sampled_from(Severity),
        category=st.sampled_from(Category),
        quote=st.sampled_from(["x", "y"]),
        title=st.sampled_from(["s", "t"]),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(FINDINGS, st.integers(0, 5))
def test_none_is_lost_and_fingerprints_are_unique(findings: list[Finding], most: int) -> None:
    merged = merging.merge(findings, PATCH, most)
    assert len(merged.findings) + len(merged.rejected) == len(findings)
    assert len({found.fingerprint for found in merged.findings}) == len(merged.findings)
    assert merging.merge(merged.findings, PATCH, most).findings == merged.findings
    ranks = [found.severity.rank for found in merged.findings]
    assert ranks == sorted(ranks, reverse=True)


# Repetitions


def test_the_same_said_twice_of_the_same_lines_is_said_once_by_the_most_severe() -> None:
    high, low = finding(severity=Severity.HIGH, title="It crashes"), finding(severity=Severity.LOW, title="It may fail")
    merged = merging.merge((low, high), PATCH, 0)
    assert [found.title for found in merged.findings] == ["It crashes"]
    reason = "says again what 'It crashes' says of the same code"
    assert merged.rejected == (Rejection(path="a.py", title="It may fail", reason=reason),)


@pytest.mark.parametrize(
    "other",
    [
        finding(2),
        finding(path="b.py"),
        finding(side=Side.LEFT),
        finding(category=Category.SECURITY),
        finding(rule="F821"),
        finding(span=Span(side=Side.RIGHT, start=1, end=2)),
        finding(None),
    ],
)
def test_something_else_is_no_repetition(other: Finding) -> None:
    assert len(merge(finding(), other)) == 2


def test_adrift_findings_repeat_each_other_if_they_say_the_same_of_the_same_quote() -> None:
    assert len(merge(finding(None), finding(None, quote="x  =\n1", body="more"))) == 1
    assert len(merge(finding(None), finding(None, quote="y = 1"))) == 2
    assert len(merge(finding(None), finding(None, title="Something else"))) == 2


# Fingerprints


def test_a_fingerprint_does_not_change_when_lines_shift() -> None:
    before = prints(finding(3), finding(7), finding(9, quote="y"))
    assert prints(finding(103), finding(107), finding(109, quote="y")) == before


def test_a_shift_of_one_side_does_not_swap_fingerprints_of_the_other() -> None:
    before = prints(finding(5, side=Side.LEFT), finding(3))
    assert prints(finding(5, side=Side.LEFT), finding(13)) == before


def test_a_fingerprint_does_not_change_with_words_severity_or_white_space() -> None:
    before = prints(finding())
    assert prints(finding(title="T", body="B", severity=Severity.HIGH, source="llm", quote="  x =\t1\r\n")) == before


def test_a_fingerprint_is_that_of_the_path_at_the_base() -> None:
    before = prints(finding(path="old.py"), patch=drawing.patch("old.py\n  + 1 x"))
    assert prints(finding(path="new.py")) == before
    assert prints(finding(path="a.py")) != before


def test_a_fingerprint_is_of_rule_path_and_quote() -> None:
    all_different = [
        finding(),
        finding(2, quote="y"),
        finding(3, rule="F821"),
        finding(4, category=Category.TEST),
        finding(5, "b.py"),
    ]
    assert len(set(prints(*all_different))) == 5
    assert prints(finding(rule="F821", category=Category.BUG)) == prints(finding(rule="F821", category=Category.TEST))


def test_equals_are_counted_from_the_top_of_the_file_whatever_their_severity() -> None:
    low, high = finding(1, severity=Severity.LOW), finding(2, severity=Severity.HIGH)
    assert prints(low, high) == prints(finding(1, severity=Severity.HIGH), finding(2, severity=Severity.LOW))
    assert prints(low)[0] == prints(low, high)[0]


def test_a_fingerprint_is_hexadecimal_for_any_text() -> None:
    (printed,) = prints(finding(quote="caf\udce9\0", path="caf\udce9.py"))
    assert len(printed) == 32
    assert int(printed, 16)


# Places


def placements(*findings: Finding, most: int) -> list[str]:
    return [f"{found.severity.value} {found.placement.value}" for found in merge(*findings, most=most)]


def test_beyond_the_cap_findings_go_to_the_summary_but_never_the_worst() -> None:
    many = [finding(line, severity=severity) for severity in Severity for line in (1, 2)]
    apart = [replace(found, quote=str(at), rule=str(at)) for at, found in enumerate(many)]
    assert (
        placements(*apart, most=1)
        == ["critical inline"] * 2 + ["high inline"] * 2 + ["medium summary"] * 2 + ["low summary"] * 2
    )
    assert (
        placements(*apart, most=5)
        == ["critical inline"] * 2
        + ["high inline"] * 2
        + [
            "medium inline",
            "medium summary",
        ]
        + ["low summary"] * 2
    )


def test_0_is_no_cap() -> None:
    many = [finding(line, quote=str(line)) for line in range(1, 40)]
    assert set(placements(*many, most=0)) == {"medium inline"}


def test_adrift_findings_go_to_the_summary_and_take_no_room() -> None:
    assert placements(finding(None, severity=Severity.HIGH), finding(1), most=1) == ["high summary", "medium inline"]
    assert placements(finding(None, severity=Severity.CRITICAL), most=0) == ["critical summary"]
