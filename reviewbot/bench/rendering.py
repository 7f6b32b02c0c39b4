"""The table of the benchmark, for people and for programs."""

import json
from collections.abc import Iterator, Sequence

from reviewbot.bench.rows import Measured
from reviewbot.domain.view import label, plural

_UNKNOWN = "-"
_DIGITS = 4
_MONEY_DIGITS = 8


def as_json(rows: Sequence[Measured]) -> str:
    """Render a list with an object for each scenario, as the contract has it."""
    entries = (json.dumps(_entry(row)) for row in rows)
    return "[\n  " + ",\n  ".join(entries) + "\n]\n"


def _entry(row: Measured) -> dict[str, object]:
    cost = row.cost_per_call_usd
    return {
        "scenario": row.scenario,
        "requests": row.requests,
        "ok": row.ok,
        "mean_s": _rounded(row.mean_s),
        "p50_s": _rounded(row.p50_s),
        "p95_s": _rounded(row.p95_s),
        "ttft_p50_s": _rounded(row.ttft_p50_s),
        "requests_per_minute": _rounded(row.per_minute),
        "ceiling_share": _rounded(row.ceiling_share),
        "sync_requests_per_minute": _rounded(row.sync_per_minute),
        "cost_per_call_usd": None if cost is None else round(float(cost), _MONEY_DIGITS),
        "errors": row.errors,
    }


def as_text(rows: Sequence[Measured], heading: str) -> str:
    """Render the table to be read."""
    blocking = any(row.sync_per_minute is not None for row in rows)
    table = [_headings(blocking=blocking), *(_cells(row, blocking=blocking) for row in rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    lines = [label(heading), "", *(_line(cells, widths) for cells in table), "", *_legend(blocking=blocking)]
    return "\n".join([*lines, *_errors(rows)]) + "\n"


def _headings(*, blocking: bool) -> tuple[str, ...]:
    first = ("scenario", "ok", "mean", "p50", "p95", "TTFT", "req/min", "ceiling")
    return (*first, *(("blocking/min", "speedup") if blocking else ()), "cost/call")


def _cells(row: Measured, *, blocking: bool) -> tuple[str, ...]:
    cost = row.cost_per_call_usd
    baseline = (
        _UNKNOWN if row.sync_per_minute is None else f"{row.sync_per_minute:,.1f}",
        _UNKNOWN if row.speedup is None else f"{row.speedup:.1f}x",
    )
    return (
        row.scenario,
        f"{row.ok:,}/{row.requests:,}",
        _seconds(row.mean_s),
        _seconds(row.p50_s),
        _seconds(row.p95_s),
        _seconds(row.ttft_p50_s),
        f"{row.per_minute:,.0f}",
        f"{row.ceiling_share:.1%}",
        *(baseline if blocking else ()),
        "unknown" if cost is None else f"${cost:.5f}",
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = cells
    numbers = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
    return "  ".join([first.ljust(widths[0]), *numbers])


def _legend(*, blocking: bool) -> Iterator[str]:
    yield "TTFT: to the first content, median · ceiling: share of connections ÷ latency of a lone request"
    if blocking:
        yield "blocking/min: one blocking client, one request at a time · speedup: requests a minute over that"


def _errors(rows: Sequence[Measured]) -> Iterator[str]:
    for row in rows:
        if row.errors:
            kinds = ", ".join(f"{count:,} {label(kind)}" for kind, count in row.errors.items())
            yield f"{row.scenario}: {plural(sum(row.errors.values()), 'request')} failed: {kinds}"


def _seconds(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.2f}s"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
