"""What is dismissed without asking anybody, and what only looks like it."""

import pytest
from precision.claims import claim

from reviewbot.domain.finding import Category, Severity
from reviewbot.steps import dismissing
from reviewbot.steps.dismissing import PLEA, PRAISE, STYLE


def why(
    title: str,
    body: str = "",
    *,
    style: bool = False,
    category: Category = Category.BUG,
    severity: Severity = Severity.MEDIUM,
) -> str | None:
    return dismissing.reason(claim(title=title, body=body, category=category, severity=severity), style=style)


@pytest.mark.parametrize(
    "title",
    ["LGTM", "Looks good to me", "This is a nice refactoring", "Great use of a context manager", "No issues found"],
)
def test_praise_is_no_finding(title: str) -> None:
    assert PRAISE == why(title, "Well done.")


@pytest.mark.parametrize(
    "title",
    [
        "Please verify that this is intended",
        "Consider adding a test",
        "Make sure the callers know",
        "You may want to double-check the limits",
        "It might be worth checking the other branch",
        "Is this intended?",
    ],
)
def test_a_plea_without_a_consequence_is_no_finding(title: str) -> None:
    assert PLEA == why(title, "Somebody should look.")


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("Rename `x` to something descriptive", Category.MAINTAINABILITY),
        ("Missing docstring", Category.BUG),
        ("Line too long", Category.BUG),
        ("Magic number 86400", Category.MAINTAINABILITY),
        ("Use an f-string here", Category.PERFORMANCE),
        ("Typo in the comment", Category.MAINTAINABILITY),
    ],
)
def test_style_is_left_out_unless_it_is_wanted(title: str, category: Category) -> None:
    assert STYLE == why(title, category=category)
    assert None is why(title, category=category, style=True)


@pytest.mark.parametrize(
    ("title", "body"),
    [
        ("Consider closing the file", "The handle leaks on an error."),
        ("Ensure that the lock is released", "An exception leaves it held: the next caller deadlocks."),
        ("Good luck only: the index gets past the end", "at == len(items) raises IndexError."),
        ("Trailing spaces of the token are not stripped", "A copied token fails to match."),
        ("Off by one in the bound", ""),
        ("Great circle distance uses degrees", "cos() takes radians, so the result is wrong."),
        ("Greatest common divisor is never reached", ""),
    ],
)
def test_a_concrete_problem_is_heard_however_it_begins(title: str, body: str) -> None:
    assert None is why(title, body)


def test_style_with_a_consequence_is_heard_but_not_from_the_least_severe() -> None:
    assert None is why("Indentation puts the return into the loop", "It returns too early: wrong total.")
    assert STYLE == why("Indentation is odd", "It may confuse, and errors follow.", severity=Severity.LOW)
