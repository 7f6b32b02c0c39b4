"""Labels and findings → marks, figures, and how far the figures can be trusted.

Only the place decides whether a comment is a hit: there is no judge, so a run costs nothing beyond its answers and
gives the same figures each time. The price is that a wrong remark at the right line counts as a hit; cases are small
so that this is rare.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import TypeVar

from reviewbot.domain.evaluation import (
    Case,
    CaseResult,
    Comment,
    Comparison,
    Difference,
    Evaluation,
    Expected,
    Figures,
    Group,
    Interval,
    Mark,
    Measure,
    Place,
    Run,
    Sought,
)
from reviewbot.domain.finding import Finding, Placement
from reviewbot.domain.patch import Patch
from reviewbot.steps import anchoring, decoding, prompting

REACH = 2
"""Lines that a comment may stand beside the first place of an expected problem; at the others it must stand exactly.

Were it beside all of them, a small change would have hardly a line that is no hit.
"""
ROUNDS = 2_000
"""Resamples for an interval."""
_TAIL = 0.025

Number = TypeVar("Number", Decimal, float)
Pick = Callable[[int], int]
"""Chance: gives a number from 0 up to the given one."""


def score(
    case: Case, findings: Sequence[Finding], *, everything: bool
) -> tuple[tuple[Sought, ...], tuple[Comment, ...]]:
    """Mark what a review said. ``everything`` counts the findings of the summary too, else only inline comments."""
    shown = [finding for finding in findings if everything or finding.placement is Placement.INLINE]
    neutral = [_is_accepted(finding, case) for finding in shown]
    within = [[] if ignored else _meant(finding, case) for finding, ignored in zip(shown, neutral, strict=True)]
    owner = _assigned(within)
    hits = set(owner.values())
    comments = []
    for at, finding in enumerate(shown):
        mark = Mark.DUPLICATE if within[at] else Mark.FALSE
        mark = Mark.NEUTRAL if neutral[at] else Mark.HIT if at in hits else mark
        comments.append(_comment(finding, mark))
    sought = tuple(_sought(each, found=at in owner) for at, each in enumerate(case.expected))
    return sought, tuple(comments)


def validity(answers: Iterable[str], patch: Patch) -> tuple[int, int]:
    """Count the problems that answers name, and those whose quote stands in the change."""
    claims: list[Finding] = []
    for text in answers:
        try:
            claims += decoding.findings(text).findings
        except decoding.MalformedError:
            continue
    placed = anchoring.place(claims, patch, prompting.readable)
    return len(claims), sum(finding.span is not None for finding in placed)


def evaluation(run: Run, results: Sequence[CaseResult], pick: Pick) -> Evaluation:
    """Give the figures of a run: in all with intervals, and by language and category."""
    parts = [figures(result) for result in results]
    whole = total(parts)
    known = _intervals(parts, pick)
    return Evaluation(
        run=run,
        results=tuple(results),
        total=whole,
        measures=tuple(
            Measure(name=name, value=value, interval=None if value is None else known.get(name))
            for name, value in whole.metrics().items()
        ),
        languages=_groups(results, lambda result: result.language),
        categories=_groups(results, lambda result: result.category),
    )


def comparison(run: Run, before: Sequence[CaseResult], after: Sequence[CaseResult], pick: Pick) -> Comparison:
    """Compare two runs over the cases that both have in the same version; ``run`` is the earlier one."""
    earlier = {(result.id, result.digest): result for result in before}
    pairs = [(earlier[result.id, result.digest], result) for result in after if (result.id, result.digest) in earlier]
    names = {result.id for result in (*before, *after)}
    return Comparison(
        before=run,
        shared=len(pairs),
        left_out=len(names) - len(pairs),
        differences=_differences(pairs, pick),
        gained=tuple(new.id for old, new in pairs if figures(new).hits > figures(old).hits),
        lost=tuple(new.id for old, new in pairs if figures(new).hits < figures(old).hits),
    )


def figures(result: CaseResult) -> Figures:
    """Count one case."""
    marks = [comment.mark for comment in result.comments]
    spent = result.spent
    return Figures(
        cases=1,
        clean=int(result.clean),
        silent=int(result.clean and not marks and result.failure is None),
        expected=len(result.sought),
        hits=marks.count(Mark.HIT),
        duplicates=marks.count(Mark.DUPLICATE),
        false=marks.count(Mark.FALSE),
        neutral=marks.count(Mark.NEUTRAL),
        claims=result.claims,
        placed=result.placed,
        failed=int(result.failure is not None),
        tokens=spent.prompt_tokens + spent.completion_tokens,
        cost_usd=spent.cost_usd,
        seconds=spent.seconds,
    )


def total(parts: Sequence[Figures]) -> Figures:
    """Add up counts; a sum with something unknown in it is unknown."""
    return Figures(
        cases=sum(part.cases for part in parts),
        clean=sum(part.clean for part in parts),
        silent=sum(part.silent for part in parts),
        expected=sum(part.expected for part in parts),
        hits=sum(part.hits for part in parts),
        duplicates=sum(part.duplicates for part in parts),
        false=sum(part.false for part in parts),
        neutral=sum(part.neutral for part in parts),
        claims=sum(part.claims for part in parts),
        placed=sum(part.placed for part in parts),
        failed=sum(part.failed for part in parts),
        tokens=sum(part.tokens for part in parts),
        cost_usd=_sum([part.cost_usd for part in parts], Decimal(0)),
        seconds=_sum([part.seconds for part in parts], 0.0),
    )


def _sum(values: Sequence[Number | None], start: Number) -> Number | None:
    known = [value for value in values if value is not None]
    return sum(known, start) if len(known) == len(values) else None


def _is_accepted(finding: Finding, case: Case) -> bool:
    """Tell whether a comment stands on a line where one is accepted, and on no line where one is expected."""
    if not _stands_at(finding, case.accepted, 0):
        return False
    return not any(_stands_at(finding, each.places, 0) for each in case.expected)


def _meant(finding: Finding, case: Case) -> Sequence[int]:
    """Give the problems that a comment may speak of; if it stands exactly at some, it speaks of no neighbour."""
    exact = [at for at, each in enumerate(case.expected) if _stands_at(finding, each.places, 0)]
    return exact or [at for at, each in enumerate(case.expected) if _stands_at(finding, each.places[:1], REACH)]


def _stands_at(finding: Finding, places: Iterable[Place], reach: int) -> bool:
    span = finding.span
    return span is not None and any(
        place.path == finding.path
        and place.side is span.side
        and place.start - reach <= span.end
        and span.start <= place.end + reach
        for place in places
    )


def _assigned(within: Sequence[Sequence[int]]) -> Mapping[int, int]:
    """Give each expected problem one of the comments in its reach, and as many problems as possible one.

    Kuhn's algorithm for matchings in bipartite graphs: two problems may be near to each other, and then the order of
    the comments must not decide how many count.
    """
    owner: dict[int, int] = {}

    def settle(comment: int, tried: set[int]) -> bool:
        for problem in within[comment]:
            if problem in tried:
                continue
            tried.add(problem)
            if problem not in owner or settle(owner[problem], tried):
                owner[problem] = comment
                return True
        return False

    for comment in range(len(within)):
        settle(comment, set())
    return owner


def _comment(finding: Finding, mark: Mark) -> Comment:
    span = finding.span
    return Comment(
        path=finding.path,
        side=finding.side if span is None else span.side,
        start=None if span is None else span.start,
        end=None if span is None else span.end,
        severity=finding.severity,
        category=finding.category,
        title=finding.title,
        source=finding.source,
        mark=mark,
    )


def _sought(each: Expected, *, found: bool) -> Sought:
    return Sought(place=each.places[0], severity=each.severity, category=each.category, why=each.why, found=found)


def _groups(results: Sequence[CaseResult], key: Callable[[CaseResult], str]) -> tuple[Group, ...]:
    names = sorted({key(result) for result in results})
    return tuple(
        Group(name=name, figures=total([figures(result) for result in results if key(result) == name]))
        for name in names
    )


def _intervals(parts: Sequence[Figures], pick: Pick) -> Mapping[str, Interval]:
    """Bootstrap over the cases (Efron 1979): percentiles of the figures of resamples with replacement."""
    values: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        sample = total([parts[pick(len(parts))] for _ in parts])
        for name, value in sample.metrics().items():
            if value is not None:
                values.setdefault(name, []).append(value)
    return {name: _interval(drawn) for name, drawn in values.items()}


def _differences(pairs: Sequence[tuple[CaseResult, CaseResult]], pick: Pick) -> tuple[Difference, ...]:
    """Compare figures, each resample drawing the same cases of both runs: hard cases are hard for both."""
    parts = [(figures(old), figures(new)) for old, new in pairs]
    before, after = (total([pair[side] for pair in parts]).metrics() for side in (0, 1))
    drawn: dict[str, list[float]] = {}
    for _ in range(ROUNDS if parts else 0):
        sample = [parts[pick(len(parts))] for _ in parts]
        old, new = (total([pair[side] for pair in sample]).metrics() for side in (0, 1))
        for name, value in new.items():
            earlier = old[name]
            if value is not None and earlier is not None:
                drawn.setdefault(name, []).append(value - earlier)
    return tuple(
        Difference(
            name=name,
            before=before[name],
            after=value,
            interval=_interval(drawn[name]) if name in drawn and None not in {value, before[name]} else None,
        )
        for name, value in after.items()
    )


def _interval(values: Sequence[float]) -> Interval:
    ordered = sorted(values)
    cut = int(_TAIL * len(ordered))
    return Interval(low=ordered[cut], high=ordered[-1 - cut])
