"""How chosen literals are told from words."""

import pytest

from reviewbot.domain.credential import entropy, is_spread, looks_bare, looks_like_login, looks_quoted

CHOSEN = "q8Yw3nLz" + "0Vb7Kx4R"


def test_entropy_is_in_bits_per_character() -> None:
    assert [entropy(text) for text in ("", "aaaa", "abab", "abcd")] == [0, 0, 1, 2]


def test_a_filled_in_form_is_not_spread() -> None:
    assert is_spread(CHOSEN)
    assert not is_spread("AKIA" + "X" * 16)


@pytest.mark.parametrize(
    ("value", "quoted", "bare"),
    [
        (CHOSEN, True, True),
        ("s3cr-Xq9v", True, False),
        ("a1.b2c3d4e5f6g7h8", True, False),
        ("aaaabbbbcccc1d", False, False),
        ("9876598765432", False, False),
        ("some-name-7", False, False),
    ],
)
def test_without_quotes_more_is_asked_of_a_literal(value: str, *, quoted: bool, bare: bool) -> None:
    assert (looks_quoted(value), looks_bare(value)) == (quoted, bare)


def test_a_login_needs_a_password_of_its_own_and_a_host_that_may_be_real() -> None:
    assert looks_like_login(CHOSEN, user="app", host="db.internal")
    assert not looks_like_login(CHOSEN, user=CHOSEN, host="db.internal")
    assert not looks_like_login(CHOSEN, user="app", host="db.example")
    assert not looks_like_login("letmein", user="app", host="db.internal")
