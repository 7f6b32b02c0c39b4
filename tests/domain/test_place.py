"""Added lines, their runs, and quotes that can be found again."""

import pytest

from reviewbot.domain.finding import Span, Suggestion
from reviewbot.domain.patch import FilePatch, Hunk, Side, Status
from reviewbot.domain.place import Added, added, before, first_of_each, one_line

TOKEN = "ghp" + "_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"


def lines(*bodies: str) -> Added:
    hunks = tuple(
        Hunk(old_start=100 * index + 1, new_start=100 * index + 1, body=body) for index, body in enumerate(bodies)
    )
    return added(FilePatch(path="a", old_path="a", status=Status.MODIFIED, hunks=hunks))


def right(start: int, end: int) -> Span:
    return Span(side=Side.RIGHT, start=start, end=end)


def test_added_lines_are_numbered_and_removed_ones_do_not_part_them() -> None:
    ours = lines(" a\n+b\n-c\n+d\r\n e\n+f", "+g")
    assert dict(ours.texts) == {2: "b", 3: "d", 5: "f", 101: "g"}
    assert ours.holds(2, 3)
    assert not any(ours.holds(*span) for span in ((3, 2), (1, 2), (3, 5), (5, 101), (6, 6)))


def test_neighbouring_lines_of_two_hunks_are_no_run() -> None:
    hunks = tuple(Hunk(old_start=1, new_start=number, body="+x") for number in (1, 2))
    ours = added(FilePatch(path="a", old_path="a", status=Status.MODIFIED, hunks=hunks))
    assert not ours.holds(1, 2)


def test_a_quote_is_whole_where_it_is_short_and_added_else_its_first_line() -> None:
    ours = lines("+a\n+b\n c\n" + "\n".join(["+x"] * 11))
    assert ours.quote(1, 2) == (right(1, 2), "a\nb")
    assert ours.quote(1, 3) == (right(1, 1), "a")
    assert ours.quote(4, 13) == (right(4, 13), "\n".join(["x"] * 10))
    assert ours.quote(4, 14) == (right(4, 4), "x")


def test_a_quote_ends_before_a_secret() -> None:
    ours = lines(f"+first\n+token = {TOKEN}\n+last")
    assert ours.quote(1, 3) == (right(1, 1), "first")
    assert ours.quote(2, 3) == (right(2, 2), "token = ghp_")


def test_what_is_quoted_before_a_secret_shows_no_other() -> None:
    row = f"a = {TOKEN}; other = {TOKEN}"
    assert before(row, row.rindex(TOKEN), len(row), since=row.index(";")) == "; other = ghp_"
    assert before(f"x {TOKEN}", 2, 2 + len(TOKEN)) == "ghp_"
    assert before("p = 'letmein'", 4, 4) == "p = "


@pytest.mark.parametrize(
    ("change", "taken"),
    [
        (Suggestion(start_line=1, line=2, replacement="x"), True),
        (Suggestion(start_line=1, line=3, replacement="x"), False),
        (Suggestion(start_line=1, line=1, replacement="x\n" * 10), False),
        (Suggestion(start_line=1, line=1, replacement=TOKEN), False),
    ],
)
def test_a_suggestion_is_taken_on_added_lines_if_short_and_without_secret(change: Suggestion, *, taken: bool) -> None:
    assert lines("+a\n+b\n c").takes(change) is taken


def test_a_title_is_one_clean_line() -> None:
    assert one_line(" a\n\tb\x00\u202e c. ") == "a b c"
    assert one_line(f"found {TOKEN}") == "found ghp_…"
    assert one_line("x" * 300, most=10) == "x" * 9 + "…"


def test_the_first_of_each_group_comes_with_the_lines_of_the_others() -> None:
    items = [("b", 9), ("a", 5), ("b", 2), ("a", 5), ("b", 4)]
    found = list(first_of_each(items, key=lambda item: item[0], line=lambda item: item[1]))
    assert found == [(("b", 2), (4, 9)), (("a", 5), ())]
