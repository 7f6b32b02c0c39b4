"""How a model is asked, and asked again, and what becomes of its failures."""

from proving.scene import Project
from proving.shop import GRADE, LABEL, LOUD, answering, given, only, proved, stopped

from reviewbot.domain.candidate import CandidateStatus, Filter, by_path
from reviewbot.domain.prompt import Completion
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.faults import Fault, FaultKind


def test_what_was_wrong_is_told_in_the_next_request(shop: Project) -> None:
    weak = "from shop.cart import grade\n\n\ndef test_grade():\n    assert [grade(91), grade(1)] != []\n"
    model = answering(given(weak), given(GRADE))
    found = proved(shop, model)
    assert [Filter.MUTANTS, None] == [judged.filter for judged in found.tests]
    assert [1, 2] == [judged.candidate.attempt for judged in found.tests]
    assert "Your test tests/test_new.py" not in model.users[0]
    assert (
        "Your test tests/test_new.py: it still passes when `grade` returned None at once\nfrom shop" in model.users[1]
    )
    assert 2 == len(model.users)


def test_only_what_is_left_is_asked_for_again(shop: Project) -> None:
    model = answering(given(LABEL), given(LOUD, path="tests/test_loud.py"))
    found = proved(shop, model, ["label"])
    assert "Lines that no test runs: 9, 10, 11, 12\n" in model.users[0]
    assert "Lines that no test runs: 11\n" in model.users[1]
    assert {"shop/cart.py": (9, 10, 11, 12)} == by_path(found.covered)
    assert 2 == len(model.users)


def test_no_more_than_the_allowed_attempts_are_made(shop: Project) -> None:
    model = answering(given("def test_x(:"))
    found = proved(shop, model, attempts=2)
    assert 2 == len(model.users)
    assert [
        (Filter.STATIC, "it cannot be parsed, line 1: invalid syntax"),
        (Filter.STATIC, "the same test was given before"),
    ] == stopped(found)
    (unreached,) = found.unreached
    assert "no test passed every filter in 2 attempts" == unreached.reason
    assert {"shop/cart.py": (3, 4, 5)} == by_path(unreached.points)


def test_a_model_that_gives_no_test_is_not_asked_again(shop: Project) -> None:
    model = answering(given())
    found = proved(shop, model)
    assert (1, "the model gave no test for it") == (len(model.users), found.unreached[0].reason)


def test_a_malformed_answer_is_asked_for_once_more(shop: Project) -> None:
    model = answering("Sure!", given(GRADE))
    found = proved(shop, model)
    assert [False, True] == [prompt.repair for prompt in model.asked]
    assert [False, True] == model.fit
    assert CandidateStatus.PROVEN is only(found).status


def test_an_empty_answer_is_asked_for_once_more(shop: Project) -> None:
    model = answering(Fault(FaultKind.EMPTY, "no text"), given())
    proved(shop, model)
    assert "(empty)" == model.asked[1].messages[2].content
    assert "the answer is empty" in model.asked[1].messages[3].content


def test_an_answer_that_was_cut_off_is_asked_for_once_more_and_shorter(shop: Project) -> None:
    model = answering(Completion(text='{"tests": [', finish_reason="length", model=None), given())
    proved(shop, model)
    assert "it was cut off at the longest answer allowed" in model.asked[1].messages[3].content


def test_another_fault_of_the_provider_is_final(shop: Project) -> None:
    found = proved(shop, answering(Fault(FaultKind.KEY, "refused")))
    assert "refused" == found.failed


def test_a_model_that_answers_nonsense_twice_is_told_of(shop: Project) -> None:
    found = proved(shop, answering("Sure!"))
    assert "the model gave no usable answer twice" in found.unreached[0].reason
    assert found.unreached[0].reason == found.failed


def test_a_provider_that_fails_and_money_that_ends_are_values(shop: Project) -> None:
    failed, ended = proved(shop, answering(ProviderError("down"))), proved(shop, answering(BudgetExceeded("spent")))
    assert ("down", None) == (failed.failed, failed.budget_ended)
    assert (None, "spent") == (ended.failed, ended.budget_ended)
    assert ["down", "spent"] == [found.unreached[0].reason for found in (failed, ended)]


def test_a_bug_of_our_own_costs_one_gap_and_is_told(shop: Project) -> None:
    found = proved(shop, answering(ValueError("oops")))
    assert "a bug in reviewbot, please report it: ValueError: oops" == found.bug == found.unreached[0].reason
