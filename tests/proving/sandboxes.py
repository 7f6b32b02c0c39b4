"""Sandboxes of which a test decides when they fail, hang, or take long."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from proving.scene import PlainSandbox

from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.errors import SandboxError


@dataclass
class Failing:
    """A sandbox that fails after some processes."""

    after: int
    runs: int = 0

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process, or fail."""
        self.runs += 1
        if self.runs > self.after:
            message = "no more processes"
            raise SandboxError(message)
        return PlainSandbox().run(job)


@dataclass
class Hanging:
    """A sandbox in which some processes, counted from 1, do not end in time."""

    which: set[int]
    runs: int = 0

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process, or say that it did not end."""
        self.runs += 1
        if self.runs in self.which:
            return SandboxResult(exit_code=None, stdout=b"", stderr=b"", timed_out=True, wall_s=0.1)
        return PlainSandbox().run(job)


@dataclass
class Stepping:
    """A clock that each process moves on by a number of seconds, beside the real time."""

    steps: Sequence[float]
    now: float = 0.0
    runs: int = 0
    asked: list[float] = field(default_factory=list)

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process, and say that it took as long as planned."""
        step = self.steps[min(self.runs, len(self.steps) - 1)]
        self.runs += 1
        self.now += step
        found = PlainSandbox().run(job)
        return SandboxResult(
            exit_code=found.exit_code, stdout=found.stdout, stderr=found.stderr, timed_out=False, wall_s=step
        )

    def __call__(self) -> float:
        return self.now
