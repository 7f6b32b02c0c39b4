"""Labels and findings → marks, figures, and intervals."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import drawing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.evaluation import (
    Case,
    CaseResult,
    Comment,
    Expected,
    Figures,
    Interval,
    Mark,
    Place,
    Run,
    Sought,
    Spent,
)
from reviewbot.domain.finding import Category, Confidence, Finding, Placement, Severity, Span
from reviewbot.domain.patch import Side
from reviewbot.steps import scoring

RUN = Run(engine="llm", model="m", prompt="1a2b3c4d", source="live")
PATCH = drawing.patch("a.py\n" + "\n".join(f"  + {number} line_{number} = {number}" for number in range(1, 41)))


def place(start: int, end: int | None = None, *, side: Side = Side.RIGHT, path: str = "a.py") -> Place:
    return Place(path=path, side=side, start=start, end=end or start)


def problem(*places: Place) -> Expected:
    return Expected(places=places, severity=Severity.HIGH, category=Category.BUG, why="It is wrong.")


def case(*expected: Expected, accepted: Sequence[Place] = ()) -> Case:
    return Case(
        id="python/x", language="python", category="state", about="x", digest="d", whole=False, patch=PATCH,
        expected=expected, accepted=tuple(accepted),
    )  # fmt: skip


def finding(start: int | None, end: int | None = None, *, side: Side = Side.RIGHT, path: str = "a.py") -> Finding:
    """Make an inline finding; without a start it is adrift, in the summary."""
    return Finding(
        path=path, severity=Severity.HIGH, confidence=Confidence.MEDIUM, category=Category.BUG, title="t", body="",
        quote="q", source="llm", side=side, placement=Placement.SUMMARY if start is None else Placement.INLINE,
        span=None if start is None else Span(side=side, start=start, end=end or start),
    )  # fmt: skip


def marks(labelled: Case, *findings: Finding, everything: bool = False) -> list[str]:
    _, comments = scoring.score(labelled, findings, everything=everything)
    return [comment.mark.value for comment in comments]


def found(labelled: Case, *findings: Finding) -> list[bool]:
    sought, _ = scoring.score(labelled, findings, everything=False)
    return [each.found for each in sought]


# Marks


@pytest.mark.parametrize(
    ("start", "end", "mark"),
    [(10, 10, "hit"), (8, 8, "hit"), (12, 12, "hit"), (1, 8, "hit"), (7, 7, "false"), (13, 20, "false")],
)
def test_a_comment_within_two_lines_of_the_first_place_is_a_hit(start: int, end: int, mark: str) -> None:
    assert [mark] == marks(case(problem(place(10))), finding(start, end))


@pytest.mark.parametrize(("start", "mark"), [(20, "hit"), (21, "hit"), (19, "false"), (22, "false")])
def test_at_the_other_places_a_comment_has_to_stand_exactly(start: int, mark: str) -> None:
    assert [mark] == marks(case(problem(place(10), place(20, 21))), finding(start))


def test_the_other_side_and_another_file_are_other_places() -> None:
    labelled = case(problem(place(10)))
    assert ["false", "false"] == marks(labelled, finding(10, side=Side.LEFT), finding(10, path="b.py"))
    assert ["hit"] == marks(case(problem(place(10, side=Side.LEFT))), finding(10, side=Side.LEFT))


def test_a_second_comment_at_one_problem_is_a_duplicate() -> None:
    labelled = case(problem(place(10), place(20)))
    assert ["hit", "duplicate", "duplicate"] == marks(labelled, finding(10), finding(11), finding(20))
    assert [True] == found(labelled, finding(10), finding(11), finding(20))


def test_a_comment_exactly_at_one_problem_is_not_taken_for_its_neighbour() -> None:
    labelled = case(problem(place(10), place(30)), problem(place(12)))
    assert ["hit", "duplicate"] == marks(labelled, finding(30), finding(10))
    assert [True, False] == found(labelled, finding(30), finding(10))


def test_two_comments_at_two_near_problems_are_two_hits_in_any_order() -> None:
    labelled = case(problem(place(10)), problem(place(12)))
    for pair in ((finding(12), finding(9)), (finding(9), finding(12)), (finding(11), finding(14))):
        assert ["hit", "hit"] == marks(labelled, *pair)
        assert [True, True] == found(labelled, *pair)


def test_a_comment_on_an_accepted_line_is_neither_right_nor_wrong() -> None:
    labelled = case(problem(place(10)), accepted=[place(11), place(30)])
    assert ["neutral", "neutral"] == marks(labelled, finding(11), finding(30))
    assert [False] == found(labelled, finding(11))


def test_a_comment_over_an_accepted_and_an_expected_line_is_a_hit() -> None:
    assert ["hit"] == marks(case(problem(place(10)), accepted=[place(11)]), finding(10, 11))


def test_every_comment_on_a_clean_change_is_false() -> None:
    assert ["false", "false"] == marks(case(), finding(1), finding(40))


def test_the_summary_counts_only_where_everything_does() -> None:
    beyond_the_cap = replace(finding(10), placement=Placement.SUMMARY)
    labelled = case(problem(place(10)))
    assert [] == marks(labelled, beyond_the_cap, finding(None))
    assert ["hit", "false"] == marks(labelled, beyond_the_cap, finding(None), everything=True)


@given(st.lists(st.integers(1, 40), max_size=8), st.lists(st.integers(1, 40), max_size=5, unique=True))
def test_hits_are_as_many_as_problems_that_were_found(said: list[int], wrong: list[int]) -> None:
    labelled = case(*(problem(place(line)) for line in wrong))
    sought, comments = scoring.score(labelled, [finding(line) for line in said], everything=False)
    hits = [comment.mark for comment in comments].count(Mark.HIT)
    assert sum(each.found for each in sought) == hits
    assert len(said) == len(comments)
    within = [{line for line in wrong if abs(line - each) <= 2} for each in said]
    assert all((comment.mark is Mark.FALSE) == (not near) for comment, near in zip(comments, within, strict=True))


@given(st.lists(st.integers(1, 20), max_size=6), st.lists(st.integers(1, 20), max_size=4, unique=True), st.randoms())
def test_the_order_of_the_comments_does_not_change_how_many_hit(
    said: list[int], wrong: list[int], chance: random.Random
) -> None:
    labelled = case(*(problem(place(line)) for line in wrong))
    shuffled = chance.sample(said, len(said))
    first, second = (marks(labelled, *(finding(line) for line in lines)) for lines in (said, shuffled))
    assert sorted(first) == sorted(second)


# Claims


def test_claims_count_by_whether_their_quote_stands_in_the_change() -> None:
    quotes = ("line_3 = 3", "line_99 = 99")
    claims = [{"path": "a.py", "severity": "low", "title": "t", "quote": quote} for quote in quotes]
    answer = json.dumps({"findings": claims})
    assert (2, 1) == scoring.validity([answer], PATCH)
    assert (4, 2) == scoring.validity([answer, "no JSON at all", answer], PATCH)
    assert (0, 0) == scoring.validity([], PATCH)


# Figures


def result(name: str, hits: int = 0, missed: int = 0, false: int = 0, **fields: object) -> CaseResult:
    """Make a result with so many problems and comments."""
    category = {"severity": Severity.HIGH, "category": Category.BUG}
    sought = [
        Sought(place=place(1), why="w", found=at < hits, **category)  # type: ignore[arg-type]
        for at in range(hits + missed)
    ]
    comments = [
        Comment(path="a.py", side=Side.RIGHT, start=1, end=1, title="t", source="llm", mark=mark, **category)  # type: ignore[arg-type]
        for mark in [Mark.HIT] * hits + [Mark.FALSE] * false
    ]
    known: dict[str, object] = {
        "id": name, "language": "go", "category": "state", "digest": "d", "sought": tuple(sought),
        "comments": tuple(comments),
    }  # fmt: skip
    return CaseResult(**{**known, **fields})  # type: ignore[arg-type]


def chance() -> scoring.Pick:
    return random.Random(1).randrange  # noqa: S311 - no secrets


def test_figures_add_up() -> None:
    spent = Spent(requests=1, prompt_tokens=80, completion_tokens=20, cost_usd=Decimal("0.01"), seconds=1.5)
    results = [
        result("go/a", hits=2, missed=1, false=1, claims=4, placed=3, spent=spent),
        result("go/b", missed=1, spent=spent),
        result("go/c", spent=spent),
        result("go/d", false=1, spent=spent),
    ]
    total = scoring.evaluation(RUN, results, chance()).total
    assert Figures(
        cases=4, clean=2, silent=1, expected=4, hits=2, false=2, claims=4, placed=3, tokens=400,
        cost_usd=Decimal("0.04"), seconds=6.0,
    ) == total  # fmt: skip
    assert {
        "precision": 0.5, "recall": 0.5, "f1": 0.5, "comments_per_change": 1.0, "clean_left_silent": 0.5,
        "anchor_validity": 0.75, "tokens_per_change": 100.0, "cost_usd_per_change": 0.01, "seconds_per_change": 1.5,
    } == total.metrics()  # fmt: skip


def test_duplicates_are_false_and_neutral_comments_count_in_no_share() -> None:
    figures = Figures(cases=1, expected=2, hits=1, duplicates=1, false=1, neutral=5)
    assert (1 / 3, 1 / 2, 2 / 5) == (figures.precision, figures.recall, figures.f1)
    assert 8.0 == figures.metrics()["comments_per_change"]


def test_what_was_not_reviewed_is_missed_and_not_silent() -> None:
    results = [result("go/a", missed=1, failure="no answer"), result("go/b", failure="no answer")]
    total = scoring.evaluation(RUN, results, chance()).total
    assert (0.0, 0, 2) == (total.recall, total.silent, total.failed)


def test_an_unknown_price_or_time_makes_the_sum_unknown() -> None:
    known, unknown = Spent(cost_usd=Decimal(1), seconds=1.0), Spent(cost_usd=None)
    total = scoring.evaluation(RUN, [result("go/a", spent=known), result("go/b", spent=unknown)], chance()).total
    assert (None, None) == (total.cost_usd, total.seconds)


def test_groups_hold_the_cases_of_one_language_or_category() -> None:
    results = [result("go/a", hits=1), result("go/b", missed=1, category="time"), result("c/c", language="c")]
    evaluation = scoring.evaluation(RUN, results, chance())
    assert [("c", 1, 0), ("go", 2, 2)] == [
        (group.name, group.figures.cases, group.figures.expected) for group in evaluation.languages
    ]
    assert ["state", "time"] == [group.name for group in evaluation.categories]


# Intervals


def measured(results: Sequence[CaseResult], name: str) -> Interval | None:
    measures = scoring.evaluation(RUN, results, chance()).measures
    return next(measure.interval for measure in measures if measure.name == name)


def test_intervals_are_those_of_the_binomial_where_each_case_is_one_trial() -> None:
    """50 of 100: the exact central 95 % of a binomial with p = 0.5 lie from 0.40 to 0.60."""
    results = [result(f"go/{at}", hits=at % 2, missed=1 - at % 2) for at in range(100)]
    interval = measured(results, "recall")
    assert interval is not None
    assert pytest.approx((0.40, 0.60), abs=0.015) == (interval.low, interval.high)


def test_the_same_chance_gives_the_same_intervals() -> None:
    results = [result(f"go/{at}", hits=1, false=at % 3) for at in range(9)]
    assert measured(results, "precision") == measured(results, "precision")


def test_more_cases_make_an_interval_narrower() -> None:
    few = [result(f"go/{at}", hits=at % 2, missed=1 - at % 2) for at in range(10)]
    narrow, wide = measured(few * 10, "recall"), measured(few, "recall")
    assert narrow is not None
    assert wide is not None
    assert narrow.high - narrow.low < (wide.high - wide.low) / 2


def test_a_figure_that_cannot_be_given_has_no_interval() -> None:
    assert measured([result("go/a", hits=1)], "clean_left_silent") is None
    assert Interval(low=1.0, high=1.0) == measured([result("go/a", hits=1)], "recall")


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6))
def test_no_interval_leaves_the_range_of_its_figure(counts: list[tuple[int, int, int]]) -> None:
    results = [result(f"go/{at}", *each) for at, each in enumerate(counts)]
    for measure in scoring.evaluation(RUN, results, chance()).measures:
        if measure.interval is not None:
            assert 0 <= measure.interval.low <= measure.interval.high
            assert measure.name not in {"precision", "recall", "f1"} or measure.interval.high <= 1


# Two runs


def test_a_difference_that_all_cases_show_is_beyond_noise() -> None:
    before = [result(f"go/{at}", missed=1) for at in range(20)]
    after = [result(f"go/{at}", hits=1) for at in range(20)]
    comparison = scoring.comparison(RUN, before, after, chance())
    recall = next(each for each in comparison.differences if each.name == "recall")
    assert (0.0, 1.0, Interval(low=1.0, high=1.0), True) == (
        recall.before, recall.after, recall.interval, recall.beyond_noise
    )  # fmt: skip
    assert (20, 0, ()) == (len(comparison.gained), comparison.left_out, comparison.lost)


def test_a_difference_of_one_case_in_twenty_is_within_noise() -> None:
    before = [result(f"go/{at}", hits=at % 2, missed=1 - at % 2) for at in range(20)]
    after = [result("go/0", hits=1), *before[1:]]
    comparison = scoring.comparison(RUN, before, after, chance())
    recall = next(each for each in comparison.differences if each.name == "recall")
    assert recall.interval is not None
    assert recall.interval.low == 0 < recall.interval.high
    assert not recall.beyond_noise
    assert (("go/0",), ()) == (comparison.gained, comparison.lost)


def test_runs_that_are_the_same_differ_in_nothing() -> None:
    same = [result(f"go/{at}", hits=at % 2, missed=1, false=at % 3) for at in range(12)]
    for each in scoring.comparison(RUN, same, same, chance()).differences:
        assert each.before == each.after
        assert each.interval in {None, Interval(low=0.0, high=0.0)}
        assert not each.beyond_noise


def test_cases_that_changed_or_that_one_run_lacks_are_left_out() -> None:
    before = [result("go/a", hits=1), result("go/b", hits=1), result("go/c", hits=1)]
    after = [result("go/a", missed=1), result("go/b", hits=1, digest="other"), result("go/d")]
    comparison = scoring.comparison(RUN, before, after, chance())
    assert (1, 3, ("go/a",)) == (comparison.shared, comparison.left_out, comparison.lost)


def test_runs_without_a_common_case_have_no_differences() -> None:
    comparison = scoring.comparison(RUN, [result("go/a")], [result("go/b")], chance())
    assert (0, 2) == (comparison.shared, comparison.left_out)
    assert {None} == {each.interval for each in comparison.differences}
