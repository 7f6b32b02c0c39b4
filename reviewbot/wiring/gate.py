"""Finds and reads coverage reports, puts the repository beside them, and asks the gate."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

from reviewbot.coverage import finding
from reviewbot.domain.coverage import CoverageGate, CoverageReport, FileCoverage, PatchCoverage
from reviewbot.errors import UsageError
from reviewbot.repository.git import Git
from reviewbot.steps import excluding, mapping, ruling
from reviewbot.steps.covering import Layout
from reviewbot.steps.ruling import Measurements, Subject
from reviewbot.steps.uniting import Head
from reviewbot.wiring.changes import Opened
from reviewbot.wiring.sides import Side, sides

TESTS = (
    "tests/", "test_*.py", "*_test.py", "conftest.py", "*_test.go", "__tests__/", "*.test.*", "*.spec.*",
    "**/src/test/", "*_spec.rb", "*_test.exs",
)  # fmt: skip
"""Globs of test files: where the languages' own tools look for them."""
_SQLITE = b"SQLite format 3\0"
_GLOB = frozenset("*?[")
_HUNDRED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the configuration says of coverage, with the command line over it."""

    gate: CoverageGate = field(default_factory=CoverageGate)
    reports: tuple[str, ...] = ()
    """Paths or globs, from the current folder; with none, the usual places are searched."""
    base_reports: tuple[str, ...] = ()
    """Likewise, of the merge base; never searched for."""
    tests: tuple[str, ...] = TESTS
    """Globs of test files, as in .gitignore: they do not count."""
    omit: tuple[str, ...] = ()
    """Globs of other files that do not count."""
    roots: tuple[str, ...] = ()
    """Folders of the repository that the reports' relative paths start from, where that cannot be told."""
    untrusted: bool = False
    """Whether the reports come from a job that ran a stranger's code."""


def percentage(text: str, name: str) -> Fraction:
    """Read a percentage exactly: 99.5 is 199/2. Raises UsageError for anything but a number from 0 to 100."""
    try:
        value = Fraction(text.strip().removesuffix("%").strip())
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if not 0 <= value <= _HUNDRED:
        message = f"{name} wants a percentage from 0 to 100, not '{text}'"
        raise UsageError(message)
    return value


def reports(source: Opened, rules: Rules, cwd: Path) -> tuple[Path, ...]:
    """Give the reports that are named, else those in the usual places: without any, only a gate asked for is judged."""
    return _named(rules.reports, cwd) or _discovered(source.git, cwd)


def judged(source: Opened, rules: Rules, cwd: Path) -> PatchCoverage:
    """Judge an open change. Raises UsageError for a named report that is not there, or that cannot be read.

    One that was merely found and cannot be read is a reason why nothing is measured.
    """
    with sides(source) as (head, base):
        read, unreadable = _all(reports(source, rules, cwd), source, head, rules)
        given = Measurements(
            reports=read,
            base=tuple(_read(path, source, base, rules) for path in _named(rules.base_reports, cwd)),
            layout=Layout(tests=rules.tests, omit=rules.omit, exclude=_excluded(source)),
            roots=rules.roots,
            unreadable=unreadable,
            untrusted=rules.untrusted,
        )
        subject = Subject(
            patch=source.change.patch,
            text=source.change.sources.new_text,
            tree=head.tree,
            base_tree=base.tree,
            head=_head(source),
        )
        return ruling.judged(subject, given, rules.gate)


def _named(patterns: Sequence[str], cwd: Path) -> tuple[Path, ...]:
    """Find the reports that were named; a glob that finds nothing stays as it is, and is missed when it is read."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = cwd / pattern
        relative = Path(pattern)
        if not path.exists() and not relative.is_absolute() and _GLOB.intersection(pattern):
            found.update(dict.fromkeys(sorted(cwd.glob(pattern)) or [path]))
        else:
            found[path] = None
    return tuple(found)


def _discovered(git: Git | None, cwd: Path) -> tuple[Path, ...]:
    folders = [cwd]
    if git is not None and not git.bare:
        within = cwd.resolve().is_relative_to(git.folder.resolve())
        folders = [git.folder, cwd] if within else [git.folder]  # elsewhere lies another project's
    return next((found for folder in folders if (found := finding.discover(folder))), ())


def _all(
    paths: Sequence[Path], source: Opened, side: Side, rules: Rules
) -> tuple[tuple[CoverageReport, ...], tuple[str, ...]]:
    """Read all reports; gives those that could be read, and what is wrong with the others."""
    read, faults = list[CoverageReport](), list[str]()
    for path in paths:
        try:
            read.append(_read(path, source, side, rules))
        except UsageError as error:
            if rules.reports:
                raise
            faults.append(str(error))
    return tuple(read), tuple(faults)


def _read(path: Path, source: Opened, side: Side, rules: Rules) -> CoverageReport:
    """Read one report; it is named by its place in the repository where it has one."""
    name = _name(path, source.git)
    if path.is_file() and path.stat().st_size == 0:
        return CoverageReport(format="", name=name, files=())  # a fault of the measurement, not of the command line
    changed = {file.path.rpartition("/")[2].casefold() for file in source.change.patch.files}

    def detail(spelt: str) -> bool:
        return mapping.parts_of(spelt)[-1:] != () and mapping.parts_of(spelt)[-1].casefold() in changed

    if not _is_data(path):
        return replace(finding.read(path, detail), name=name)
    from reviewbot.coverage import coveragepy_data  # late: it loads the whole library

    places = _places(path, name, side, rules)

    def text(spelt: str) -> bytes | None:
        return side.text(places[spelt]) if spelt in places else None

    return replace(coveragepy_data.read(path, detail, text, exclude=_excluded(source)), name=name)


def _name(path: Path, git: Git | None) -> str:
    top = None if git is None else git.folder.resolve()
    real = path.resolve()
    return real.relative_to(top).as_posix() if top is not None and real.is_relative_to(top) else str(path)


def _is_data(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def _places(path: Path, name: str, side: Side, rules: Rules) -> Mapping[str, str]:
    """Find the files of coverage.py's data in the repository, before they are read: their texts are needed for it."""
    spelt: list[str] = []
    with suppress(UsageError):  # without texts the reader can say nothing; it has named all files by then
        finding.read(path, lambda _: False, spelt.append)
    files = tuple(FileCoverage(path=one, measured=0, covered=0) for one in spelt)
    listing = CoverageReport(format="coverage.py", name=name, files=files)
    return mapping.mapped(listing, side.tree, rules.roots).paths


def _excluded(source: Opened) -> tuple[str, ...]:
    """Read what coverage.py is told to leave out; by the trusted side, or a change could leave itself out."""
    trust = source.trust
    texts = {} if trust is None else {name: trust.read(name) for name in excluding.NAMES}
    return excluding.patterns({name: text for name, text in texts.items() if text is not None})


def _head(source: Opened) -> Head:
    """Name the commit that is judged, and when it was made; a work tree has neither."""
    sha = source.change.comparison.head_sha
    if sha is None or source.git is None:
        return Head()
    seconds = source.git.try_line("show", "--no-patch", "--format=%ct", sha)
    return Head(sha=sha, time=datetime.fromtimestamp(int(seconds), UTC) if seconds else None)
