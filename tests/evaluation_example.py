"""One evaluation with everything in it that a page or a table has to show, texts of strangers included."""

import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import eval_scene
from eval_scene import CLOSE, HIGH, LOG, NAME, NOWHERE, OPEN, STAT

from reviewbot.domain.evaluation import Assessment, Case, CaseResult, Run, Spent
from reviewbot.domain.finding import Category, Finding, Placement
from reviewbot.steps import anchoring, decoding, prompting, scoring
from reviewbot.wiring.evaluating import cases

HOSTILE = "\x1b[2J<script>alert(1)</script> \u202egnorw"
BEFORE = Run(engine="llm", model="m-1", prompt="0a1b2c3d", source="live", host="api.example")
AFTER = Run(engine="llm", model="m-2", prompt="1a2b3c4d", source="recorded", note="recorded 2026-11-22 from m-2")
SPENT = Spent(
    requests=1, prompt_tokens=900, cached_tokens=400, completion_tokens=120, cost_usd=Decimal("0.0004"), seconds=2.5
)


def assessment() -> Assessment:
    """Give the evaluation, compared with one before it."""
    with TemporaryDirectory() as folder:
        labelled = cases.read(eval_scene.small(Path(folder)))
    said = {
        "python/one-too-high": [HIGH],
        "go/left-open": [LOG, CLOSE, OPEN],
        "go/clean-name": [{**NAME, "title": HOSTILE}, NOWHERE],
    }
    earlier = {"python/one-too-high": [], "go/left-open": [OPEN, STAT], "go/clean-name": []}
    after = [result(case, said[case.id]) for case in labelled]
    before = [result(case, earlier[case.id]) for case in labelled]
    after[-1] = replace(after[-1], failure="1 request failed for good: the answer broke off", exit_code=4)
    return Assessment(
        evaluation=scoring.evaluation(AFTER, after, chance()),
        comparison=scoring.comparison(BEFORE, before, after, chance()),
        cases=labelled,
    )


def alone(run: Run) -> Assessment:
    """Give it without the run before it, and with another head."""
    whole = assessment()
    return replace(whole, evaluation=replace(whole.evaluation, run=run), comparison=None)


def result(case: Case, said: Sequence[dict[str, object]]) -> CaseResult:
    """Score some claims about a case, in the order in which a review shows them."""
    claims = anchoring.place(decoding.findings(eval_scene.text_of(*said)).findings, case.patch, prompting.readable)
    shown: list[Finding] = [replace(claim, placement=Placement.INLINE, category=Category.BUG) for claim in claims]
    sought, comments = scoring.score(case, shown, everything=True)
    return CaseResult(
        id=case.id,
        language=case.language,
        category=case.category,
        digest="0" * 12,  # that of the labels would change with each word of them
        sought=sought,
        comments=comments,
        claims=len(claims),
        placed=sum(claim.span is not None for claim in claims),
        spent=SPENT,
    )


def chance() -> scoring.Pick:
    return random.Random(1).randrange  # noqa: S311 - no secrets
