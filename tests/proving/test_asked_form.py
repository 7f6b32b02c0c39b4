"""What endpoints are told of the answer's form is what answers are read by."""

import json
from typing import Any

import jsonschema
import pytest

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Message, Prompt, Task
from reviewbot.llm.forms import Form
from reviewbot.llm.wire import chat_body
from reviewbot.steps import extracting

TEST = {"path": "tests/test_a.py", "code": "def test_a(): ...\n", "targets": ["a.py:1"], "why": "it shows"}


def response_format(task: Task, answer: str) -> object:
    prompt = Prompt(task=task, messages=(Message(role="user", content="x"),), prompt_tokens=1)
    return chat_body(prompt, ModelOptions(name="m"), Form(answer)).get("response_format")


@pytest.mark.parametrize("task", [Task.TESTS, Task.VERIFY])
def test_each_task_asks_for_its_own_object(task: Task) -> None:
    said = response_format(task, "json_schema")
    assert isinstance(said, dict)
    assert (task.value, True) == (said["json_schema"]["name"], said["json_schema"]["strict"])
    assert {"type": "json_object"} == response_format(task, "json_object")
    assert None is response_format(task, "text")


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        (Task.TESTS, {"tests": [TEST]}),
        (Task.TESTS, {"tests": []}),
        (Task.VERIFY, {"accept": True, "reason": "because", "evidence": None}),
        (Task.VERIFY, {"accept": False, "reason": "because", "evidence": "return 1"}),
    ],
)
def test_what_fits_the_schema_can_be_read(task: Task, answer: dict[str, Any]) -> None:
    said = response_format(task, "json_schema")
    assert isinstance(said, dict)
    jsonschema.validate(answer, said["json_schema"]["schema"])
    if task is Task.TESTS:
        assert len(answer["tests"]) == len(extracting.tests(json.dumps(answer)).drafts)
    else:
        assert answer["accept"] is extracting.opinion(json.dumps(answer)).accept


def test_what_does_not_fit_is_no_valid_answer() -> None:
    said = response_format(Task.TESTS, "json_schema")
    assert isinstance(said, dict)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"tests": [{"path": "x"}]}, said["json_schema"]["schema"])
