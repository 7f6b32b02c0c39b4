"""Files → chunks that fit a model's context. No changed line is dropped: what fits nowhere is named.

Whole hunks where they fit; a hunk that does not is first shed of context, then split at lines with a
few repeated for orientation. A module and its tests stay together, then files of one folder.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reviewbot.domain.chunk import Chunk, ContextBudget, Excerpt, FileExcerpts, TooLong
from reviewbot.domain.patch import FilePatch, Hunk

HUNK_TOKENS = 20
"""What a hunk's header costs."""
FILE_TOKENS = 20
"""What a file's header costs besides its path."""
_LOOK_BACK = 30
_TEST_NAME = re.compile(r"^(?:test_(?P<a>.+)|(?P<b>.+?)(?:_test|_spec|\.test|\.spec|Tests?|Spec))$")

Count = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All chunks, and the changed lines that none can hold."""

    chunks: tuple[Chunk, ...]
    too_long: tuple[TooLong, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """An excerpt with its place and cost."""

    index: int
    excerpt: Excerpt
    cost: int


def plan(
    files: Sequence[tuple[int, FilePatch]],
    budget: ContextBudget,
    fixed_tokens: int,
    count: Count,
    *,
    kept_free: int = 0,
) -> Plan:
    """Pack files, each with its place in the patch, into chunks.

    ``fixed_tokens`` is what every prompt costs before it shows a line, ``kept_free`` what may be added later.
    """
    hard = max(budget.ceiling_tokens - budget.answer_tokens - fixed_tokens - kept_free, 1)
    limit = min(max(budget.target_tokens - fixed_tokens - kept_free, 1), hard)
    by_index = dict(files)
    packer = _Packer(limit)
    too_long: list[TooLong] = []
    for group in _related(files):
        bundles = []
        for index, file in group:
            head = FILE_TOKENS + sum(count(path) for path in {file.path, file.base_path})
            splitter = _Splitter(index, max(limit - head, 1), max(hard - head, 1), budget.overlap_lines, count)
            bundles.append((head, [piece for hunk in file.hunks for piece in splitter.pieces(hunk)]))
            too_long += splitter.too_long
        packer.add(bundles)
    chunks = (_chunk(number, load, by_index) for number, load in enumerate(packer.finished(), 1))
    return Plan(
        chunks=tuple(replace(chunk, prompt_tokens=chunk.prompt_tokens + fixed_tokens) for chunk in chunks),
        too_long=tuple(too_long),
    )


def _related(files: Sequence[tuple[int, FilePatch]]) -> Iterator[list[tuple[int, FilePatch]]]:
    """Group each module with its tests; groups in the order of their first path."""
    modules: dict[str, list[str]] = {}
    for _, file in files:
        if _tested(file.path) is None:
            modules.setdefault(_stem(file.path), []).append(file.path)
    groups: dict[str, list[tuple[int, FilePatch]]] = {}
    for index, file in files:
        tested = _tested(file.path)
        candidates = modules.get(tested, []) if tested else []
        key = candidates[0] if len(candidates) == 1 else file.path
        groups.setdefault(key, []).append((index, file))
    for key in sorted(groups):
        # The module first, then its tests.
        yield sorted(groups[key], key=lambda item: (item[1].path != key, item[0]))


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0] or path


def _tested(path: str) -> str | None:
    """Give the stem of the module that a test file is about, or None if it is no test file."""
    match = _TEST_NAME.match(_stem(path))
    return None if match is None else (match["a"] or match["b"])


class _Packer:
    """Fills chunks one after another; what belongs together goes into one if one can hold it."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._loads: list[list[tuple[int, list[_Piece]]]] = []
        self._used = 0

    def add(self, bundles: Sequence[tuple[int, list[_Piece]]]) -> None:
        """Add the files of one group, each with its header's cost and its pieces."""
        if self._used + _cost(bundles) > self._limit and _cost(bundles) <= self._limit:
            self._open()
        for head, pieces in bundles:
            bundle = [(head, pieces)]
            if self._used + _cost(bundle) > self._limit and _cost(bundle) <= self._limit:
                self._open()
            self._add_file(head, pieces)

    def _add_file(self, head: int, pieces: list[_Piece]) -> None:
        current: list[_Piece] | None = None
        for piece in pieces:
            need = piece.cost + (head if current is None else 0)
            if not self._loads or (self._used and self._used + need > self._limit):
                self._open()
                current = None
            if current is None:
                current = []
                self._loads[-1].append((head, current))
                self._used += head
            current.append(piece)
            self._used += piece.cost

    def _open(self) -> None:
        self._loads.append([])
        self._used = 0

    def finished(self) -> Iterator[list[tuple[int, list[_Piece]]]]:
        """Yield the filled chunks."""
        return (load for load in self._loads if load)


def _cost(bundles: Sequence[tuple[int, list[_Piece]]]) -> int:
    return sum(head + sum(piece.cost for piece in pieces) for head, pieces in bundles)


