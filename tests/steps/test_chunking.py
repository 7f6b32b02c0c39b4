"""Files → chunks: nothing is dropped, nothing is invented, and what belongs together stays together."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import drawing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps.strategies import patches

from reviewbot.domain.chunk import Chunk, ContextBudget, Excerpt
from reviewbot.domain.patch import FilePatch, Hunk, Line, Patch
from reviewbot.steps import chunking
from reviewbot.steps.chunking import FILE_TOKENS, HUNK_TOKENS, Plan

FIXED = 100
"""What every prompt costs in these tests; a token is a character."""


def budget(target: int, ceiling: int | None = None, overlap: int = 3) -> ContextBudget:
    """Give room for ``target`` characters of diff, ``ceiling`` at most."""
    return ContextBudget(
        ceiling_tokens=FIXED + 50 + (target if ceiling is None else ceiling),
        answer_tokens=50,
        target_tokens=FIXED + target,
        overlap_lines=overlap,
    )


def plan(patch: Patch | FilePatch, room: ContextBudget) -> Plan:
    files = patch.files if isinstance(patch, Patch) else (patch,)
    return chunking.plan(list(enumerate(files)), room, FIXED, len)


def cost(chunk: Chunk) -> int:
    """Count again what a chunk shows."""
    total = FIXED
    for entry in chunk.files:
        total += FILE_TOKENS + sum(map(len, {entry.file.path, entry.file.base_path}))
        for excerpt in entry.excerpts:
            total += HUNK_TOKENS + len(excerpt.hunk.section) + len(excerpt.hunk.body)
    return total


def excerpts(found: Plan) -> list[Excerpt]:
    return [excerpt for chunk in found.chunks for entry in chunk.files for excerpt in entry.excerpts]


def rows(hunk: Hunk) -> list[Line]:
    return list(hunk.lines())


def bodies(found: Plan) -> list[str]:
    return [excerpt.hunk.body for excerpt in excerpts(found)]


def paths(found: Plan) -> list[list[str]]:
    return [[entry.file.path for entry in chunk.files] for chunk in found.chunks]


budgets = st.builds(
    lambda target, more, overlap: budget(target, target + more, overlap),
    st.integers(1, 400),
    st.integers(-50, 400),
    st.integers(0, 4),
)


def _answered(found: Plan) -> Iterator[tuple[int, str, int | None]]:
    for chunk in found.chunks:
        for entry in chunk.files:
            for excerpt in entry.excerpts:
                for line in rows(excerpt.hunk)[excerpt.overlap :]:
                    if line.kind != " ":
                        yield entry.index, line.kind, line.old if line.kind == "-" else line.new
    for lost in found.too_long:
        yield lost.index, lost.kind, lost.number


@settings(max_examples=200, deadline=None)
@given(patches(), budgets)
def test_every_changed_line_is_answered_for_exactly_once(patch: Patch, room: ContextBudget) -> None:
    changed = Counter(
        (index, kind, number)
        for index, file in enumerate(patch.files)
        for kind, numbers in (("-", file.removed), ("+", file.added))
        for number in numbers
    )
    assert Counter(_answered(plan(patch, room))) == changed


@settings(max_examples=200, deadline=None)
@given(patches(), budgets)
def test_what_is_shown_stands_in_the_patch_at_those_numbers(patch: Patch, room: ContextBudget) -> None:
    for chunk in plan(patch, room).chunks:
        for entry in chunk.files:
            assert entry.file is patch.files[entry.index]
            whole = [rows(hunk) for hunk in entry.file.hunks]
            for excerpt in entry.excerpts:
                shown = rows(excerpt.hunk)
                assert 0 <= excerpt.overlap < len(shown)
                assert any(_within(shown, lines) for lines in whole)


def _within(part: Sequence[Line], whole: Sequence[Line]) -> bool:
    return part[0] in whole and whole[whole.index(part[0]) :][: len(part)] == part


@settings(max_examples=200, deadline=None)
@given(patches(), budgets)
def test_a_chunk_costs_no_more_than_wanted_unless_one_line_does(patch: Patch, room: ContextBudget) -> None:
    hard = room.ceiling_tokens - room.answer_tokens
    found = plan(patch, room)
    for chunk in found.chunks:
        assert cost(chunk) <= chunk.prompt_tokens <= hard
        lines = [line for entry in chunk.files for excerpt in entry.excerpts for line in rows(excerpt.hunk)]
        assert chunk.prompt_tokens <= room.target_tokens or len(lines) == 1
    for line in found.too_long:
        assert FIXED + _head(patch.files[line.index]) + HUNK_TOKENS + len("def f():") + line.tokens > hard


@settings(max_examples=120, deadline=None)
@given(patches(), budgets)
def test_chunks_count_from_1_and_are_the_same_every_time(patch: Patch, room: ContextBudget) -> None:
    found = plan(patch, room)
    assert [chunk.id for chunk in found.chunks] == list(range(1, len(found.chunks) + 1))
    assert all(entry.excerpts for chunk in found.chunks for entry in chunk.files)
    assert plan(patch, room) == found


@settings(max_examples=120, deadline=None)
@given(patches())
def test_a_patch_that_fits_is_one_chunk_with_all_its_hunks_uncut(patch: Patch) -> None:
    (chunk,) = plan(patch, budget(1_000_000)).chunks
    exact = chunk.prompt_tokens - FIXED
    assert exact == cost(chunk) - FIXED
    found = plan(patch, budget(exact))
    assert found.too_long == ()
    assert len(found.chunks) == 1
    shown = {entry.index: [excerpt.hunk for excerpt in entry.excerpts] for entry in found.chunks[0].files}
    assert shown == {index: list(file.hunks) for index, file in enumerate(patch.files)}


@settings(max_examples=120, deadline=None)
@given(patches(), st.integers(100, 400))
def test_a_hunk_that_fits_is_never_cut(patch: Patch, target: int) -> None:
    whole = {
        hunk.body
        for file in patch.files
        for hunk in file.hunks
        if HUNK_TOKENS + len(hunk.body) + len(hunk.section) + _head(file) <= target
    }
    assert whole <= set(bodies(plan(patch, budget(target))))


def _head(file: FilePatch) -> int:
    return FILE_TOKENS + sum(map(len, {file.path, file.base_path}))


@settings(max_examples=200, deadline=None)
@given(patches(), budgets)
def test_marks_of_a_missing_newline_survive_the_cut(patch: Patch, room: ContextBudget) -> None:
    for chunk in plan(patch, room).chunks:
        for entry in chunk.files:
            marked = {rows(hunk)[mark] for hunk in entry.file.hunks for mark in hunk.no_newline}
            for excerpt in entry.excerpts:
                shown = rows(excerpt.hunk)
                assert {shown[mark] for mark in excerpt.hunk.no_newline} == marked & set(shown)


# How a hunk is cut


CONTEXT = "x" * 30
WIDE = drawing.file(f"""
    app.py
      @@ def f():
        1 {CONTEXT}
      - 2 old
      + 2 new
        3 {CONTEXT}
        4 {CONTEXT}
      + 5 more
        6 {CONTEXT}
