"""Collections of metrics, as prometheus_client writes them out."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector


class WithoutCreated(Collector):
    """The metrics without the moments of their creation, which would change a merge request's report every time."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Give them."""
        return _timeless(self._registry.collect())


class Together(Collector):
    """A registry's metrics, and others, once."""

    def __init__(self, registry: CollectorRegistry, more: Iterable[Metric]) -> None:
        self._registry = registry
        self._more = more

    def collect(self) -> Iterator[Metric]:
        """Give them."""
        yield from self._registry.collect()
        yield from _timeless(self._more)


def _timeless(metrics: Iterable[Metric]) -> Iterator[Metric]:
    for metric in metrics:
        metric.samples = [sample for sample in metric.samples if not sample.name.endswith("_created")]
        yield metric