def _chunk(number: int, load: list[tuple[int, list[_Piece]]], files: dict[int, FilePatch]) -> Chunk:
    return Chunk(
        id=number,
        files=tuple(
            FileExcerpts(
                index=pieces[0].index,
                file=files[pieces[0].index],
                excerpts=tuple(piece.excerpt for piece in pieces),
            )
            for _, pieces in load
        ),
        prompt_tokens=_cost(load),
    )


class _Splitter:
    """Cuts one file's hunks to size."""

    def __init__(self, index: int, limit: int, hard: int, overlap: int, count: Count) -> None:
        self._index = index
        self._limit = limit
        self._hard = hard
        self._overlap = overlap
        self._count = count
        self.too_long: list[TooLong] = []

    def pieces(self, hunk: Hunk) -> Iterator[_Piece]:
        """Yield a hunk whole, or shed of its context, or in parts."""
        cost = self._cost(hunk)
        if cost <= self._limit:
            yield _Piece(index=self._index, excerpt=Excerpt(hunk=hunk), cost=cost)
            return
        for bare in self._without_context(hunk):
            cost = self._cost(bare)
            if cost <= self._limit:
                yield _Piece(index=self._index, excerpt=Excerpt(hunk=bare), cost=cost)
            else:
                yield from self._parts(bare)

    def _cost(self, hunk: Hunk) -> int:
        return HUNK_TOKENS + self._count(hunk.body) + self._count(hunk.section)

    def _without_context(self, hunk: Hunk) -> Iterator[Hunk]:
        """Cut a hunk into its runs of changed lines; context between them is kept where it is small."""
        rows = hunk.body.split("\n")
        runs: list[list[int]] = []
        for at, row in enumerate(rows):
            if row[0] == " ":
                continue
            between = rows[runs[-1][1] : at] if runs else []
            if runs and self._count("\n".join(between)) <= HUNK_TOKENS:
                runs[-1][1] = at + 1
            else:
                runs.append([at, at + 1])
        yield from _cut(hunk, rows, [(start, end) for start, end in runs])

    def _parts(self, hunk: Hunk) -> Iterator[_Piece]:
        """Split at lines. A line that alone exceeds every prompt is named, and left out."""
        rows = hunk.body.split("\n")
        costs = [self._count(row + "\n") for row in rows]
        head = HUNK_TOKENS + self._count(hunk.section)
        room, hard = max(self._limit - head, 1), self._hard - head
        self._name(hunk, rows, {at: cost for at, cost in enumerate(costs) if cost > hard})
        ranges: list[tuple[int, int, int]] = []
        start = 0
        while start < len(rows):
            if costs[start] > hard:
                start += 1
                continue
            lead = self._lead(costs, ranges, start, room)
            end = self._end(rows, costs, start, room - sum(costs[start - lead : start]), hard)
            ranges.append((start - lead, end, lead))
            start = end
        cuts = _cut(hunk, rows, [(begin, end) for begin, end, _ in ranges])
        for part, (begin, end, lead) in zip(cuts, ranges, strict=True):
            cost = head + sum(costs[begin:end])
            yield _Piece(index=self._index, excerpt=Excerpt(hunk=part, overlap=lead), cost=cost)

    def _lead(self, costs: list[int], ranges: list[tuple[int, int, int]], start: int, room: int) -> int:
        """Say how many lines of the part before to repeat: none if they would take much of the room."""
        if not ranges or ranges[-1][1] != start:
            return 0
        lead = min(self._overlap, ranges[-1][1] - ranges[-1][0])
        while lead and (sum(costs[start - lead : start]) > room // 10 or sum(costs[start - lead : start + 1]) > room):
            lead -= 1
        return lead

    def _end(self, rows: list[str], costs: list[int], start: int, room: int, hard: int) -> int:
        """Find where the part that begins at ``start`` ends: full, and if possible behind a blank line."""
        end, used = start, 0
        while end < len(rows) and costs[end] <= hard and (end == start or used + costs[end] <= room):
            used += costs[end]
            end += 1
        if end < len(rows):
            for back in range(end, max(start + 1, end - _LOOK_BACK), -1):
                if not rows[back - 1][1:].strip():
                    return back
        return end

    def _name(self, hunk: Hunk, rows: list[str], costs: Mapping[int, int]) -> None:
        """Note the changed lines among those that no prompt can hold."""
        for line, cost in zip(_cut(hunk, rows, [(at, at + 1) for at in costs]), costs.values(), strict=True):
            kind = line.body[0]
            if kind != " ":
                number = line.old_start if kind == "-" else line.new_start
                self.too_long.append(TooLong(index=self._index, kind=kind, number=number, tokens=cost))


def _cut(hunk: Hunk, rows: list[str], ranges: Sequence[tuple[int, int]]) -> Iterator[Hunk]:
    """Give the hunks for ranges of rows, which begin in rising order."""
    old, new, at = hunk.old_start, hunk.new_start, 0
    for start, end in ranges:
        for row in rows[at:start]:
            old += row[0] != "+"
            new += row[0] != "-"
        at = start
        yield Hunk(
            old_start=old,
            new_start=new,
            body="\n".join(rows[start:end]),
            section=hunk.section,
            no_newline=tuple(mark - start for mark in hunk.no_newline if start <= mark < end),
        )
