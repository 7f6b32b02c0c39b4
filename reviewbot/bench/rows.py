"""What was measured of one scenario, and the figures of it that the contract names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, median, quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One scenario's requests. All times in seconds."""

    scenario: str
    requests: int
    connections: int
    latencies_s: Sequence[float]
    """Of the requests that were answered."""
    ttfts_s: Sequence[float]
    """To the first content, where the answer was streamed."""
    wall_s: float
    """From the first request to the last answer."""
    lone_s: float
    """Latency of a request that was alone."""
    sync_per_minute: float | None
    """Answers a minute of one blocking client; None where that was not measured."""
    cost_usd: Decimal | None
    """Of all of them; None where the model's price is not known."""
    errors: Mapping[str, int]
    """Failed requests by the kind of their last fault."""

    @property
    def ok(self) -> int:
        """How many were answered."""
        return len(self.latencies_s)

    @property
    def mean_s(self) -> float | None:
        """Mean latency; None where nothing was answered."""
        return mean(self.latencies_s) if self.latencies_s else None

    @property
    def p50_s(self) -> float | None:
        """Median latency."""
        return median(self.latencies_s) if self.latencies_s else None

    @property
    def p95_s(self) -> float | None:
        """Latency that one answer in twenty exceeds."""
        if self.ok < 2:  # noqa: PLR2004 - quantiles need two values
            return self.p50_s
        return quantiles(self.latencies_s, n=20, method="inclusive")[-1]

    @property
    def ttft_p50_s(self) -> float | None:
        """Median time to the first content; None where nothing was streamed."""
        return median(self.ttfts_s) if self.ttfts_s else None

    @property
    def per_minute(self) -> float:
        """Answers a minute."""
        return 60 * self.ok / self.wall_s if self.wall_s > 0 else 0.0

    @property
    def ceiling_share(self) -> float:
        """Part of what the connections could bring if each were always busy with a request of the lone one's length."""
        return self.per_minute * self.lone_s / (60 * self.connections)

    @property
    def speedup(self) -> float | None:
        """How many blocking clients this is as fast as; None where that was not measured."""
        return self.per_minute / self.sync_per_minute if self.sync_per_minute else None

    @property
    def cost_per_call_usd(self) -> Decimal | None:
        """Cost of an answer; None where the price is not known or nothing was answered."""
        return None if self.cost_usd is None or not self.ok else self.cost_usd / self.ok
