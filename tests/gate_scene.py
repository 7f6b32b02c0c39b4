"""Changes and reports without a disk: what the gate says of a drawing, texts, and lines that were measured."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import drawing

from reviewbot.domain.coverage import Branches, CoverageGate, CoverageReport, FileCoverage, PatchCoverage, mask
from reviewbot.domain.patch import FilePatch
from reviewbot.steps import ruling
from reviewbot.steps.covering import Layout
from reviewbot.steps.mapping import Tree
from reviewbot.steps.ruling import Measurements, Subject
from reviewbot.steps.uniting import Head

ASKED = CoverageGate(asked=True)
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
LAYOUT = Layout(tests=("tests/", "test_*.py"))


def entry(path: str, lines: str, branches: Mapping[int, tuple[int, int]] | None = None) -> FileCoverage:
    """Give a file from one sign a line: ``+`` ran, ``-`` did not, anything else is not measured."""
    return FileCoverage(
        path=path,
        measured=mask(number for number, sign in enumerate(lines, 1) if sign in "+-"),
        covered=mask(number for number, sign in enumerate(lines, 1) if sign == "+"),
        branches={line: Branches(total=total, taken=taken) for line, (total, taken) in (branches or {}).items()},
    )


def report(*files: FileCoverage, name: str = "coverage.xml", kind: str = "cobertura") -> CoverageReport:
    """Give a report."""
    return CoverageReport(format=kind, name=name, files=files)


def subject(change: str, texts: Mapping[str, str], tree: Sequence[str] = (), *, whole: bool = True) -> Subject:
    """Give a change; files without a text are known by the diff alone."""
    patch = drawing.patch(change)
    paths = frozenset({*tree, *(file.path for file in patch.files)})
    base = frozenset({*tree, *(file.old_path for file in patch.files if file.old_path is not None)})

    def text(file: FilePatch) -> bytes | None:
        return texts[file.path].encode() if file.path in texts else None

    return Subject(
        patch=patch,
        text=text,
        tree=Tree(paths=paths, whole=whole),
        base_tree=Tree(paths=base, whole=whole),
        head=Head(sha="c0ffee" + "0" * 34, time=NOON),
    )


def judged(
    change: Subject,
    *reports: CoverageReport,
    base: Sequence[CoverageReport] = (),
    gate: CoverageGate = ASKED,
    layout: Layout = LAYOUT,
) -> PatchCoverage:
    """Ask the gate."""
    return ruling.judged(change, Measurements(reports=reports, base=tuple(base), layout=layout), replace(gate))
