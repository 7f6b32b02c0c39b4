"""Titles of real problems that begin like noise, and noise that talks like a problem.

The rules see a title and a body, no code: what they dismiss nobody looks at any more, so in doubt they must let go on.
"""

import pytest
from precision.claims import claim

from reviewbot.domain.finding import Category
from reviewbot.steps import dismissing

BUG, SECURITY, PERFORMANCE, TEST, CARE = Category

TRUE = [
    (BUG, "Check for None is missing: crashes on an empty result"),
    (BUG, "Check for an empty list is missing before `items[0]`"),
    (BUG, "Checks the wrong variable, so the limit never applies"),
    (BUG, "Check is inverted: valid tokens are refused"),
    (BUG, "Consider the case of a closed socket: the descriptor leaks"),
    (BUG, "Consider `timeout=None`: the request waits forever"),
    (BUG, "Naming mismatch causes KeyError"),
    (BUG, "Typo in key name leads to lookups that fail silently"),
    (BUG, "Typo in `recieved_at`: the column does not exist"),
    (BUG, "Missing await: the coroutine is never run"),
    (BUG, "Missing await"),
    (BUG, "Ensure is called after the transaction has ended"),
    (BUG, "Ensures nothing: the assertion is stripped with -O"),
    (BUG, "Verify of the signature is skipped for empty bodies"),
    (SECURITY, "Verification is switched off: `verify=False`"),
    (SECURITY, "Verify flag is inverted, certificates are accepted unseen"),
    (SECURITY, "Confirming by e-mail can be skipped with a forged token"),
    (SECURITY, "Review tokens are logged in plain text"),
    (BUG, "Review count drops to -1 when the last review is deleted"),
    (BUG, "Make sure-fire retry loop has no upper bound"),
    (BUG, "Note that is None dereferences in `render`"),
    (BUG, "Good path returns early and leaves the file open"),
    (BUG, "Great-grandchildren are dropped from the tree"),
    (BUG, "Clean shutdown is impossible: the worker ignores SIGTERM"),
    (BUG, "Clean up runs before the last write"),
    (BUG, "Solid color is parsed as a gradient"),
    (BUG, "Perfect squares are reported as primes"),
    (BUG, "Nice level is passed as a string"),
    (BUG, "No issue is created when the first page is empty"),
    (BUG, "No bugs endpoint exists in v2: the client gets 404"),
    (BUG, "Correct order is lost after the merge"),
    (BUG, "The good rows are deleted along with the bad ones"),
    (BUG, "Looks right only for ASCII: bytes are cut in the middle of a character"),
    (BUG, "Renamed column is still read under its old name"),
    (BUG, "Rename is not atomic: readers see half a file"),
    (BUG, "Rename across file systems fails with EXDEV"),
    (BUG, "Formatting of the amount drops the cents"),
    (BUG, "Formatting a date without a zone shifts it by a day"),
    (BUG, "Indentation puts the commit inside the loop"),
    (BUG, "White space in the header value breaks the signature"),
    (BUG, "Trailing spaces make two equal keys differ"),
    (BUG, "Trailing comma makes it a tuple"),
    (SECURITY, "Single quotes in the name end the SQL string"),
    (SECURITY, "Double quotes are not escaped in the attribute"),
    (BUG, "Semicolons in a field split the CSV row"),
    (BUG, "Empty lines end the parser's loop too early"),
    (BUG, "Blank line is read as end of file"),
    (BUG, "Line too long for the buffer: `strcpy` writes past its end"),
    (BUG, "Magic number of the file format is compared in the wrong byte order"),
    (BUG, "Order of imports matters here: the patch comes too late"),
    (BUG, "Type annotation is evaluated at run time and raises NameError"),
    (BUG, "Type hint says int, and the query gives a str that is compared with `<`"),
    (PERFORMANCE, "List comprehension reads the whole 10 GB file into memory"),
    (BUG, "f-string is missing its prefix: the placeholder is sent as it is"),
    (BUG, "Verbose flag is read before the arguments are parsed"),
    (BUG, "Docstring is returned to clients as the error message"),
    (BUG, "Commented-out lock leaves the counter unprotected"),
    (BUG, "snake_case keys are sent where the API expects camelCase"),
    (BUG, "Spelling of the enum value differs from the server's"),
    (BUG, "Maybe is None when the cache is cold: AttributeError"),
]

