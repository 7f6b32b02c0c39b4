"""The reports in ``tests/data/coverage``, and what a report says in a form that can be written down."""

from pathlib import Path

from reviewbot.domain.coverage import CoverageReport, FileCoverage, lines_of

DATA = Path(__file__).parents[1] / "data" / "coverage"

Told = tuple[list[int], list[int], dict[int, str]]
"""Covered lines, missing lines, and branches as ``1/2``."""


def everything(_: str) -> bool:
    """Ask for the detail of every file."""
    return True


def nothing(_: str) -> bool:
    """Ask for no detail."""
    return False


def told(file: FileCoverage) -> Told:
    """Write out what is known of a file."""
    branches = {line: f"{found.taken}/{found.total}" for line, found in file.branches.items()}
    return list(lines_of(file.covered)), list(lines_of(file.measured & ~file.covered)), branches


def all_told(report: CoverageReport) -> dict[str, Told]:
    """Write out a report."""
    return {file.path: told(file) for file in report.files}
