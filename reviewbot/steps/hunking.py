"""Raw hunks → hunks, through unidiff, accepted only where two independent readings agree.

unidiff gets one file at a time with made-up names, as a ``str``: paths with `` b/`` in them, bytes that
are no UTF-8, and separators such as U+2028 each cost a whole diff when it is fed naively.
"""

from unidiff.patch import PatchSet

from reviewbot.domain.patch import Hunk
from reviewbot.steps.splitting import RawHunk, Section

_HEADER = "--- a/f\n+++ b/f\n"
_SECTION_BYTES = 200
"""git itself cuts the text behind the second ``@@`` at 80; it is repeated with every part of a hunk."""


class MismatchError(Exception):
    """unidiff and the counting reader see different hunks."""


def hunks(section: Section) -> tuple[Hunk, ...]:
    """Parse a section's hunks. Raises MismatchError where they cannot be trusted."""
    if not section.hunks:
        return ()
    if not all(raw.body for raw in section.hunks):
        message = "a hunk has no lines"
        raise MismatchError(message)
    try:
        parsed = PatchSet(_HEADER + "".join(_source(raw) for raw in section.hunks))
    except Exception as error:  # unidiff lets ValueError and IndexError out besides its own
        raise MismatchError(str(error)) from error
    if len(parsed) != 1 or len(parsed[0]) != len(section.hunks):
        message = "unidiff sees other hunks than their headers say"
        raise MismatchError(message)
    result = []
    old_end = new_end = 1
    for raw, theirs in zip(section.hunks, parsed[0], strict=True):
        rows = [line.line_type + line.value.removesuffix("\n") for line in theirs]
        hunk = _hunk(raw, rows)
        if (theirs.source_start, theirs.target_start) != (raw.old_start, raw.new_start) or not _same(raw, rows):
            message = "unidiff reads other lines than stand in the text"
            raise MismatchError(message)
        if hunk.old_start < old_end or hunk.new_start < new_end:
            message = "hunks overlap, run backwards or begin at line 0"
            raise MismatchError(message)
        old_end, new_end = hunk.old_start + raw.old_count, hunk.new_start + raw.new_count
        result.append(hunk)
    return tuple(result)


def _source(raw: RawHunk) -> str:
    body = raw.body.decode("utf-8", "surrogateescape")
    head = f"@@ -{raw.old_start},{raw.old_count} +{raw.new_start},{raw.new_count} @@\n"
    return f"{head}{body}\n" if body else head


def _same(raw: RawHunk, rows: list[str]) -> bool:
    """Compare what unidiff read with the bytes."""
    text = "\n".join(rows).encode("utf-8", "surrogateescape")
    if raw.plain:
        return text == raw.body
    ours = [line if line and line != b"\r" else b" " + line for line in raw.body.split(b"\n")]
    return [row.encode("utf-8", "surrogateescape")[:1] for row in rows] == [line[:1] for line in ours] and all(
        line[:1] == b"\\" or row.encode("utf-8", "surrogateescape") == line
        for row, line in zip(rows, ours, strict=True)
    )


def _hunk(raw: RawHunk, rows: list[str]) -> Hunk:
    kept: list[str] = []
    marks: list[int] = []
    for row in rows:
        if row.startswith("\\"):
            marks.append(len(kept) - 1)
        else:
            kept.append(row)
    return Hunk(
        # A side without lines names the line before it.
        old_start=raw.old_start + (raw.old_count == 0),
        new_start=raw.new_start + (raw.new_count == 0),
        body="\n".join(kept),
        section=raw.section[:_SECTION_BYTES].decode("utf-8", "surrogateescape"),
        no_newline=tuple(marks),
    )
