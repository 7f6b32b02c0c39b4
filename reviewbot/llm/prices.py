"""What tokens cost: the dated table beside this file, and an operator's own rows laid over it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Self

from reviewbot.domain.usage import TokenUsage
from reviewbot.errors import UsageError

_MILLION = Decimal(1_000_000)
_SATURDAY = 5
_DAY_HOURS = 24
_HOUR = timedelta(hours=1)
_NEEDED = ("model", "prompt", "completion")
_MORE = ("cached", "valid_from", "currency", "usd_per_unit", "peak_factor", "peak_hours")
_ALWAYS = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """USD for a million tokens, at the moment it was asked for."""

    prompt: Decimal
    cached: Decimal
    completion: Decimal
    row: str = field(default="", compare=False)
    """Which row of the table it is from, as ``model@valid-from``, for the ledger."""

    def cost(self, usage: TokenUsage) -> Decimal:
        """Cost of an answer in USD; tokens from the prefix cache have their own price."""
        fresh = max(usage.prompt_tokens - usage.cached_tokens, 0)
        total = fresh * self.prompt + usage.cached_tokens * self.cached + usage.completion_tokens * self.completion
        return total / _MILLION

    def worst(self, prompt_tokens: int, max_tokens: int) -> Decimal:
        """Cost in USD if nothing is cached and the answer is as long as it may be."""
        return (prompt_tokens * max(self.prompt, self.cached) + max_tokens * self.completion) / _MILLION

    def times(self, factor: Decimal) -> "Price":
        """Give every part of it multiplied."""
        parts = (self.prompt * factor, self.cached * factor, self.completion * factor)
        return Price(prompt=parts[0], cached=parts[1], completion=parts[2], row=self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a price table."""

    model: str
    since: datetime
    quiet: Price
    """Off-peak, in USD."""
    peak_factor: Decimal
    peak_hours: tuple[tuple[int, int], ...]
    """UTC hours, from and up to, Monday to Friday."""

    def at(self, when: datetime) -> Price:
        """Give the price at a moment (UTC)."""
        busy = any(start <= when.hour < end for start, end in self.peak_hours)
        return self.quiet.times(self.peak_factor) if busy and when.weekday() < _SATURDAY else self.quiet


@dataclass(frozen=True, slots=True)
class Prices:
    """Tables, one over the other: a model's price is from the first table that has one at that moment."""

    layers: tuple[tuple[Row, ...], ...]

    @classmethod
    def load(cls, extra: Sequence[Mapping[str, object]] = ()) -> Self:
        """Lay rows of the same form as ours over our table. Raises UsageError for a row that is none."""
        ours, rates = _table()
        return cls((tuple(_row(row, rates) for row in extra), ours))

    def at(self, model: str, when: datetime) -> Price | None:
        """Give a model's price at a moment, or None if it is not known."""
        moment = when.astimezone(UTC)
        for layer in self.layers:
            valid = [row for row in layer if row.model == model and row.since <= moment]
            if valid:
                return max(valid, key=lambda row: row.since).at(moment)
        return None

    def dearest(self, model: str, start: datetime, within_s: float) -> Price | None:
        """Give the dearest price that can hold for a request that starts now and ends within some seconds.

        A provider may count a request at the price of its end. None if the price is not known.
        """
        first = self.at(model, start)
        if first is None:
            return None
        later = (self.at(model, moment) for moment in self._turns(model, start, within_s))
        prices = [first, *(price for price in later if price is not None)]
        return Price(
            prompt=max(price.prompt for price in prices),
            cached=max(price.cached for price in prices),
            completion=max(price.completion for price in prices),
            row=first.row,
        )

    def _turns(self, model: str, start: datetime, within_s: float) -> Iterator[datetime]:
        """Give the moments at which a price may change: full hours, and the beginnings of rows."""
        begin = start.astimezone(UTC)
        end = begin + timedelta(seconds=within_s)
        moment = begin.replace(minute=0, second=0, microsecond=0) + _HOUR
        while moment <= end:
            yield moment
            moment += _HOUR
        for layer in self.layers:
            yield from (row.since for row in layer if row.model == model and begin < row.since <= end)


@cache
def _table() -> tuple[tuple[Row, ...], Mapping[str, Decimal]]:
    """Read our own rows, and what other currencies cost."""
    # Once, where a client is opened: naming one takes no table.
    import tomllib
    from importlib.resources import files

    data = tomllib.loads(files("reviewbot.llm").joinpath("prices.toml").read_text("utf-8"))
    rates = {"USD": Decimal(1), **{name: Decimal(rate) for name, rate in data["usd_per_unit"].items()}}
    return tuple(_row(row, rates) for row in data["price"]), rates


def _row(row: Mapping[str, object], rates: Mapping[str, Decimal]) -> Row:
    model = row.get("model")
    _check_keys(row)
    if not isinstance(model, str) or not model:
        raise _refused(model, "model", model)
    since = _since(model, row.get("valid_from"))
    quiet = Price(
        prompt=_number(model, row, "prompt"),
        cached=_number(model, row, "cached" if "cached" in row else "prompt"),
        completion=_number(model, row, "completion"),
        row=model if since == _ALWAYS else f"{model}@{row['valid_from']}",
    )
    return Row(
        model=model,
        since=since,
        quiet=quiet.times(_rate(model, row, rates)),
        peak_factor=_number(model, row, "peak_factor") if "peak_factor" in row else Decimal(1),
        peak_hours=tuple(_window(model, window) for window in _listed(model, row.get("peak_hours", ()))),
    )


def _check_keys(row: Mapping[str, object]) -> None:
    missing = [name for name in _NEEDED if name not in row]
    unknown = [repr(name) for name in row if name not in (*_NEEDED, *_MORE)]
    faults = [f"it has no {', '.join(missing)}"] if missing else []
    if unknown:
        faults.append(f"it knows no {', '.join(unknown)}")
    if faults:
        raise _unusable(row.get("model"), " and ".join(faults))


def _since(model: str, value: object) -> datetime:
    if value is None:
        return _ALWAYS
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise _refused(model, "valid_from", value)


def _rate(model: str, row: Mapping[str, object], rates: Mapping[str, Decimal]) -> Decimal:
    """Give what a unit of the row's currency costs in USD."""
    if "usd_per_unit" in row:
        return _number(model, row, "usd_per_unit")
    currency = row.get("currency", "USD")
    if not isinstance(currency, str) or currency not in rates:
        raise _refused(model, "currency", currency)
    return rates[currency]


def _number(model: str, row: Mapping[str, object], name: str) -> Decimal:
    value = row.get(name)
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise _refused(model, name, value) from None
    if not number.is_finite() or number < 0:
        raise _refused(model, name, value)
    return number


def _listed(model: str, value: object) -> Sequence[object]:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return value
    raise _refused(model, "peak_hours", value)


def _window(model: str, value: object) -> tuple[int, int]:
    match value:
        case [int(start), int(end)] if 0 <= start < end <= _DAY_HOURS:
            return start, end
        case _:
            raise _refused(model, "peak_hours", value)


def _refused(model: object, name: str, value: object) -> UsageError:
    return _unusable(model, f"'{name}' is {value!r}")


def _unusable(model: object, why: str) -> UsageError:
    message = (
        f"the price row of {model!r} cannot be used: {why}. A row has model, prompt, completion "
        "(for a million tokens), and if you like cached, valid_from (a date), currency or usd_per_unit, "
        "peak_factor and peak_hours (pairs of full hours, UTC)"
    )
    return UsageError(message)
