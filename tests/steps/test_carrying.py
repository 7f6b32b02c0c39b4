"""What a new push leaves as it was: not sent again, and its findings kept."""

from dataclasses import replace

import drawing
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span
from reviewbot.domain.patch import Patch, Side
from reviewbot.steps import carrying
from reviewbot.steps.carrying import Previous

FIRST = drawing.patch(
    """
    app.py
        1 def f():
      - 2     return 1
      + 2     return 2
        9 def g():
      + 10     return broken
    gone.py (deleted)
      - 1 x = 1
    """
)
# A line more at the top moves both hunks; the second is as it was.
SECOND = drawing.patch(
    """
    app.py
      + 1 import os
        2 def f():
      - 2     return 1
      + 3     return 2
        10 def g():
      + 11     return broken
    gone.py (deleted)
      - 1 x = 1
    new.py (added)
      + 1 y = 1
    """
)


def finding(quote: str = "    return broken", path: str = "app.py", **more: object) -> Finding:
    base = Finding(
        path=path,
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        category=Category.BUG,
        title="Undefined",
        body="",
        quote=quote,
        source="llm",
    )
    return replace(base, **more)  # type: ignore[arg-type]


def previous(*findings: Finding, patch: Patch = FIRST) -> Previous:
    return Previous(head_sha="a" * 40, patch=patch, findings=findings)


def numbers(patch: Patch) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    return {file.path: (file.removed, file.added) for file in patch.files}


def test_without_an_earlier_run_everything_is_new() -> None:
    assert SECOND == carrying.without_known(SECOND, SECOND, None)
    assert () == carrying.carried(SECOND, None, str)


def test_a_hunk_that_only_moved_is_not_sent_again() -> None:
    fresh = carrying.without_known(SECOND, SECOND, previous())
    assert {"app.py": ((2,), (1, 3)), "gone.py": ((), ()), "new.py": ((), (1,))} == numbers(fresh)
    assert 2 == carrying.known_lines(SECOND, previous())


def test_the_same_head_sends_nothing() -> None:
    fresh = carrying.without_known(SECOND, SECOND, previous(patch=SECOND))
    assert [] == [file for file in fresh.files if file.hunks]


def test_what_is_left_out_is_told_by_the_change_and_what_is_sent_is_what_is_shown() -> None:
    hidden = Patch(
        files=tuple(
            replace(file, hunks=tuple(replace(hunk, body=hunk.body.replace("os", "<1>")) for hunk in file.hunks))
            for file in SECOND.files
        )
    )
    fresh = carrying.without_known(hidden, SECOND, previous())
    assert "+import <1>\n" in f"{fresh.files[0].hunks[0].body}\n"
    assert 1 == len(fresh.files[0].hunks)


def test_a_finding_moves_along_with_its_hunk() -> None:
    (kept,) = carrying.carried(SECOND, previous(finding()), str)
    assert Span(side=Side.RIGHT, start=11, end=11) == kept.span


def test_a_finding_on_a_hunk_that_changed_is_left_to_the_new_review() -> None:
    assert () == carrying.carried(SECOND, previous(finding("    return 2")), str)


def test_a_finding_of_a_file_that_is_gone_from_the_change_is_not_kept() -> None:
    assert () == carrying.carried(SECOND, previous(finding(path="other.py")), str)


def test_a_finding_without_a_place_is_kept_while_all_of_its_file_is_as_it_was() -> None:
    astray = finding("nowhere", path="gone.py", side=Side.LEFT)
    assert (astray,) == carrying.carried(SECOND, previous(astray), str)
    assert () == carrying.carried(SECOND, previous(finding("nowhere at all")), str)


def test_a_file_that_was_renamed_meanwhile_is_found_by_its_old_name() -> None:
    renamed = Patch(files=tuple(replace(file, path="moved.py") for file in FIRST.files[:1]))
    (kept,) = carrying.carried(renamed, previous(finding()), str)
    assert ("moved.py", 10) == (kept.path, kept.span and kept.span.start)
    assert 0 == sum(file.changed_count for file in carrying.without_known(renamed, renamed, previous()).files)


@given(st.lists(st.sampled_from([0, 1, 2, 3]), unique=True), st.lists(st.sampled_from([0, 1, 2, 3]), unique=True))
def test_what_is_sent_and_what_is_known_are_together_the_change(before: list[int], now: list[int]) -> None:
    hunks = [(hunk, file) for file in (*SECOND.files[:1], *SECOND.files[2:]) for hunk in file.hunks] + [
        (FIRST.files[0].hunks[0], FIRST.files[0])
    ]
    file = SECOND.files[0]
    was = Patch(files=(replace(file, hunks=tuple(hunks[at][0] for at in before if at < len(hunks))),))
    new = Patch(files=(replace(file, hunks=tuple(hunks[at][0] for at in now if at < len(hunks))),))
    fresh = carrying.without_known(new, new, previous(patch=was))
    known = {hunk.body for hunk in was.files[0].hunks}
    sent = [hunk.body for hunk in fresh.files[0].hunks]
    assert [hunk.body for hunk in new.files[0].hunks if hunk.body not in known] == sent
