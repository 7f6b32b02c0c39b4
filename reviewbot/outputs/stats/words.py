"""Figures as people read them, the same in the terminal and on the page."""

from decimal import Decimal

from reviewbot.domain.uptake import Uptake
from reviewbot.domain.view import label, plural
from reviewbot.outputs.stats.figures import Figures, Stats
from reviewbot.outputs.stats.uptakes import Accepted, Uptakes

UNKNOWN = "-"
_SMALLEST = Decimal("0.0001")
_COMMENT_DAYS = 31


def headings(by: str) -> tuple[str, ...]:
    """Give the columns of the table."""
    return (
        by,
        "requests",
        "ok",
        "reused",
        "tokens in",
        "prefix",
        "tokens out",
        "cost",
        "p50",
        "p95",
        "TTFT",
        "retries",
    )


def cells(figures: Figures) -> tuple[str, ...]:
    """Give a row of the table."""
    return (
        label(figures.name),
        f"{figures.requests:,}",
        percent(figures.ok_share),
        percent(figures.reused_share),
        f"{figures.prompt_tokens:,}",
        percent(figures.prefix_share),
        f"{figures.completion_tokens:,}",
        cost(figures),
        seconds(figures.latency_p50_s),
        seconds(figures.latency_p95_s),
        seconds(figures.ttft_p50_s),
        f"{figures.retries:,}",
    )


def comment_headings() -> tuple[str, ...]:
    """Give the columns of the table of comments."""
    return ("comments", "posted", "accepted", *(uptake.value for uptake in reversed(Uptake)))


def comment_rows(comments: Uptakes) -> tuple[tuple[str, ...], ...]:
    """Give the table of comments: by source, by category, by day."""
    groups = (*comments.by_source, *comments.by_category, *comments.days[-_COMMENT_DAYS:])
    return tuple(_comment_cells(group) for group in groups)


def _comment_cells(group: Accepted) -> tuple[str, ...]:
    counts = (f"{count:,}" for _, count in group.counts)
    return (label(group.name), f"{group.comments:,}", percent(group.share), *counts)


def accepted(comments: Uptakes) -> str:
    """Say which part of the comments people did something about."""
    total = comments.total
    return f"{percent(total.share)} of {plural(total.comments, 'comment')}" if total.comments else "not recorded"


def cost(figures: Figures) -> str:
    """Give ``$0.1234``, with ``≥`` before it where some of the prices are not known."""
    if figures.cost_usd is None:
        return "unknown"
    return ("≥" if figures.unpriced else "") + money(figures.cost_usd)


def money(usd: Decimal) -> str:
    """Give an amount in four decimals; a smaller one that is not nothing does not look like it."""
    return f"<${_SMALLEST}" if 0 < usd < _SMALLEST else f"${usd:,.4f}"


def percent(share: float | None) -> str:
    """Give ``99.2%``; only all of it is 100%."""
    if share is None:
        return UNKNOWN
    # Rounding must not turn 9,999 of 10,000 into all of them.
    return "100%" if share == 1 else f"{min(share * 100, 99.9):.1f}%"


def seconds(value: float | None) -> str:
    """Give ``1.80s``."""
    return UNKNOWN if value is None else f"{value:,.2f}s"


def title(stats: Stats) -> str:
    """Say what this is about: ledger, days, requests."""
    if not stats.days:
        when = "" if stats.since is None else f" since {stats.since.isoformat()}"
        return f"{label(stats.source)} · no requests{when}"
    days = [stats.days[0].name, stats.days[-1].name]
    when = days[0] if days[0] == days[1] else " to ".join(days)
    return f"{label(stats.source)} · {when} (UTC) · {plural(stats.total.requests, 'request')}"


def remarks(stats: Stats) -> tuple[str, ...]:
    """Give what else is to be known."""
    events = [(stats.keys, "key change"), (stats.breakers, "breaker change"), (stats.budgets, "budget warning")]
    told = ", ".join(plural(count, noun) for count, noun in events if count)
    skipped = [plural(stats.foreign, "foreign line")] if stats.foreign else []
    skipped += ["a torn last line"] if stats.torn else []
    notes = [
        f"accepted share: {accepted(stats.comments)}",
        f"events: {told}" if told else "",
        f"≥: the price of {plural(stats.total.unpriced, 'request')} is not known" if stats.total.unpriced else "",
        f"skipped: {' and '.join(skipped)}" if skipped else "",
    ]
    return tuple(note for note in notes if note)


COMMENT_LEGEND = (
    "accepted: applied, changed, or resolved after a change · by source, by category, by the day of the comment"
)
LEGEND = "reused: by the cache or by another request under way · prefix: tokens in from the provider's prefix cache"
