"""Statistics for programs: shares from 0 to 1, money as decimal strings in USD, seconds, null for unknown."""

from reviewbot.domain.contract import Object, document
from reviewbot.outputs.stats.figures import Figures, Stats
from reviewbot.outputs.stats.uptakes import Accepted

_DIGITS = 6


def render(stats: Stats) -> str:
    """Render the statistics as one JSON object."""
    return document(
        {
            "schema": 1,
            "by": stats.by,
            "since": None if stats.since is None else stats.since.isoformat(),
            "groups": [_entry(figures) for figures in stats.groups],
            "total": _entry(stats.total),
            "days": [{"day": day.name, "requests": day.requests, "cost_usd": _money(day)} for day in stats.days],
            "accepted_share": _rounded(stats.comments.total.share),
            "comments": {
                "total": _comments(stats.comments.total),
                "by_source": [_comments(group) for group in stats.comments.by_source],
                "by_category": [_comments(group) for group in stats.comments.by_category],
                "days": [_comments(day) for day in stats.comments.days],
            },
            "events": {"keys": stats.keys, "breakers": stats.breakers, "budgets": stats.budgets},
            "skipped": {"foreign": stats.foreign, "torn": stats.torn},
        }
    )


def _entry(figures: Figures) -> Object:
    return {
        "name": figures.name,
        "requests": figures.requests,
        "ok": figures.answered,
        "ok_share": _rounded(figures.ok_share),
        "cached": figures.cached,
        "coalesced": figures.coalesced,
        "reused_share": _rounded(figures.reused_share),
        "retries": figures.retries,
        "prompt_tokens": figures.prompt_tokens,
        "cached_tokens": figures.cached_tokens,
        "cached_token_share": _rounded(figures.prefix_share),
        "completion_tokens": figures.completion_tokens,
        "cost_usd": _money(figures),
        "unpriced_requests": figures.unpriced,
        "latency_p50_s": _rounded(figures.latency_p50_s),
        "latency_p95_s": _rounded(figures.latency_p95_s),
        "ttft_p50_s": _rounded(figures.ttft_p50_s),
    }


def _comments(group: Accepted) -> Object:
    return {
        "name": group.name,
        "comments": group.comments,
        "accepted": group.accepted,
        "accepted_share": _rounded(group.share),
        **{uptake.value: count for uptake, count in group.counts},
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _money(figures: Figures) -> str | None:
    return None if figures.cost_usd is None else format(figures.cost_usd, "f")
