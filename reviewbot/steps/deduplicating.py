"""Claims → one for each problem: what repeats another claim, or what a static rule has said already, is folded.

Two claims repeat each other if they speak of the same or neighbouring lines of a file in similar words,
whatever category they give. A claim that may deny another one is no repetition of it before a verifier has
looked at both; afterwards the more severe one stands.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.finding import Category, Confidence, Finding, Rejection, Span
from reviewbot.steps import wording
from reviewbot.steps.wording import Words

_ALIKE_TITLES: Final = 0.6
_ALIKE_TEXTS: Final = 0.5
_FEWEST_WORDS: Final = 3
"""That two whole texts must share."""
_RELATED: Final = 0.15
"""Share of words from which two claims about exactly the same lines are one problem, whatever their categories."""
_SAID_BY_RULE: Final = 0.5
"""Share of a rule's words that a claim about its lines must use to repeat it."""
_SECRETS: Final = "secrets"
_ABOUT_SECRETS = re.compile(
    r"\b(?:secrets?|keys?|tokens?|passw\w+|passphrases?|credentials?|hard-?coded|plain ?text)\b",
    re.IGNORECASE,
)
"""Whatever a claim calls it: beside a secret there may be an injection on the same line."""
_WORDS = re.compile(r"[\w\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What is left, most reliable first, and what was folded."""

    findings: tuple[Finding, ...]
    repeats: tuple[tuple[Finding, Finding], ...]
    """Each with what it was folded into."""

    @property
    def rejected(self) -> tuple[Rejection, ...]:
        """Why what was folded is not shown."""
        return tuple(_rejection(repeat, first) for repeat, first in self.repeats)


@dataclass(frozen=True, slots=True)
class _Said:
    """A claim with its words."""

    finding: Finding
    title: Words
    text: Words
    quote: Words


def fold(findings: Iterable[Finding], *, verified: bool) -> Folded:
    """Keep one claim for each problem: of equals the verified one, then the most severe.

    ``verified`` says that all of them have been accepted: then those that contradict each other, and those that say
    different things of exactly the same lines under one category, are folded too.
    """
    kept: dict[str, list[_Said]] = {}
    repeats: list[tuple[Finding, Finding]] = []
    for finding in sorted(findings, key=_rank):
        said, others = _read(finding), kept.setdefault(finding.path, [])
        first = next((other for other in others if _repeats(said, other, verified=verified)), None)
        if first is None:
            others.append(said)
        else:
            repeats.append((finding, first.finding))
    return Folded(findings=tuple(said.finding for group in kept.values() for said in group), repeats=tuple(repeats))


def without_facts(claims: Iterable[Finding], facts: Sequence[Finding]) -> Folded:
    """Fold claims into the static findings that they repeat: same lines, same words."""
    rules = [(fact, wording.words(fact.title)) for fact in facts if fact.span is not None]
    kept: list[Finding] = []
    repeats: list[tuple[Finding, Finding]] = []
    for claim in claims:
        text = wording.words(f"{claim.title} {claim.body}")
        fact = next((fact for fact, words in rules if _is_said_by(claim, text, fact, words)), None)
        if fact is None:
            kept.append(claim)
        else:
            repeats.append((claim, fact))
    return Folded(findings=tuple(kept), repeats=tuple(repeats))


def _rank(finding: Finding) -> tuple[object, ...]:
    span = finding.span
    return (
        finding.confidence is not Confidence.HIGH,
        span is None,
        -finding.severity.rank,
        finding.path,
        span.start if span else 0,
        finding.title,
        finding.body,
        finding.category,
        finding.quote,
    )


def _read(finding: Finding) -> _Said:
    title = wording.words(finding.title)
    return _Said(finding, title, title | wording.words(finding.body), wording.words(finding.quote))


def _rejection(repeat: Finding, first: Finding) -> Rejection:
    if first.rule is not None:
        reason = f"{first.source} reports it already: {first.title} ({first.rule})"
    elif wording.opposed(repeat.title, first.title):
        reason = f"contradicts or repeats '{first.title}'"
    else:
        reason = f"says again what '{first.title}' says"
    return Rejection(path=repeat.path, title=repeat.title, reason=reason)


def _repeats(said: _Said, first: _Said, *, verified: bool) -> bool:
    ours, theirs = said.finding, first.finding
    if ours.side is not theirs.side or not _near(ours, theirs):
        return False
    if not verified and wording.opposed(ours.title, theirs.title):
        return False
    if verified and ours.span is not None and ours.span == theirs.span:
        related = wording.shared(said.text, first.text) >= _RELATED
        return ours.category is theirs.category or related
    return _alike(said, first) and not _of_different_things(said, first)


def _near(ours: Finding, theirs: Finding) -> bool:
    """Tell whether two claims speak of neighbouring lines; one without a place may speak of any."""
    if ours.span is None or theirs.span is None:
        return True
    return _gap(ours.span, theirs.span) <= 1


def _gap(first: Span, second: Span) -> int:
    return max(first.start - second.end, second.start - first.end, 0)


def _alike(said: _Said, first: _Said) -> bool:
    if said.title == first.title and said.title:
        return said.finding.span is not None or said.quote == first.quote
    if len(said.title & first.title) > 1 and wording.shared(said.title, first.title) >= _ALIKE_TITLES:
        return True
    texts = wording.shared(said.text, first.text)
    return len(said.text & first.text) >= _FEWEST_WORDS and texts >= _ALIKE_TEXTS


def _of_different_things(said: _Said, first: _Said) -> bool:
    """Tell whether two claims in similar words speak of two places: `a` and `b` may both be null, line after line."""
    ours, theirs = said.finding.span, first.finding.span
    if ours is None or theirs is None:
        return False
    if _gap(ours, theirs) > 0 and _shape(said.finding) == _shape(first.finding):
        return True
    own = (said.title - first.text) & (said.quote - first.quote)
    return ours != theirs and bool(own) and bool((first.title - said.text) & (first.quote - said.quote))


def _shape(finding: Finding) -> str:
    """Give a quote without its words: neighbouring lines of one shape do the same twice."""
    return _WORDS.sub("", finding.quote)


def _is_said_by(claim: Finding, text: Words, fact: Finding, words: Words) -> bool:
    if fact.path != claim.path or claim.span is None or fact.span is None or claim.side is not fact.side:
        return False
    lines = (*range(fact.span.start, fact.span.end + 1), *fact.also_at)
    if not any(claim.span.start <= line <= claim.span.end for line in lines):
        return False
    if fact.source == _SECRETS and claim.category is Category.SECURITY and _ABOUT_SECRETS.search(claim.title):
        return True
    return bool(words) and len(words & text) / len(words) >= _SAID_BY_RULE
