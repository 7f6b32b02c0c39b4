"""A patch and what the reports say of its files → what of each file's change is covered.

Python is counted by statements, everything else by lines. What nobody measured is never taken for covered: it is
uncovered where a report speaks for its folder and language, else it is listed; a report that does not fit the text
cannot be used at all, since its numbers would speak of other lines.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reviewbot.domain.coverage import FileCoverage, PatchFileCoverage, lines_of, mask
from reviewbot.domain.patch import FilePatch, Status
from reviewbot.steps import mapping, shifting, stating
from reviewbot.steps.filtering import matches
from reviewbot.steps.stating import Statements
from reviewbot.steps.uniting import PYTHON, United, language

_SYMLINK = "120000"
_BLOCKS = frozenset({"go"})
"""Formats that measure stretches of text, blank lines and comments included."""
_COMMENTS = ("//", "/*", "*/")
_ABSENT = "absent from the report"
_SEVERAL = 2
"""A single unknown statement may be left out by a configuration that is not known here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What counts in a repository; globs as in .gitignore."""

    tests: tuple[str, ...] = ()
    omit: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    """Regular expressions of Python lines that the project's tool leaves out, with the blocks that they open."""

    def is_test(self, path: str) -> bool:
        """Tell whether a file is a test."""
        return any(matches(path, glob) for glob in self.tests)

    def omitted(self, path: str) -> str | None:
        """Give the glob by which a file does not count."""
        return next((glob for glob in self.omit if matches(path, glob)), None)

    def is_product(self, path: str) -> bool:
        """Tell whether a file counts."""
        return not self.is_test(path) and self.omitted(path) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """What became of one changed file."""

    file: PatchFileCoverage | None = None
    unmeasured: str | None = None
    """Why it does not count."""
    fault: str | None = None
    """Why nothing can be said of the change at all."""
    touched: int = 0
    """Mask of the new text's lines that stand for what was changed."""
    is_due: bool = False
    """Whether something of the product was changed that can be measured, by the text's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """A changed file's own word on its lines."""

    lines: tuple[int, ...]
    """Added ones that hold code."""
    size: int | None
    """Lines of the whole text, where it is known."""
    blank: int
    """Mask of its blank lines; needed only where lines are counted."""
    statements: Statements | None
    note: str | None = None
    """Why a Python file is counted by lines."""

    @property
    def due(self) -> int:
        """Mask of what the change touches."""
        return mask(self.lines) if self.statements is None else stating.executable(self.statements, self.lines)


def covered(
    files: Sequence[FilePatch],
    reports: United,
    base: United,
    layout: Layout,
    text: Callable[[FilePatch], bytes | None],
) -> Mapping[str, Covered]:
    """Judge each file that has added lines of code; by path."""
    found = {file.path: _covered(file, reports, base, layout, text) for file in files if _has_text(file)}
    return {path: result for path, result in found.items() if result is not None}


def _has_text(file: FilePatch) -> bool:
    plain = not (file.is_submodule or file.binary or file.new_mode == _SYMLINK)
    return plain and file.status is not Status.DELETED and (bool(file.added) or file.defect is not None)


def _covered(
    file: FilePatch, reports: United, base: United, layout: Layout, text: Callable[[FilePatch], bytes | None]
) -> Covered | None:
    measured = reports.files.get(file.path)
    if measured is None and language(file.path) is None:
        return None
    if file.defect is not None:
        return Covered(fault=f"the diff of '{file.path}' cannot be read: {file.defect}", is_due=True)
    glob = layout.omitted(file.path)
    if glob is not None:
        return Covered(unmeasured=f"left out by the configuration: {glob}")
    own = _read(file, text(file), layout.exclude)
    if measured is None:
        return None if layout.is_test(file.path) else _absent(file, own, reports)
    misfit = _misfit(file.path, measured, own, reports)
    if misfit is not None:
        return Covered(fault=misfit, is_due=own.due != 0)
    return _present(file, measured, own, base.files.get(file.base_path), is_test=layout.is_test(file.path))


def _read(file: FilePatch, text: bytes | None, exclude: Sequence[str]) -> _Text:
    python = language(file.path) == PYTHON
    statements = stating.statements(text, exclude) if python and text is not None else None
    note = None
    if python and statements is None:
        why = "only the diff is known" if text is None else "this Python cannot parse it"
        note = f"counted by lines: {why}"
    rows = [] if text is None else text.split(b"\n")
    return _Text(
        lines=file.added if statements is not None else tuple(_code_lines(file)),
        size=None if text is None else text.count(b"\n") + (not text.endswith(b"\n")),
        blank=mask(number for number, row in enumerate(rows, 1) if not row.strip()) if statements is None else 0,
        statements=statements,
        note=note,
    )


