"""JUnit: a suite for each file, counts that add up, XML that parses."""

from collections.abc import Callable
from xml.etree.ElementTree import Element, fromstring

from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.outcome import Report
from reviewbot.outputs.junit import render

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


def parse(report: Report) -> Element:
    return fromstring(render(report))  # noqa: S314 - our own document


def test_every_file_of_the_diff_is_a_suite(report: Report) -> None:
    names = [suite.get("name") for suite in parse(report)]
    assert names == [
        "src/app/service.py",
        "a b/<script>.py",
        "caf\\xe9/r\\xff.txt",
        "new_name.py",
        "gone.py",
        "logo.png",
        "dist/app.min.js",
        "big.py",
    ]


def test_a_reviewed_file_without_findings_is_one_passing_case(report: Report) -> None:
    suite = parse(report)[3]
    assert [(case.get("name"), len(case)) for case in suite] == [("review", 0)]
    assert suite.get("tests") == "1"


def test_findings_are_failures_and_gaps_are_skipped_or_errors(report: Report) -> None:
    root = parse(report)
    counts = [root.get(name) for name in ("tests", "failures", "errors", "skipped")]
    assert counts == ["13", "6", "2", "3"]
    [error] = root[7].iter("error")
    assert error.get("message") == "the endpoint answered 503 four times"
    [skipped] = root[5].iter("skipped")
    assert skipped.get("message") == "binary"
    assert [case.get("name") for case in root[2]][1:] == ["lines 4-5, old 2", "line 3"]


def test_a_finding_without_a_place_says_so(report: Report) -> None:
    texts = [failure.text or "" for failure in parse(report)[0].iter("failure")]
    assert texts[2].startswith("src/app/service.py (without a place in the diff)\n")


def test_a_file_that_only_a_finding_names_is_not_lost(hostile: Callable[..., Report]) -> None:
    report = hostile(path="a", title="t", body="b", code="c")
    lost = Report(engine="static", model=None, comparison=report.comparison, files=(), findings=report.findings[1:])
    assert [suite.get("name") for suite in parse(lost)] == ["a"]


@settings(deadline=None, max_examples=60)
@given(path=ANY_TEXT, title=ANY_TEXT, body=ANY_TEXT, code=ANY_TEXT)
def test_any_text_gives_xml_that_parses(
    hostile: Callable[..., Report], path: str, title: str, body: str, code: str
) -> None:
    root = parse(hostile(path=path, title=title, body=body, code=code))
    assert root.get("failures") == "2"
