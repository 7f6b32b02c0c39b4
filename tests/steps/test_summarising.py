"""The sticky summary: what it says, what its digest is over, and how it stays short."""

from dataclasses import replace
from decimal import Decimal

import pytest
from steps.comments import BIG, pen, rich
from steps.posting_scene import APP, BOT, UNSIGNED, claim, report, request

from reviewbot.domain.finding import Finding, Severity
from reviewbot.domain.outcome import FileReport, Outcome, Report, Verdict
from reviewbot.domain.patch import FilePatch, Status
from reviewbot.domain.request import GITHUB, GITLAB, Dialect
from reviewbot.domain.thread import Note, SummaryMark, Thread, ThreadKind
from reviewbot.domain.usage import Usage
from reviewbot.steps import marking, summarising
from reviewbot.steps.summarising import Overview


def listed(count: int, *, body: str = "Why.", path: str = "app.py") -> tuple[Finding, ...]:
    return tuple(
        claim("x", title=f"T{number}", fingerprint=f"{number:032x}", body=body, path=path) for number in range(count)
    )


def written(made: Report, overview: Overview, dialect: Dialect = GITLAB) -> str:
    return summarising.summary(pen(dialect, made), overview)


def mark_of(text: str) -> SummaryMark:
    thread = Thread(id="t", kind=ThreadKind.PLAIN, notes=(Note(id="n", author=BOT, body=text),))
    (marked,) = marking.read([thread], BOT, UNSIGNED, request())
    assert marked.summary is not None
    return marked.summary


def test_the_summarys_mark_tells_the_run() -> None:
    overview = Overview(listed=listed(2), recipe="a recipe", done=True)
    told = mark_of(written(rich(), overview))
    assert (request().head_sha, request().base_sha, "a recipe", True) == (
        told.head_sha,
        told.base_sha,
        told.recipe,
        told.done,
    )
    assert ["T0", "T1"] == [finding.title for finding in told.findings]
    assert summarising.digest(pen(GITLAB, rich()), overview) == told.digest


def test_usage_and_counts_of_what_is_over_change_no_digest() -> None:
    made, overview = rich(), Overview(listed=listed(1))
    later = replace(made, usage=Usage(requests=9, cost_usd=Decimal(3), wall_s=99.0), model="another-model")
    again = replace(overview, resolved=3, closed=2)
    assert summarising.digest(pen(GITLAB, made), overview) == summarising.digest(pen(GITLAB, later), again)
    first, second = written(made, overview), written(later, overview)
    assert first != second
    assert summarising.substance(first) == summarising.substance(second)
    assert summarising.substance(first) == summarising.substance(f"{second}\n".replace("\n", "\r\n"))


@pytest.mark.parametrize(
    ("made", "overview"),
    [
        (rich(), Overview()),
        (rich(), Overview(listed=listed(2))),
        (rich(), Overview(listed=listed(1), done=False)),
        (rich(), Overview(listed=listed(1), recipe="other")),
        (rich(), Overview(listed=listed(1), standing=(("e" * 32, "inline", Severity.LOW),))),
        (rich(), Overview(listed=listed(1), disputed=((listed(1)[0], "author"),))),
        (replace(rich(), notes=()), Overview(listed=listed(1))),
        (replace(rich(), files=rich().files[:1]), Overview(listed=listed(1))),
        (replace(rich(), verdict=Verdict(passed=True, exit_code=0)), Overview(listed=listed(1))),
    ],
)
def test_whatever_matters_changes_the_digest(made: Report, overview: Overview) -> None:
    assert summarising.digest(pen(GITLAB, rich()), Overview(listed=listed(1))) != summarising.digest(
        pen(GITLAB, made), overview
    )


def test_another_head_changes_the_digest_and_another_order_does_not() -> None:
    here = pen(GITLAB, rich())
    there = replace(here, request=replace(here.request, head_sha="f" * 40))
    found = listed(3)
    assert summarising.digest(here, Overview(listed=found)) != summarising.digest(there, Overview(listed=found))
    assert summarising.digest(here, Overview(listed=found)) == summarising.digest(here, Overview(listed=found[::-1]))


@pytest.mark.parametrize(
    ("overview", "line"),
    [
        (Overview(), "No open findings."),
        (Overview(listed=listed(1)), "1 open finding: 1 high (1 only here)."),
        (
            Overview(listed=listed(1), standing=(("e" * 32, "file", Severity.CRITICAL),)),
            "2 open findings: 1 critical, 1 high (1 in comments on the code, 1 only here).",
        ),
        (Overview(resolved=1_000), "No open findings. 1,000 resolved since."),
        (Overview(resolved=1, closed=2), "No open findings. 1 resolved since, 2 closed by people."),
    ],
)
def test_the_first_line_counts_what_is_open_and_what_is_over(overview: Overview, line: str) -> None:
    assert line == written(report(APP), overview).split("\n\n")[2]


def test_ten_rows_are_open_and_eleven_folded() -> None:
    made = report(APP)
    assert "<details>" not in written(made, Overview(listed=listed(10, body="")))
    folded = written(made, Overview(listed=listed(11, body="")))
    assert 1 == folded.count("<details>") == folded.count("</details>")
    assert folded.index("<details>") < folded.index("| T0 |") < folded.index("</details>")


def test_the_second_summary_of_the_same_is_the_same() -> None:
    overview = Overview(listed=listed(5), disputed=((listed(1)[0], "author"),))
    assert written(rich(), overview) == written(rich(), overview)


@pytest.mark.parametrize("dialect", [GITLAB, GITHUB], ids=["gitlab", "github"])
def test_too_much_is_left_out_with_a_count_and_never_the_mark(dialect: Dialect) -> None:
    reasons = tuple(
        FileReport(
            file=FilePatch(path=f"{number}{'x' * 300}", old_path=None, status=Status.ADDED),
            outcome=Outcome.SKIPPED,
            reason=f"reason {number // 20} {'&' * 400}",
        )
        for number in range(400)
    )
    made = replace(report(BIG), files=reasons, notes=("<" * 500,) * 30)
    text = written(made, Overview(listed=listed(900, body="& " * 4_000, path="<" * 500)), dialect)
    assert len(text) < GITHUB.body_limit
    assert "further findings in the report, " in text
    assert "explanations not shown here.)" in text
    assert "further reasons in the report." in text
    assert "- and 10 more, listed in the report" in text
    assert "more notes in the report" in text
    assert 900 == len(mark_of(text).findings)


def test_there_is_no_heading_without_anything_below() -> None:
    calm = report(APP)
    assert "What they say" not in written(calm, Overview(listed=listed(1, body="")))
    assert "Not (fully) reviewed" not in written(calm, Overview())