def _code_lines(file: FilePatch) -> Iterator[int]:
    """Give the added lines that are neither blank nor, plainly, a comment or mere brackets."""
    sharp = ("#",) if language(file.path) in {PYTHON, "Ruby", "Perl", "Elixir", "shell"} else ()
    for hunk in file.hunks:
        for line in hunk.lines():
            row = line.text.strip()
            if (
                line.kind == "+"
                and line.new
                and any(map(str.isalnum, row))
                and not row.startswith((*_COMMENTS, *sharp))
            ):
                yield line.new


def _absent(file: FilePatch, own: _Text, reports: United) -> Covered | None:
    """Judge a file that no report has: whoever measured its folder would have seen it run."""
    if not own.due:
        return None
    if file.path in reports.unclear:
        return Covered(unmeasured=reports.unclear[file.path], fault=reports.unclear[file.path], is_due=True)
    name = language(file.path) or ""
    scopes = reports.scopes.get(name)
    if scopes is None:
        return Covered(unmeasured=f"no report speaks of {name}", is_due=True)
    if not mapping.is_under(file.path, scopes):
        where = ", ".join(f"'{folder}/'" for folder in sorted(scopes))
        return Covered(unmeasured=f"outside of what the reports of {name} measured: {where}", is_due=True)
    note = _ABSENT if own.note is None else f"{_ABSENT}; {own.note}"
    missing = tuple(lines_of(own.due))
    entry = PatchFileCoverage(
        path=file.path, covered=(), missing=missing, by_statement=own.statements is not None, note=note
    )
    return Covered(file=entry, touched=own.due, is_due=True)


def _misfit(path: str, measured: FileCoverage, own: _Text, reports: United) -> str | None:
    """Say why a report is of another text; its numbers would silently speak of other lines."""
    last = measured.measured.bit_length() - 1
    if own.size is not None and last > max(own.size, 1):
        return _stale(path, f"it measures line {last:,}, and the file has {own.size:,}")
    if own.statements is not None:
        line = stating.misplaced(own.statements, measured.measured)
        missing, due = stating.unknown_share(own.statements, measured.measured)
        if line is not None:
            return _stale(path, f"it measures line {line:,}, where no statement begins")
        if missing >= _SEVERAL and missing * 2 >= due:
            return _stale(path, f"it does not know {missing:,} of the file's {due:,} statements")
    elif not reports.formats.get(path, frozenset()) & _BLOCKS and measured.measured & own.blank:
        line = next(lines_of(measured.measured & own.blank))
        return _stale(path, f"it measures line {line:,}, which is blank")
    return None


def _stale(path: str, why: str) -> str:
    return f"the report does not fit '{path}': {why}. It was written of another text: measure the head anew"


def _present(
    file: FilePatch, measured: FileCoverage, own: _Text, base: FileCoverage | None, *, is_test: bool
) -> Covered:
    if own.statements is None:
        # What a tool measures is code, whatever it looks like here.
        known, unknown = mask(file.added) & measured.measured & ~own.blank, 0
    else:
        found = stating.touched(own.statements, file.added, measured.measured)
        known, unknown = found.known, found.unknown
    if unknown:
        why = f"it does not know the changed statement in line {next(lines_of(unknown)):,}"
        return Covered(fault=_stale(file.path, why), is_due=True)
    if not known:
        return Covered()
    missing = known & ~measured.covered
    hit = tuple(lines_of(known & measured.covered))
    halves = [line for line in hit if line in measured.branches]
    entry = PatchFileCoverage(
        path=file.path,
        covered=hit,
        missing=tuple(lines_of(missing)),
        partial=tuple(line for line in halves if measured.branches[line].taken < measured.branches[line].total),
        untouched=tuple(_uncovered_before(file, missing, base)),
        by_statement=own.statements is not None,
        is_test=is_test,
        note=own.note,
    )
    return Covered(file=entry, touched=known, is_due=not is_test)


def _uncovered_before(file: FilePatch, missing: int, base: FileCoverage | None) -> Iterator[int]:
    """Give the uncovered statements that the change only touched: they were uncovered already."""
    if base is None:
        return
    before = base.measured & ~base.covered
    pairs = shifting.replaced(file)
    still = shifting.forward(file, before)
    for line in lines_of(missing):
        if (still >> line & 1) or (line in pairs and before >> pairs[line] & 1):
            yield line
