"""Secrets → placeholders, and back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.patch import FilePatch, Hunk, Patch, Status
from reviewbot.steps import redacting
from reviewbot.steps.redacting import Redactions

TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
OTHER = "AK" + "IA" + "QRSTUVWX2345YZAB"
KEY = "\n".join(
    (
        "-----BEGIN " + "PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC",
        "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MDEy",
        "-----END",
    )
)


def test_the_same_secret_gets_the_same_placeholder_everywhere() -> None:
    redactions = Redactions()
    assert redactions.hide(f"a = '{TOKEN}'") == "a = '[REDACTED:github-token:1]'"
    assert redactions.hide(f"b = '{OTHER}'\nc = '{TOKEN}'") == (
        "b = '[REDACTED:aws-access-key:2]'\nc = '[REDACTED:github-token:1]'"
    )
    assert len(redactions) == 2
    assert redactions.placeholders == {TOKEN: "[REDACTED:github-token:1]", OTHER: "[REDACTED:aws-access-key:2]"}


def test_what_is_hidden_can_be_restored() -> None:
    redactions = Redactions()
    text = f"+a = '{TOKEN}'\n+b = '{OTHER}{'' if OTHER else TOKEN}'\n-{KEY}"
    hidden = redactions.hide(text)
    assert TOKEN not in hidden
    assert OTHER not in hidden
    assert "MIIE" not in hidden
    assert hidden.count("\n") == text.count("\n")
    assert redactions.restore(hidden) == text


def test_a_placeholder_that_stands_for_nothing_is_left_alone() -> None:
    redactions = Redactions()
    redactions.hide(TOKEN)
    for text in (
        "[REDACTED:github-token:2]",
        "[REDACTED:github-token:11]",
        "[REDACTED:x:1]",
        "[REDACTED:github-token:1",
    ):
        assert redactions.restore(text) == text


def test_a_tenth_placeholder_is_not_mistaken_for_the_first() -> None:
    redactions = Redactions()
    secrets = [f"ghp_{number:02}R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5x" for number in range(12)]
    hidden = redactions.hide("\n".join(secrets))
    assert len(redactions) == 12
    assert redactions.restore(hidden) == "\n".join(secrets)


def test_hiding_twice_changes_nothing_more() -> None:
    redactions = Redactions()
    once = redactions.hide(f"password = '{TOKEN}' {OTHER}")
    assert redactions.hide(once) == once


def test_a_secret_is_not_in_the_repr() -> None:
    redactions = Redactions()
    redactions.hide(TOKEN)
    assert repr(redactions) == "Redactions(1 hidden)"


@pytest.mark.parametrize("text", ["", "x = 1", "password = os.environ['P']", "a\u2028b\r\n\x00"])
def test_text_without_secrets_is_left_alone(text: str) -> None:
    redactions = Redactions()
    assert redactions.hide(text) == text
    assert len(redactions) == 0


PIECES = st.sampled_from(
    [TOKEN, OTHER, KEY, "\n", " ", "'", "x = ", "password: ", "[REDACTED:", "1]", "\u2028", "\udce9"]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("".join))
def test_any_text_is_restored_line_for_line(text: str) -> None:
    redactions = Redactions()
    hidden = redactions.hide(text)
    assert hidden.count("\n") == text.count("\n")
    assert redactions.restore(hidden) == text


def test_a_key_at_the_start_of_a_changed_line_is_hidden_in_spite_of_the_diffs_mark() -> None:
    keys = ["glpat-" + "aB3dE5gH7jK9mN1pQ3sT", "sk-" + "0123456789abcdef" * 2, "sk-ant-" + "aB3dE5gH7jK9mN1pQ3sT5vW7"]
    hunk = Hunk(old_start=1, new_start=1, body="\n".join(f"+{key}" for key in keys))
    file = FilePatch(path="keys.txt", old_path=None, status=Status.ADDED, hunks=(hunk,))
    (hidden,) = redacting.patch(Patch(files=(file,)), Redactions()).files
    assert not any(key in hidden.hunks[0].body for key in keys)
    assert hidden.added == file.added


def test_the_inside_of_a_key_is_hidden_in_a_file_that_holds_keys() -> None:
    rows = ["+" + "Ab3/" * 16 for _ in range(3)]
    file = FilePatch(
        path="tls/server.pem",
        old_path="tls/server.pem",
        status=Status.MODIFIED,
        hunks=(Hunk(old_start=9, new_start=9, body="\n".join(rows)),),
    )
    (hidden,) = redacting.patch(Patch(files=(file,)), Redactions()).files
    assert "Ab3/Ab3/" not in hidden.hunks[0].body
    assert len(hidden.hunks[0].body.split("\n")) == 3


def test_a_change_without_secrets_stays_as_it_is() -> None:
    file = FilePatch(
        path="a.py", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body="+x = 1"),)
    )
    assert redacting.patch(Patch(files=(file,)), Redactions()).files[0] is file
