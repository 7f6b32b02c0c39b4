"""Suggestions that hold, and those that do not."""

from dataclasses import replace

import drawing
import pytest
from precision.claims import claim, fact

from reviewbot.domain.finding import Suggestion
from reviewbot.domain.patch import Hunk, Status
from reviewbot.steps import suggesting
from reviewbot.steps.suggesting import UNBALANCED, UNPARSED

TEXT = "def f(x):\n    return x\n"


def at(line: int, replacement: str, start: int | None = None) -> Suggestion:
    return Suggestion(start_line=start or line, line=line, replacement=replacement)


def test_a_suggestion_is_taken_in_a_copy() -> None:
    assert "def f(x):\n    return 1\n" == suggesting.taken(TEXT, at(2, "    return 1"))
    assert "def f(x):\n" == suggesting.taken(TEXT, at(2, ""))
    assert None is suggesting.taken(None, at(1, "x"))
    assert None is suggesting.taken(TEXT, at(9, "x"))


@pytest.mark.parametrize(
    ("path", "quote", "replacement", "after", "fault"),
    [
        ("a.py", "return x", "return 1", "def f():\n    return 1\n", None),
        ("a.py", "return x", "return (", "def f():\n    return (\n", UNPARSED),
        ("a.pyi", "x", "x", "def f(:", UNPARSED),
        ("a.py", "x", "x", "\0", UNPARSED),
        ("a.json", '"a": 1', '"a": 1,', '{"a": 1,}', UNPARSED),
        ("a.json", '"a": 1', '"a": 2', '{"a": 2}', None),
        ("a.toml", "a = 1", "a = ", "a = \n", UNPARSED),
        ("a.go", "if x {", "if y {", "anything", None),
        ("a.go", "if x {", "if y", "anything", UNBALANCED),
        ("a.js", "f(a, [b])", "f(a, [b)", None, UNBALANCED),
        ("Makefile", "all:", "all: x", None, None),
        # Only the diff is known: what could be read alone has to be so afterwards.
        ("a.py", "    return x", "    return x x", None, UNPARSED),
        ("a.py", "    return x", "    return 1", None, None),
        ("a.py", "if x:", "if not x:", None, None),
    ],
)
def test_a_text_has_to_parse_where_its_language_can_be_read_and_brackets_to_balance_elsewhere(
    path: str, quote: str, replacement: str, after: str | None, fault: str | None
) -> None:
    assert fault == suggesting.fault(path, quote, at(1, replacement), after)


def test_a_whole_file_is_added_line_by_line() -> None:
    file = suggesting.whole(drawing.file("old.py -> a.py\n  + 1 x"), "a\nb")
    assert (Status.ADDED, None, "a.py") == (file.status, file.old_path, file.path)
    assert (Hunk(old_start=1, new_start=1, body="+a\n+b", no_newline=(1,)),) == file.hunks
    assert (1, 2) == suggesting.whole(file, "a\nb\n").added


def test_only_what_rules_say_more_often_counts() -> None:
    before = [fact(1), fact(2, rule="F821", title="Undefined name `a`")]
    after = [fact(3), fact(9, rule="F821", title="Undefined name `b`", also_at=(10,)), fact(1, path="b.py")]
    assert {"a.py": "ruff would report F821", "b.py": "ruff would report F401"} == suggesting.added(before, after)
    assert {} == suggesting.added(after, after[:1])


def test_what_does_not_hold_is_shown_as_text_without_secrets() -> None:
    token = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    shown = suggesting.as_text(claim(body="It fails.", suggestion=at(1, f"```\nkey = '{token}'")), UNPARSED)
    assert None is shown.suggestion
    assert shown.body.startswith(f"It fails.\n\nNot offered as a change, since {UNPARSED}:\n\n````\n```\nkey = 'ghp_…")
    assert token not in shown.body
    plain = claim()
    assert plain is suggesting.as_text(plain, UNPARSED)


def test_tests_that_pass_are_told_until_that_is_taken_away() -> None:
    once = suggesting.labelled(claim(body="It fails."), 1, ["tests/test_a.py"])
    assert "It fails.\n\nTests pass with it: 1 test in `tests/test_a.py`." == once.body
    assert claim(body="It fails.") == suggesting.unlabelled(once)
    listed = replace(once, body=f"{once.body}\n\nThe same stands at `b.py:3`.")
    assert "It fails.\n\nThe same stands at `b.py:3`." == suggesting.unlabelled(listed).body
    odd = suggesting.labelled(claim(), 3, ["tests/test_a.py", "tests/`b`.py"])
    assert "Tests pass with it: 3 tests in `tests/test_a.py`, `tests/\ufffdb\ufffd.py`." == odd.body
    many = suggesting.labelled(claim(), 9, ["a.py", "b.py", "c.py", "d.py", "e.py"])
    assert "Tests pass with it: 9 tests in `a.py`, `b.py`, `c.py` and 2 more files." == many.body
    assert "" == suggesting.unlabelled(many).body


def test_what_a_test_says_becomes_one_short_line_without_secrets() -> None:
    token = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    said = suggesting.plain(f"AssertionError: {token}\n and more")
    assert said.startswith("AssertionError: ghp_…")
    assert token not in said
    assert 200 == len(suggesting.plain("x" * 500))
