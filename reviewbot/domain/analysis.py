"""What one analyzer says of a change."""

from dataclasses import dataclass

from reviewbot.domain.finding import Finding, Rejection


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """An analyzer's findings, and which files it can vouch for."""

    findings: tuple[Finding, ...] = ()
    """Only on changed lines, each with a span."""
    source: str = ""
    """As it stands in its findings; empty where they have several sources, as those of imported reports."""
    covered: frozenset[str] = frozenset()
    """Paths that count as reviewed: the analyzer understands their language and has read them."""
    failed: tuple[tuple[str, str], ...] = ()
    """Path and reason where it should have read a file and could not."""
    skipped: tuple[tuple[str, str], ...] = ()
    """Path and reason where a file is of its language, but cannot be read as such."""
    silenced: tuple[Rejection, ...] = ()
    """What it would have said of changed lines, had not a comment in the code silenced it."""
    notes: tuple[str, ...] = ()
    """Sentences for the report, for example which configuration was used."""
