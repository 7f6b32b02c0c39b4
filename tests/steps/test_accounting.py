"""What happened → an account of every changed line."""

import drawing
from hypothesis import given, settings
from hypothesis import strategies as st
from steps.strategies import patches

from reviewbot.domain.chunk import Chunk, ChunkOutcome, ContextBudget, Excerpt, FileExcerpts, TooLong
from reviewbot.domain.outcome import FileReport, LineCounts, Outcome, Unreviewed, counted
from reviewbot.domain.patch import FilePatch, Patch, Side
from reviewbot.steps import accounting, chunking
from reviewbot.steps.accounting import Fate

FILE = drawing.file("a.py\n    1 x\n  - 2 a\n  - 3 b\n  + 2 c\n  + 3 d\n    4 y\n  + 5 e\n  + 90 f")
BINARY = FilePatch(path="b", old_path="b", status=FILE.status, binary=True)
SKIPPED: Fate = (Outcome.SKIPPED, "a lock file")


def run(side: Side, start: int, end: int, fate: Fate) -> Unreviewed:
    return Unreviewed(side=side, start=start, end=end, outcome=fate[0], reason=fate[1])


def whole(file: FilePatch, index: int = 0) -> Chunk:
    """Make a chunk that shows all of a file."""
    excerpts = tuple(Excerpt(hunk=hunk) for hunk in file.hunks)
    return Chunk(id=1, files=(FileExcerpts(index=index, file=file, excerpts=excerpts),), prompt_tokens=1)


def test_a_file_that_was_reviewed_has_nothing_open() -> None:
    expected = (FileReport(file=FILE, outcome=Outcome.REVIEWED),)
    assert accounting.by_file([FILE], [None]) == expected
    assert accounting.by_line([FILE], [None], (), ()) == expected


def test_a_file_that_was_left_out_lists_its_lines_in_runs() -> None:
    runs = (
        run(Side.LEFT, 2, 3, SKIPPED),
        run(Side.RIGHT, 2, 3, SKIPPED),
        run(Side.RIGHT, 5, 5, SKIPPED),
        run(Side.RIGHT, 90, 90, SKIPPED),
    )
    expected = (FileReport(file=FILE, outcome=Outcome.SKIPPED, reason="a lock file", unreviewed=runs),)
    assert accounting.by_file([FILE], [SKIPPED]) == expected
    assert accounting.by_line([FILE], [SKIPPED], (), ()) == expected


def test_a_file_without_lines_counts_none() -> None:
    (report,) = accounting.by_file([BINARY], [(Outcome.SKIPPED, "binary")])
    assert (report.outcome, report.reason, report.unreviewed) == (Outcome.SKIPPED, "binary", ())
    assert counted([report]) == LineCounts()


def test_a_chunk_that_failed_leaves_its_file_failed() -> None:
    outcome = ChunkOutcome(chunk=whole(FILE), failed=True, reason="429")
    (report,) = accounting.by_line([FILE], [None], (), [outcome])
    assert (report.outcome, report.reason) == (Outcome.FAILED, "429")
    assert counted([report]) == LineCounts(failed=6)


def test_a_chunk_that_the_budget_left_out_leaves_its_file_skipped() -> None:
    outcome = ChunkOutcome(chunk=whole(FILE), failed=False, reason="the budget ended")
    (report,) = accounting.by_line([FILE], [None], (), [outcome])
    assert (report.outcome, report.reason) == (Outcome.SKIPPED, "the budget ended")


def test_lines_that_were_only_repeated_are_answered_for_elsewhere() -> None:
    (first, _) = FILE.hunks
    part = FileExcerpts(index=0, file=FILE, excerpts=(Excerpt(hunk=first, overlap=4),))
    outcome = ChunkOutcome(chunk=Chunk(id=2, files=(part,), prompt_tokens=1), failed=True, reason="429")
    (report,) = accounting.by_line([FILE], [None], (), [outcome])
    assert report.outcome is Outcome.PARTIAL
    assert report.unreviewed == (
        run(Side.RIGHT, 3, 3, (Outcome.FAILED, "429")),
        run(Side.RIGHT, 5, 5, (Outcome.FAILED, "429")),
    )


