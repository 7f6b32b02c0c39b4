"""What a page shows of coverage and of generated tests: texts that are safe to show, and marks for lines of the diff.

Everything is one flat value for each section, so that the template only has to lay it out.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reviewbot.domain.candidate import CandidateStatus, Judged, Proved, SuggestedFile, Unreached, by_path
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_view import Row, headline, losses, product, project, ranges, remarks, rows
from reviewbot.domain.outcome import Report
from reviewbot.domain.view import label, plural, shown

_NO_REASON = "no reason was recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What a reader should know of a changed line."""

    kind: str
    title: str


UNCOVERED = Mark(kind="uncovered", title="not covered by tests")
HALF = Mark(kind="half", title="a branch of this line is not taken by tests")


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageSection:
    """The gate's answer."""

    headline: str
    project: str
    passed: bool
    covered: int
    """Of ``counted``, for the bar."""
    counted: int
    rows: tuple[Row, ...]
    losses: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A test or a gap, and what is to be said of it."""

    path: str
    where: str = ""
    """Which lines, or by which filter it was stopped."""
    text: str
    """A reason in one line; of a proven file its code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TestsSection:
    """What became of the generated tests."""

    headline: str
    proven: tuple[Told, ...]
    suspected: tuple[Told, ...]
    rejected: tuple[Told, ...]
    unreached: tuple[Told, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Both sections, where there are any, and the marks beside the diff."""

    coverage: CoverageSection | None
    tests: TestsSection | None
    marks: Mapping[str, Mapping[int, Mark]]
    """By path as it is shown, and number of the new side."""


def proof(report: Report) -> Proof:
    """Gather what the page shows besides findings."""
    return Proof(
        coverage=None if report.coverage is None else _coverage(report.coverage),
        tests=None if report.tests is None else _tests(report.tests),
        marks={} if report.coverage is None else _marks(report.coverage),
    )


def _coverage(coverage: PatchCoverage) -> CoverageSection:
    files = product(coverage)
    covered = sum(len(file.covered) for file in files)
    return CoverageSection(
        headline=headline(coverage),
        project=project(coverage),
        passed=not coverage.blocks,
        covered=covered,
        counted=covered + sum(len(file.missing) for file in files),
        rows=rows(coverage),
        losses=losses(coverage),
        remarks=tuple(_flat(remark) for remark in remarks(coverage)),
    )


def _marks(coverage: PatchCoverage) -> dict[str, dict[int, Mark]]:
    return {
        label(file.path): {**dict.fromkeys(file.partial, HALF), **dict.fromkeys(file.missing, UNCOVERED)}
        for file in product(coverage)
    }


def _tests(tests: Proved) -> TestsSection:
    proven, suspected, rejected = (
        [judged for judged in tests.tests if judged.status is status]
        for status in (CandidateStatus.PROVEN, CandidateStatus.SUSPECTED, CandidateStatus.REJECTED)
    )
    counts = f"{len(proven):,} proven, {plural(len(suspected), 'suspected bug')}, {len(rejected):,} rejected"
    return TestsSection(
        headline=f"{plural(len(tests.tests), 'candidate')}: {counts}" if tests.tests else "none",
        proven=tuple(_file(file) for file in tests.files),
        suspected=tuple(_judged(judged) for judged in suspected),
        rejected=tuple(_judged(judged) for judged in rejected),
        unreached=tuple(_unreached(unreached) for unreached in tests.unreached),
        notes=tuple(_flat(note) for note in tests.notes),
    )


def _file(file: SuggestedFile) -> Told:
    places = (f"{label(path)} {ranges(lines)}" for path, lines in by_path(file.covers).items())
    return Told(path=label(file.path), where=", ".join(places), text=shown(file.code))


def _judged(judged: Judged) -> Told:
    stopped = "" if judged.filter is None else f"stopped at: {judged.filter}"
    return Told(path=label(judged.candidate.path), where=stopped, text=_flat(judged.reason or _NO_REASON))


def _unreached(unreached: Unreached) -> Told:
    lines = ranges({point.line for point in unreached.points})
    name = label(f"{lines} {unreached.gap.name}").strip()
    return Told(path=label(unreached.gap.path), where=name, text=_flat(unreached.reason))


def _flat(text: str) -> str:
    """Make a text safe, and one line: reasons quote what pytest said, which is several."""
    return label(" ".join(shown(text).split()))
