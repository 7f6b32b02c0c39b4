"""Identical hunks of a sweeping change → one that is reviewed, and the places where it stands again.

The same lines, context included, in files of one kind are sent to a model once. What it says of them holds
for every place; and where nobody answered for them, that holds for every place too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from reviewbot.domain.chunk import ChunkOutcome, FileExcerpts, TooLong
from reviewbot.domain.finding import Finding, Span
from reviewbot.domain.patch import FilePatch, Hunk, Patch, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a hunk stands."""

    index: int
    """Of the file in the patch."""
    file: FilePatch
    hunk: Hunk

    def moved(self, hunk: Hunk, to: "Place") -> Hunk:
        """Give a part of this hunk by its numbers in another place."""
        return replace(
            hunk,
            old_start=hunk.old_start - self.hunk.old_start + to.hunk.old_start,
            new_start=hunk.new_start - self.hunk.new_start + to.hunk.new_start,
            section=to.hunk.section,
        )

    def offset(self, side: Side, to: "Place") -> int:
        """Give what to add to a line number of this hunk for that of the same line in another place."""
        if side is Side.LEFT:
            return to.hunk.old_start - self.hunk.old_start
        return to.hunk.new_start - self.hunk.new_start

    def holds(self, side: Side, number: int) -> bool:
        """Tell whether a line of that number on that side stands in the hunk."""
        return any(line.number(side) == number for line in self.hunk.lines())


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """A hunk that is reviewed, and where it stands again."""

    first: Place
    others: tuple[Place, ...]


MANY: Final = 4
"""Places that make a change a sweeping one."""
Repeats = Mapping[int, tuple[Repeat, ...]]
"""By the place in the patch of the file whose hunk is reviewed."""


def once(shown: Patch, looked_at: Sequence[bool]) -> tuple[Patch, Repeats]:
    """Leave out the hunks that stand before in the same words; of files that are ``looked_at`` alone."""
    firsts: dict[tuple[object, ...], list[Place]] = {}
    for index, file in enumerate(shown.files):
        for hunk in file.hunks if looked_at[index] else ():
            firsts.setdefault(_key(file, hunk), []).append(Place(index=index, file=file, hunk=hunk))
    repeats: dict[int, list[Repeat]] = {}
    gone: set[tuple[int, int]] = set()
    for first, *others in firsts.values():
        # A hunk that a file repeats itself stays: where it stands in one text may matter.
        elsewhere = tuple(place for place in others if place.index != first.index)
        if len(elsewhere) >= MANY - 1:
            repeats.setdefault(first.index, []).append(Repeat(first=first, others=elsewhere))
            gone |= {(place.index, id(place.hunk)) for place in elsewhere}
    files = [
        replace(file, hunks=tuple(hunk for hunk in file.hunks if (index, id(hunk)) not in gone))
        for index, file in enumerate(shown.files)
    ]
    return Patch(files=tuple(files)), {index: tuple(found) for index, found in repeats.items()}


def _key(file: FilePatch, hunk: Hunk) -> tuple[object, ...]:
    name = file.path.rpartition("/")[2]
    return (name.rpartition(".")[2], file.status, hunk.no_newline, hunk.body)


def everywhere(findings: Iterable[Finding], patch: Patch, repeats: Repeats) -> Iterator[Finding]:
    """Yield the findings, and those on hunks that stand again once more for each further place."""
    indexes = {file.path: index for index, file in enumerate(patch.files) if index in repeats}
    for finding in findings:
        yield finding
        span = finding.span
        for repeat in repeats.get(indexes.get(finding.path, -1), ()) if span is not None else ():
            if span is not None and repeat.first.holds(span.side, span.start):
                yield from (_copied(finding, span, repeat.first, place) for place in repeat.others)


def _copied(finding: Finding, span: Span, first: Place, place: Place) -> Finding:
    by = first.offset(span.side, place)
    change = finding.suggestion
    if change is not None:
        shift = first.offset(Side.RIGHT, place)
        change = replace(change, start_line=change.start_line + shift, line=change.line + shift)
    return replace(
        finding,
        path=place.file.path,
        span=Span(side=span.side, start=span.start + by, end=span.end + by),
        suggestion=change,
    )


def unfinished(outcomes: Iterable[ChunkOutcome], repeats: Repeats) -> tuple[ChunkOutcome, ...]:
    """Give what came to nothing, each hunk in all its places."""
    return tuple(_spread(outcome, repeats) for outcome in outcomes)


def _spread(outcome: ChunkOutcome, repeats: Repeats) -> ChunkOutcome:
    files = [copy for entry in outcome.chunk.files for copy in _entries(entry, repeats)]
    return replace(outcome, chunk=replace(outcome.chunk, files=tuple(files)))


def _entries(entry: FileExcerpts, repeats: Repeats) -> Iterator[FileExcerpts]:
    yield entry
    for repeat in repeats.get(entry.index, ()):
        parts = [excerpt for excerpt in entry.excerpts if _is_part(excerpt.hunk, repeat.first.hunk)]
        for place in repeat.others if parts else ():
            moved = tuple(replace(part, hunk=repeat.first.moved(part.hunk, place)) for part in parts)
            yield FileExcerpts(index=place.index, file=place.file, excerpts=moved)


def _is_part(part: Hunk, whole: Hunk) -> bool:
    numbers = {(line.old, line.new) for line in whole.lines()}
    return all((line.old, line.new) in numbers for line in part.lines())


def too_long(lines: Iterable[TooLong], repeats: Repeats) -> tuple[TooLong, ...]:
    """Give the lines that no request can hold, each in all its places."""
    found: list[TooLong] = []
    for line in lines:
        side = Side.LEFT if line.kind == "-" else Side.RIGHT
        found.append(line)
        for repeat in repeats.get(line.index, ()):
            if repeat.first.holds(side, line.number):
                offsets = [(place.index, repeat.first.offset(side, place)) for place in repeat.others]
                found += (replace(line, index=index, number=line.number + by) for index, by in offsets)
    return tuple(found)
