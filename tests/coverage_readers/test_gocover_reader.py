"""Cover profiles of Go."""

from pathlib import Path

import pytest
from coverage_readers.report_files import DATA, all_told, everything
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.coverage import gocover
from reviewbot.errors import UsageError


def test_lines_of_blocks_are_united_by_their_hits() -> None:
    report = gocover.read(DATA / "cover.out", everything)
    assert all_told(report) == {
        "example.org/shop/cart.go": ([5, 6, 7, 10, 14, 15, 16], [8, 9], {}),
        "example.org/shop/empty.go": ([], [], {}),
    }
    assert not report.has_branches


def test_a_colon_in_a_path_is_the_paths(tmp_path: Path) -> None:
    path = tmp_path / "cover.out"
    path.write_text("mode: atomic\nC:\\shop\\a:b.go:1.1,2.2 1 1\n")
    assert {"C:\\shop\\a:b.go": ([1, 2], [], {})} == all_told(gocover.read(path, everything))


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ("a.go:1.1,2.2 1", "'a.go:1.1,2.2 1' is no block"),
        ("a.go:1.1,2.2 1 -1", "'a.go:1.1,2.2 1 -1' is no block"),
        ("a.go:3.1,2.2 1 1", "a block from line 3 to 2"),
        ("a.go:0.1,2.2 1 1", "a block from line 0 to 2"),
        ("a.go:1.1,10000001.2 1 1", "a block from line 1 to 10000001"),
    ],
)
def test_a_damaged_profile_is_told_with_its_line(block: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "cover.out"
    path.write_text(f"mode: set\n\n{block}\n")
    with pytest.raises(UsageError, match=f"line 3: {reason}"):
        gocover.read(path, everything)


BLOCKS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5), st.integers(0, 2)), max_size=8)


@given(BLOCKS)
def test_a_line_is_covered_if_any_block_on_it_ran(blocks: list[tuple[int, int, int]]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "cover.out"
        rows = [f"a.go:{first}.1,{first + more}.2 1 {hits}" for first, more, hits in blocks]
        path.write_text("\n".join(["mode: count", *rows]))
        told = all_told(gocover.read(path, everything)).get("a.go", ([], [], {}))
    ran = {line for first, more, hits in blocks if hits for line in range(first, first + more + 1)}
    measured = {line for first, more, _ in blocks for line in range(first, first + more + 1)}
    assert (sorted(ran), sorted(measured - ran), {}) == told
