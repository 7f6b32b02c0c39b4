"""A key is everything that shapes an answer; an entry is read only by those who could have written it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Completion, Message, Prompt, Task
from reviewbot.domain.usage import TokenUsage
from reviewbot.llm.caching import Seal, cache_key, opened_entry, sealed_entry

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
KEY = "ab" * 32
OPTIONS = ModelOptions(name="m")
PROMPT = Prompt(
    task=Task.REVIEW,
    messages=(Message(role="system", content="be terse"), Message(role="user", content="look")),
    prompt_tokens=10,
)
ANSWER = Completion(
    text='{"findings": []} \ud800 …',
    finish_reason="stop",
    model="m-1017",
    usage=TokenUsage(prompt_tokens=10, cached_tokens=4, completion_tokens=3),
)
SEAL = Seal([b"secret"])


def key_of(
    *,
    base_url: str = "https://host/v1",
    prompt: Prompt = PROMPT,
    options: ModelOptions = OPTIONS,
    answer_format: str = "json_object",
    prompt_version: str = "1",
    scope: str = "",
) -> str:
    return cache_key(
        base_url=base_url,
        prompt=prompt,
        options=options,
        answer_format=answer_format,
        prompt_version=prompt_version,
        scope=scope,
    )


def test_everything_that_shapes_an_answer_is_in_the_key() -> None:
    turned = replace(PROMPT, messages=PROMPT.messages[::-1])
    keys = [
        key_of(),
        key_of(base_url="https://other/v1"),
        key_of(prompt=turned),
        key_of(prompt=replace(PROMPT, messages=PROMPT.messages[:1])),
        key_of(options=replace(OPTIONS, name="n")),
        key_of(options=replace(OPTIONS, temperature=0.3)),
        key_of(options=replace(OPTIONS, max_tokens=1)),
        key_of(options=replace(OPTIONS, thinking=True)),
        key_of(answer_format="json_schema"),
        key_of(prompt_version="2"),
        key_of(scope="tenant"),
    ]
    assert len(keys) == len(set(keys))
    assert all(len(key) == 64 for key in keys)


def test_what_does_not_shape_an_answer_is_not_in_the_key() -> None:
    assert key_of() == key_of(prompt=replace(PROMPT, prompt_tokens=99))
    assert key_of() == key_of(base_url="https://host/v1/")
    assert key_of() == key_of(base_url="https://name:password@host/v1")


def test_a_key_can_be_made_of_text_that_is_no_unicode() -> None:
    broken = replace(PROMPT, messages=(Message(role="user", content="\udcff"),))
    assert key_of() != key_of(prompt=broken)


def test_an_entry_comes_back_as_it_was() -> None:
    signed = sealed_entry(SEAL, KEY, ANSWER, NOW)
    assert opened_entry(SEAL, KEY, signed, NOW + timedelta(seconds=59), 60) == ANSWER


@pytest.mark.parametrize("age_s", [60, 3_600, -60])
def test_an_entry_that_is_too_old_or_from_the_future_misses(age_s: int) -> None:
    signed = sealed_entry(SEAL, KEY, ANSWER, NOW)
    assert opened_entry(SEAL, KEY, signed, NOW + timedelta(seconds=age_s), 60) is None


def test_an_entry_that_was_changed_misses_wherever_it_was_changed() -> None:
    signed = sealed_entry(SEAL, KEY, replace(ANSWER, text="x"), NOW)
    forged = [signed[:at] + chr(ord(signed[at]) ^ 1) + signed[at + 1 :] for at in range(len(signed))]
    assert [None] * len(signed) == [opened_entry(SEAL, KEY, one, NOW, 60) for one in forged]


@pytest.mark.parametrize("signed", ["", "x", "é" * 64 + "{}", "\udcff" * 99, "0" * 64])
def test_what_is_no_entry_at_all_misses(signed: str) -> None:
    assert opened_entry(SEAL, KEY, signed, NOW, 60) is None


def test_an_entry_moved_to_another_key_misses() -> None:
    signed = sealed_entry(SEAL, KEY, ANSWER, NOW)
    assert opened_entry(SEAL, "cd" * 32, signed, NOW, 60) is None


def test_an_entry_of_somebody_with_another_secret_misses() -> None:
    signed = sealed_entry(Seal([b"theirs"]), KEY, ANSWER, NOW)
    assert opened_entry(SEAL, KEY, signed, NOW, 60) is None


@pytest.mark.parametrize(
    "entry",
    [
        "[]",
        "{}",
        "no json",
        json.dumps({"created_at": NOW.isoformat(), "completion": {"usage": []}}),
        json.dumps({"created_at": NOW.isoformat(), "completion": {"usage": {}, "text": "x", "from_the_future": 1}}),
        json.dumps({"created_at": "2026-11-21T12:00:00", "completion": {}}),
    ],
)
def test_an_entry_of_another_version_misses(entry: str) -> None:
    assert opened_entry(SEAL, KEY, SEAL.sign(KEY, entry), NOW, 60) is None


def test_neither_the_secret_nor_an_api_key_stands_in_an_entry_or_shows_in_a_repr() -> None:
    seal = Seal.of(None, ["sk-very-secret"])
    assert seal is not None
    assert "sk-very-secret" not in sealed_entry(seal, KEY, ANSWER, NOW) + repr(seal)


def test_without_a_secret_of_its_own_a_cache_belongs_to_the_api_keys() -> None:
    written, pool = Seal.of(None, ["one"]), Seal.of("", ["two", "", "one"])
    other = Seal.of(None, ["three"])
    assert written is not None
    assert pool is not None
    assert other is not None
    signed = sealed_entry(written, KEY, ANSWER, NOW)
    assert opened_entry(pool, KEY, signed, NOW, 60) == ANSWER
    assert opened_entry(other, KEY, signed, NOW, 60) is None


def test_a_cache_secret_holds_whatever_the_api_keys_are() -> None:
    written, read = Seal.of("shared", ["one"]), Seal.of("shared", ["two"])
    assert written is not None
    assert read is not None
    assert opened_entry(read, KEY, sealed_entry(written, KEY, ANSWER, NOW), NOW, 60) == ANSWER


def test_with_neither_secret_nor_key_there_is_no_seal() -> None:
    assert Seal.of(None, []) is None
    assert Seal.of("", [""]) is None
