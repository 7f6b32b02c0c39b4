"""What tokens cost, from the dated table beside this file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib.resources import files

from reviewbot.domain.usage import TokenUsage

_MILLION = Decimal(1_000_000)
_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for a million tokens, at the moment it was asked for."""

    prompt: Decimal
    cached: Decimal
    completion: Decimal

    def cost(self, usage: TokenUsage) -> Decimal:
        """Cost of an answer in USD; tokens from the prefix cache have their own price."""
        fresh = usage.prompt_tokens - usage.cached_tokens
        total = fresh * self.prompt + usage.cached_tokens * self.cached + usage.completion_tokens * self.completion
        return total / _MILLION

    def worst(self, prompt_tokens: int, max_tokens: int) -> Decimal:
        """Cost in USD if nothing is cached and the answer is as long as it may be."""
        return (prompt_tokens * self.prompt + max_tokens * self.completion) / _MILLION


def at(model: str, when: datetime) -> Price | None:
    """Give a model's price at a moment (UTC), or None if it is not known."""
    rows = [row for row in _table() if row["model"] == model and _valid_from(row) <= when.date()]
    if not rows:
        return None
    return _priced(max(rows, key=_valid_from), when)


@cache
def _table() -> tuple[Mapping[str, object], ...]:
    return tuple(tomllib.loads(files("reviewbot.llm").joinpath("prices.toml").read_text("utf-8"))["price"])


def _valid_from(row: Mapping[str, object]) -> date:
    value = row["valid_from"]
    return value if isinstance(value, date) else date.min


def _priced(row: Mapping[str, object], when: datetime) -> Price:
    hours = row.get("peak_hours")
    ranges = hours if isinstance(hours, list) else []
    peak = when.weekday() < _SATURDAY and any(start <= when.hour < end for start, end in ranges)
    factor = Decimal(str(row.get("peak_factor", 1))) if peak else Decimal(1)
    prompt, cached, completion = (Decimal(str(row[name])) * factor for name in ("prompt", "cached", "completion"))
    return Price(prompt=prompt, cached=cached, completion=completion)
