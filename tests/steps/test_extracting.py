"""A model's answer → test files, whatever stands around them."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.steps import extracting
from reviewbot.steps.decoding import MalformedError
from reviewbot.steps.extracting import Draft, Extracted, Opinion

ONE = {
    "path": "tests/test_a.py",
    "code": "def test_a():\n    assert a() == 1\n",
    "targets": ["a.py:1"],
    "why": "it  is",
}
DRAFT = Draft(path="tests/test_a.py", code="def test_a():\n    assert a() == 1\n", why="it is")


def answer(*tests: object) -> str:
    return json.dumps({"tests": tests})


@pytest.mark.parametrize(
    "text",
    [
        answer(ONE),
        f"```json\n{answer(ONE)}\n```",
        f"<think>{answer()}</think>Here {{it}} is:\n{answer(ONE)}\nDone.",
        f'The form is {{"tests": []}}. {answer(ONE)} And {{"tests": []}}',
        answer({**ONE, "code": "```python\n" + str(ONE["code"]) + "```"}),
        answer({**ONE, "code": str(ONE["code"]).rstrip()}),
    ],
)
def test_a_test_is_found_whatever_stands_around_it(text: str) -> None:
    assert Extracted(drafts=(DRAFT,)) == extracting.tests(text)


def test_a_model_may_say_that_nothing_can_be_tested() -> None:
    assert Extracted(drafts=()) == extracting.tests(answer())


def test_one_bad_test_does_not_spoil_the_others() -> None:
    found = extracting.tests(answer({"path": "x"}, ONE, 3))
    assert ((DRAFT,), 2) == (found.drafts, len(found.faults))
    assert found.faults[0].startswith("code: ")


def test_more_tests_than_allowed_are_left_out_and_told() -> None:
    found = extracting.tests(answer(*[ONE] * 61))
    assert (60, ("one answer may hold 60 tests at most",)) == (len(found.drafts), found.faults)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("Sorry, no.", 'no complete JSON object with "tests"'),
        ('{"tests": [{"path": "a', "no complete JSON object"),
        ('{"tests": {}}', "not a list"),
        ('{"findings": []}', 'with "tests"'),
        (answer({"path": "x"}), "none of its tests has the agreed form"),
        (answer({**ONE, "code": "x" * 40_001}), "at most 40000"),
        ("{" * 100_000, "no complete JSON object"),
    ],
)
def test_an_answer_without_a_usable_test_is_malformed(text: str, said: str) -> None:
    with pytest.raises(MalformedError, match=said):
        extracting.tests(text)


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps({"tests": value})))
def test_any_answer_is_read_or_malformed(text: str) -> None:
    with suppress(MalformedError):
        assert all(draft.path and draft.code.endswith("\n") for draft in extracting.tests(text).drafts)


def test_an_opinion_is_read_with_its_evidence() -> None:
    said = '{"accept": true, "reason": "it\\n says", "evidence": "return 1"}'
    assert Opinion(accept=True, reason="it says", evidence="return 1") == extracting.opinion(said)


def test_an_opinion_without_words_is_one() -> None:
    assert Opinion(accept=False, reason="", evidence=None) == extracting.opinion('{"accept": false, "reason": 3}')


@pytest.mark.parametrize("text", ["", "yes", '{"accept": "yes"}', '{"accept": 1}', '{"accept": true, "evidence": 4}'])
def test_anything_else_is_no_opinion(text: str) -> None:
    with pytest.raises(MalformedError):
        extracting.opinion(text)
