"""Figures of an evaluation as people read them, the same in the terminal and on the page."""

from collections.abc import Iterator, Sequence

from reviewbot.domain.evaluation import (
    CaseResult,
    Comparison,
    Difference,
    Evaluation,
    Figures,
    Group,
    Interval,
    Mark,
    Measure,
    Run,
)
from reviewbot.domain.patch import Side
from reviewbot.domain.view import label, plural

UNKNOWN = "-"
_LABELS = {
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "comments_per_change": "comments per change",
    "clean_left_silent": "clean changes left silent",
    "anchor_validity": "anchor validity",
    "tokens_per_change": "tokens per change",
    "cost_usd_per_change": "cost per change",
    "seconds_per_change": "seconds per change",
}
_SHARES = frozenset({"precision", "recall", "f1", "clean_left_silent", "anchor_validity"})
_NO_MODEL = frozenset({"anchor_validity", "tokens_per_change", "cost_usd_per_change", "seconds_per_change"})
_SOURCES = {
    "live": "live answers",
    "recorded": "recorded answers",
    "scripted": "SCRIPTED answers: no model was asked, these figures say nothing of any model",
    "rules": "static rules",
}
GROUP_HEADINGS = ("cases", "problems", "found", "false", "precision", "recall", "F1", "clean silent")
MEASURE_HEADINGS = ("", "figure", "95 % interval")
DIFFERENCE_HEADINGS = ("", "before", "after", "difference", "95 % interval", "")
LEGEND = (
    "false: comments at no expected place, and second ones at the same",
    "anchor validity: share of the model's claims whose quote stands in the change",
    "intervals: bootstrap over the cases; seconds: of all requests about a change, one after the other",
)


def who(run: Run) -> str:
    """Say who was evaluated: ``m at host · live answers · prompt 1a2b3c4d``."""
    name = label(run.model or "static rules") + (f" at {label(run.host)}" if run.host else "")
    source = [] if run.source == "rules" else [_SOURCES.get(run.source, label(run.source))]
    prompt = [f"prompt {label(run.prompt)}"] if run.prompt else []
    return " · ".join([name, *source, *prompt])


def what(total: Figures) -> str:
    """Say what it was evaluated on."""
    problems = plural(total.expected, "expected problem")
    return f"{plural(total.cases, 'case')}: {problems} in {total.cases - total.clean:,}, {total.clean:,} clean"


def value(name: str, number: float | None) -> str:
    """Give a figure in its unit."""
    if number is None:
        return UNKNOWN
    if name in _SHARES:
        return percent(number)
    match name:
        case "tokens_per_change":
            return f"{number:,.0f}"
        case "cost_usd_per_change":
            return f"${number:,.5f}"
        case _:
            return f"{number:,.2f}"


def percent(share: float | None) -> str:
    """Give ``71.4%``; only all of it is 100%."""
    if share is None:
        return UNKNOWN
    return "100%" if share == 1 else f"{min(share * 100, 99.9):.1f}%"


def measure_cells(evaluation: Evaluation) -> Iterator[tuple[str, str, str]]:
    """Give the rows of the main table; what needs a model is left out for static rules."""
    for measure in evaluation.measures:
        if evaluation.run.source == "rules" and measure.name in _NO_MODEL:
            continue
        yield _LABELS[measure.name], value(measure.name, measure.value), _range(measure)


def group_cells(group: Group) -> tuple[str, ...]:
    """Give a row of a table by language or category."""
    figures = group.figures
    return (
        label(group.name),
        f"{figures.cases:,}",
        f"{figures.expected:,}",
        f"{figures.hits:,}",
        f"{figures.duplicates + figures.false:,}",
        percent(figures.precision),
        percent(figures.recall),
        percent(figures.f1),
        percent(figures.silent / figures.clean if figures.clean else None),
    )


def difference_cells(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Give the rows of the table of two runs; a figure that neither of them has is left out."""
    for each in comparison.differences:
        if each.before is None and each.after is None:
            continue
        verdict = "" if each.interval is None else "beyond noise" if each.beyond_noise else "within noise"
        before, after = value(each.name, each.before), value(each.name, each.after)
        yield _LABELS[each.name], before, after, _change(each), _between(each.name, each.interval), verdict


def compared(comparison: Comparison) -> str:
    """Say what is compared with what."""
    left = f"; {plural(comparison.left_out, 'case')} left out, in one run only or changed since"
    over = plural(comparison.shared, "case")
    return f"before: {who(comparison.before)} · over {over}{left if comparison.left_out else ''}"


def moves(comparison: Comparison) -> Iterator[str]:
    """Name the cases in which more, and in which less is found."""
    for verb, names in (("more found in", comparison.gained), ("less found in", comparison.lost)):
        if names:
            yield f"{verb} {', '.join(label(name) for name in names)}"


def missed(results: Sequence[CaseResult]) -> Iterator[tuple[str, str, str]]:
    """Give what was not found: case, place, what is wrong there."""
    for result in results:
        for sought in result.sought:
            if not sought.found:
                place = sought.place
                yield label(result.id), where(place.path, place.side, place.start), label(sought.why)


def wrong(results: Sequence[CaseResult]) -> Iterator[tuple[str, str, str]]:
    """Give the comments that are not right: case, place, title."""
    for result in results:
        for comment in result.comments:
            if comment.mark in {Mark.FALSE, Mark.DUPLICATE}:
                again = "(duplicate) " if comment.mark is Mark.DUPLICATE else ""
                place = where(comment.path, comment.side, comment.start)
                yield label(result.id), place, again + label(comment.title)


def failed(results: Sequence[CaseResult]) -> Iterator[tuple[str, str]]:
    """Give the cases that were not, or not fully, reviewed, each with its reason."""
    for result in results:
        if result.failure is not None:
            yield label(result.id), label(result.failure)


def where(path: str, side: Side, start: int | None) -> str:
    """Give ``path:3``, ``path:3 (old)``, or the path alone."""
    return label(path) if start is None else f"{label(path)}:{start}{' (old)' if side is Side.LEFT else ''}"


def _range(measure: Measure) -> str:
    return _between(measure.name, measure.interval, signed=False)


def _change(each: Difference) -> str:
    if each.before is None or each.after is None:
        return UNKNOWN
    return _signed(each.name, each.after - each.before)


def _between(name: str, interval: Interval | None, *, signed: bool = True) -> str:
    if interval is None:
        return UNKNOWN
    form = _signed if signed else value
    return f"{form(name, interval.low)} to {form(name, interval.high)}"


def _signed(name: str, number: float) -> str:
    """Give a difference: shares in percentage points."""
    if name in _SHARES:
        return f"{number * 100:+.1f} pp"
    sign = "-" if number < 0 else "+"
    return sign + value(name, abs(number))
