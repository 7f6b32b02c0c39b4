"""The figures: what of a noisy reviewer's claims stands inline, and what does not."""

from collections import Counter

import pytest
from fakes.model_server import Answer, Asked, findings
from precision.noisy_scene import ALL, BY_TITLE, NOUNS, Said, Sources, accepts, changed, path_of, script, source_of
from precision.reviewed import Reviewed, Setting, reviewed

from reviewbot.analyzers import ruff
from reviewbot.domain.finding import Confidence, Finding


@pytest.fixture(scope="module")
def run() -> Reviewed:
    """Review once: 14 modules, a request for each."""
    return reviewed(script, changed(), Setting(sources=Sources(), analyzers=(ruff.analyze,), target_tokens=750))


def inline(run: Reviewed) -> list[Finding]:
    return [finding for finding in run.report.findings if finding.placement == "inline"]


def shown(run: Reviewed) -> list[Said]:
    """Give what of the reviewer's claims stands inline."""
    return [BY_TITLE[finding.path, finding.title] for finding in inline(run) if finding.source == "llm"]


def test_the_scene_is_as_noisy_as_it_says() -> None:
    kinds = Counter(one.kind for one in ALL)
    assert 70 == kinds["true"]
    assert 5 * 70 == len(ALL) - kinds["true"]
    assert {"again", "near", "false", "adrift", "style", "plea", "praise", "linted", "opposite", "injected"} < set(
        kinds
    )
    assert len(BY_TITLE) > 400


def test_every_inline_comment_quotes_what_stands_at_its_line(run: Reviewed) -> None:
    for finding in inline(run):
        assert finding.span is not None
        noun = next(noun for noun in NOUNS if path_of(noun) == finding.path)
        rows = source_of(noun).split("\n")[finding.span.start - 1 : finding.span.end]
        assert "\n".join(rows) == finding.quote


def test_at_most_one_in_a_hundred_duplicates_gets_through(run: Reviewed) -> None:
    sent = sum(one.kind in {"again", "near", "opposite"} for one in ALL)
    told = Counter(one.bug for one in shown(run) if one.kind in {"true", "again", "near", "opposite"})
    assert sum(told.values()) - len(told) <= sent / 100


def test_nothing_of_style_and_nothing_that_ruff_says_gets_through(run: Reviewed) -> None:
    assert [] == [one.title for one in shown(run) if one.kind in {"style", "linted", "plea", "praise", "injected"}]
    rules = [finding.rule for finding in inline(run) if finding.source == "ruff"]
    assert ["F401"] * len(NOUNS) == [rule for rule in rules if rule == "F401"]


def test_97_of_100_true_findings_that_the_verifier_accepts_are_kept(run: Reviewed) -> None:
    wanted = {one.bug for one in ALL if one.kind == "true" and accepts(one)}
    kept = {one.bug for one in shown(run) if one.kind in {"true", "again", "near"}}
    assert len(wanted) > 60
    assert len(wanted & kept) >= 0.97 * len(wanted)
    assert kept <= wanted


def test_nothing_stands_inline_but_static_facts_and_accepted_claims(run: Reviewed) -> None:
    assert all(accepts(one) for one in shown(run))
    assert {Confidence.HIGH} == {finding.confidence for finding in inline(run)}


def test_every_claim_is_shown_or_rejected_with_a_reason(run: Reviewed) -> None:
    told = [finding.title for finding in run.report.findings if finding.source == "llm"]
    assert Counter(one.title for one in ALL) == Counter(told + [one.title for one in run.report.rejected])
    assert all(rejection.reason for rejection in run.report.rejected)


def test_a_verify_request_is_small(run: Reviewed) -> None:
    assert len(run.verified) < len(ALL) / 2
    assert run.median_tokens() <= 800


def test_a_clean_change_gets_no_comment() -> None:
    """The reviewer says only what is not true; the verifier sees that."""
    noise = ("false", "adrift", "style", "plea", "praise", "injected")

    def noisy(asked: Asked) -> Answer:
        if asked.task == "verify":
            return Answer(text='{"accept": false, "reason": "It is handled.", "evidence": null}')
        claims = [one.claim for one in ALL if one.kind in noise and f"### {one.claim['path']} " in asked.user]
        return findings(*claims)

    run = reviewed(noisy, changed(), Setting(sources=Sources(), target_tokens=750))
    assert [] == inline(run)
    assert {True} == {finding.span is None for finding in run.report.findings}
