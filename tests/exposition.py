"""What a scrape brings, read with prometheus_client's own parser."""

from collections.abc import Iterator, Mapping

from prometheus_client.openmetrics.parser import text_string_to_metric_families


def samples(text: str, name: str, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
    """Give a metric's values, by those of its labels that were not asked for."""
    found = {}
    for sample_name, known, value in every(text):
        if sample_name == name and labels.items() <= known.items():
            rest = {key: label for key, label in known.items() if key not in labels}
            found[tuple(sorted(rest.items()))] = value
    return found


def one(text: str, name: str, **labels: str) -> float:
    """Give the value of a sample that is alone."""
    (value,) = samples(text, name, **labels).values()
    return value


def every(text: str) -> Iterator[tuple[str, Mapping[str, str], float]]:
    """Give all samples: name, labels, value."""
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
