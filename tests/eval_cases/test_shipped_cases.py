"""The cases of the project itself: enough of them, well-formed, and with labels that mean something."""

import ast
from collections import Counter
from pathlib import Path

import pytest

from reviewbot.domain.evaluation import Case
from reviewbot.domain.patch import Side
from reviewbot.steps.scoring import REACH
from reviewbot.wiring.evaluating import cases
from reviewbot.wiring.evaluating.cases import new_text

ROOT = Path(__file__).parents[2]
CASES = cases.read(ROOT / "benchmarks" / "eval" / "cases")
FLAWED = [case for case in CASES if case.expected]
CLEAN = [case for case in CASES if not case.expected]
LEAST_LINES, MOST_LINES = 8, 60
SUFFIXES = {"go": ".go", "java": ".java", "javascript": ".js", "python": ".py"}


def named(case: Case) -> str:
    return case.id


def test_there_are_sixty_cases_in_four_languages_and_twenty_of_them_are_clean() -> None:
    assert {"go": 16, "java": 16, "javascript": 16, "python": 16} == Counter(case.language for case in CASES)
    assert {"go": 5, "java": 5, "javascript": 5, "python": 5} == Counter(case.language for case in CLEAN)


def test_clean_cases_are_about_what_other_cases_get_wrong() -> None:
    assert {case.category for case in CLEAN} <= {case.category for case in FLAWED}


@pytest.mark.parametrize("case", CASES, ids=named)
def test_a_case_is_a_change_of_the_size_of_a_review_comment(case: Case) -> None:
    shown = sum(len(list(hunk.lines())) for file in case.patch.files for hunk in file.hunks)
    changed = sum(file.changed_count for file in case.patch.files)
    assert LEAST_LINES <= shown <= MOST_LINES
    assert changed >= 2
    assert {SUFFIXES[case.language]} == {Path(file.path).suffix for file in case.patch.files}
    assert case.id.partition("/")[2].startswith("clean-") is (not case.expected)


@pytest.mark.parametrize("case", FLAWED, ids=named)
def test_a_problem_stands_on_or_beside_what_the_change_did(case: Case) -> None:
    for expected in case.expected:
        place = expected.places[0]
        file = next(file for file in case.patch.files if file.path == place.path)
        changed = file.added if place.side is Side.RIGHT else file.removed
        assert any(place.start - REACH <= line <= place.end + REACH for line in changed)


@pytest.mark.parametrize("case", FLAWED, ids=named)
def test_not_every_comment_in_a_flawed_case_would_be_a_hit(case: Case) -> None:
    """At least a quarter of the lines that are not blank must be misses, or a blind guess would do."""
    lines = [line for file in case.patch.files for hunk in file.hunks for line in hunk.lines() if line.text.strip()]
    numbers = [line.new for line in lines if line.new is not None]
    first = [each.places[0] for each in case.expected]
    others = [place for each in case.expected for place in each.places[1:] if place.side is Side.RIGHT]
    far = [
        number
        for number in numbers
        if not any(place.start - REACH <= number <= place.end + REACH for place in first)
        and not any(place.start <= number <= place.end for place in others)
    ]
    assert len(far) >= len(numbers) / 4


@pytest.mark.parametrize("case", [case for case in CASES if case.language == "python"], ids=named)
def test_python_cases_show_whole_files_that_parse_before_and_after(case: Case) -> None:
    assert case.whole
    for file in case.patch.files:
        ast.parse(new_text(file))
        old = [line.text for hunk in file.hunks for line in hunk.lines() if line.old is not None]
        ast.parse("\n".join(old))


def test_no_two_cases_share_a_change() -> None:
    assert len(CASES) == len({case.digest for case in CASES}) == len({case.patch.files[0].path for case in CASES})
