"""What a review would send and cost, verify requests included."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.outcome import Comparison
from reviewbot.domain.patch import FilePatch
from reviewbot.domain.planned import Estimate
from reviewbot.domain.usage import TokenUsage
from reviewbot.llm.prices import Price
from reviewbot.pipeline import Change, Policy
from reviewbot.planning import Rates, plan
from reviewbot.steps import diffing
from reviewbot.steps.counting import tokens
from reviewbot.steps.filtering import Rules
from reviewbot.verifying import Standards

PRICE = Price(prompt=Decimal(2), cached=Decimal(1), completion=Decimal(3))
BOTH = Rates(review=PRICE, verify=PRICE)
DIFF = b"""\
diff --git a/a.go b/a.go
--- a/a.go
+++ b/a.go
@@ -1 +1,2 @@
 package a
+var X = 1
"""
POLICY = Policy(
    rules=Rules(), budget=ContextBudget(), max_comments=0, fail_on=None, analyzers=(), text_checks=(), hint=""
)


class Sources:
    """Nothing but the diff is known."""

    def new_text(self, file: FilePatch) -> bytes | None:
        del file
        return None

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        del names
        return {}


def estimate(rates: Rates, *, verify: bool = True, diff: bytes = DIFF) -> Estimate:
    comparison = Comparison(base_sha=None, head_sha=None, description="a diff")
    change = Change(patch=diffing.bare(diff), comparison=comparison, sources=Sources(), attributes={})
    policy = replace(POLICY, standards=Standards(verify=verify))
    return plan(change, policy, ModelOptions(name="m"), "system", tokens, rates).estimate


def test_three_claims_a_chunk_are_reckoned_with_and_each_is_verified() -> None:
    with_it, without = estimate(BOTH), estimate(BOTH, verify=False)
    assert (4, 3) == (with_it.requests, with_it.verify_requests)
    assert (1, 0) == (without.requests, without.verify_requests)
    assert 3 * 700 == with_it.prompt_tokens - without.prompt_tokens
    assert 3 * 80 == with_it.completion_tokens - without.completion_tokens


@pytest.mark.parametrize(
    ("rates", "verify", "known"),
    [
        (BOTH, True, True),
        (replace(BOTH, verify=None), True, False),
        (replace(BOTH, review=None), True, False),
        (replace(BOTH, verify=None), False, True),
    ],
)
def test_the_cost_is_known_where_the_price_of_all_that_is_asked_is(rates: Rates, *, verify: bool, known: bool) -> None:
    assert known == (estimate(rates, verify=verify).cost_usd is not None)


def test_the_verifier_has_a_price_of_its_own() -> None:
    cheap, dear = (estimate(Rates(review=PRICE, verify=PRICE.times(Decimal(factor)))).cost_usd for factor in (1, 10))
    assert cheap is not None
    assert dear is not None
    assert 9 * PRICE.cost(TokenUsage(prompt_tokens=3 * 700, completion_tokens=3 * 80)) == dear - cheap


def test_nothing_to_send_costs_nothing_whatever_the_model() -> None:
    nothing = estimate(Rates(review=None, verify=None), diff=b"")
    assert (0, Decimal(0)) == (nothing.requests, nothing.cost_usd)
