"""Statistics as one page: figures, drawings as inline SVG, the table. No script, nothing loaded from anywhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from reviewbot import templating
from reviewbot.outputs.stats import words
from reviewbot.outputs.stats.figures import Figures, Stats

_WIDTH, _HEIGHT = 720, 160
_BAR_SHARE = 0.8
"""Part of a day's width that its bar takes."""
_WIDEST_BAR = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A day's bar, in the drawing's units; ``words`` is what it says when pointed at."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A quantity over the days: a line through each stretch of days that have it, and a dot on each day."""

    name: str
    lines: tuple[str, ...]
    dots: tuple[tuple[float, float, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A drawing over the days."""

    heading: str
    top: str
    """What its upper edge stands for."""
    bars: tuple[Bar, ...] = ()
    curves: tuple[Curve, ...] = ()


def render(stats: Stats) -> str:
    """Render the whole page."""
    template = templating.environment(autoescape=True).get_template("reports/stats.html.j2")
    return template.render(
        title=words.title(stats),
        tiles=_tiles(stats),
        drawings=_drawings(stats.days) if stats.days else (),
        first=stats.days[0].name if stats.days else "",
        last=stats.days[-1].name if stats.days else "",
        width=_WIDTH,
        height=_HEIGHT,
        by=stats.by,
        headings=words.headings(stats.by),
        rows=[words.cells(figures) for figures in stats.groups],
        total=words.cells(stats.total),
        legend=words.LEGEND,
        comment_headings=words.comment_headings(),
        comment_rows=words.comment_rows(stats.comments),
        comment_legend=words.COMMENT_LEGEND,
        remarks=words.remarks(stats),
    )


def _tiles(stats: Stats) -> tuple[tuple[str, str], ...]:
    total = stats.total
    return (
        ("requests", f"{total.requests:,}"),
        ("answered", words.percent(total.ok_share)),
        ("cost", words.cost(total)),
        ("reused", words.percent(total.reused_share)),
        ("prefix cache", words.percent(total.prefix_share)),
        ("latency p50 / p95", f"{words.seconds(total.latency_p50_s)} / {words.seconds(total.latency_p95_s)}"),
        ("first content", words.seconds(total.ttft_p50_s)),
        ("accepted comments", words.accepted(stats.comments)),
    )


def _drawings(days: Sequence[Figures]) -> tuple[Drawing, ...]:
    return tuple(drawing for drawing in (_cost(days), _requests(days), _latency(days)) if drawing is not None)


def _cost(days: Sequence[Figures]) -> Drawing | None:
    values = [float(day.cost_usd or 0) for day in days]
    if not any(values):
        return None
    top = words.money(Decimal(str(max(values))))
    return Drawing(heading="Cost per day", top=top, bars=_bars(days, values, words.cost))


def _requests(days: Sequence[Figures]) -> Drawing:
    values = [float(day.requests) for day in days]
    bars = _bars(days, values, lambda day: f"{day.requests:,} requests, {words.percent(day.ok_share)} answered")
    return Drawing(heading="Requests per day", top=f"{max(values):,.0f}", bars=bars)


def _bars(days: Sequence[Figures], values: Sequence[float], say: Callable[[Figures], str]) -> tuple[Bar, ...]:
    step, most = _WIDTH / len(days), max(values)
    width = min(step * _BAR_SHARE, _WIDEST_BAR)
    return tuple(
        Bar(
            x=round(step * (place + 0.5) - width / 2, 2),
            y=round(_HEIGHT - _HEIGHT * value / most, 2),
            width=round(width, 2),
            height=round(_HEIGHT * value / most, 2),
            words=f"{day.name}: {say(day)}",
        )
        for place, (day, value) in enumerate(zip(days, values, strict=True))
        if value
    )


def _latency(days: Sequence[Figures]) -> Drawing | None:
    most = max((day.latency_p95_s or 0.0 for day in days), default=0.0)
    if not most:
        return None
    curves = (
        _curve("p50", days, [day.latency_p50_s for day in days], most),
        _curve("p95", days, [day.latency_p95_s for day in days], most),
    )
    return Drawing(heading="Latency per day", top=words.seconds(most), curves=curves)


def _curve(name: str, days: Sequence[Figures], values: Sequence[float | None], most: float) -> Curve:
    step = _WIDTH / len(days)
    points = [
        None if value is None else (round(step * (place + 0.5), 2), round(_HEIGHT - _HEIGHT * value / most, 2))
        for place, value in enumerate(values)
    ]
    stretches = [list(stretch) for known, stretch in groupby(points, key=lambda point: point is not None) if known]
    lines = tuple(" ".join(f"{point[0]},{point[1]}" for point in stretch if point) for stretch in stretches)
    dots = tuple(
        (*point, f"{day.name}: {name} {words.seconds(value)}")
        for day, value, point in zip(days, values, points, strict=True)
        if point is not None
    )
    return Curve(name=name, lines=lines, dots=dots)
