"""Findings → one each, with fingerprints, ranked, and each told where it is shown."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Confidence, Finding, Rejection
from reviewbot.domain.patch import Patch
from reviewbot.steps import ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """Findings in the order in which they are shown, and those that said the same again."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejection, ...]


def merge(findings: Iterable[Finding], patch: Patch, max_comments: int) -> Merged:
    """Drop repetitions, rank, fingerprint and place. ``max_comments`` 0 means no cap."""
    order = {file.path: at for at, file in enumerate(patch.files)}
    kept: dict[tuple[object, ...], Finding] = {}
    rejected: list[Rejection] = []
    # Of two that say the same, what is sure stands, however severe the other one would be.
    for finding in sorted(findings, key=lambda finding: (not _is_sure(finding), _rank(finding, order))):
        key = _identity(finding)
        if key in kept:
            reason = f"says again what '{kept[key].title}' says of the same code"
            rejected.append(Rejection(path=finding.path, title=finding.title, reason=reason))
        else:
            kept[key] = finding
    base_paths = {file.path: file.base_path for file in patch.files}
    ranked = sorted(kept.values(), key=lambda finding: _rank(finding, order))
    printed = _fingerprinted(ranked, base_paths)
    return Merged(findings=ranking.place(printed, max_comments), rejected=tuple(rejected))


def _rank(finding: Finding, order: Mapping[str, int]) -> tuple[object, ...]:
    """Most severe first, then surest, then in the order of the diff; the rest makes it total."""
    return (
        -finding.severity.rank,
        finding.span is None,
        not _is_sure(finding),
        order.get(finding.path, len(order)),
        finding.span.start if finding.span else 0,
        finding.rule or finding.category,
        finding.title,
        finding.body,
    )


def _is_sure(finding: Finding) -> bool:
    return finding.confidence is Confidence.HIGH


def _kind(finding: Finding) -> str:
    return finding.rule or finding.category.value


def _normalised(quote: str) -> str:
    return " ".join(quote.split())


def _identity(finding: Finding) -> tuple[object, ...]:
    if finding.span is None:
        return (finding.path, _kind(finding), _normalised(finding.quote), finding.title)
    return (finding.path, _kind(finding), finding.span)


def _fingerprinted(findings: Sequence[Finding], base_paths: Mapping[str, str]) -> tuple[Finding, ...]:
    """Count equals from the top of the file down, so that a fingerprint needs no line number."""
    equals: dict[tuple[str, str, str], list[int]] = {}
    for at, finding in enumerate(findings):
        path = base_paths.get(finding.path, finding.path)
        equals.setdefault((_kind(finding), path, _normalised(finding.quote)), []).append(at)
    result = list(findings)
    for key, places in equals.items():
        places.sort(key=lambda at: _place(findings[at]))
        for ordinal, at in enumerate(places):
            text = "\0".join((*key, str(ordinal)))
            digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
            result[at] = replace(result[at], fingerprint=digest)
    return tuple(result)


def _place(finding: Finding) -> tuple[str, int]:
    """Order by side first: a shift moves the lines of one side only."""
    return ("", 0) if finding.span is None else (finding.span.side, finding.span.start)
