"""Evaluations as text, JSON and a page: as their golden files, and safe whatever a change or a model says."""

import json
import runpy
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluation_example import AFTER, BEFORE, HOSTILE, alone, assessment

from reviewbot.domain.evaluation import Assessment, Difference, Run
from reviewbot.outputs import evaluation
from reviewbot.outputs.evaluation import words

HERE = Path(__file__).parent
GOLDEN = HERE / "golden_evaluation"
UPDATE = runpy.run_path(str(HERE / "update_golden_evaluation.py"))


@pytest.mark.parametrize("name", sorted(UPDATE["NAMES"]))
def test_an_evaluation_is_as_its_golden_file(name: str) -> None:
    """``update_golden_evaluation.py`` beside this file writes them anew."""
    assert (GOLDEN / name).read_bytes().decode() == UPDATE["rendered"]()[name]


def test_no_golden_file_is_left_over() -> None:
    assert sorted(UPDATE["NAMES"]) == sorted(path.name for path in GOLDEN.iterdir())


@pytest.mark.parametrize("form", evaluation.FORMATS)
def test_every_format_ends_with_a_newline_and_hides_nothing(form: str) -> None:
    text = evaluation.render(assessment(), form)
    assert text.endswith("\n")
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_text_shows_a_strangers_title_spelled_out() -> None:
    text = evaluation.render(assessment(), "text")
    assert "\\x1b[2J<script>alert(1)</script> \\u202egnorw" in text


def test_json_gives_the_title_as_it_was() -> None:
    found = json.loads(evaluation.render(assessment(), "json"))
    assert HOSTILE in [comment["title"] for case in found["cases"] for comment in case["comments"]]


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (BEFORE, "m-1 at api.example · live answers · prompt 0a1b2c3d\n"),
        (AFTER, "m-2 · recorded answers · prompt 1a2b3c4d\n"),
        (replace(AFTER, source="scripted"), "m-2 · SCRIPTED answers: no model was asked"),
        (Run(engine="static", model=None, prompt=None, source="rules"), "static rules\n"),
    ],
)
def test_the_first_line_says_who_answered_and_how(run: Run, said: str) -> None:
    assert evaluation.render(alone(run), "text").startswith(said)


def test_without_another_run_there_is_no_comparison() -> None:
    for form in ("text", "html"):
        assert "noise" not in evaluation.render(alone(AFTER), form)
    assert json.loads(evaluation.render(alone(AFTER), "json"))["comparison"] is None


def test_static_rules_have_no_figures_of_a_model() -> None:
    static = Run(engine="static", model=None, prompt=None, source="rules")
    for form in ("text", "html"):
        text = evaluation.render(alone(static), form)
        assert "clean changes left silent" in text
        assert "tokens per change" not in text


@pytest.mark.parametrize(
    ("name", "number", "said"),
    [
        ("precision", 1.0, "100%"),
        ("precision", 0.9999, "99.9%"),
        ("recall", 0.0, "0.0%"),
        ("f1", None, "-"),
        ("tokens_per_change", 1234.4, "1,234"),
        ("cost_usd_per_change", 0.00042, "$0.00042"),
        ("seconds_per_change", 2.5, "2.50"),
        ("comments_per_change", 1.0, "1.00"),
    ],
)
def test_a_figure_is_given_in_its_unit(name: str, number: float | None, said: str) -> None:
    assert said == words.value(name, number)


def test_a_figure_that_one_run_lacks_has_no_difference_and_one_that_both_lack_no_row() -> None:
    whole = assessment()
    assert whole.comparison is not None
    recall, cost = (
        Difference(name="recall", before=None, after=0.5, interval=None),
        Difference(name="cost_usd_per_change", before=None, after=None, interval=None),
    )
    told = replace(whole, comparison=replace(whole.comparison, differences=(recall, cost)))
    rows = evaluation.render(told, "text").partition("before:")[2].splitlines()
    assert ["recall", "-", "50.0%", "-", "-"] == next(row.split() for row in rows if row.startswith("recall"))
    assert not [row for row in rows if row.startswith("cost")]


class Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


def test_the_page_has_no_script_and_loads_nothing() -> None:
    text = evaluation.render(assessment(), "html")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert [name for name in page.attributes if name in {"src", "href"} or name.startswith("on")] == []
    assert "url(" not in text


def test_cases_that_are_all_right_are_closed_and_the_others_open() -> None:
    text = evaluation.render(assessment(), "html")
    states = {
        part.split("</b>")[0]: part.split("</span>")[0].rpartition(">")[2] for part in text.split("<summary><b>")[1:]
    }
    assert {
        "go/clean-name": "clean, 2 false",
        "go/left-open": "1 of 2 found, 1 false",
        "python/one-too-high": "1 of 1 found, not reviewed",
    } == states
    assert 3 == text.count("<details open>")
    assert 1 == evaluation.render(replaced_by_a_right_one(), "html").count('<details class="right">')


def replaced_by_a_right_one() -> Assessment:
    whole = assessment()
    *others, last = whole.evaluation.results
    mended = replace(last, failure=None)
    return replace(whole, evaluation=replace(whole.evaluation, results=(*others, mended)))
