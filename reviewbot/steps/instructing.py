"""A project's rules for some of its paths: plain instructions for the model, and bounds of severity."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Finding, Severity
from reviewbot.steps.filtering import matches


@dataclass(frozen=True, slots=True, kw_only=True)
class PathRule:
    """One rule. It comes from the trusted side, so its words are instructions."""

    paths: tuple[str, ...]
    """Globs as in .gitignore; one that matches is enough."""
    instructions: str = ""
    at_least: Severity | None = None
    """Findings on these paths are no milder than this."""
    at_most: Severity | None = None
    """Findings on these paths are no worse than this."""

    def applies_to(self, path: str) -> bool:
        """Tell whether the rule is for a file."""
        return any(matches(path, glob) for glob in self.paths)


def told(rules: Sequence[PathRule], paths: Iterable[str]) -> tuple[str, ...]:
    """Give the instructions for some files, each led by its globs.

    The globs and not the paths: a file's name is its author's, and would speak with the project's voice.
    """
    known = tuple(paths)
    return tuple(
        f"{', '.join(rule.paths)}: {rule.instructions.strip()}"
        for rule in rules
        if rule.instructions.strip() and any(rule.applies_to(path) for path in known)
    )


def weighed(findings: Iterable[Finding], rules: Sequence[PathRule]) -> tuple[Finding, ...]:
    """Keep severities within what the rules say; of rules that contradict each other the last one wins."""
    return tuple(replace(finding, severity=_severity(finding, rules)) for finding in findings)


def _severity(finding: Finding, rules: Sequence[PathRule]) -> Severity:
    severity = finding.severity
    for rule in rules:
        if not rule.applies_to(finding.path):
            continue
        if rule.at_least is not None:
            severity = max(severity, rule.at_least, key=lambda value: value.rank)
        if rule.at_most is not None:
            severity = min(severity, rule.at_most, key=lambda value: value.rank)
    return severity
