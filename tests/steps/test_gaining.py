"""What a run reached of what was asked for."""

from reviewbot.domain.candidate import Point
from reviewbot.domain.trial import Measured
from reviewbot.steps.gaining import gained, reached

LINE, BRANCH, OTHER = Point(path="a.py", line=3), Point(path="a.py", line=3, branch=True), Point(path="b.py", line=3)
ALL = frozenset({LINE, BRANCH, OTHER})


def ran(
    lines: set[int], taken: set[tuple[int, int]] | None = None, untaken: set[tuple[int, int]] | None = None
) -> dict[str, Measured]:
    file = Measured(lines=frozenset(lines), taken=frozenset(taken or ()), untaken=frozenset(untaken or ()))
    return {"a.py": file}


def test_nothing_is_reached_of_a_file_that_did_not_run() -> None:
    assert frozenset() == reached(ALL, {}) == gained(ALL, {}, {})


def test_a_line_is_reached_when_it_ran() -> None:
    assert {LINE} == reached({LINE, OTHER}, ran({3}))
    assert {LINE} == gained({LINE, OTHER}, ran({3}), {})
    assert frozenset() == reached(ALL, ran({2, 4}))


def test_a_branch_is_reached_when_none_of_its_line_is_left() -> None:
    assert {LINE} == reached(ALL, ran({3}, {(3, 4)}, {(3, 6)}))
    assert {LINE, BRANCH} == reached(ALL, ran({3}, {(3, 4), (3, 6)}))


def test_a_branch_is_gained_when_one_is_taken_that_the_suite_did_not_take() -> None:
    before = ran({3}, {(3, 4)}, {(3, 6)})
    assert frozenset() == gained({BRANCH}, ran({3}, {(3, 4)}, {(3, 6)}), before)
    assert {BRANCH} == gained({BRANCH}, ran({3}, {(3, 6)}, {(3, 4)}), before)
    assert frozenset() == gained({BRANCH}, ran({3, 5}, {(5, 6)}), before)
