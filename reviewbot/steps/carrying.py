"""A new push → what of it was reviewed before, and the findings that still hold there.

A hunk that stood in the patch reviewed last, byte for byte, is not sent to a model again: its findings
are carried over from the marks on the forge. A hunk that differs in any line, context included, is
reviewed anew as a whole, and then only what is found this time counts.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from reviewbot.domain.finding import Finding, Span
from reviewbot.domain.patch import FilePatch, Hunk, Patch
from reviewbot.steps import anchoring


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """What the last complete run of the same recipe reviewed."""

    head_sha: str
    patch: Patch
    findings: tuple[Finding, ...]
    """A model's, as their marks tell them, without line numbers."""


def without_known(shown: Patch, patch: Patch, previous: Previous | None) -> Patch:
    """Leave out of what is shown the hunks of the patch that were reviewed before; files keep their places.

    ``shown`` is the patch without its secrets, hunk for hunk.
    """
    if previous is None:
        return shown
    known = _known(previous.patch)
    return Patch(
        files=tuple(
            replace(
                safe,
                hunks=tuple(
                    redacted
                    for hunk, redacted in zip(file.hunks, safe.hunks, strict=True)
                    if _key(file, hunk) not in known
                ),
            )
            for file, safe in zip(patch.files, shown.files, strict=True)
        )
    )


def known_lines(patch: Patch, previous: Previous) -> int:
    """Count the changed lines that are not reviewed again."""
    fresh = without_known(patch, patch, previous)
    return sum(file.changed_count for file in patch.files) - sum(file.changed_count for file in fresh.files)


def carried(patch: Patch, previous: Previous | None, readable: Callable[[str], str]) -> tuple[Finding, ...]:
    """Give the earlier findings on hunks that are as they were, with their places in the new patch.

    One that never had a place is kept if nothing of its file is reviewed anew; one that has lost its place is gone.
    """
    if previous is None:
        return ()
    known = _known(previous.patch)
    renamed = {file.base_path: file.path for file in patch.files}
    moved = [replace(finding, path=renamed.get(finding.path, finding.path)) for finding in previous.findings]
    files = {file.path: file for file in patch.files}
    placed = anchoring.place(moved, patch, readable)
    stood = anchoring.place(previous.findings, previous.patch, readable)
    return tuple(
        finding
        for finding, before in zip(placed, stood, strict=True)
        if (finding.span is not None or before.span is None) and _holds(finding, files.get(finding.path), known)
    )


_Key = tuple[str, str | None, tuple[int, ...], str]


def _known(patch: Patch) -> frozenset[_Key]:
    return frozenset(_key(file, hunk) for file in patch.files for hunk in file.hunks)


def _key(file: FilePatch, hunk: Hunk) -> _Key:
    # By the name at the merge base: a file that the change renames anew is still the same.
    return (file.base_path, file.old_path, hunk.no_newline, hunk.body)


def _holds(finding: Finding, file: FilePatch | None, known: frozenset[_Key]) -> bool:
    if file is None:
        return False
    if finding.span is None:
        return all(_key(file, hunk) in known for hunk in file.hunks)
    return any(_key(file, hunk) in known and _inside(finding.span, hunk) for hunk in file.hunks)


def _inside(span: Span, hunk: Hunk) -> bool:
    return any(line.number(span.side) == span.start for line in hunk.lines())
