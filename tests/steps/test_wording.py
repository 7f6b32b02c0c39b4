"""Words that say the same, and words that say the opposite."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.steps import wording


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", set()),
        ("The value of the line", set()),
        ("userName is not checked", {"user", "nam", "check"}),
        ("user_names are unchecked", {"user", "nam", "check"}),
        ("HTTPServer closes twice", {"http", "server", "clos", "twic"}),
        ("`os` imported but unused", {"os", "import", "used"}),
        ("isn\u2019t résumé 42", {"résumé", "42"}),
    ],
)
def test_words_are_cut_to_what_they_mean(text: str, words: set[str]) -> None:
    assert words == wording.words(text)


def test_the_shorter_text_decides_how_much_is_shared() -> None:
    short, long = wording.words("handle leaks"), wording.words("the handle of the file leaks after an error")
    assert 1.0 == wording.shared(short, long) == wording.shared(long, short)
    assert 0.0 == wording.shared(short, wording.words("off by one")) == wording.shared(short, frozenset())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("The file is closed", "The file is not closed"),
        ("The file is never closed", "The file is closed"),
        ("It isn't checked", "It is checked"),
        ("The result is unchecked", "The result is checked"),
        ("The timeout is too short", "The timeout is too long"),
        ("It runs before the lock", "It runs after the lock"),
    ],
)
def test_a_denial_is_seen_from_both_sides(first: str, second: str) -> None:
    assert wording.opposed(first, second)
    assert wording.opposed(second, first)


def test_the_same_in_other_words_is_no_denial() -> None:
    assert not wording.opposed("The handle leaks", "The file handle leaks on errors")
    assert not wording.opposed("It is not closed", "It is never closed")


@given(st.text(max_size=200))
def test_any_text_says_what_itself_says(text: str) -> None:
    found = wording.words(text)
    assert found == wording.words(text)
    assert not wording.opposed(text, text)
    assert wording.shared(found, found) == (1.0 if found else 0.0)
