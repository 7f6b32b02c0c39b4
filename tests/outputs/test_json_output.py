"""Schema 1, against the words of the interface page."""

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from reviewbot.domain.finding import Finding
from reviewbot.domain.outcome import Report
from reviewbot.domain.usage import Usage
from reviewbot.outputs.json import render


def test_the_keys_come_in_the_order_of_the_contract(report: Report) -> None:
    document = json.loads(render(report))
    assert list(document) == [
        "schema",
        "engine",
        "model",
        "base",
        "head",
        "files",
        "lines",
        "findings",
        "rejected",
        "coverage",
        "tests",
        "usage",
        "verdict",
        "summary",
    ]
    assert list(document["files"][0]) == [
        "path",
        "old_path",
        "status",
        "binary",
        "added",
        "removed",
        "outcome",
        "reason",
        "unreviewed",
    ]
    assert " ".join(document["findings"][0]) == (
        "path side start_line line severity confidence category rule title body quote suggestion source "
        "fingerprint placement"
    )
    assert " ".join(document["usage"]) == (
        "requests cache_hits coalesced retries prompt_tokens cached_tokens completion_tokens cost_usd wall_s"
    )
    assert document["verdict"] == {"passed": False, "exit_code": 4, "reasons": ["2 chunks failed for good"]}


def test_every_file_is_listed_with_its_lines_and_its_gaps(report: Report) -> None:
    files = json.loads(render(report))["files"]
    assert [file["outcome"] for file in files] == [
        "reviewed",
        "reviewed",
        "partial",
        "reviewed",
        "reviewed",
        "skipped",
        "skipped",
        "failed",
    ]
    assert files[0]["added"] == [14, 15, 16, 82, 83]
    assert files[0]["removed"] == [14, 15]
    assert files[1]["old_path"] is None
    assert files[2]["unreviewed"][0] == {
        "side": "RIGHT",
        "start": 3,
        "end": 3,
        "outcome": "skipped",
        "reason": "the line is too long for any request",
    }


def test_the_counts_add_up(report: Report) -> None:
    lines = json.loads(render(report))["lines"]
    assert lines == {"changed": 27, "reviewed": 18, "skipped": 3, "failed": 6}


def test_a_path_that_is_not_utf8_comes_back_from_ascii(report: Report) -> None:
    text = render(report)
    assert text.isascii()
    assert json.loads(text)["files"][2]["path"] == "caf\udce9/r\udcff.txt"


def test_a_finding_without_a_place_has_no_lines(report: Report) -> None:
    adrift = json.loads(render(report))["findings"][3]
    assert adrift["start_line"] is None
    assert adrift["line"] is None
    assert adrift["side"] == "RIGHT"
    assert adrift["placement"] == "summary"
    assert adrift["suggestion"] is None
    assert adrift["rule"] is None


def test_a_finding_on_removed_lines_says_its_side(report: Report) -> None:
    left = json.loads(render(report))["findings"][4]
    assert (left["side"], left["start_line"], left["line"]) == ("LEFT", 15, 15)


def test_a_suggestion_names_the_lines_that_it_replaces(report: Report) -> None:
    suggestion = json.loads(render(report))["findings"][1]["suggestion"]
    assert list(suggestion) == ["start_line", "line", "replacement"]
    assert (suggestion["start_line"], suggestion["line"]) == (14, 16)


@pytest.mark.parametrize(
    ("cost_usd", "written"), [(Decimal("0.0000001"), "0.0000001"), (Decimal(0), "0"), (None, None)]
)
def test_money_is_plain_digits_in_a_string_or_null(
    report: Report, cost_usd: Decimal | None, written: str | None
) -> None:
    priced = replace(report, usage=Usage(cost_usd=cost_usd, wall_s=1.23456))
    usage = json.loads(render(priced))["usage"]
    assert usage["cost_usd"] == written
    assert usage["wall_s"] == 1.235


def test_findings_stay_in_the_order_of_the_report(report: Report, finding: Callable[..., Finding]) -> None:
    found = tuple(finding(title=title) for title in ("b", "c", "a"))
    document = json.loads(render(replace(report, findings=found)))
    assert [entry["title"] for entry in document["findings"]] == ["b", "c", "a"]


def test_what_the_report_has_not_got_yet_is_null_and_empty(report: Report) -> None:
    document = json.loads(render(report))
    assert document["coverage"] is None
    assert document["tests"] == []
