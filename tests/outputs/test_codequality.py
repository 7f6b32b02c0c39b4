"""GitLab Code Quality: the six fields, unique fingerprints, new lines only."""

import json
from collections.abc import Callable
from dataclasses import replace

from reviewbot.domain.finding import Finding
from reviewbot.domain.outcome import Report
from reviewbot.outputs.codequality import render


def test_an_issue_has_the_fields_that_gitlab_reads(report: Report) -> None:
    issue = json.loads(render(report))[1]
    assert issue == {
        "description": "The loop never ends & `limit` <b>is</b> ignored",
        "check_name": "llm/bug",
        "fingerprint": "b2" * 16,
        "severity": "critical",
        "location": {"path": "src/app/service.py", "lines": {"begin": 15, "end": 16}},
    }


def test_severities_are_gitlabs(report: Report) -> None:
    assert [issue["severity"] for issue in json.loads(render(report))] == [
        "blocker",
        "critical",
        "major",
        "minor",
    ]


def test_only_findings_on_new_lines_are_listed(report: Report) -> None:
    titles = [issue["description"] for issue in json.loads(render(report))]
    assert not any("assertion" in title or "Callers" in title for title in titles)


def test_fingerprints_are_unique_and_the_same_in_every_run(report: Report, finding: Callable[..., Finding]) -> None:
    same = finding(fingerprint="")
    twins = replace(report, findings=(finding(), finding(), same, same, same))
    prints = [issue["fingerprint"] for issue in json.loads(render(twins))]
    assert prints[0] == "f" * 32
    assert len(set(prints)) == 5
    assert render(twins) == render(twins)


def test_a_path_is_relative_without_a_dot(report: Report, finding: Callable[..., Finding]) -> None:
    [issue] = json.loads(render(replace(report, findings=(finding(path="./a.py"),))))
    assert issue["location"]["path"] == "a.py"


def test_nothing_found_is_an_empty_list(quiet: Report) -> None:
    assert json.loads(render(quiet)) == []
