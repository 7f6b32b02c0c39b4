"""What became of the change: outcomes by line, the report of a run, and its verdict."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from reviewbot.domain.candidate import Proved
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.finding import Finding, Rejection
from reviewbot.domain.patch import FilePatch, Patch, Side
from reviewbot.domain.synopsis import Synopsis
from reviewbot.domain.thread import Answer
from reviewbot.domain.usage import Usage


class Outcome(StrEnum):
    """What became of a file or a line."""

    REVIEWED = "reviewed"
    PARTIAL = "partial"
    """Only of a file: some of its changed lines were reviewed."""
    SKIPPED = "skipped"
    """Left out on purpose, with a reason."""
    FAILED = "failed"
    """Could not be reviewed, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreviewed:
    """A run of changed lines that nobody reviewed, and why."""

    side: Side
    start: int
    end: int
    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file of the diff."""

    file: FilePatch
    outcome: Outcome
    reason: str | None = None
    unreviewed: tuple[Unreviewed, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCounts:
    """Changed lines by what became of them; ``changed`` is the sum of the others, always."""

    reviewed: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def changed(self) -> int:
        """All added and all removed lines."""
        return self.reviewed + self.skipped + self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was compared with what."""

    base_sha: str | None
    """Commit id of the merge base; None for a bare diff or an empty history."""
    head_sha: str | None
    """Commit id; None for a work tree, an index or a bare diff."""
    description: str
    """For people, for example ``main (1a2b3c4) with the work tree``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether the gate lets the change pass, the exit code, and why."""

    passed: bool
    exit_code: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a run found out; what outputs render."""

    engine: str
    """``static`` or ``llm``."""
    model: str | None
    comparison: Comparison
    files: tuple[FileReport, ...]
    findings: tuple[Finding, ...]
    """Most severe first."""
    rejected: tuple[Rejection, ...] = ()
    silenced: tuple[Finding, ...] = ()
    """Those of the rejected ones that people have dismissed: the next run has to know of them, and judges anew."""
    usage: Usage = field(default_factory=Usage)
    verdict: Verdict = Verdict(passed=True, exit_code=0)
    notes: tuple[str, ...] = ()
    """What the reader should know besides, one sentence each."""
    checked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Paths that each static analyzer has read, by the source in its findings: there its silence means something."""
    coverage: PatchCoverage | None = None
    """The gate's answer; None where none was asked for and no report was found."""
    tests: Proved | None = None
    """Generated tests; None where none were to be made."""
    complete: bool = True
    """Whether every request that was to be made was answered: the next run may build on this one."""
    answers: tuple[Answer, ...] = ()
    """What people are to be told in threads; only the run that was told it posts it, so it is never saved."""
    synopsis: Synopsis | None = None
    """What a model says of the change as a whole; None where none was asked, or none answered."""
    tally: LineCounts | None = None
    """What a saved report says of its lines; None for a report whose patch is at hand."""

    @property
    def patch(self) -> Patch:
        """The change itself."""
        return Patch(files=tuple(entry.file for entry in self.files))

    @property
    def lines(self) -> LineCounts:
        """Count the changed lines of all files by outcome."""
        return self.tally or counted(self.files)


def counted(files: Iterable[FileReport]) -> LineCounts:
    """Count the changed lines of files by what became of them."""
    skipped = failed = changed = 0
    for entry in files:
        changed += entry.file.changed_count
        for run in entry.unreviewed:
            count = _changed_in(entry.file, run)
            if run.outcome is Outcome.SKIPPED:
                skipped += count
            else:
                failed += count
    return LineCounts(reviewed=changed - skipped - failed, skipped=skipped, failed=failed)


def _changed_in(file: FilePatch, run: Unreviewed) -> int:
    numbers = file.removed if run.side is Side.LEFT else file.added
    return bisect_right(numbers, run.end) - bisect_left(numbers, run.start)
