"""A parsed file against its two texts: every line must stand where the hunks say.

Nothing that git prints is trusted to be what the blobs hold until it has been compared with them.
"""

from reviewbot.domain.patch import FilePatch, Hunk


def defect(file: FilePatch, old: bytes, new: bytes) -> str | None:
    """Compare the hunks with both texts; give what is wrong, or None.

    Both sides of every hunk must equal the texts' lines, and what lies between the hunks must be the
    same on both sides: then the hunks really turn ``old`` into ``new``.
    """
    old_lines, new_lines = _lines(old), _lines(new)
    old_at = new_at = 0
    for hunk in file.hunks:
        before, after = _sides(hunk)
        old_start, new_start = hunk.old_start - 1, hunk.new_start - 1
        if old_lines[old_at:old_start] != new_lines[new_at:new_start]:
            return "the lines between its hunks differ"
        old_at, new_at = old_start + len(before), new_start + len(after)
        if [row + b"\n" for row in before] != _with_end(old_lines[old_start:old_at]) or [
            row + b"\n" for row in after
        ] != _with_end(new_lines[new_start:new_at]):
            return f"the hunk at line {hunk.new_start} shows other lines than the file has"
    if old_lines[old_at:] != new_lines[new_at:]:
        return "the lines behind its last hunk differ"
    return None


def _lines(text: bytes) -> list[bytes]:
    """Split after each newline; the last line shows by its end whether it has one."""
    lines = [line + b"\n" for line in text.split(b"\n")]
    last = lines.pop()[:-1]
    if last:
        lines.append(last)
    return lines


def _with_end(lines: list[bytes]) -> list[bytes]:
    return [line if line.endswith(b"\n") else line + b"\n" for line in lines]


def _sides(hunk: Hunk) -> tuple[list[bytes], list[bytes]]:
    before: list[bytes] = []
    after: list[bytes] = []
    for row in hunk.body.encode("utf-8", "surrogateescape").split(b"\n"):
        if row[:1] != b"+":
            before.append(row[1:])
        if row[:1] != b"-":
            after.append(row[1:])
    return before, after
