"""What goes into the queue and comes out of it, as values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from reviewbot.domain.job import ReviewJob


class Admission(StrEnum):
    """What became of a job that was to be enqueued."""

    FRESH = "fresh"
    """It waits for a worker."""
    SUPERSEDING = "superseding"
    """It waits, and an older one of the same subject is dropped or stopped."""
    DUPLICATE = "duplicate"
    """The same is waiting, running or done already."""
    OUTDATED = "outdated"
    """Something newer is known, by the forge's own clock."""
    REFUSED = "refused"
    """Its project has too much waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Enqueued:
    """The answer to `Intake.enqueue`."""

    admission: Admission
    reason: str
    """For logs and for the webhook's answer."""

    @property
    def accepted(self) -> bool:
        """Whether the job itself is going to be done."""
        return self.admission in {Admission.FRESH, Admission.SUPERSEDING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A job in a worker's hands."""

    job: ReviewJob
    attempt: int
    """1 for the first; grows with each failure, not with a worker that died."""
    ticket: str
    """dramatiq's message, which is the job's lease: as long as it is not acknowledged, the job is this worker's."""
    lease: str
    """Told apart from the lease of whoever took the same job before."""
    tied: bool = False
    """Whether another job of the same moment, which may be the newest, waits for the end of this one."""


class Later(StrEnum):
    """No job for a spare slot yet."""

    LATER = "later"
    """Those projects that have work are served already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job that needs nothing more."""

    outcome: str = "reviewed"
    """A word for the metrics: ``reviewed``, ``superseded``, ``skipped``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A job that went wrong."""

    reason: str
    """The last words, for people; shortened to 2,000 characters."""
    lasting: bool = False
    """Whether another attempt would go wrong as well: then it is dead at once."""
    wait_s: float | None = None
    """The least time until the next attempt, where the forge or the provider named one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """A job that a stopping worker hands back: it goes to the front of its project, at the same attempt."""


Ending: TypeAlias = Ended | Failed | Unfinished


class Fate(StrEnum):
    """What became of a job after its end was told."""

    DONE = "done"
    RETRIED = "retried"
    """It waits for its next attempt."""
    DEAD = "dead"
    """A person has to look, and may put it back."""
    RETURNED = "returned"
    """It waits for another worker."""
    SUPERSEDED = "superseded"
    """A newer one of its subject waits, so this one is dropped."""
    LOST = "lost"
    """It was not this worker's any more: its ticket went to another one, or Redis lost its last second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadJob:
    """A job that is not tried again by itself."""

    job: ReviewJob
    attempts: int
    reason: str
    at: datetime
    """When it was given up, UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectStats:
    """How the queue stands for one project. Times in seconds, counts since the project's first job."""

    place: str
    """Host and path of the project."""
    waiting: int
    """Jobs that a worker could take, or that wait for another one of their request."""
    oldest_s: float
    """For how long the first of them has been waiting; 0 for none."""
    running: int
    retrying: int
    """Jobs that wait for their next attempt."""
    dead: int
    retries: int
    ended: tuple[tuple[str, int], ...]
    """Jobs by outcome: `Ended.outcome`, ``superseded``, ``dead``."""
    job_s: float
    """Seconds that all of them took together, without those that were handed back or retried."""
    times: tuple[int, ...]
    """How many took so long, by `TIMES_S`; the last for more than that."""


TIMES_S = (1, 5, 15, 30, 60, 120, 300, 600, 1_800)
"""Upper bounds of the classes of `ProjectStats.times`, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """How the queue stands."""

    projects: tuple[ProjectStats, ...]

    @property
    def waiting(self) -> int:
        """Jobs that a worker could take now."""
        return sum(project.waiting for project in self.projects)

    @property
    def oldest_s(self) -> float:
        """For how long the first of them has been waiting, in seconds: what workers are scaled on."""
        return max((project.oldest_s for project in self.projects), default=0.0)

    @property
    def running(self) -> int:
        """Jobs in workers' hands."""
        return sum(project.running for project in self.projects)

    @property
    def retrying(self) -> int:
        """Jobs that wait for their next attempt."""
        return sum(project.retrying for project in self.projects)

    @property
    def dead(self) -> int:
        """Jobs that a person has to look at."""
        return sum(project.dead for project in self.projects)
