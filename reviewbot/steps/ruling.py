"""Patch, reports and thresholds → the gate's answer: passed, failed, or not measured, and why.

Not measured is never passed: a gate over an empty report, one of another text, or one whose files are not the
repository's would pass anything. Only a change in which nothing can be measured passes without a report.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from reviewbot.domain.coverage import (
    CoverageGate,
    CoverageReport,
    CoverageStatus,
    FileCoverage,
    IndirectLoss,
    PatchCoverage,
    PatchFileCoverage,
    lines_of,
)
from reviewbot.domain.coverage_view import percentage, unit
from reviewbot.domain.patch import FilePatch, Patch, Status
from reviewbot.domain.view import plural
from reviewbot.steps import covering, shifting, uniting
from reviewbot.steps.covering import Covered, Layout
from reviewbot.steps.mapping import Tree
from reviewbot.steps.uniting import Head, United


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The change that is judged."""

    patch: Patch
    text: Callable[[FilePatch], bytes | None]
    """Gives a file's new text, or None where it is not known."""
    tree: Tree
    base_tree: Tree
    head: Head = field(default_factory=Head)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """What was measured, and how to read it."""

    reports: tuple[CoverageReport, ...]
    base: tuple[CoverageReport, ...] = ()
    """Reports of the merge base, where there are some."""
    layout: Layout = field(default_factory=Layout)
    roots: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Why reports that were merely found could not be read."""
    untrusted: bool = False


def judged(subject: Subject, given: Measurements, gate: CoverageGate) -> PatchCoverage:
    """Judge a change."""
    layout = given.layout
    head = uniting.united(given.reports, subject.tree, given.roots, layout.is_product, subject.head)
    base = uniting.united(given.base, subject.base_tree, given.roots, layout.is_product, Head())
    found = covering.covered(subject.patch.files, head, base, layout, subject.text)
    files = tuple(result.file for result in found.values() if result.file is not None)
    indirect, doubts = _indirect(subject.patch, head, base, found, layout)
    answer = PatchCoverage(
        status=CoverageStatus.PASSED,
        patch_percent=_patch_percent(files, gate),
        project_percent=_project_percent(head, layout, subject.tree),
        base_percent=_project_percent(base, layout, subject.base_tree),
        files=files,
        unmeasured=tuple((path, result.unmeasured) for path, result in found.items() if result.unmeasured),
        indirect=indirect,
        gate=gate,
        notes=(*head.notes, *(f"of the base's report: {fault}" for fault in base.faults), *doubts),
        untrusted=given.untrusted,
    )
    return _ruled(answer, tuple(dict.fromkeys(_faults(given, head, found, gate, answer))), found)


def _ruled(answer: PatchCoverage, faults: Sequence[str], found: Mapping[str, Covered]) -> PatchCoverage:
    due = any(result.is_due for result in found.values())
    threshold = answer.gate.project_under is not None or answer.gate.allowed_drop is not None
    if faults and (due or threshold):
        nothing = replace(answer, patch_percent=None, project_percent=None, files=(), unmeasured=(), indirect=())
        return replace(nothing, status=CoverageStatus.UNMEASURED, reasons=tuple(faults))
    failed = tuple(_failures(answer))
    passed = () if answer.patch_percent is not None else (_nothing(found),)
    status = CoverageStatus.FAILED if failed else CoverageStatus.PASSED
    return replace(answer, status=status, reasons=failed or passed, notes=(*answer.notes, *faults))


def _faults(
    given: Measurements, head: United, found: Mapping[str, Covered], gate: CoverageGate, answer: PatchCoverage
) -> Iterator[str]:
    """Say why the change cannot be judged."""
    if not given.reports and not given.unreadable:
        yield "there is no coverage report"
    yield from given.unreadable
    yield from head.faults
    if not head.faults:  # else what is wrong with single files only follows from it
        yield from (result.fault for result in found.values() if result.fault is not None)
    if gate.project_under is not None and answer.project_percent is None:
        yield "the project's coverage is asked for, and no file of the project was measured"
    if gate.allowed_drop is not None and answer.base_percent is None:
        yield "the drop is limited, and there is no usable report of the base to compare with"


def _nothing(found: Mapping[str, Covered]) -> str:
    """Say why a change passes without a measured line."""
    reasons = dict.fromkeys(result.unmeasured for result in found.values() if result.unmeasured)
    if reasons:
        return f"no changed line could be measured: {'; '.join(map(str, reasons))}"
    return "no changed line can be measured: the change adds no statement that could run"


def _patch_percent(files: Iterable[PatchFileCoverage], gate: CoverageGate) -> Fraction | None:
    shares = [_share(file, gate) for file in files if not file.is_test]
    total = sum(count for _, count in shares)
    return Fraction(100 * sum(covered for covered, _ in shares), total) if total else None


def _share(file: PatchFileCoverage, gate: CoverageGate) -> tuple[int, int]:
    """Give how many of a file's changed statements are covered, and how many there are."""
    covered = len(file.covered) - (len(file.partial) if gate.branches else 0)
    return covered, len(file.covered) + len(file.missing)


