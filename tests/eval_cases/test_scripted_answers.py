"""The scripted answers to the shipped cases: the whole machinery without a model, against figures that are known."""

import json
import os
import runpy
from pathlib import Path

import eval_options
import pytest

from reviewbot.cli.eval import eval as evaluate

EVAL = Path(__file__).parents[2] / "benchmarks" / "eval"
SCRIPT = EVAL / "scripted.jsonl"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Run the command once."""
    saved = tmp_path_factory.mktemp("eval") / "result.json"
    options = eval_options.parse(str(EVAL / "cases"), "--recorded", str(SCRIPT), "--quiet", "--save", str(saved))
    assert 0 == evaluate(options, {"PATH": os.environ["PATH"]})  # noqa: TID251 - for ruff
    value: dict[str, object] = json.loads(saved.read_text("utf-8"))
    return value


def test_the_recording_is_what_its_script_writes() -> None:
    """``python benchmarks/eval/update_scripted.py`` writes it anew."""
    script = runpy.run_path(str(EVAL / "update_scripted.py"))
    assert SCRIPT.read_text("utf-8") == script["written"]()


def llm(result: dict[str, object], mark: str) -> int:
    cases = result["cases"]
    assert isinstance(cases, list)
    return [comment["mark"] for case in cases for comment in case["comments"] if comment["source"] == "llm"].count(mark)


def test_the_script_has_the_score_that_it_was_written_to_have(result: dict[str, object]) -> None:
    """44 flawed cases in turns of 11: 4 each of silent, elsewhere, and nowhere; the others are hits.

    One case has two problems, and both are found. What 4 answers say twice is folded, and shown once.
    """
    assert (33, 0, 8, 0) == tuple(llm(result, mark) for mark in ("hit", "duplicate", "false", "neutral"))


def test_the_figures_are_those_of_the_marks(result: dict[str, object]) -> None:
    """Ruff says 4 things of the Python cases besides: 3 that the script says too, and one about a clean case.

    Claims: 33 hits, 4 said again (and folded), 8 elsewhere (4 of them clean), and 8 whose quote stands nowhere.
    """
    total = result["total"]
    assert isinstance(total, dict)
    assert (64, 20, 15, 45, 53, 45, 0) == tuple(
        total[name] for name in ("cases", "clean", "silent", "expected", "claims", "placed", "failed")
    )
    assert (total["hits"], total["expected"]) == (33, 45)


def test_a_reader_is_told_that_no_model_was_asked(result: dict[str, object]) -> None:
    run = result["run"]
    assert isinstance(run, dict)
    assert ("scripted", "scripted", None) == (run["source"], run["model"], run["host"])
    assert "no model was asked" in run["note"]
