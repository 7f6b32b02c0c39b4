"""What is silent because people have dismissed it, and what is never."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from steps.posting_scene import claim

from reviewbot.domain.finding import Category, Finding, Severity
from reviewbot.domain.memory import Dismissal, Memory
from reviewbot.steps import silencing

FINGERPRINT, OTHER = "a" * 32, "b" * 32
QUOTE = "return totals[customer.id]"


def dismissal(**changes: object) -> Dismissal:
    """Remember a dismissed bug."""
    made = Dismissal(
        fingerprint=FINGERPRINT,
        path="app.py",
        category=Category.BUG,
        source="llm",
        rule=None,
        title="Lookup fails for an unknown customer",
        quote=QUOTE,
        by="alice",
        request=12,
        url="https://forge.example/12#note_1",
        day="2026-11-22",
    )
    return replace(made, **changes)  # type: ignore[arg-type] # fields are given by name


def found(**changes: object) -> Finding:
    """Find its like: other words, another fingerprint, the same code elsewhere."""
    made = claim(QUOTE, path="other.py", title="The lookup of an unknown customer fails", fingerprint=OTHER)
    return replace(made, **changes)  # type: ignore[arg-type] # fields are given by name


def reason(finding: Finding, *dismissals: Dismissal) -> str | None:
    """Say why it is silent, or None."""
    heard = silencing.silence((finding,), Memory(dismissals=dismissals))
    assert (finding,) == (*heard.kept, *heard.silenced)
    return heard.rejected[0].reason if heard.rejected else None


LIKE = "dismissed by alice in !12: 'Lookup fails for an unknown customer' in app.py"
RULE = {"source": "ruff", "rule": "S608"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, LIKE),
        ({"fingerprint": FINGERPRINT, "title": "Whatever"}, "dismissed by alice in !12"),
        ({"path": "app.py", "quote": "customer = find(name)"}, LIKE),
        ({"quote": "customer = find(name)"}, None),
        ({"category": Category.PERFORMANCE}, None),
        ({"source": "another engine"}, None),
        ({"title": "The cache is never emptied"}, None),
        ({"title": "The lookup of an unknown customer never fails"}, None),
        ({"title": ""}, None),
        (RULE, None),
        ({"severity": Severity.CRITICAL}, None),
    ],
)
def test_the_same_finding_is_silent_and_its_like_where_words_and_code_agree(
    changes: dict[str, object], expected: str | None
) -> None:
    assert expected == reason(found(**changes), dismissal())


def test_the_same_said_of_two_names_is_two_things() -> None:
    known = dismissal(title="`left` may be null here", quote="use(left)")
    assert reason(found(title="`right` may be null here", quote="use(right)", path="app.py"), known) is None
    assert reason(found(title="`left` may be null here", quote="use(left)", path="app.py"), known) is not None


@pytest.mark.parametrize(
    ("changes", "silent"),
    [
        ({}, True),
        ({"path": "far/away.py", "quote": "  db.execute( sql )"}, True),
        ({"quote": "db.execute(other)"}, False),
        ({"rule": "S609"}, False),
        ({"source": "bandit"}, False),
        ({"rule": None}, False),
    ],
)
def test_a_rule_is_silent_about_the_same_code_alone(changes: dict[str, object], silent: bool) -> None:
    known = dismissal(quote="db.execute( sql )", **RULE)
    assert silent == (reason(found(**{"quote": "db.execute( sql )", **RULE, **changes}), known) is not None)


def test_of_long_code_the_beginning_is_known_again() -> None:
    long = "value = compute(" + "argument, " * 60 + ")"
    assert reason(found(quote=long, **RULE), dismissal(quote=long[:300], **RULE)) is not None


@pytest.mark.parametrize("quote", ["pass", "", "key = …………………"])
def test_code_that_says_little_or_hides_a_secret_is_not_known_again(quote: str) -> None:
    assert reason(found(quote=quote, **RULE), dismissal(quote=quote, **RULE)) is None


@pytest.mark.parametrize(("fingerprint", "silent"), [(FINGERPRINT, True), (OTHER, False)])
def test_severe_security_is_silent_as_the_very_same_finding_alone(fingerprint: str, silent: bool) -> None:
    grave = found(category=Category.SECURITY, fingerprint=fingerprint)
    assert silent == (reason(grave, dismissal(category=Category.SECURITY)) is not None)


def test_a_secret_is_never_silent() -> None:
    secret = found(source="secrets", rule="token", fingerprint=FINGERPRINT)
    assert reason(secret, dismissal(source="secrets", rule="token")) is None


@given(some.lists(some.sampled_from([found(), found(title="The cache is never emptied"), found(fingerprint="c" * 32)])))
def test_nothing_is_lost_and_each_silence_has_its_reason(findings: list[Finding]) -> None:
    heard = silencing.silence(findings, Memory(dismissals=(dismissal(),)))
    assert sorted(map(repr, findings)) == sorted(map(repr, (*heard.kept, *heard.silenced)))
    assert [finding.title for finding in heard.silenced] == [rejection.title for rejection in heard.rejected]
