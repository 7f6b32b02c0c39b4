"""What a reader sees of a change first."""

import drawing
import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps.posting_scene import APP, claim, report

from reviewbot.domain import walk, walk_markup
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.patch import FilePatch, Patch, Status
from reviewbot.domain.synopsis import Risk, Synopsis

SEVERAL = """
app/core/money.py
  @@ def total(rows):
    10 def total(rows):
  + 11     return 1
  @@ class Purse:
  - 40     x = 1
    41     y = 2
tests/test_money.py (added)
  + 1 def test_total():
old.py -> new.py
    1 a
  + 2 b
"""
TOLD = Synopsis(text="`total` now counts prices.\n\nRows without one end the sum.", risk=Risk.MEDIUM)


def touching(*paths: str) -> Report:
    files = "\n".join(f"{path} (added)\n  + 1 x" for path in paths)
    return report(drawing.patch(files))


def told(made: Report, synopsis: Synopsis) -> Report:
    from dataclasses import replace

    return replace(made, synopsis=synopsis)


def test_a_sentence_counts_files_lines_and_folders() -> None:
    assert "3 files in app/core and tests: +3 -1 lines; touches tests." == walk.sentence(report(SEVERAL))


def test_a_change_at_the_top_names_no_folder() -> None:
    assert "1 file: +2 -1 lines." == walk.sentence(report(APP))


def test_nothing_is_said_to_be_nothing() -> None:
    assert "Nothing changed." == walk.sentence(report(Patch(files=())))


def test_many_folders_are_counted() -> None:
    made = touching("a/x.rs", "a/y.rs", "b/x.rs", "c/x.rs", "d/x.rs", "e/x.rs")
    assert "6 files in a, b, c and 2 more folders: +6 -0 lines." == walk.sentence(made)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (".github/workflows/ci.yml", "CI"),
        (".gitlab-ci.yml", "CI"),
        ("shop/migrations/0001_initial.py", "migrations"),
        ("db/schema.sql", "migrations"),
        ("package-lock.json", "dependencies"),
        ("api/go.mod", "dependencies"),
        ("requirements-dev.txt", "dependencies"),
        ("web/cart.test.ts", "tests"),
        ("docs/index.md", "documentation"),
    ],
)
def test_what_a_reader_wants_to_know_of_is_named(path: str, kind: str) -> None:
    assert walk.sentence(touching(path)).endswith(f"; touches {kind}.")


def test_each_file_has_a_step_with_the_definitions_that_it_touches() -> None:
    found = walk.steps(report(SEVERAL, claim("    return 1", path="app/core/money.py")))
    assert [
        ("app/core/money.py", 1, 1, 1, "reviewed", "def total(rows):, class Purse:"),
        ("tests/test_money.py", 1, 0, 0, "reviewed", "added"),
        ("new.py", 1, 0, 0, "reviewed", "renamed from old.py"),
    ] == [(step.path, step.added, step.removed, step.findings, step.outcome, step.about) for step in found]


def test_many_definitions_are_counted_and_long_ones_cut() -> None:
    sections = "\n".join(f"  @@ def f{number}({'a' * 90}):\n  + {number * 10 + 1} x" for number in range(5))
    (step,) = walk.steps(report(f"app.py\n{sections}"))
    assert step.about.endswith("and 2 more")
    assert step.about.count("…") == 3


def test_a_binary_file_is_said_to_be_one() -> None:
    file = FilePatch(path="logo.png", old_path=None, status=Status.ADDED, binary=True)
    (step,) = walk.steps(report(Patch(files=(file,)), logo=Outcome.SKIPPED))
    assert ("added; binary", "skipped") == (step.about, step.outcome)


def test_a_model_s_words_stand_before_the_numbers_with_its_name() -> None:
    assert (
        "`total` now counts prices. Rows without one end the sum.\n\n"
        "Medium risk (summed up by a-model). 1 file: +2 -1 lines."
    ) == walk_markup.told(told(report(APP), TOLD))


def test_without_a_model_the_numbers_stand_alone() -> None:
    assert "1 file: +2 -1 lines." == walk_markup.told(report(APP))


def test_endless_words_are_cut_at_a_word() -> None:
    words = walk_markup.told(told(report(APP), Synopsis(text="word " * 1_000, risk=Risk.LOW))).split("\n\n")[0]
    assert words.endswith("word…")
    assert len(words) < 720


@given(st.text(alphabet=st.sampled_from("/@#![]()<>`|*_\n\r \u202eaz:$-=+~"), max_size=80))
def test_words_stay_one_paragraph_and_start_no_command(text: str) -> None:
    first, *rest = walk_markup.told(told(report(APP), Synopsis(text=f"x {text}", risk=Risk.HIGH))).split("\n\n")
    assert 1 == len(rest)
    assert "\n" not in first
    assert not first.lstrip().startswith(("/", "::", "#"))
    assert "<!--" not in first


def test_the_files_are_folded_into_a_table() -> None:
    text = walk_markup.walk(report(SEVERAL))
    assert text.startswith("<details>\n<summary>File by file: 3 files</summary>\n\n| file | lines |")
    assert "| `app/core/money.py` | +1 -1 | reviewed |  | def total(rows):, class Purse: |" in text
    assert text.endswith("\n\n</details>")


def test_one_file_needs_no_table() -> None:
    assert "" == walk_markup.walk(report(APP))


def test_a_pipe_in_a_path_opens_no_cell() -> None:
    text = walk_markup.walk(touching("a|b.rs", "c.rs"))
    assert "| `a\\|b.rs` | +1 -0 | reviewed |  | added |" in text


def test_many_files_are_counted() -> None:
    text = walk_markup.walk(touching(*(f"src/f{number}.rs" for number in range(100))))
    assert "| and 40 more files in the report | | | | |" in text
