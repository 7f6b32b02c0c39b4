"""A report → what a reader sees of the change first: one sentence in numbers, and a row for each file."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.domain.outcome import FileReport, Report
from reviewbot.domain.patch import FilePatch, Status
from reviewbot.domain.secret import mask
from reviewbot.domain.view import label, plural

_FOLDERS_SHOWN: Final = 3
_SECTIONS_SHOWN: Final = 3
_LONGEST_SECTION: Final = 60
_KINDS: Final = (
    ("tests", re.compile(r"(?:^|/)(?:tests?|specs?|__tests__)/|(?:^|/)test_[^/]*$|[._-](?:test|spec)\.[a-z]+$")),
    ("CI", re.compile(r"^\.github/workflows/|^\.gitlab-ci\.yml$|^\.gitlab/|(?:^|/)Jenkinsfile$|^\.circleci/")),
    ("migrations", re.compile(r"(?:^|/)migrations?/|(?:^|/)alembic/|\.sql$")),
    (
        "dependencies",
        re.compile(
            r"(?:^|/)(?:requirements[^/]*\.txt|pyproject\.toml|setup\.(?:py|cfg)|Pipfile|package\.json|go\.mod|Cargo\.toml"
            r"|pom\.xml|build\.gradle(?:\.kts)?|Gemfile|composer\.json|[^/]*\.lock|package-lock\.json|go\.sum)$"
        ),
    ),
    ("documentation", re.compile(r"\.(?:md|rst|adoc)$|^docs?/")),
)
"""What a reader wants to know that a change touches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One file of the change. Texts are safe to show on a line, not yet to be Markdown."""

    path: str
    added: int
    """Lines."""
    removed: int
    findings: int
    outcome: str
    about: str
    """What became of the file as a whole, and the definitions that its hunks stand in; may be empty."""


def steps(report: Report) -> tuple[Step, ...]:
    """Give a row for each file, in the order of the diff."""
    found = Counter(finding.path for finding in report.findings)
    return tuple(_step(entry, found[entry.file.path]) for entry in report.files)


def _step(entry: FileReport, findings: int) -> Step:
    file = entry.file
    return Step(
        path=_path(file.path),
        added=len(file.added),
        removed=len(file.removed),
        findings=findings,
        outcome=entry.outcome.value,
        about="; ".join(_about(file)),
    )


def _about(file: FilePatch) -> Iterator[str]:
    if file.status is Status.RENAMED and file.old_path is not None:
        yield f"renamed from {_path(file.old_path)}"
    elif file.status is not Status.MODIFIED:
        yield file.status.value
    if file.binary:
        yield "binary"
    sections = list(dict.fromkeys(section for hunk in file.hunks if (section := _section(hunk.section))))
    if sections:
        rest = len(sections) - _SECTIONS_SHOWN
        yield ", ".join((*sections[:_SECTIONS_SHOWN], *([f"and {rest:,} more"] if rest > 0 else [])))


def _path(path: str) -> str:
    # Masked first: spelled out, what is hidden in a token makes it none that is recognised.
    return label(mask(path))


def _section(text: str) -> str:
    """Shorten what git says of a hunk's surroundings."""
    flat = label(mask(text.strip()))
    return flat if len(flat) <= _LONGEST_SECTION else f"{flat[:_LONGEST_SECTION]}…"


def sentence(report: Report) -> str:
    """Say in numbers what changed: ``2 files in app and tests: +34 -2 lines; touches tests.``."""
    files = [entry.file for entry in report.files]
    if not files:
        return "Nothing changed."
    added, removed = sum(len(file.added) for file in files), sum(len(file.removed) for file in files)
    touched = [kind for kind, pattern in _KINDS if any(pattern.search(file.path) for file in files)]
    also = f"; touches {_listed(touched)}" if touched else ""
    where = _folders(file.path for file in files)
    return f"{plural(len(files), 'file')}{where}: +{added:,} -{removed:,} lines{also}."


def _folders(paths: Iterable[str]) -> str:
    """Name the folders with the most files; nothing where all stand at the top."""
    counts = Counter("/".join(path.split("/")[:-1][:2]) for path in paths)
    named = [_path(folder) for folder, _ in counts.most_common() if folder]
    if not named:
        return ""
    rest = len(named) - _FOLDERS_SHOWN
    return f" in {_listed([*named[:_FOLDERS_SHOWN], *([plural(rest, 'more folder')] if rest > 0 else [])])}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
