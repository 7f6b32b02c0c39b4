"""Tests run in a sandbox: what is run, and what is known of how it went."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from reviewbot.domain.finding import Finding

Arc = tuple[int, int]
"""From the first line of a statement to that of the next; coverage.py's way to name a branch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One process of pytest in a copy of the project."""

    files: Mapping[str, str]
    """Texts put into the copy by path: new tests, and sources that are replaced by mutants."""
    select: tuple[str, ...] = ()
    """Paths and node ids to run; none for the project's whole suite."""
    on_base: bool = False
    """Whether it is the base's copy."""
    measured: tuple[str, ...] = ()
    """Files whose lines and branches are measured."""
    seed: int = 0
    """Hash seed; tests within the selected files come in another order for each, 0 for their own."""
    first: tuple[str, ...] = ()
    """Files whose tests are run before all others."""
    last: tuple[str, ...] = ()
    """Files whose tests are run after all others."""
    timeout_s: float | None = None
    """Wall time; None for that of a single test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A test that failed."""

    id: str
    """pytest's node id."""
    own: bool
    """Whether it failed by an assertion that stands in the test's own file."""
    message: str
    """The exception, first line first."""
    text: str = ""
    """What pytest shows of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What ran of one file."""

    lines: frozenset[int] = frozenset()
    """First lines of the statements that ran."""
    taken: frozenset[Arc] = frozenset()
    untaken: frozenset[Arc] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """What pytest itself said in the process, vouched for by a secret that the tests do not know."""

    collected: int
    passed: int
    skipped: int
    failures: tuple[Failure, ...] = ()
    errors: tuple[Failure, ...] = ()
    """Files that could not be collected."""
    measured: Mapping[str, Measured] = field(default_factory=dict)

    @property
    def failing(self) -> frozenset[str]:
        """Ids of what failed or could not be collected."""
        return frozenset(failure.id for failure in (*self.failures, *self.errors))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a process ended."""

    attested: Attested | None
    """None where it did not come to a report: it was killed, crashed, or made itself away."""
    exit_code: int | None
    timed_out: bool
    wall_s: float
    left: tuple[str, ...] = ()
    """Files of the copy that were made, altered or removed."""
    said: str = ""
    """The end of what it printed, for people."""

    @property
    def passes(self) -> bool:
        """Whether every collected test ran and passed, by pytest's word and by the exit code alike."""
        said = self.attested
        return (
            said is not None
            and self.exit_code == 0
            and 0 < said.collected == said.passed
            and not said.failures
            and not said.errors
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PythonEnvironment:
    """What the project's own Python environment holds."""

    modules: frozenset[str]
    """Top-level names that can be imported."""
    missing: tuple[str, ...] = ()
    """What would be needed to run and measure tests, and is not there."""
    options: tuple[str, ...] = ()
    """Options of pytest that switch off what gets in the way: other measurements, other processes."""
    formats: bool = False
    """Whether ruff is there to format new files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """Findings whose suggestions were taken in a sandboxed copy, where the tests that they touch ran."""

    findings: tuple[Finding, ...]
    """All of them, in their order: a suggestion that breaks a test has become text."""
    notes: tuple[str, ...] = ()
    bug: str | None = None
    """What went wrong, if it was our own fault."""
    interrupted: bool = False
