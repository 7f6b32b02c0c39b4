"""What a model may answer, and what becomes of it: only right anchors, and no line forgotten."""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from fakes.model_server import Answer, Asked, findings, refusal, serving
from talking import NOW, World, plan_for

from reviewbot import templating
from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.endpoint import ClientOptions, ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.finding import Finding
from reviewbot.domain.outcome import Comparison, Outcome, Report
from reviewbot.domain.patch import FilePatch
from reviewbot.llm.prices import Prices
from reviewbot.pipeline import Change, Policy, review_statically, review_with_model
from reviewbot.planning import Rates, plan
from reviewbot.reviewing import Asking
from reviewbot.steps import diffing, prompting
from reviewbot.steps.counting import tokens
from reviewbot.steps.filtering import Rules
from reviewbot.wiring.clients import open_client

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0" + "k1L2m3N4o5P6q7R8"
DIFF = f"""\
diff --git a/app.py b/app.py
--- a/app.py
+++ b/app.py
@@ -1,5 +1,8 @@
 def total(items):
-    return sum(items)
+    result = 0
+    for item in items:
+        result = item
+    return result
 # ----
 def other(items):
-    return max(items)
+    return items[0]
diff --git a/conf.py b/conf.py
--- a/conf.py
+++ b/conf.py
@@ -10,2 +10,3 @@
 HOST = "example"
+TOKEN = "{SECRET}"
 PORT = 80
"""


class Sources:
    """Nothing but the diff is known."""

    def new_text(self, file: FilePatch) -> bytes | None:
        del file
        return None

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        del names
        return {}


def change(diff: str = DIFF) -> Change:
    comparison = Comparison(base_sha=None, head_sha=None, description="a drawing")
    return Change(patch=diffing.bare(diff.encode()), comparison=comparison, sources=Sources(), attributes={})


def policy(target_tokens: int = 12_000) -> Policy:
    return Policy(
        rules=Rules(),
        budget=ContextBudget(target_tokens=target_tokens),
        max_comments=0,
        fail_on=None,
        analyzers=(),
        text_checks=(),
        hint="use a model",
    )


def review(script: Callable[[Asked], Answer], *, diff: str = DIFF, target_tokens: int = 12_000) -> Report:
    """Review a diff with the fake server."""
    seen: list[Progress] = []

    async def session(url: str) -> Report:
        templates = templating.environment()
        plan = replace(plan_for(url), options=ClientOptions(attempts=2))
        async with open_client(plan, World().surroundings, lambda _: None) as client:
            asking = Asking(
                model=client,
                options=ModelOptions(name="deepseek-flash"),
                templates=templates,
                system=prompting.system(templates, ""),
                count=tokens,
                observe=seen.append,
            )
            return await review_with_model(change(diff), policy(target_tokens), asking)

    with serving(script) as server:
        report = asyncio.run(session(server.base_url))
    # A round of reviews, and one of verdicts where there are claims.
    assert seen[-1].done == seen[-1].total
    assert [progress.done for progress in seen].count(0) <= 2
    assert report.lines.changed == report.lines.reviewed + report.lines.skipped + report.lines.failed
    return report


def claim(**over: object) -> dict[str, object]:
    """Give a right finding, unless something is said otherwise."""
    return {
        "path": "app.py",
        "line": 4,
        "quote": "        result = item",
        "side": "RIGHT",
        "severity": "high",
        "category": "bug",
        "title": "Only the last item counts",
        "body": "total([1, 2]) gives 2.",
        "suggestion": "        result += item",
        **over,
    }


def places(report: Report) -> list[tuple[str, int | None]]:
    return [(finding.path, finding.span.start if finding.span else None) for finding in report.findings]


def only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


def test_a_right_finding_stands_at_its_line_with_its_suggestion() -> None:
    finding = only(review(lambda _: findings(claim())))
    assert finding.span is not None
    assert (finding.span.start, finding.span.end) == (4, 4)
    assert finding.quote == "        result = item"
    assert finding.placement == "inline"
    assert finding.confidence == "high"
    assert finding.suggestion is not None
    assert finding.suggestion.replacement == "        result += item"


@pytest.mark.parametrize("line", [1, 99, None, "four", -2])
def test_a_wrong_line_is_repaired_by_the_quote(line: object) -> None:
    assert places(review(lambda _: findings(claim(line=line)))) == [("app.py", 4)]


def test_a_finding_in_a_wrong_file_goes_to_the_summary() -> None:
    report = review(lambda _: findings(claim(path="conf.py"), claim(path="nowhere.py")))
    assert sorted(places(report), key=str) == [("conf.py", None), ("nowhere.py", None)]
    assert {finding.placement for finding in report.findings} == {"summary"}


def test_a_quote_that_stands_nowhere_goes_to_the_summary() -> None:
    finding = only(review(lambda _: findings(claim(quote="result = items.pop()"))))
    assert finding.span is None
    assert finding.suggestion is None
    assert finding.placement == "summary"


def test_a_missing_quote_goes_to_the_summary() -> None:
    assert places(review(lambda _: findings(claim(quote=None), claim(quote="  ")))) == [("app.py", None)]


def test_a_removed_line_is_found_on_its_own_side_only() -> None:
    removed = claim(quote="    return sum(items)", side="LEFT", suggestion=None)
    assert places(review(lambda _: findings(removed))) == [("app.py", 2)]
    assert places(review(lambda _: findings({**removed, "side": "RIGHT"}))) == [("app.py", None)]


