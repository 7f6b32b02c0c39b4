"""Events → counts, shares and quantiles, in total, by day, and by what else was asked for."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from statistics import median, quantiles

from reviewbot.domain.events import BreakerChanged, BudgetWarned, Event, KeyChanged, RequestEnded
from reviewbot.domain.uptake import CommentTold
from reviewbot.outputs.stats.uptakes import Comments, Uptakes

_MOST_DAYS = 92
"""What a picture shows: a quarter. A line with a wrong date must not draw a century."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What some requests were, cost and took."""

    name: str
    requests: int
    answered: int
    """Those with an answer, from wherever it came."""
    cached: int
    coalesced: int
    retries: int
    prompt_tokens: int
    cached_tokens: int
    """Those of the prompts that the provider had in its prefix cache."""
    completion_tokens: int
    cost_usd: Decimal | None
    """Of the requests whose price is known; None where that is no request."""
    unpriced: int
    """Requests whose price is not known."""
    latency_p50_s: float | None
    """Of answers that came from a provider; None where none did."""
    latency_p95_s: float | None
    ttft_p50_s: float | None
    """To the first content, of streamed answers."""

    @property
    def ok_share(self) -> float | None:
        """Part of the requests that were answered, from 0 to 1; None where there are none."""
        return _share(self.answered, self.requests)

    @property
    def reused_share(self) -> float | None:
        """Part of the requests that the cache or another request answered."""
        return _share(self.cached + self.coalesced, self.requests)

    @property
    def prefix_share(self) -> float | None:
        """Part of the prompts' tokens that came from the provider's prefix cache."""
        return _share(self.cached_tokens, self.prompt_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """What a ledger says, ready to be rendered."""

    source: str
    """The ledger's file name."""
    by: str
    since: date | None
    groups: tuple[Figures, ...]
    """By day in order, else the dearest first."""
    total: Figures
    days: tuple[Figures, ...]
    """Every day from the first to the last, days without requests included; the last 92 at most."""
    keys: int
    """Times that a key changed its state."""
    breakers: int
    """Times that a circuit breaker did."""
    budgets: int
    """Times that a budget passed its warning line."""
    comments: Uptakes
    """What became of the comments that were posted."""
    foreign: int = 0
    """Lines that are no entry."""
    torn: bool = False
    """Whether the last line broke off."""


class Tally:
    """Takes in events, one by one; `stats` gives the figures."""

    def __init__(self, by: str = "day", since: date | None = None) -> None:
        self._by = by
        self._since = since
        self._groups: defaultdict[str, _Sums] = defaultdict(_Sums)
        self._days: defaultdict[date, _Sums] = defaultdict(_Sums)
        self._total = _Sums()
        self._incidents = Counter[type]()
        self._comments = Comments()

    def add(self, at: datetime, event: Event) -> None:
        """Take in an event of a moment; what is before ``since`` (UTC) does not count."""
        day = at.astimezone(UTC).date()
        if self._since is not None and day < self._since:
            return
        self._incidents[type(event)] += 1
        if isinstance(event, CommentTold):
            self._comments.add(day, event)
        if isinstance(event, RequestEnded):
            self._groups[GROUPINGS[self._by](event)].add(event)
            self._days[day].add(event)
            self._total.add(event)

    def stats(self, source: str, *, foreign: int = 0, torn: bool = False) -> Stats:
        """Give the figures of all that was taken in."""
        groups = [sums.figures(name) for name, sums in self._groups.items()]
        return Stats(
            source=source,
            by=self._by,
            since=self._since,
            groups=tuple(sorted(groups, key=_by_name if self._by == "day" else _by_cost)),
            total=self._total.figures("total"),
            days=tuple(_all_days(self._days)),
            keys=self._incidents[KeyChanged],
            breakers=self._incidents[BreakerChanged],
            budgets=self._incidents[BudgetWarned],
            comments=self._comments.uptakes(),
            foreign=foreign,
            torn=torn,
        )


GROUPINGS: Mapping[str, Callable[[RequestEnded], str]] = {
    "day": lambda event: event.at.astimezone(UTC).date().isoformat(),
    "model": lambda event: event.model,
    "task": lambda event: event.task,
    "key": lambda event: event.key_id or "no key",
    "tenant": lambda event: event.tenant or "no tenant",
}
"""What requests can be grouped by."""


class _Sums:
    """Sums over requests. Durations are kept one by one, in eight bytes each: a gateway's ledger is long."""

    def __init__(self) -> None:
        self._outcomes = Counter[str]()
        self._retries = self._prompt = self._prefix = self._completion = self._unpriced = 0
        self._cost = Decimal(0)
        self._latencies = array("d")
        self._ttfts = array("d")

    def add(self, event: RequestEnded) -> None:
        self._outcomes[event.outcome] += 1
        self._retries += max(event.attempts - 1, 0)
        self._prompt += event.usage.prompt_tokens
        self._prefix += event.usage.cached_tokens
        self._completion += event.usage.completion_tokens
        self._unpriced += event.cost_usd is None
        self._cost += event.cost_usd or 0
        if event.outcome == "ok":
            self._latencies.append(event.latency_s)
            if event.ttft_s is not None:
                self._ttfts.append(event.ttft_s)

    def figures(self, name: str) -> Figures:
        requests = self._outcomes.total()
        cached, coalesced = self._outcomes["cached"], self._outcomes["coalesced"]
        return Figures(
            name=name,
            requests=requests,
            answered=self._outcomes["ok"] + cached + coalesced,
            cached=cached,
            coalesced=coalesced,
            retries=self._retries,
            prompt_tokens=self._prompt,
            cached_tokens=self._prefix,
            completion_tokens=self._completion,
            cost_usd=None if requests and self._unpriced == requests else self._cost,
            unpriced=self._unpriced,
            latency_p50_s=median(self._latencies) if self._latencies else None,
            latency_p95_s=_p95(self._latencies),
            ttft_p50_s=median(self._ttfts) if self._ttfts else None,
        )


def _by_name(figures: Figures) -> str:
    return figures.name


def _by_cost(figures: Figures) -> tuple[Decimal, int, str]:
    return -(figures.cost_usd or Decimal(0)), -figures.requests, figures.name


def _all_days(days: Mapping[date, _Sums]) -> Iterator[Figures]:
    if not days:
        return
    last = max(days)
    count = min((last - min(days)).days + 1, _MOST_DAYS)
    empty = _Sums()
    for back in range(count - 1, -1, -1):
        day = last - timedelta(days=back)
        yield days.get(day, empty).figures(day.isoformat())


def _p95(values: Sequence[float]) -> float | None:
    if len(values) < 2:  # noqa: PLR2004 - quantiles need two values
        return values[0] if values else None
    return quantiles(values, n=20, method="inclusive")[-1]


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
