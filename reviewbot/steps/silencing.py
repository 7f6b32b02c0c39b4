"""Findings and what people have dismissed → what is still shown, and why the rest is not.

The very same finding is silent wherever it comes back. What is merely like a dismissed one is silent where that
is no risk: never a critical finding, never a severe one about security. A secret is never silent: its fingerprint is
made without the secret itself, so the next one at the same place, a real one perhaps, would have the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.finding import Category, Finding, Rejection, Severity
from reviewbot.domain.memory import LONGEST_QUOTE, Dismissal, Memory
from reviewbot.steps import marking, wording
from reviewbot.steps.wording import Words

_SECRETS: Final = "secrets"
_ALIKE: Final = 0.6
"""Share of words from which two titles, or two quotes, are alike; as in `reviewbot.steps.deduplicating`."""
_FEWEST_WORDS: Final = 2
"""That two titles, or two quotes, must share."""
_SHORTEST_QUOTE: Final = 8
"""Visible characters from which on code is known again in another file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silenced:
    """What became of the findings."""

    kept: tuple[Finding, ...]
    silenced: tuple[Finding, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    """Why, for each that is silenced."""


def silence(findings: Sequence[Finding], memory: Memory) -> Silenced:
    """Leave out what is dismissed; the findings have their fingerprints."""
    kept: list[Finding] = []
    silenced: list[Finding] = []
    rejected: list[Rejection] = []
    exact = {dismissal.fingerprint: dismissal for dismissal in memory.dismissals}
    for finding in findings:
        reason = _reason(finding, memory, exact.get(finding.fingerprint))
        if reason is None:
            kept.append(finding)
        else:
            silenced.append(finding)
            rejected.append(Rejection(path=finding.path, title=finding.title, reason=reason))
    return Silenced(kept=tuple(kept), silenced=tuple(silenced), rejected=tuple(rejected))


def _reason(finding: Finding, memory: Memory, same: Dismissal | None) -> str | None:
    if finding.source == _SECRETS:
        return None
    if same is not None:
        return _dismissed(same, memory)
    if _is_grave(finding):
        return None
    like = next((dismissal for dismissal in memory.dismissals if _is_like(finding, dismissal)), None)
    return None if like is None else f"{_dismissed(like, memory)}: '{like.title}' in {like.path}"


def _dismissed(dismissal: Dismissal, memory: Memory) -> str:
    return f"dismissed by {dismissal.by} in {memory.sign}{dismissal.request}"


def _is_grave(finding: Finding) -> bool:
    secure = finding.category is Category.SECURITY and finding.severity is Severity.HIGH
    return secure or finding.severity is Severity.CRITICAL


def _is_like(finding: Finding, dismissal: Dismissal) -> bool:
    if finding.rule is not None or dismissal.rule is not None:
        return _is_same_rule(finding, dismissal)
    if (finding.source, finding.category) != (dismissal.source, dismissal.category):
        return False
    if wording.opposed(finding.title, dismissal.title):
        return False
    titles = wording.words(finding.title), wording.words(dismissal.title)
    quotes = wording.words(marking.quote(finding)), wording.words(dismissal.quote)
    if not _alike(*titles) or _of_different_things(titles, quotes):
        return False
    return _alike(*quotes) or marking.plain(finding.path) == dismissal.path


def _is_same_rule(finding: Finding, dismissal: Dismissal) -> bool:
    """Tell whether a rule says the same of the same code, in whatever file."""
    rule = None if finding.rule is None else marking.plain(finding.rule)
    code = _normal(marking.quote(finding))
    return (
        (finding.source, rule) == (dismissal.source, dismissal.rule)
        and code == _normal(dismissal.quote)
        and len(code.replace(" ", "")) >= _SHORTEST_QUOTE
        and "…" not in code
    )


def _normal(quote: str) -> str:
    return " ".join(quote[:LONGEST_QUOTE].split())


def _alike(first: Words, second: Words) -> bool:
    common = len(first & second)
    return (first == second and bool(first)) or (common >= _FEWEST_WORDS and wording.shared(first, second) >= _ALIKE)


def _of_different_things(titles: tuple[Words, Words], quotes: tuple[Words, Words]) -> bool:
    """Tell whether each title names something of its own code that the other one lacks: `a` may be null, and `b`."""
    ours = (titles[0] - titles[1]) & (quotes[0] - quotes[1])
    theirs = (titles[1] - titles[0]) & (quotes[1] - quotes[0])
    return bool(ours) and bool(theirs)
