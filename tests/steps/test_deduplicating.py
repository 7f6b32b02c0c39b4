"""Claims → one for each problem."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from precision.claims import claim, fact

from reviewbot.domain.finding import Category, Confidence, Finding, Severity
from reviewbot.domain.patch import Side
from reviewbot.steps import deduplicating

LEAK = claim(title="The file handle leaks", body="It is closed on success alone.", quote="handle = open(path)")


def titles(*claims: Finding, verified: bool = False) -> list[str]:
    return [found.title for found in deduplicating.fold(claims, verified=verified).findings]


@pytest.mark.parametrize(
    "other",
    [
        claim(title="File handle leaks on errors", category=Category.PERFORMANCE, quote=LEAK.quote),
        claim(2, title="The handle leaks here", quote="return handle.read()"),
        claim((1, 3), title="Leaks: the file handle", quote="handle = open(path)\na\nb"),
        claim(None, title="The file handle leaks", quote=LEAK.quote),
        claim(
            title="Resource problem", body="The file handle leaks if it is closed on success alone.", quote=LEAK.quote
        ),
    ],
)
def test_similar_words_about_the_same_or_neighbouring_lines_are_one_problem(other: Finding) -> None:
    folded = deduplicating.fold((other, LEAK), verified=False)
    assert 1 == len(folded.findings) == len(folded.repeats)
    assert "says again what" in folded.rejected[0].reason


@pytest.mark.parametrize(
    "other",
    [
        claim(3, title="The file handle leaks", quote="other = open(path)"),
        claim(title="The file handle leaks", path="b.py"),
        claim(title="The file handle leaks", side=Side.LEFT),
        claim(title="Path traversal through the name", quote=LEAK.quote, category=Category.SECURITY),
    ],
)
def test_other_lines_and_other_words_are_another_problem(other: Finding) -> None:
    for verified in (False, True):
        assert 2 == len(titles(LEAK, other, verified=verified))


def test_neighbouring_lines_of_one_shape_do_the_same_twice() -> None:
    first = claim(1, title="No timeout for the request", quote="a = requests.get(one)")
    second = claim(2, title="No timeout for the request", quote="b = requests.get(two)")
    assert 2 == len(titles(first, second))


def test_claims_that_name_things_of_their_own_are_two() -> None:
    first = claim((1, 2), title="Missing null check of user", quote="name = user.name\nlog(name)")
    second = claim((2, 3), title="Missing null check of order", quote="log(name)\ntotal(order)")
    assert 2 == len(titles(first, second))


def test_the_most_severe_of_equals_stands_but_a_verified_one_before_it() -> None:
    low = claim(title="The handle leaks", severity=Severity.LOW)
    high = claim(title="The handle leaks badly", severity=Severity.HIGH)
    known = claim(title="The handle leaks always", severity=Severity.LOW, confidence=Confidence.HIGH)
    assert ["The handle leaks badly"] == titles(low, high)
    assert ["The handle leaks always"] == titles(low, high, known)


def test_a_denial_is_no_repetition_until_both_are_verified() -> None:
    yes = claim(title="The timeout is too short", severity=Severity.HIGH)
    no = claim(title="The timeout is too long")
    assert 2 == len(titles(yes, no))
    folded = deduplicating.fold((yes, no), verified=True)
    assert (yes,) == folded.findings
    assert "contradicts or repeats 'The timeout is too short'" == folded.rejected[0].reason


def test_of_the_same_lines_verified_claims_of_one_kind_are_one() -> None:
    first, second = claim(title="Off by one"), claim(title="Wrong comparison")
    assert 2 == len(titles(first, second))
    assert 1 == len(titles(first, second, verified=True))
    other = claim(title="Tokens are logged", category=Category.SECURITY)
    assert 2 == len(titles(first, other, verified=True))


# What static rules say


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (claim(title="Unused import", body="The module os is never used."), fact()),
        (claim(title="os is imported and not used"), fact((1, 2))),
        (claim(7, title="Import of os is unused"), fact(also_at=(7,))),
        (claim(title="x is not defined"), fact(rule="F821", title="Undefined name `x`")),
        (
            claim(title="An API key stands in the code", category=Category.SECURITY),
            fact(source="secrets", rule="secret/token", title="Committed secret: GitHub token"),
        ),
    ],
)
def test_a_claim_that_repeats_a_rule_is_merged_with_it(said: Finding, known: Finding) -> None:
    folded = deduplicating.without_facts([said], [known])
    assert () == folded.findings
    assert f"{known.source} reports it already: {known.title} ({known.rule})" == folded.rejected[0].reason


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (claim(title="Off by one"), fact()),
        (claim(2, title="Unused import of os"), fact()),
        (claim(title="Unused import of os", path="b.py"), fact()),
        (claim(None, title="Unused import of os"), fact()),
        (claim(title="Unused import of os", side=Side.LEFT), fact()),
        (claim(title="SQL injection", category=Category.SECURITY), fact()),
        (claim(title="A race"), fact(source="secrets", rule="secret/token", title="Committed secret: GitHub token")),
        (
            claim(title="SQL injection through the name", category=Category.SECURITY),
            fact(source="secrets", rule="secret/password", title="Committed secret: password"),
        ),
    ],
)
def test_a_claim_about_something_else_stands_beside_a_rule(said: Finding, known: Finding) -> None:
    assert (said,) == deduplicating.without_facts([said], [known]).findings


CLAIMS = st.lists(
    st.builds(
        claim,
        st.none() | st.integers(1, 4),
        path=st.sampled_from(["a.py", "b.py"]),
        title=st.sampled_from(["The handle leaks", "The handle never leaks", "Off by one", "Leak of the handle"]),
        severity=st.sampled_from(Severity),
        quote=st.sampled_from(["x = 1", "y = open(z)"]),
        category=st.sampled_from(Category),
    ),
    max_size=10,
)


@settings(max_examples=200, deadline=None)
@given(CLAIMS, st.booleans())
def test_none_is_lost_and_the_order_does_not_matter(claims: list[Finding], verified: bool) -> None:
    folded = deduplicating.fold(claims, verified=verified)
    assert len(claims) == len(folded.findings) + len(folded.repeats) == len(folded.findings) + len(folded.rejected)
    again = deduplicating.fold(reversed(claims), verified=verified)
    assert sorted(map(repr, folded.findings)) == sorted(map(repr, again.findings))
    assert folded.findings == deduplicating.fold(folded.findings, verified=verified).findings