def _project_percent(reports: United, layout: Layout, tree: Tree) -> Fraction | None:
    """Count lines of the repository's own files; of a diff alone, those of all files that are not tests."""
    own = [file for path, file in reports.files.items() if layout.is_product(path)]
    if not tree.whole:
        own += [file for file in reports.others if layout.is_product(file.path)]
    total = sum(file.measured.bit_count() for file in own)
    return Fraction(100 * sum(file.covered.bit_count() for file in own), total) if total else None


def _failures(answer: PatchCoverage) -> Iterator[str]:
    """Compare with what the gate asks for; exactly, and at the threshold it passes."""
    gate, files = answer.gate, [file for file in answer.files if not file.is_test]
    if answer.patch_percent is not None and answer.patch_percent < gate.fail_under:
        covered, total = (sum(part) for part in zip(*(_share(file, gate) for file in files), strict=True))
        before = sum(len(file.untouched) for file in files)
        already = f", {before:,} were uncovered before" if before else ""
        yield (
            f"{percentage(answer.patch_percent)} of what was changed is covered, less than {_exact(gate.fail_under)}: "
            f"{covered:,} of {plural(total, unit(files))}{already}"
        )
    for file in files if gate.file_under is not None else ():
        covered, total = _share(file, gate)
        if gate.file_under is not None and Fraction(100 * covered, total) < gate.file_under:
            share = percentage(Fraction(100 * covered, total))
            yield f"'{file.path}': {share} of what was changed is covered, less than {_exact(gate.file_under)}"
    yield from _project_failures(answer)


def _project_failures(answer: PatchCoverage) -> Iterator[str]:
    gate, now, before = answer.gate, answer.project_percent, answer.base_percent
    if gate.project_under is not None and now is not None and now < gate.project_under:
        yield f"{percentage(now)} of the project is covered, less than {_exact(gate.project_under)}"
    if gate.allowed_drop is not None and now is not None and before is not None and before - now > gate.allowed_drop:
        yield (
            f"the project's coverage drops from {percentage(before)} to {percentage(now)}, by more than "
            f"{_exact(gate.allowed_drop)}"
        )


def _exact(percent: Fraction) -> str:
    """Show a threshold as it was written: it has few decimals, whatever they are."""
    return f"{float(percent):.10g} %"


def _indirect(
    patch: Patch, head: United, base: United, found: Mapping[str, Covered], layout: Layout
) -> tuple[tuple[IndirectLoss, ...], tuple[str, ...]]:
    """Find lines that the change did not touch and that are covered no longer."""
    changed = {file.path: file for file in patch.files if file.status is not Status.DELETED}
    losses, doubtful = list[IndirectLoss](), list[str]()
    for path, now in sorted(head.files.items()):
        file = changed.get(path)
        before = base.files.get(path if file is None else file.base_path)
        if before is None or not layout.is_product(path) or (file is not None and file.old_path is None):
            continue
        if file is None and now.measured != before.measured:
            doubtful.append(path)
            continue
        lost = _lost(now, before, file) & ~(found[path].touched if path in found else 0)
        if lost:
            losses.append(IndirectLoss(path=path, lines=tuple(lines_of(lost))))
    note = f"{plural(len(doubtful), 'unchanged file')} measured otherwise than in the base's report: not compared"
    return tuple(losses), (note,) if doubtful else ()


def _lost(now: FileCoverage, before: FileCoverage, file: FilePatch | None) -> int:
    covered = before.covered if file is None else shifting.forward(file, before.covered)
    return covered & now.measured & ~now.covered
