"""Hunks that stand in many files are reviewed once."""

import drawing
from hypothesis import given
from precision.claims import claim
from steps.strategies import patches

from reviewbot.domain.chunk import Chunk, ChunkOutcome, Excerpt, FileExcerpts, TooLong
from reviewbot.domain.finding import Span, Suggestion
from reviewbot.domain.patch import Patch, Side
from reviewbot.steps import repeating


def sweeping(*starts: tuple[str, int], more: str = "") -> Patch:
    files = [
        f"{path}\n  {at} keep()\n  - {at + 1} old()\n  + {at + 1} new()\n  + {at + 2} more()" for path, at in starts
    ]
    return drawing.patch("\n".join((*(file.replace("\n  ", "\n    ", 1) for file in files), more)).strip("\n"))


FOUR = sweeping(("a.py", 1), ("b.py", 10), ("c.py", 20), ("d.py", 30))


def everything(patch: Patch) -> list[bool]:
    return [True] * len(patch.files)


def test_the_first_of_four_is_shown_and_the_others_are_known() -> None:
    shown, repeats = repeating.once(FOUR, everything(FOUR))
    assert [1, 0, 0, 0] == [len(file.hunks) for file in shown.files]
    assert ["b.py", "c.py", "d.py"] == [place.file.path for place in repeats[0][0].others]


def test_fewer_than_four_other_kinds_of_files_and_skipped_ones_are_left_alone() -> None:
    three = sweeping(("a.py", 1), ("b.py", 10), ("c.py", 20))
    mixed = sweeping(("a.py", 1), ("b.py", 10), ("c.py", 20), ("d.go", 30))
    for patch, looked_at in ((three, everything(three)), (mixed, everything(mixed)), (FOUR, [True, True, True, False])):
        assert (patch, {}) == repeating.once(patch, looked_at)


def test_a_finding_is_told_for_every_place() -> None:
    _, repeats = repeating.once(FOUR, everything(FOUR))
    found = claim((2, 3), path="a.py", suggestion=Suggestion(start_line=2, line=3, replacement="x()"))
    other = claim(None, path="a.py")
    elsewhere = claim(2, path="e.py")
    told = list(repeating.everywhere([found, other, elsewhere], FOUR, repeats))
    assert [("a.py", 2), ("b.py", 11), ("c.py", 21), ("d.py", 31), ("a.py", 0), ("e.py", 2)] == [
        (one.path, one.span.start if one.span else 0) for one in told
    ]
    assert Suggestion(start_line=31, line=32, replacement="x()") == told[3].suggestion
    removed = claim(2, path="a.py", side=Side.LEFT)
    assert Span(side=Side.LEFT, start=11, end=11) == list(repeating.everywhere([removed], FOUR, repeats))[1].span


def test_what_came_to_nothing_came_to_nothing_everywhere() -> None:
    shown, repeats = repeating.once(FOUR, everything(FOUR))
    (hunk,) = shown.files[0].hunks
    entry = FileExcerpts(index=0, file=shown.files[0], excerpts=(Excerpt(hunk=hunk),))
    outcome = ChunkOutcome(chunk=Chunk(id=1, files=(entry,), prompt_tokens=1), failed=True, reason="down")
    (spread,) = repeating.unfinished([outcome], repeats)
    numbers = {
        part.index: [line.new for excerpt in part.excerpts for line in excerpt.hunk.lines() if line.kind == "+"]
        for part in spread.chunk.files
    }
    assert {0: [2, 3], 1: [11, 12], 2: [21, 22], 3: [31, 32]} == numbers
    assert (outcome,) == repeating.unfinished([outcome], {})


def test_a_line_that_is_too_long_is_so_everywhere() -> None:
    _, repeats = repeating.once(FOUR, everything(FOUR))
    lines = [TooLong(index=0, kind="+", number=2, tokens=9), TooLong(index=0, kind="-", number=2, tokens=9)]
    found = repeating.too_long([*lines, TooLong(index=0, kind="+", number=99, tokens=9)], repeats)
    assert [(0, 2), (1, 11), (2, 21), (3, 31), (0, 2), (1, 11), (2, 21), (3, 31), (0, 99)] == [
        (line.index, line.number) for line in found
    ]


@given(patches())
def test_what_is_left_out_stands_somewhere_else(patch: Patch) -> None:
    shown, repeats = repeating.once(patch, everything(patch))
    kept = {hunk.body for file in shown.files for hunk in file.hunks}
    assert {hunk.body for file in patch.files for hunk in file.hunks} == kept
    gone = sum(len(file.hunks) for file in patch.files) - sum(len(file.hunks) for file in shown.files)
    assert gone == sum(len(repeat.others) for found in repeats.values() for repeat in found)
