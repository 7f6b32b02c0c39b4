"""How the queue stands, as Prometheus takes it. The numbers lie in Redis: whichever process is scraped tells all."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from reviewbot.queue.outcomes import TIMES_S, ProjectStats, QueueStats

_GAUGES = (
    ("waiting", "waiting", "Jobs that wait for a worker, or for another job of their request"),
    ("oldest_s", "oldest_seconds", "Seconds that the first of them has been waiting"),
    ("running", "running", "Jobs in workers' hands"),
    ("retrying", "retrying", "Jobs that wait for their next attempt"),
    ("dead", "dead", "Jobs that a person has to look at"),
)


def families(stats: QueueStats) -> Iterator[Metric]:
    """Give the metrics by project, for the ``collect`` of a collector."""
    for field, name, text in _GAUGES:
        gauge = GaugeMetricFamily(f"reviewbot_queue_{name}", text, labels=["project"])
        for project in stats.projects:
            gauge.add_metric([project.place], getattr(project, field))
        yield gauge
    retries = CounterMetricFamily("reviewbot_queue_retries", "Attempts after the first", labels=["project"])
    ended = CounterMetricFamily("reviewbot_queue_ended", "Jobs by how they ended", labels=["project", "outcome"])
    times = HistogramMetricFamily("reviewbot_queue_job_seconds", "Seconds in a worker's hands", labels=["project"])
    for project in stats.projects:
        retries.add_metric([project.place], project.retries)
        for outcome, number in project.ended:
            ended.add_metric([project.place, outcome], number)
        times.add_metric([project.place], _buckets(project), project.job_s)
    yield from (retries, ended, times)


def _buckets(project: ProjectStats) -> list[tuple[str, float]]:
    """Count as Prometheus does: each bucket holds all that are below it."""
    bounds = (*(str(float(bound)) for bound in TIMES_S), "+Inf")
    return [(bound, float(sum(project.times[: at + 1]))) for at, bound in enumerate(bounds)]
