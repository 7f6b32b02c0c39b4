"""Where comments go in a review, as values."""

from collections.abc import Sequence

from github_plans import finding, fingerprint
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain.finding import Placement
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment
from reviewbot.domain.request import GITHUB
from reviewbot.forges.github.comments import (
    NO_ROOM,
    Draft,
    arrange,
    at_lines,
    culprits,
    demotions,
    review_body,
)

FILE = Placement.FILE


def test_one_line_has_no_start() -> None:
    assert {"path": "app.py", "body": finding(1).body, "line": 5, "side": "RIGHT"} == at_lines(finding(1))


def test_a_range_ends_at_its_line_and_says_the_side_of_both_ends() -> None:
    placed = at_lines(finding(1, start=3, end=9, side=Side.LEFT))
    ends = {name: placed[name] for name in ("start_line", "start_side", "line", "side")}
    assert {"start_line": 3, "start_side": "LEFT", "line": 9, "side": "LEFT"} == ends


def test_a_body_takes_what_fits_and_leaves_the_rest_for_the_summary() -> None:
    big, bigger, small = (finding(n, placement=FILE, size=size) for n, size in ((1, 40_000), (2, 40_000), (3, 100)))
    draft = arrange([finding(4)], [big, bigger, small])
    assert ((big, small), (bigger,)) == (draft.filed, draft.left)
    summary, file, inline = Placement.SUMMARY, Placement.FILE, Placement.INLINE
    expected = {fingerprint(4): inline, fingerprint(1): file, fingerprint(3): file, fingerprint(2): summary}
    assert expected == draft.placements


@given(st.lists(st.integers(0, 30_000), max_size=8))
def test_a_body_never_grows_beyond_what_github_takes_and_nothing_gets_lost(sizes: list[int]) -> None:
    comments = [finding(number, placement=FILE, size=size) for number, size in enumerate(sizes)]
    draft = arrange((), comments)
    assert len(review_body(draft)) <= GITHUB.body_limit
    assert {comment.fingerprint for comment in comments} == set(draft.placements)
    assert len(comments) == len(draft.filed) + len(draft.left)


def test_a_body_may_be_as_long_as_the_limit_and_no_longer() -> None:
    empty = len(finding(1, placement=FILE).file_body)
    fits, over = (finding(1, placement=FILE, size=GITHUB.body_limit - empty + more) for more in (0, 1))
    assert ((fits,), (over,)) == (arrange((), [fits]).filed, arrange((), [over]).left)


@given(st.sets(st.integers(0, 29)), st.integers(1, 30), st.booleans())
def test_halving_finds_exactly_the_bad_ones(bad: set[int], count: int, told: bool) -> None:
    comments = [finding(number) for number in range(count)]
    expected = tuple(comment for number, comment in enumerate(comments) if number in bad)

    def takes(some: Sequence[Comment]) -> bool:
        return not set(some) & set(expected)

    assert expected == culprits(takes, comments, guilty=told and bool(expected))


def test_one_bad_comment_among_thirty_takes_few_trials() -> None:
    trials: list[int] = []
    comments = [finding(number) for number in range(30)]

    def takes(some: Sequence[Comment]) -> bool:
        trials.append(len(some))
        return comments[17] not in some

    assert (comments[17],) == culprits(takes, comments, guilty=True)
    assert len(trials) <= 9


def test_a_comment_says_whether_github_refused_it_or_there_was_no_room() -> None:
    refused, crowded, fine = finding(1), finding(2, placement=FILE), finding(3)
    draft = Draft(inline=(fine,), filed=(refused,), left=(crowded,))
    told = demotions([refused, crowded, fine], draft, [refused], "no such line")
    assert (
        (fingerprint(1), Placement.FILE, "GitHub refused it: no such line"),
        (fingerprint(2), Placement.SUMMARY, NO_ROOM),
    ) == told
