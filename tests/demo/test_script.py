"""The script that stands in for a model: right answers to right questions, each once."""

import tomllib

import pytest

from reviewbot.demo.script import Answer, Script, read
from reviewbot.steps import decoding, extracting
from reviewbot.templating import folder

ANSWERS = (
    Answer(task="tests", asked="Definition: first", text="one"),
    Answer(task="tests", asked="Definition: second", text="two"),
)


def shipped() -> tuple[Answer, ...]:
    return read((folder() / "demo" / "answers.toml").read_text("utf-8"))


def test_an_answer_is_chosen_by_what_is_asked() -> None:
    assert "two" == Script(ANSWERS).answer("tests", "... Definition: second ...")


def test_an_answer_is_chosen_by_its_task_too() -> None:
    assert [] == list(decoding.findings(Script(ANSWERS).answer("review", "Definition: first")).findings)


def test_an_answer_is_given_once() -> None:
    script = Script(ANSWERS)
    assert "one" == script.answer("tests", "Definition: first")
    assert () == extracting.tests(script.answer("tests", "Definition: first")).drafts


def test_a_claim_that_the_script_does_not_know_is_not_accepted() -> None:
    assert not extracting.opinion(Script(()).answer("verify", "anything")).accept


def test_every_shipped_answer_can_be_read_as_a_models_answer_to_its_task() -> None:
    for answer in shipped():
        match answer.task:
            case "review":
                assert () == decoding.findings(answer.text).rejected
            case "tests":
                assert () == extracting.tests(answer.text).faults
            case task:
                assert "verify" == task
                assert extracting.opinion(answer.text).reason


def test_every_shipped_finding_says_that_no_model_wrote_it() -> None:
    (review,) = (answer for answer in shipped() if answer.task == "review")
    bodies = [finding.body for finding in decoding.findings(review.text).findings]
    assert 2 == len(bodies)
    assert all("Scripted answer of the demo, no model" in body for body in bodies)


def test_a_script_that_is_none_is_told() -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        read("answers = [")
