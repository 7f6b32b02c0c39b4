"""A claim is put to a verifier, and what becomes of it then."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from fakes.model_server import Answer, Asked, findings, refusal, verdict
from precision.reviewed import Reviewed, Setting, asked_of, reviewed

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.finding import Category, Confidence, Finding, Severity
from reviewbot.domain.patch import FilePatch
from reviewbot.domain.prompt import Completion, Prompt, Task
from reviewbot.domain.usage import Usage
from reviewbot.steps import diffing
from reviewbot.steps.carrying import Previous
from reviewbot.verifying import Standards

DIFF = b"""\
diff --git a/app.py b/app.py
--- a/app.py
+++ b/app.py
@@ -1,3 +1,6 @@
 def total(items):
-    return sum(items)
+    result = 0
+    for item in items:
+        result = item
+    return result
 # ----
"""


class Sources:
    """Nothing but the diff is known."""

    def new_text(self, file: FilePatch) -> bytes | None:
        del file
        return None

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        del names
        return {}


def said(**over: object) -> dict[str, object]:
    return {
        "path": "app.py", "line": 4, "quote": "        result = item", "side": "RIGHT", "severity": "high",
        "category": "bug", "title": "Only the last item counts", "body": "total([1, 2]) gives 2.", "suggestion": None,
        **over,
    }  # fmt: skip


def review(
    rule: Callable[[Asked], Answer],
    *claims: dict[str, object],
    previous: Previous | None = None,
    standards: Standards | None = None,
    diff: bytes = DIFF,
) -> Reviewed:
    """Let a reviewer say some claims, and a verifier answer by a rule."""
    setting = Setting(sources=Sources(), previous=previous, standards=standards or Standards())
    return reviewed(lambda asked: rule(asked) if asked.task == "verify" else findings(*claims), diff, setting)


def shown(run: Reviewed) -> list[tuple[str, str, str]]:
    return [(one.title, one.placement.value, one.confidence.value) for one in run.report.findings]


def reasons(run: Reviewed) -> list[str]:
    return [rejection.reason for rejection in run.report.rejected]


def test_an_accepted_claim_stands_inline_and_is_sure() -> None:
    run = review(lambda _: verdict(evidence="result = item"), said())
    assert [("Only the last item counts", "inline", "high")] == shown(run)
    assert ["review", "verify"] == [asked.task for asked in run.asked]


def test_a_rejected_claim_is_listed_with_the_verifiers_reason() -> None:
    run = review(lambda _: verdict(accept=False, reason="sum() is meant."), said())
    assert () == run.report.findings
    assert ["the verifier rejects it: sum() is meant."] == reasons(run)


def test_evidence_that_stands_nowhere_is_no_acceptance() -> None:
    run = review(lambda _: verdict(evidence="result = items.pop()"), said())
    assert () == run.report.findings
    assert ["the verifier accepts it, but its evidence stands nowhere in the code"] == reasons(run)


@pytest.mark.parametrize("evidence", [None, "", "+        result = item"])
def test_evidence_may_be_missing_or_have_the_diffs_marks(evidence: str | None) -> None:
    assert [("Only the last item counts", "inline", "high")] == shown(
        review(lambda _: verdict(evidence=evidence), said())
    )


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "no"),
        Answer(text="It is right."),
        Answer(text='{"accept": "perhaps"}'),
        Answer(text='{"accept": 1}'),
    ],
)
def test_a_claim_that_cannot_be_verified_goes_to_the_summary_and_changes_no_exit_code(answer: Answer) -> None:
    run = review(lambda _: answer, said())
    assert [("Only the last item counts", "summary", "medium")] == shown(run)
    assert 0 == run.report.verdict.exit_code
    assert run.report.complete
    assert any(note.startswith("1 claim could not be verified and went to the summary") for note in run.report.notes)


def test_a_claim_for_which_no_money_is_left_goes_to_the_summary() -> None:
    """The review takes as many tokens as it may, and so nearly all of the budget."""
    setting = Setting(sources=Sources(), budget_usd="0.006")
    run = reviewed(lambda _: Answer(text=findings(said()).text, tokens=8_000), DIFF, setting)
    assert ["review"] == [asked.task for asked in run.asked]
    assert [("Only the last item counts", "summary", "medium")] == shown(run)
    assert 0 == run.report.verdict.exit_code
    assert any("the run's budget of $0.006 has $" in note for note in run.report.notes)


def test_a_faulty_verdict_is_repaired_once() -> None:
    run = review(lambda asked: verdict() if asked.is_repair else Answer(text="Yes!"), said())
    assert [("Only the last item counts", "inline", "high")] == shown(run)
    first, again = run.verified
    assert again.is_repair
    assert first.body["messages"] == again.body["messages"][:2]
    assert "Your answer cannot be used: the answer holds no JSON object" in again.body["messages"][3]["content"]


def test_verdicts_are_kept_for_the_next_run(tmp_path: Path) -> None:
    run = reviewed(lambda _: findings(said()), DIFF, Setting(sources=Sources(), cache=tmp_path, runs=2))
    assert ["review", "verify"] == [asked.task for asked in run.asked]
    assert [("Only the last item counts", "inline", "high")] == shown(run)
    assert (0, 2) == (run.report.usage.requests, run.report.usage.cache_hits)


def test_a_faulty_verdict_is_not_kept(tmp_path: Path) -> None:
    run = reviewed(
        lambda asked: Answer(text="?") if asked.task == "verify" else findings(said()),
        DIFF,
        Setting(sources=Sources(), cache=tmp_path, runs=2),
    )
    assert ["review"] + ["verify"] * 4 == [asked.task for asked in run.asked]


class Broken:
    """A model whose client has a bug, for some tasks."""

    def __init__(self, task: Task) -> None:
        self.usage = Usage()
        self._task = task

    async def complete(
        self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
    ) -> Completion:
        del options, check
        if prompt.task is self._task:
            message = "out of cheese"
            raise RuntimeError(message)
        return Completion(text=findings(said()).text, finish_reason="stop", model=None)


@pytest.mark.parametrize(("task", "code"), [(Task.VERIFY, 0), (Task.REVIEW, 70)])
def test_a_bug_that_a_request_brings_to_light_is_told(task: Task, code: int) -> None:
    report = asyncio.run(asked_of(Broken(task), DIFF, Setting(sources=Sources())))
    assert code == report.verdict.exit_code
    told = " ".join((*report.notes, *report.verdict.reasons))
    assert "a bug in reviewbot, please report it: RuntimeError: out of cheese" in told


def test_one_request_holds_one_claim_and_nothing_of_the_others() -> None:
    other = said(quote="    result = 0", title="Empty input is not refused", body="total([]) gives 0.", line=2)
    run = review(lambda _: verdict(), said(), other)
    texts = [json.dumps(asked.body) for asked in run.verified]
    assert 2 == len(texts)
    assert {1} == {sum(title in text for title in ("Only the last item", "Empty input")) for text in texts}


def test_what_has_no_place_is_not_verified_and_goes_to_the_summary() -> None:
    run = review(lambda _: verdict(), said(quote="nothing.like(this)"))
    assert [("Only the last item counts", "summary", "medium")] == shown(run)
    assert [] == run.verified


def test_without_a_verifier_no_claim_stands_inline() -> None:
    run = review(lambda _: verdict(), said(), standards=Standards(verify=False))
    assert [("Only the last item counts", "summary", "medium")] == shown(run)
    assert ["review"] == [asked.task for asked in run.asked]


def test_when_the_first_of_two_equals_is_rejected_the_other_one_is_asked_about() -> None:
    worse = said(severity="critical", title="Only the last item counts, which corrupts the database")
    third = said(severity="medium", title="Of the items only the last counts")
    run = review(lambda asked: verdict(accept="corrupts" not in asked.user), said(), worse, third)
    assert [("Only the last item counts", "inline", "high")] == shown(run)
    assert 2 == len(run.verified)
    assert 2 == len(reasons(run))


def test_there_is_no_third_try() -> None:
    words = ("Only the last item counts", "Only the last item counts really", "Really only the last item counts here")
    run = review(lambda _: verdict(accept=False), *(said(title=title) for title in words))
    assert () == run.report.findings
    assert 2 == len(run.verified)
    assert 3 == len(reasons(run))


def test_both_of_two_that_contradict_each_other_are_verified_and_the_more_severe_stands() -> None:
    denial = said(title="Not only the last item counts", severity="medium")
    both = review(lambda _: verdict(), said(), denial)
    assert 2 == len(both.verified)
    assert [("Only the last item counts", "inline", "high")] == shown(both)
    right = review(lambda asked: verdict(accept="Not only" in asked.user), said(), denial)
    assert [("Not only the last item counts", "inline", "high")] == shown(right)


def carried(confidence: Confidence) -> Previous:
    finding = Finding(
        path="app.py", severity=Severity.HIGH, confidence=confidence, category=Category.BUG, title="Known before",
        body="", quote="        result = item", source="llm", hint=4,
    )  # fmt: skip
    return Previous(head_sha="a" * 40, patch=diffing.bare(DIFF), findings=(finding,))


def test_what_was_verified_before_is_not_asked_about_again() -> None:
    run = review(lambda _: verdict(accept=False), previous=carried(Confidence.HIGH))
    assert [] == run.asked
    assert [("Known before", "inline", "high")] == shown(run)


def test_what_could_not_be_verified_before_is_asked_about_now() -> None:
    run = review(lambda _: verdict(), previous=carried(Confidence.MEDIUM))
    assert ["verify"] == [asked.task for asked in run.asked]
    assert [("Known before", "inline", "high")] == shown(run)


def test_a_sweeping_change_is_reviewed_and_verified_once_and_told_everywhere() -> None:
    diff = b"".join(DIFF.replace(b"app.py", b"app%d.py" % number) for number in range(6))
    run = review(lambda _: verdict(), said(path="app0.py"), diff=diff)
    assert ["review", "verify"] == [asked.task for asked in run.asked]
    assert {f"app{number}.py" for number in range(6)} == {finding.path for finding in run.report.findings}
    first, *others = run.report.findings
    assert ("inline", {"summary"}) == (first.placement, {other.placement for other in others})
    assert "`app1.py:4`, `app2.py:4`" in first.body
    assert all(f"app{number}.py" in run.asked[0].user for number in range(6))
    assert run.report.lines.changed == run.report.lines.reviewed == 6 * 5


def test_when_a_sweeping_change_fails_it_fails_in_every_place() -> None:
    diff = b"".join(DIFF.replace(b"app.py", b"app%d.py" % number) for number in range(6))
    run = reviewed(lambda _: refusal(400, "no"), diff, Setting(sources=Sources()))
    assert (6 * 5, 4) == (run.report.lines.failed, run.report.verdict.exit_code)


def test_an_interruption_while_the_review_is_asked_for_verifies_nothing() -> None:
    run = reviewed(lambda _: Answer(silent=True), DIFF, Setting(sources=Sources(), interrupted_at="review"))
    assert ["review"] == [asked.task for asked in run.asked]
    assert (130, 5) == (run.report.verdict.exit_code, run.report.lines.skipped)


def test_an_interruption_while_claims_are_verified_keeps_them_unverified() -> None:
    """The verifier never answers; whoever waits is interrupted."""
    silent = Answer(silent=True)
    run = reviewed(
        lambda asked: silent if asked.task == "verify" else findings(said()),
        DIFF,
        Setting(sources=Sources(), interrupted_at="verify"),
    )
    assert [("Only the last item counts", "summary", "medium")] == shown(run)
    assert 130 == run.report.verdict.exit_code
    assert not run.report.complete
    assert any("the run was interrupted" in note for note in run.report.notes)
