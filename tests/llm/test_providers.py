"""Every provider maps a prompt to a request and an answer to a completion."""

import json
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest
from talking import prompt

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.llm import providers
from reviewbot.llm.forms import Form

NAMES = [module.name for module in iter_modules(providers.__path__)]


@pytest.fixture(params=NAMES)
def provider(request: pytest.FixtureRequest) -> ModuleType:
    return import_module(f"reviewbot.llm.providers.{request.param}")


def test_there_are_providers() -> None:
    assert {"deepseek", "openai"} <= set(NAMES)


def test_each_form_is_valid_json_and_the_last_one_asks_for_nothing(provider: ModuleType) -> None:
    for form in provider.FORMATS:
        body = json.loads(json.dumps(provider.body(prompt(), ModelOptions(name="m"), Form(form))))
        assert ("response_format" in body) is (form != "text")
    assert provider.FORMATS[-1] == "text"


def test_a_completion_round_trips(provider: ModuleType) -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 2}}
    choice = {"message": {"content": "hi"}, "finish_reason": "length"}
    completion = provider.completion(json.dumps({"model": "m-1", "choices": [choice], "usage": usage}).encode())
    assert completion.text == "hi"
    assert completion.finish_reason == "length"
    assert completion.model == "m-1"
    assert (completion.usage.prompt_tokens, completion.usage.cached_tokens) == (7, 2)


def test_deepseek_is_told_not_to_think_unless_it_should() -> None:
    deepseek = import_module("reviewbot.llm.providers.deepseek")
    quick = deepseek.body(prompt(), ModelOptions(name="m"), Form("json_object"))
    slow = deepseek.body(prompt(), ModelOptions(name="m", thinking=True), Form("json_object"))
    assert quick["thinking"] == {"type": "disabled"}
    assert slow["thinking"] == {"type": "enabled"}