NOISE = [
    (CARE, "Looks good to me"),
    (CARE, "LGTM!"),
    (CARE, "This looks great"),
    (CARE, "Nice use of dataclasses"),
    (CARE, "Nicely done"),
    (CARE, "Great job on splitting this up"),
    (CARE, "Excellent test coverage"),
    (CARE, "Well written and easy to follow"),
    (CARE, "Well-tested change"),
    (CARE, "Good error handling"),
    (CARE, "Clean implementation"),
    (CARE, "Solid refactoring"),
    (CARE, "The code is clean and readable"),
    (CARE, "The implementation looks correct"),
    (CARE, "No issues found"),
    (CARE, "No problems here"),
    (CARE, "No concerns"),
    (CARE, "Perfect, nothing to add"),
    (BUG, "Please verify this change"),
    (BUG, "Please double-check the arithmetic"),
    (BUG, "Verify that this is the intended behaviour"),
    (BUG, "Ensure the new limit is documented"),
    (BUG, "Ensure that all callers are updated"),
    (BUG, "Make sure this is covered by a test"),
    (BUG, "Make sure that the configuration is right"),
    (BUG, "Consider adding a unit test"),
    (BUG, "Consider using a constant"),
    (BUG, "Consider extracting this into a method"),
    (BUG, "You may want to check the other callers"),
    (BUG, "You might want to consider a dictionary"),
    (BUG, "It might be worth adding a log line"),
    (BUG, "It would be better to use pathlib"),
    (BUG, "We should confirm this with the team"),
    (BUG, "Perhaps consider a different approach"),
    (BUG, "Maybe double check this"),
    (BUG, "Is this intended?"),
    (BUG, "Are you sure about this?"),
    (BUG, "Be careful with this change"),
    (BUG, "Be aware of the new default"),
    (BUG, "Note that the signature has changed"),
    (BUG, "Review the impact on other modules"),
    (BUG, "Just checking that this is expected"),
    (CARE, "Rename `tmp` to something descriptive"),
    (CARE, "Variable naming could be improved"),
    (CARE, "Use a more descriptive name"),
    (CARE, "Missing docstring"),
    (CARE, "Add a docstring to the public function"),
    (CARE, "Line too long"),
    (CARE, "Magic number 3600"),
    (CARE, "Inconsistent indentation"),
    (CARE, "Trailing whitespace"),
    (CARE, "Imports are not sorted: fix the import order"),
    (CARE, "Add type hints"),
    (CARE, "Use an f-string instead of format()"),
    (CARE, "Could be a list comprehension"),
    (CARE, "Typo in comment"),
    (CARE, "Use snake_case for function names"),
    (CARE, "Commented-out code should be removed"),
    (CARE, "Improve readability by splitting the expression"),
    (CARE, "Prefer double quotes for strings"),
]


def test_there_are_sixty_of_each() -> None:
    assert (60, 60) == (len({title for _, title in TRUE}), len({title for _, title in NOISE}))


@pytest.mark.parametrize(("category", "title"), TRUE)
def test_a_real_problem_goes_on_to_the_verifier(category: Category, title: str) -> None:
    assert None is dismissing.reason(claim(title=title, category=category), style=False)


@pytest.mark.parametrize(("category", "title"), NOISE)
def test_noise_does_not(category: Category, title: str) -> None:
    assert None is not dismissing.reason(claim(title=title, category=category), style=False)