def test_duplicates_become_one_and_are_told() -> None:
    report = review(lambda _: findings(claim(), claim(line=7, title="Same again")))
    assert places(report) == [("app.py", 4)]
    assert [rejection.path for rejection in report.rejected] == ["app.py"]


def test_a_bad_finding_does_not_spoil_the_others() -> None:
    report = review(lambda _: findings(claim(severity="catastrophic"), claim(), {"path": 3}))
    assert places(report) == [("app.py", 4)]
    assert len(report.rejected) == 2
    assert "severity" in report.rejected[0].reason


@pytest.mark.parametrize(
    "faulty",
    [
        "",
        "I think it is fine.",
        "[]",
        '{"findings": "none"}',
        json.dumps({"findings": [claim()]})[:-40],
        '{"issues": []}',
    ],
)
def test_a_malformed_answer_is_repaired_once(faulty: str) -> None:
    def script(asked: Asked) -> Answer:
        right = asked.is_repair or asked.task == "verify"
        return findings(claim()) if right else Answer(text=faulty, finish_reason="length")

    report = review(script)
    assert places(report) == [("app.py", 4)]
    assert report.usage.requests == 3
    assert report.verdict.exit_code == 0


def test_a_repair_shows_the_faulty_answer_and_what_is_wrong() -> None:
    asked: list[Asked] = []

    def script(request: Asked) -> Answer:
        asked.append(request)
        return findings() if request.is_repair else Answer(text="Looks good to me")

    review(script)
    system, first, answer, again = (message["content"] for message in asked[1].body["messages"])
    assert (system, first) == tuple(message["content"] for message in asked[0].body["messages"])
    assert answer == "Looks good to me"
    assert "holds no JSON object" in again
    assert asked[1].headers["x-reviewbot-task"] == "review"


def test_an_answer_that_stays_malformed_fails_its_lines_and_says_so() -> None:
    report = review(lambda _: Answer(text="no"))
    assert report.verdict.exit_code == 4
    assert report.lines.failed == report.lines.changed > 0
    assert {entry.outcome for entry in report.files} == {Outcome.FAILED}
    assert "no usable answer twice" in (report.files[0].reason or "")


def test_code_fences_and_prose_around_the_object_are_accepted() -> None:
    text = "Here you are:\n```json\n" + json.dumps({"findings": [claim()]}) + "\n```\nAnything else?"
    assert places(review(lambda _: Answer(text=text))) == [("app.py", 4)]


def test_when_every_request_fails_the_exit_code_is_4_and_every_line_is_named() -> None:
    report = review(lambda _: refusal(500, "down"))
    assert report.verdict.exit_code == 4
    assert not report.verdict.passed
    named = [(run.side, run.start, run.end) for entry in report.files for run in entry.unreviewed]
    assert named == [("LEFT", 2, 2), ("LEFT", 5, 5), ("RIGHT", 2, 5), ("RIGHT", 8, 8), ("RIGHT", 11, 11)]
    assert all("answered 500: down" in run.reason for entry in report.files for run in entry.unreviewed)


def test_one_failing_chunk_loses_no_other() -> None:
    def script(asked: Asked) -> Answer:
        return refusal(404, "gone") if "conf.py" in asked.user else findings(claim())

    report = review(script, target_tokens=10)
    assert places(report) == [("app.py", 4)]
    assert [entry.outcome for entry in report.files] == [Outcome.REVIEWED, Outcome.FAILED]
    assert report.verdict.exit_code == 4


def test_every_changed_line_reaches_the_model_verbatim_but_for_secrets() -> None:
    asked: list[Asked] = []

    def script(request: Asked) -> Answer:
        asked.append(request)
        return findings()

    report = review(script)
    text = "\n".join(request.user for request in asked)
    for row in DIFF.splitlines():
        if row[:1] in "+-" and row[:3] not in ("+++", "---") and "TOKEN" not in row:
            assert row in text
    assert SECRET not in json.dumps([request.body for request in asked])
    assert "TOKEN" in text
    assert any("1 secret was taken out" in note for note in report.notes)


def test_a_quoted_placeholder_finds_its_line_again() -> None:
    def script(asked: Asked) -> Answer:
        (line,) = [line for line in asked.user.splitlines() if "TOKEN" in line]
        quote = line[1:]
        return findings(claim(path="conf.py", quote=quote, title="A token in the code", suggestion=None))

    finding = only(review(script))
    assert finding.span is not None
    assert finding.span.start == 11


def test_the_model_of_the_report_is_the_one_that_was_asked_for() -> None:
    report = review(lambda _: findings())
    assert report.engine == "llm"
    assert report.model == "deepseek-flash"
    assert report.usage.prompt_tokens > 0
    assert report.usage.cost_usd is not None


def test_a_plan_and_a_review_cover_the_same_lines() -> None:
    price = Prices.load().at("deepseek-flash", NOW)
    planned = plan(
        change(),
        policy(),
        ModelOptions(name="deepseek-flash"),
        "system",
        tokens,
        Rates(review=price, verify=price),
    )
    assert planned.lines == review(lambda _: findings()).lines
    assert 1 == len(planned.chunks)
    assert planned.estimate.cost_usd is not None


def test_statically_a_file_that_no_rule_understands_is_skipped_with_advice() -> None:
    report = review_statically(change(DIFF.replace("conf.py", "conf.rb")), policy())
    reasons = {entry.file.path: entry.reason for entry in report.files}
    assert reasons["conf.rb"] == "no static rules for .rb files"
    assert "use a model" in report.notes
    assert "give --repo DIR" in (reasons["app.py"] or "")
    assert report.lines.skipped == report.lines.changed
