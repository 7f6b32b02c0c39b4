"""Raw hunks → hunks, through unidiff, accepted only where two independent readings agree.

unidiff gets one file at a time with made-up names, as a ``str``: paths with `` b/`` in them, bytes that
are no UTF-8, and separators such as U+2028 each cost a whole diff when it is fed naively.
"""

from unidiff.patch import PatchSet

from reviewbot.domain.patch import Hunk
from reviewbot.steps.splitting import RawHunk, Section

_HEADER = "--- a/f\n+++ b/f\n"
_MARK = b"\\ No newline at end of file"
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
    head = f"@@ -{raw.old_start},{raw.old_count} +{raw.new_start},{raw.new_count} @@\n"
    return f"{head}{_body(raw).decode('utf-8', 'surrogateescape')}\n"


def _body(raw: RawHunk) -> bytes:
    """Give the body as git writes it: GNU diff translates the end-of-file mark, mail programs trim blank lines."""
    if raw.plain:
        return raw.body
    lines = raw.body.split(b"\n")
    return b"\n".join(_MARK if line[:1] == b"\\" else line if line.strip(b"\r") else b" " + line for line in lines)


def _same(raw: RawHunk, rows: list[str]) -> bool:
    """Compare what unidiff read with the bytes."""
    return "\n".join(rows).encode("utf-8", "surrogateescape") == _body(raw)


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
