"""An evaluation for programs, and for ``--against``: shares from 0 to 1, money in USD, seconds, null for unknown."""

from collections.abc import Iterable
from dataclasses import asdict
from decimal import Decimal

from reviewbot.domain.contract import Object, document
from reviewbot.domain.evaluation import Assessment, Comparison, Difference, Group, Interval, Measure

_DIGITS = 6


def render(assessment: Assessment) -> str:
    """Render the evaluation as one JSON object."""
    evaluation, comparison = assessment.evaluation, assessment.comparison
    return document(
        {
            "schema": 1,
            "run": asdict(evaluation.run),
            "measures": [_measure(measure) for measure in evaluation.measures],
            "total": asdict(evaluation.total, dict_factory=_plain),
            "languages": [_group(group) for group in evaluation.languages],
            "categories": [_group(group) for group in evaluation.categories],
            "comparison": None if comparison is None else _comparison(comparison),
            "cases": [asdict(result, dict_factory=_plain) for result in evaluation.results],
        }
    )


def _plain(items: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {name: str(value) if isinstance(value, Decimal) else value for name, value in items}


def _measure(measure: Measure) -> Object:
    return {"name": measure.name, "value": _rounded(measure.value), **_ends(measure.interval)}


def _group(group: Group) -> Object:
    shares = {name: _rounded(value) for name, value in group.figures.metrics().items()}
    return {"name": group.name, **asdict(group.figures, dict_factory=_plain), **shares}


def _comparison(comparison: Comparison) -> Object:
    return {
        "before": asdict(comparison.before),
        "shared": comparison.shared,
        "left_out": comparison.left_out,
        "differences": [_difference(each) for each in comparison.differences],
        "gained": comparison.gained,
        "lost": comparison.lost,
    }


def _difference(each: Difference) -> Object:
    return {
        "name": each.name,
        "before": _rounded(each.before),
        "after": _rounded(each.after),
        **_ends(each.interval),
        "beyond_noise": each.beyond_noise,
    }


def _ends(interval: Interval | None) -> Object:
    """Give both ends of an interval; those of a difference are of after less before."""
    low, high = (None, None) if interval is None else (interval.low, interval.high)
    return {"low": _rounded(low), "high": _rounded(high)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