""")


def test_context_is_shed_before_changed_lines() -> None:
    (hunk,) = WIDE.hunks
    whole = FILE_TOKENS + len("app.py") + HUNK_TOKENS + len(hunk.body) + len(hunk.section)
    assert bodies(plan(WIDE, budget(whole))) == [hunk.body]
    found = plan(WIDE, budget(whole - 1))
    assert bodies(found) == ["-old\n+new", "+more"]
    assert [excerpt.hunk.section for excerpt in excerpts(found)] == ["def f():", "def f():"]
    assert [(excerpt.hunk.old_start, excerpt.hunk.new_start) for excerpt in excerpts(found)] == [(2, 2), (5, 5)]
    assert len(found.chunks) == 1


def test_little_context_between_changes_is_kept() -> None:
    file = drawing.file(f"a\n    1 {'x' * 200}\n  + 2 new\n    3 short\n  + 4 more")
    assert bodies(plan(file, budget(100))) == ["+new\n short\n+more"]


def test_a_hunk_too_large_by_itself_is_cut_at_lines_with_some_repeated() -> None:
    file = drawing.file("a (added)\n" + "\n".join(f"  + {number} line {number:02}" for number in range(1, 31)))
    found = plan(file, budget(FILE_TOKENS + 1 + HUNK_TOKENS + 100, overlap=1))
    assert all(excerpt.overlap == (at > 0) for at, excerpt in enumerate(excerpts(found)))
    assert [excerpt.hunk.new_start for excerpt in excerpts(found)] == [1, 11, 21]
    assert [chunk.id for chunk in found.chunks] == [1, 2, 3]


def test_a_cut_goes_behind_a_blank_line_if_one_is_near() -> None:
    texts = [f"line {number:02}" for number in range(1, 31)]
    texts[7] = "   "
    file = drawing.file("a (added)\n" + "\n".join(f"  + {number} {text}" for number, text in enumerate(texts, 1)))
    first, second, *_ = excerpts(plan(file, budget(FILE_TOKENS + 1 + HUNK_TOKENS + 100, overlap=0)))
    assert (first.hunk.new_start, second.hunk.new_start) == (1, 9)


def test_lines_are_not_repeated_where_they_would_take_much_of_the_room() -> None:
    file = drawing.file("a (added)\n" + "\n".join(f"  + {number} {'x' * 50}" for number in range(1, 9)))
    assert {excerpt.overlap for excerpt in excerpts(plan(file, budget(150)))} == {0}


def test_a_line_that_no_prompt_can_hold_is_named_and_its_neighbours_are_reviewed() -> None:
    long = "x" * 500
    file = drawing.file(f"a\n  - 1 {long}\n  - 2 old\n  + 1 {long}\n  + 2 {long}\n  + 3 new\n    4 {long}\n  + 5 end")
    found = plan(file, budget(150, 300))
    assert [(line.kind, line.number, line.tokens) for line in found.too_long] == [
        ("-", 1, 502),
        ("+", 1, 502),
        ("+", 2, 502),
    ]
    assert bodies(found) == ["-old", "+new", "+end"]
    assert [(excerpt.hunk.old_start, excerpt.hunk.new_start) for excerpt in excerpts(found)] == [(2, 1), (3, 3), (4, 5)]


def test_a_line_longer_than_wanted_that_a_prompt_can_hold_is_sent_alone() -> None:
    file = drawing.file(f"a (added)\n  + 1 short\n  + 2 {'x' * 200}\n  + 3 short")
    found = plan(file, budget(100, 400))
    assert (found.too_long, bodies(found)) == ((), ["+short", f"+{'x' * 200}", "+short"])
    assert len(found.chunks) == 3


def _seconds(lines: int) -> float:
    """Plan that many lines which are all too long; give the least processor time of three runs."""
    body = "\n".join(["+" + "x" * 100] * lines)
    file = replace(WIDE, hunks=(Hunk(old_start=1, new_start=1, body=body),))

    def once() -> float:
        started = time.process_time()
        assert len(plan(file, budget(50, 60)).too_long) == lines
        return time.process_time() - started

    return min(once() for _ in range(3))


def test_ten_times_the_lines_that_are_too_long_cost_about_ten_times_the_work() -> None:
    """Each was once looked up from the top of its hunk: a hundred times the work."""
    assert _seconds(10_000) < 40 * _seconds(1_000)


def test_hunks_without_changed_lines_show_nothing_where_room_is_short() -> None:
    file = replace(WIDE, hunks=(Hunk(old_start=1, new_start=1, body=" a" * 99),))
    assert plan(file, budget(60)).chunks == ()


# What goes together


def small(path: str, lines: int = 1) -> str:
    """Draw a file of which each line costs ten tokens."""
    return f"{path}\n" + "\n".join(f"  + {number} 1234567" for number in range(1, lines + 1))


@pytest.mark.parametrize(
    ("module", "tests"),
    [
        ("src/store.py", "tests/test_store.py"),
        ("src/store.py", "zz/store_test.py"),
        ("src/store.ts", "src/store.test.ts"),
        ("src/store.ts", "spec/store.spec.ts"),
        ("src/Store.java", "test/StoreTest.java"),
        ("src/Store.cs", "test/StoreTests.cs"),
        ("lib/store.rb", "spec/store_spec.rb"),
    ],
)
def test_a_module_and_its_tests_share_a_chunk_if_it_can_hold_them(module: str, tests: str) -> None:
    patch = drawing.patch(
        "\n".join((small("a.py", 10), small("src/between.py", 10), small(tests, 5), small(module, 5)))
    )
    found = plan(patch, budget(260))
    assert [module, tests] in paths(found)


def test_tests_of_several_modules_of_that_name_stay_by_themselves() -> None:
    patch = drawing.patch("\n".join(map(small, ("a/x.py", "b/x.py", "tests/test_x.py"))))
    assert paths(plan(patch, budget(1_000))) == [["a/x.py", "b/x.py", "tests/test_x.py"]]


def test_files_of_one_folder_stay_together() -> None:
    patch = drawing.patch("\n".join(small(path, 5) for path in ("b/1.py", "a/1.py", "b/2.py", "a/2.py")))
    assert paths(plan(patch, budget(250))) == [["a/1.py", "a/2.py"], ["b/1.py", "b/2.py"]]


def test_a_type_change_is_two_files_of_one_name() -> None:
    patch = drawing.patch("x.py (deleted)\n  - 1 a\nx.py (added)\n  + 1 b")
    (chunk,) = plan(patch, budget(500)).chunks
    assert [(entry.index, entry.file.status.value) for entry in chunk.files] == [(0, "deleted"), (1, "added")]


def test_files_that_are_left_out_keep_their_places() -> None:
    patch = drawing.patch("\n".join(map(small, ("a", "b", "c"))))
    found = chunking.plan([(2, patch.files[2])], budget(500), FIXED, len)
    assert [entry.index for entry in found.chunks[0].files] == [2]


def test_nothing_to_review_is_no_chunk() -> None:
    assert chunking.plan([], budget(500), FIXED, len) == Plan(chunks=(), too_long=())


def test_a_budget_that_holds_nothing_names_every_line() -> None:
    found = plan(drawing.file("a\n  - 1 x\n  + 1 y"), ContextBudget(ceiling_tokens=1, answer_tokens=1, target_tokens=1))
    assert (found.chunks, [(line.kind, line.number) for line in found.too_long]) == ((), [("-", 1), ("+", 1)])


def test_an_old_path_counts_too() -> None:
    file = drawing.file(f"{'old/' * 50}x.py -> x.py\n  + 1 a")
    assert plan(file, budget(1_000)).chunks[0].prompt_tokens == FIXED + _head(file) + HUNK_TOKENS + 2
    assert _head(file) > 200
