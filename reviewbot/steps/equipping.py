"""Chunk → chunk with what helps to judge it: the rules for its paths, and what stands around its hunks.

Changed lines come first. What stands around takes the room that they leave, and has a bound of its own;
under pressure it is what goes, the least useful first. Rules never do: room is kept free for them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from reviewbot.domain.chunk import Chunk, ContextBudget, FileExcerpts
from reviewbot.domain.patch import FilePatch
from reviewbot.steps import chunking, instructing, surrounding
from reviewbot.steps.chunking import Plan
from reviewbot.steps.instructing import PathRule
from reviewbot.steps.surrounding import Index, Lines, Rank

_HUNKS_SHARE = 4
"""One hunk takes no more than this part of a chunk's allowance."""
_TARGETS_SHARE = 10
"""A full chunk may grow by this part of its wanted size."""
_MARK_TOKENS = 2
"""What the mark before a line costs, and its end."""
_RULES_HEAD_TOKENS = 25
"""What the sentence before the rules costs."""

Count = Callable[[str], int]
Place = tuple[int, int]
"""Of a file in its chunk, and of an excerpt in its file."""


def plan(
    files: Sequence[tuple[int, FilePatch]],
    rules: Sequence[PathRule],
    index: Index,
    budget: ContextBudget,
    fixed_tokens: int,
    count: Count,
) -> Plan:
    """Pack files into chunks as `chunking.plan` does, and equip each of them."""
    free = _cost(instructing.told(rules, (file.path for _, file in files)), count)
    packed = chunking.plan(files, budget, fixed_tokens, count, kept_free=free)
    return replace(packed, chunks=tuple(equip(chunk, rules, index, budget, count) for chunk in packed.chunks))


def equip(chunk: Chunk, rules: Sequence[PathRule], index: Index, budget: ContextBudget, count: Count) -> Chunk:
    """Add to a chunk what helps; what stands around comes out without secrets."""
    told = instructing.told(rules, (entry.file.path for entry in chunk.files))
    tokens = chunk.prompt_tokens + _cost(told, count)
    room = _Room(_allowance(budget, tokens), count)
    context = _context(chunk, index, room)
    files = tuple(_entry(entry, at, context) for at, entry in enumerate(chunk.files)) if context else chunk.files
    return replace(chunk, files=files, rules=told, prompt_tokens=tokens + room.used)


def _entry(entry: FileExcerpts, at: int, context: Mapping[Place, tuple[str, ...]]) -> FileExcerpts:
    excerpts = (
        replace(excerpt, context=context.get((at, number), ())) for number, excerpt in enumerate(entry.excerpts)
    )
    return replace(entry, excerpts=tuple(excerpts))


def _cost(texts: Sequence[str], count: Count) -> int:
    return _RULES_HEAD_TOKENS + sum(count(text) + _MARK_TOKENS for text in texts) if texts else 0


def _allowance(budget: ContextBudget, tokens: int) -> int:
    """Say how many tokens may be added: what is left of the wanted size, a tenth of it where it is full."""
    wanted = max(budget.target_tokens - tokens, budget.target_tokens // _TARGETS_SHARE)
    return max(min(budget.context_tokens, wanted, budget.ceiling_tokens - budget.answer_tokens - tokens), 0)


class _Room:
    """What is left of an allowance."""

    def __init__(self, tokens: int, count: Count) -> None:
        self.used = 0
        self._tokens = tokens
        self._count = count
        self._by_place: dict[Place, int] = {}

    def takes(self, place: Place, text: str) -> bool:
        """Take a line in if it fits, into the whole and into the share of its hunk."""
        cost = self._count(text) + _MARK_TOKENS
        already = self._by_place.get(place, 0)
        if self.used + cost > self._tokens or already + cost > self._tokens // _HUNKS_SHARE:
            return False
        self.used += cost
        self._by_place[place] = already + cost
        return True


def _context(chunk: Chunk, index: Index, room: _Room) -> Mapping[Place, tuple[str, ...]]:
    """Choose lines: for all hunks the most useful kind before the next one."""
    if not index.layouts:
        return {}
    wanted = sorted(_wanted(chunk, index), key=lambda item: item[:2])
    chosen: dict[Place, list[str]] = {}
    told: set[str] = set()
    for rank, place, text in wanted:
        # Where a hunk stands is told for each of them, all else once.
        if (rank == Rank.INSIDE or text not in told) and room.takes(place, text):
            told.add(text)
            chosen.setdefault(place, []).append(text)
    return {place: tuple(texts) for place, texts in chosen.items()}


def _wanted(chunk: Chunk, index: Index) -> Iterator[tuple[Rank, Place, str]]:
    shown: Lines = frozenset(
        (entry.file.path, line.new)
        for entry in chunk.files
        for excerpt in entry.excerpts
        for line in excerpt.hunk.lines()
        if line.new is not None
    )
    for at, entry in enumerate(chunk.files):
        for number, excerpt in enumerate(entry.excerpts):
            for note in surrounding.notes(index, entry.file.path, excerpt, shown):
                yield note.rank, (at, number), note.text