def test_a_line_too_long_is_skipped_with_the_reason() -> None:
    lost = [TooLong(index=0, kind="-", number=2, tokens=123_456), TooLong(index=0, kind="+", number=2, tokens=123_456)]
    (report,) = accounting.by_line([FILE], [None], lost, ())
    reason = "a line of about 123,456 tokens exceeds the model's context"
    assert (report.outcome, report.reason) == (Outcome.PARTIAL, reason)
    fate = (Outcome.SKIPPED, reason)
    assert report.unreviewed == (run(Side.LEFT, 2, 2, fate), run(Side.RIGHT, 2, 2, fate))


def test_different_fates_stay_apart_and_the_file_is_failed_if_any_of_its_lines_is() -> None:
    file = drawing.file("a.py (added)\n  + 1 a\n  + 2 b\n  + 3 c")
    lost = [TooLong(index=0, kind="+", number=2, tokens=9)]
    parts = drawing.file("a.py (added)\n  + 1 a\n  + 3 c")
    outcomes = [ChunkOutcome(chunk=whole(parts), failed=True, reason="500")]
    (report,) = accounting.by_line([file], [None], lost, outcomes)
    too_long = "a line of about 9 tokens exceeds the model's context"
    assert (report.outcome, report.reason) == (Outcome.FAILED, f"500; {too_long}")
    assert report.unreviewed == (
        run(Side.RIGHT, 1, 1, (Outcome.FAILED, "500")),
        run(Side.RIGHT, 2, 2, (Outcome.SKIPPED, too_long)),
        run(Side.RIGHT, 3, 3, (Outcome.FAILED, "500")),
    )


def test_a_type_change_is_two_files_that_are_told_apart() -> None:
    gone, come = drawing.patch("x (deleted)\n  - 1 a\nx (added)\n  + 1 b").files
    outcome = ChunkOutcome(chunk=whole(come, index=1), failed=True, reason="500")
    reports = accounting.by_line([gone, come], [None, None], (), [outcome])
    assert [report.outcome for report in reports] == [Outcome.REVIEWED, Outcome.FAILED]


FATES = st.none() | st.tuples(st.sampled_from([Outcome.SKIPPED, Outcome.FAILED]), st.sampled_from(["one", "two"]))


@settings(max_examples=200, deadline=None)
@given(patches(), st.data())
def test_every_changed_line_is_reviewed_skipped_or_failed(patch: Patch, data: st.DataObject) -> None:
    fates = [data.draw(FATES) for _ in patch.files]
    open_files = [(index, file) for index, file in enumerate(patch.files) if fates[index] is None]
    room = ContextBudget(ceiling_tokens=200, answer_tokens=0, target_tokens=data.draw(st.integers(1, 200)))
    plan = chunking.plan(open_files, room, 0, len)
    unfinished = [
        ChunkOutcome(chunk=chunk, failed=data.draw(st.booleans()), reason=data.draw(st.sampled_from("xyz")))
        for chunk in plan.chunks
        if data.draw(st.booleans())
    ]
    reports = accounting.by_line(patch.files, fates, plan.too_long, unfinished)
    _check(patch, reports)
    if not unfinished and not plan.too_long:
        assert reports == accounting.by_file(patch.files, fates)


def _check(patch: Patch, reports: tuple[FileReport, ...]) -> None:
    lines = counted(reports)
    changed = sum(file.changed_count for file in patch.files)
    assert lines.changed == lines.reviewed + lines.skipped + lines.failed == changed
    assert min(lines.reviewed, lines.skipped, lines.failed) >= 0
    assert [report.file for report in reports] == list(patch.files)
    for report in reports:
        listed = [(run.side, number) for run in report.unreviewed for number in range(run.start, run.end + 1)]
        known = [(Side.LEFT, number) for number in report.file.removed]
        known += [(Side.RIGHT, number) for number in report.file.added]
        assert listed == sorted(set(listed))
        assert set(listed) <= set(known)
        assert (report.outcome is Outcome.REVIEWED) == (not listed)
        assert (report.outcome is Outcome.PARTIAL) == (0 < len(listed) < len(known))
        assert (report.reason is None) == (report.outcome is Outcome.REVIEWED)
