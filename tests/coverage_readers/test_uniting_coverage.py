"""What several measurements of a file make together."""

from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.coverage import Branches, FileCoverage, joined, lines_of, mask, united

LINES = st.integers(1, 12)
NAMES = st.sampled_from([f"{naming}:{name}" for naming in ("arc", "lcov") for name in range(4)])


@st.composite
def branches(draw: st.DrawFn) -> Branches:
    """Draw branches as readers make them: never fewer taken than named."""
    known = draw(st.none() | st.frozensets(NAMES, max_size=4))
    named = max((sum(name.startswith(naming) for name in known or ()) for naming in ("arc", "lcov")), default=0)
    taken = draw(st.integers(named, 5))
    return Branches(total=draw(st.integers(taken, 6)), taken=taken, known=known)


@st.composite
def files(draw: st.DrawFn) -> FileCoverage:
    measured = draw(st.sets(LINES))
    covered = draw(st.sets(st.sampled_from(sorted(measured)))) if measured else set[int]()
    found = draw(st.dictionaries(LINES, branches(), max_size=3))
    return FileCoverage(path="a.py", measured=mask(measured), covered=mask(covered), branches=found)


@given(files(), files())
def test_the_order_of_two_does_not_matter(one: FileCoverage, other: FileCoverage) -> None:
    assert united(one, other) == united(other, one)


@given(files(), files(), files())
def test_the_order_of_three_does_not_matter(one: FileCoverage, two: FileCoverage, three: FileCoverage) -> None:
    assert united(united(one, two), three) == united(one, united(two, three))


@given(files())
def test_the_same_measurement_twice_says_no_more(file: FileCoverage) -> None:
    assert united(file, file) == file


@given(files(), files())
def test_no_hit_is_lost_and_none_is_made_up(one: FileCoverage, other: FileCoverage) -> None:
    both = united(one, other)
    assert set(lines_of(both.covered)) == set(lines_of(one.covered)) | set(lines_of(other.covered))
    assert set(lines_of(both.measured)) == set(lines_of(one.measured)) | set(lines_of(other.measured))
    assert both.covered & ~both.measured == 0


@given(branches(), branches(), branches())
def test_the_order_of_three_does_not_matter_to_branches(one: Branches, two: Branches, three: Branches) -> None:
    assert joined(joined(one, two), three) == joined(three, joined(two, one))


@given(branches(), branches())
def test_no_branch_is_lost_and_none_is_made_up(one: Branches, other: Branches) -> None:
    found = joined(one, other)
    assert max(one.taken, other.taken) <= found.taken <= min(found.total, one.taken + other.taken)
    assert max(one.total, other.total) == found.total


def test_named_branches_are_told_apart() -> None:
    left = Branches(total=2, taken=1, known=frozenset({"arc:5"}))
    right = Branches(total=2, taken=1, known=frozenset({"arc:9"}))
    assert joined(left, right).taken == 2
    assert joined(left, left).taken == 1


def test_more_names_than_branches_are_no_more_branches() -> None:
    left = Branches(total=1, taken=1, known=frozenset({"arc:5"}))
    right = Branches(total=1, taken=1, known=frozenset({"arc:9"}))
    assert (1, 1) == (joined(left, right).taken, joined(left, right).total)


def test_of_counts_alone_the_greater_is_certain() -> None:
    assert joined(Branches(total=2, taken=1), Branches(total=2, taken=1)) == Branches(total=2, taken=1)
    assert joined(Branches(total=4, taken=1), Branches(total=4, taken=3)) == Branches(total=4, taken=3)


def test_two_names_of_one_branch_are_not_two_branches() -> None:
    by_data = Branches(total=2, taken=1, known=frozenset({"arc:5"}))
    by_lcov = Branches(total=2, taken=1, known=frozenset({"lcov:0,jump to line 5"}))
    assert joined(by_data, by_lcov).taken == 1


@given(st.sets(st.integers(1, 5000)))
def test_a_mask_keeps_its_lines_in_order(lines: set[int]) -> None:
    assert sorted(lines) == list(lines_of(mask(lines)))
    assert sum(1 << line for line in lines) == mask(lines)


def test_a_mask_of_a_million_lines_takes_no_quadratic_time() -> None:
    assert sum(range(1, 1_000_001)) == sum(lines_of(mask(range(1, 1_000_001))))
