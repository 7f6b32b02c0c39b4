"""Gap → request; the texts themselves lie in ``golden_tests``."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from steps import update_golden_tests
from steps.briefs import (
    CANDIDATE,
    CART,
    CONTEXT,
    FAILURE,
    GOLDEN,
    HOSTILE,
    TOKEN,
    briefs,
    documents,
    gap,
    request,
)

from reviewbot.domain.candidate import Point
from reviewbot.domain.prompt import Message, Task
from reviewbot.steps import briefing
from reviewbot.steps.briefing import Context, Feedback
from reviewbot.steps.counting import tokens

DOCUMENTS = documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_request_is_byte_for_byte_its_golden(name: str) -> None:
    assert GOLDEN.joinpath(name).read_bytes() == DOCUMENTS[name].encode()


def test_there_is_no_golden_without_its_request() -> None:
    assert sorted(path.name for path in GOLDEN.glob("*")) == sorted(DOCUMENTS)


def test_the_script_writes_the_same_goldens(tmp_path: Path) -> None:
    (tmp_path / "of_old.txt").touch()
    update_golden_tests.main(tmp_path)
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_bytes() for path in GOLDEN.glob("*.txt")}


def test_a_request_names_the_file_and_the_missing_lines() -> None:
    user = request(CART).messages[1].content
    assert "Source: shop/cart.py (imported as shop.cart)\n" in user
    assert "Lines that no test runs: 12\n" in user
    assert "Lines with a branch that no test takes: 10\n" in user


def test_only_what_is_left_of_a_gap_is_asked_for() -> None:
    prompt = briefs().tests(CART, frozenset({Point(path="shop/cart.py", line=12)}), CONTEXT, ())
    assert "branch that no test takes:" not in prompt.messages[1].content


def test_the_system_message_is_the_same_for_all_gaps() -> None:
    first, second = request(CART), request(gap(HOSTILE, (5,)))
    assert (first.messages[0], first.version) == (second.messages[0], second.version)
    assert (Task.TESTS, Task.VERIFY) == (first.task, briefs().suspicion(CART, CANDIDATE, FAILURE).task)


def test_a_claim_is_shown_with_its_title_its_path_and_the_code() -> None:
    user = briefs().suspicion(CART, CANDIDATE, FAILURE).messages[1].content
    assert "Claim: Cart.total breaks what test_total asserts: assert 1 == 2\n" in user
    assert "Path: shop/cart.py\n" in user
    assert "            total += row.price\n" in user
    assert CANDIDATE.code in user


@given(st.text(), st.text())
def test_no_text_can_end_the_data_that_it_stands_in(code: str, reason: str) -> None:
    context = Context(module="m", target="t.py", neighbours=(("t.py", code),))
    user = request(CART, context, Feedback(path="t.py", reason=reason)).messages[1].content
    begin = next(row for row in user.split("\n") if row.startswith("<material "))
    end = begin.replace("<", "</")
    assert (1, True) == (user.count(end), user.endswith(f"{end}\n"))


def test_a_secret_is_sent_nowhere_and_counted_once() -> None:
    writer = briefs()
    one = gap(f'def key():\n    return "{TOKEN}"\n', (2,))
    again = Feedback(path="tests/test_a.py", reason=f"key() gives {TOKEN}")
    prompts = (request(one, CONTEXT, again, writer=writer), request(one, CONTEXT, writer=writer))
    assert all(TOKEN not in message.content for prompt in prompts for message in prompt.messages)
    assert 1 == writer.redacted


def test_tokens_are_those_of_all_messages() -> None:
    writer, prompt = briefs(), request(CART)
    again = writer.repair(prompt, "", "the answer is empty")
    for each in (prompt, again):
        assert each.prompt_tokens == sum(tokens(message.content) for message in each.messages)
    assert (True, Message(role="assistant", content="(empty)")) == (again.repair, again.messages[2])


def test_evidence_is_sought_in_the_code_without_numbers() -> None:
    assert "    total += row.price" in briefing.shown(CART)
    assert briefing.shown(CART).startswith("class Cart(Base):\n")
