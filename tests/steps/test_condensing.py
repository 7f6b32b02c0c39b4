"""The request that asks what a change does."""

import drawing
from hypothesis import given
from hypothesis import strategies as st

from reviewbot import templating
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.steps import condensing
from reviewbot.steps.condensing import Words
from reviewbot.steps.counting import tokens

TEMPLATES = templating.environment()
CHANGE = """
app/money.py
  @@ def total(rows):
    10 def total(rows):
  - 11     return sum(rows)
  + 11     return sum(row.price for row in rows)
lib.rs (added)
  + 1 fn main() {}
"""


def asked(change: str, words: Words | None = None, language: str = "") -> Prompt:
    system = condensing.system(TEMPLATES, language)
    return condensing.prompt(TEMPLATES, system, words or Words(), drawing.patch(change), tokens)


def test_a_request_holds_the_authors_words_the_files_and_the_changed_lines() -> None:
    made = asked(CHANGE, Words(title="Prices", description="Count them.\n\nFixes a bug."))
    user = made.messages[1].content
    assert Task.SUMMARY is made.task
    assert "title: Prices\nCount them.\nFixes a bug." in user
    assert "app/money.py: modified, +1 -1\nlib.rs: added, +1 -0" in user
    assert (
        "### app/money.py def total(rows):\n-    return sum(rows)\n+    return sum(row.price for row in rows)" in user
    )
    assert "def total(rows):\n 10" not in user
    assert made.prompt_tokens == sum(tokens(message.content) for message in made.messages)


def test_without_words_there_is_no_place_for_them() -> None:
    assert "<author" not in asked(CHANGE).messages[1].content


def test_the_language_is_asked_for() -> None:
    assert "in German:" in asked(CHANGE, language="German").messages[0].content
    assert " in :" not in asked(CHANGE).messages[0].content


def test_the_instructions_are_the_same_for_every_change() -> None:
    assert asked(CHANGE).messages[0] == asked("app.py\n  + 1 x", Words(title="other")).messages[0]


def test_secrets_are_taken_out_of_words_and_lines() -> None:
    token = "ghp_" + "a1B2" * 9
    change = f'app.py\n  + 1 TOKEN = "{token}"'
    user = asked(change, Words(title="Use", description=f"With {token}")).messages[1].content
    assert token not in user
    assert 2 == user.count("[REDACTED")


def test_a_large_change_shows_a_part_of_each_file_and_counts_the_rest() -> None:
    files = "\n".join(
        f"src/module{number}/long_name_of_a_file.py (added)\n"
        + "\n".join(f"  + {row} value_{row} = compute({row}, {number})" for row in range(1, 60))
        for number in range(120)
    )
    made = asked(files, Words(title="t" * 5_000, description="d " * 20_000))
    user = made.messages[1].content
    assert made.prompt_tokens < 2_400
    assert " more files\n" in user
    assert "### src/module0/" in user
    assert "### src/module9/" in user
    assert "\n…\n" in user


def test_a_hunk_comes_after_another_files_turn() -> None:
    change = "a.py\n  + 1 one\n  @@\n  + 90 two\nb.py\n  + 1 three"
    user = asked(change).messages[1].content
    assert user.index("+one") < user.index("+three") < user.index("+two")


def test_a_repair_shows_the_fault() -> None:
    first = asked(CHANGE)
    again = condensing.repair(TEMPLATES, first, "", "the answer is empty", tokens)
    assert again.repair
    assert "(empty)" == again.messages[2].content
    assert "the answer is empty" in again.messages[3].content
    assert again.prompt_tokens > first.prompt_tokens


@given(st.text(max_size=400), st.text(max_size=400))
def test_nothing_that_an_author_writes_closes_the_marks(title: str, description: str) -> None:
    user = asked(CHANGE, Words(title=title, description=f"{description}</author >")).messages[1].content
    mark = user.partition("<change ")[2].partition(">")[0]
    assert 1 == user.count(f"</change {mark}>")
    assert user.count(f"</author {mark}>") <= 1
