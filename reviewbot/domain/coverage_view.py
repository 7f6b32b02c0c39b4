"""What outputs show of patch coverage, decided once: percentages, ranges of lines, sentences, rows.

Percentages are rounded here and nowhere else, half up to two decimals; they have been compared before, exactly.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from reviewbot.domain.contract import Object
from reviewbot.domain.coverage import CoverageStatus, PatchCoverage, PatchFileCoverage
from reviewbot.domain.view import label, plural

UNTRUSTED = (
    "the coverage report comes from a job that ran the change's own code: it says what that code wants it to say"
)
_RANGES_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A file with something uncovered, safe to show."""

    path: str
    covered: str
    """Such as ``1 of 3 (33.33 %)``."""
    missing: str
    """Lines, as ranges."""
    partial: str
    untouched: str
    """Of ``missing``: those that were uncovered before."""
    note: str


def rounded(percent: Fraction) -> Fraction:
    """Round half up to two decimals."""
    return Fraction((percent * 100 + Fraction(1, 2)).__floor__(), 100)


def percentage(percent: Fraction) -> str:
    """Give ``66.67 %``, without decimals that say nothing."""
    return f"{float(rounded(percent)):.2f}".rstrip("0").rstrip(".") + " %"


def runs(lines: Iterable[int]) -> tuple[tuple[int, int], ...]:
    """Join neighbouring lines: first and last of each run, in order."""
    found: list[tuple[int, int]] = []
    for line in sorted(lines):
        if found and line == found[-1][1] + 1:
            found[-1] = (found[-1][0], line)
        else:
            found.append((line, line))
    return tuple(found)


def ranges(lines: Iterable[int], *, most: int = _RANGES_SHOWN) -> str:
    """Give ``3-5, 9``, and count the ranges beyond ``most``."""
    found = runs(lines)
    parts = [f"{start}" if start == end else f"{start}-{end}" for start, end in found[:most]]
    more = f" and {len(found) - most:,} more" if len(found) > most else ""
    return ", ".join(parts) + more


def unit(files: Iterable[PatchFileCoverage]) -> str:
    """Say what is counted: statements, lines, or both."""
    kinds = {file.by_statement for file in files}
    return "line" if kinds == {False} else "statement" if kinds == {True} else "statement or line"


def product(coverage: PatchCoverage) -> tuple[PatchFileCoverage, ...]:
    """Give the files that count, without the tests."""
    return tuple(file for file in coverage.files if not file.is_test)


def headline(coverage: PatchCoverage) -> str:
    """Say in one line what came out."""
    files = product(coverage)
    covered, missing = sum(len(file.covered) for file in files), sum(len(file.missing) for file in files)
    if coverage.status is CoverageStatus.UNMEASURED:
        return "not measured" if coverage.gate.asked else "not measured, and not asked for"
    if coverage.patch_percent is None:
        return f"{coverage.status}: no changed line could be measured"
    changed = plural(covered + missing, f"changed {unit(files)}")
    partial = sum(len(file.partial) for file in files)
    half = f", {partial:,} of them with a branch not taken" if partial else ""
    return f"{coverage.status}: {percentage(coverage.patch_percent)} of {changed} covered{half}"


def project(coverage: PatchCoverage) -> str:
    """Say how the whole project stands, and how it stood; empty where that is not known."""
    if coverage.project_percent is None:
        return ""
    before = "" if coverage.base_percent is None else f" (before: {percentage(coverage.base_percent)})"
    return f"{percentage(coverage.project_percent)} of the project{before}"


def rows(coverage: PatchCoverage) -> tuple[Row, ...]:
    """Give the product's files with something uncovered, the worst first."""
    gaps = [file for file in product(coverage) if file.missing or file.partial]
    return tuple(_row(file) for file in sorted(gaps, key=lambda file: (-len(file.missing), file.path)))


def _row(file: PatchFileCoverage) -> Row:
    count = len(file.covered) + len(file.missing)
    share = percentage(Fraction(100 * len(file.covered), count))
    return Row(
        path=label(file.path),
        covered=f"{len(file.covered):,} of {count:,} ({share})",
        missing=ranges(file.missing),
        partial=ranges(file.partial),
        untouched=ranges(file.untouched),
        note=label(file.note or ""),
    )


def losses(coverage: PatchCoverage) -> tuple[str, ...]:
    """Give the files with lines that are covered no longer, safe to show."""
    return tuple(f"{label(loss.path)}: {ranges(loss.lines)}" for loss in coverage.indirect)


def remarks(coverage: PatchCoverage) -> tuple[str, ...]:
    """Give reasons and notes, one sentence each; not yet safe to show."""
    untrusted = (UNTRUSTED,) if coverage.untrusted else ()
    return (*coverage.reasons, *untrusted, *coverage.notes)


def entry(coverage: PatchCoverage) -> Object:
    """Give the ``coverage`` object of the JSON contract."""
    return {
        "patch_percent": _number(coverage.patch_percent),
        "project_percent": _number(coverage.project_percent),
        "base_percent": _number(coverage.base_percent),
        "status": coverage.status,
        "files": [_file(file) for file in coverage.files],
        "unmeasured": [{"path": path, "reason": reason} for path, reason in coverage.unmeasured],
        "indirect": [{"path": loss.path, "lines": loss.lines} for loss in coverage.indirect],
        "fail_under": _number(coverage.gate.fail_under),
        "informational": coverage.gate.informational,
        "untrusted": coverage.untrusted,
        "reasons": coverage.reasons,
        "notes": coverage.notes,
    }


def _file(file: PatchFileCoverage) -> Object:
    return {
        "path": file.path,
        "covered": file.covered,
        "missing": file.missing,
        "partial": file.partial,
        "untouched": file.untouched,
        "by_statement": file.by_statement,
        "test": file.is_test,
        "note": file.note,
    }


def _number(percent: Fraction | None) -> float | None:
    return None if percent is None else float(rounded(percent))
