"""Line numbers of the old text → those of the new one, along a file's hunks."""

from collections.abc import Iterator, Mapping

from reviewbot.domain.patch import FilePatch


def forward(file: FilePatch, bits: int) -> int:
    """Move a mask of old lines to the new text; removed ones drop out."""
    moved = 0
    for old, new, count in _kept(file):
        run = bits >> old
        moved |= (run if count is None else run & ((1 << count) - 1)) << new
    return moved


def replaced(file: FilePatch) -> Mapping[int, int]:
    """Give for an added line the removed one that it replaces: the n-th of a run for the n-th."""
    pairs: dict[int, int] = {}
    for hunk in file.hunks:
        removed: list[int] = []
        for line in hunk.lines():
            if line.kind == "-" and line.old is not None:
                removed.append(line.old)
            elif line.kind == "+" and line.new is not None:
                if removed:
                    pairs[line.new] = removed.pop(0)
            else:
                removed.clear()
    return pairs


def _kept(file: FilePatch) -> Iterator[tuple[int, int, int | None]]:
    """Yield the runs of lines that both texts have: old start, new start, length; the last one has no end."""
    old = new = 1
    for hunk in file.hunks:
        for line in hunk.lines():
            if line.kind == " ":
                continue
            start = line.old if line.kind == "-" else line.new
            count = (start or 0) - (old if line.kind == "-" else new)
            if count:
                yield old, new, count
            old, new = old + count + (line.kind == "-"), new + count + (line.kind == "+")
    yield old, new, None
