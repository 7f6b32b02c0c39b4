"""The configuration's words on coverage, with the command line over them → the rules of the gate."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from reviewbot.domain.coverage import CoverageGate
from reviewbot.settings.schema import Coverage
from reviewbot.wiring.gate import TESTS, Rules, percentage


def rules(
    configured: Coverage,
    *,
    reports: Sequence[Path] = (),
    base_reports: Sequence[Path] = (),
    fail_under: str | None = None,
    untrusted: bool = False,
) -> Rules:
    """Put the rules together. Whoever names a report or a percentage asks for the gate. Raises UsageError."""
    gate = CoverageGate(
        fail_under=_exact(configured.fail_under, "coverage.fail_under")
        if fail_under is None
        else percentage(fail_under, "--fail-under"),
        project_under=_maybe(configured.project_under, "coverage.project_under"),
        allowed_drop=_maybe(configured.allowed_drop, "coverage.allowed_drop"),
        file_under=_maybe(configured.file_under, "coverage.file_under"),
        branches=configured.branches,
        informational=configured.informational,
        asked=bool(reports or fail_under is not None or configured.gate or configured.reports),
    )
    return Rules(
        gate=gate,
        reports=tuple(map(str, reports)) or configured.reports,
        base_reports=tuple(map(str, base_reports)) or configured.base_reports,
        tests=configured.tests or TESTS,
        omit=configured.omit,
        roots=configured.roots,
        untrusted=untrusted,
    )


def _maybe(value: str | float | None, name: str) -> Fraction | None:
    return None if value is None else _exact(value, name)


def _exact(value: str | float, name: str) -> Fraction:
    # A float is spelled as its writer spelled it, 99.5 and not the nearest binary fraction.
    return percentage(str(value), name)
