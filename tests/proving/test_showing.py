"""What a test has to show: that it notices, what it says of the change, and whether the code is at fault."""

from pathlib import Path

import pytest
from proving.scene import Project, project
from proving.shop import BASE, BUG, GRADE, HEAD, LABEL, LOUD, answering, given, only, opinion, proved, stopped

from reviewbot.domain.candidate import CandidateStatus, Filter, Gap, Kind, Point, by_path
from reviewbot.domain.prompt import Task


def test_a_test_of_new_behaviour_is_specific_and_one_of_old_behaviour_characterises(shop: Project) -> None:
    assert Kind.CHARACTERISATION is only(proved(shop, answering(given(GRADE)))).kind
    assert {Kind.SPECIFIC} == {judged.kind for judged in proved(shop, answering(given(LABEL, LOUD)), ["label"]).tests}


def test_without_a_base_that_is_not_known(shop: Project) -> None:
    assert Kind.UNKNOWN is only(proved(shop, answering(given(GRADE)), base=None)).kind


def test_a_test_that_passes_on_the_base_and_fails_now_is_a_suspected_bug(shop: Project) -> None:
    model = answering(given(BUG))
    judged = proved(shop, model, attempts=1).tests[0]
    assert (CandidateStatus.SUSPECTED, Filter.PASSES) == (judged.status, judged.filter)
    assert judged.reason is not None
    assert judged.reason.startswith("it passes on the base, and fails with the change: test_edge fails: ")
    assert "assert 'B' == 'A'" in judged.reason
    assert {"shop/cart.py": (3, 5)} == by_path(judged.covers)
    assert [Task.TESTS] == [prompt.task for prompt in model.asked]


def test_without_a_base_a_second_look_upholds_it_with_evidence_from_the_code(shop: Project) -> None:
    model = answering(given(BUG), verify=opinion(accept=True, evidence="if points > 90:"))
    found = proved(shop, model, attempts=1, base=None)
    assert CandidateStatus.SUSPECTED is only(found).status
    assert (only(found).reason or "").startswith("it says so: test_edge fails: ")
    assert () == found.files
    assert "Claim: grade breaks what test_edge asserts" in model.users[1]


@pytest.mark.parametrize(
    "verify",
    [
        opinion(accept=False, evidence="if points > 90:"),
        opinion(accept=True, evidence="if points >= 90:"),
        opinion(accept=True, evidence=None),
        "nonsense",
    ],
)
def test_a_suspicion_that_is_not_upheld_is_a_wrong_test(shop: Project, verify: str) -> None:
    judged = only(proved(shop, answering(given(BUG), verify=verify), attempts=1, base=None))
    assert (CandidateStatus.REJECTED, Filter.PASSES) == (judged.status, judged.filter)


def test_a_failure_that_is_not_alike_twice_is_no_suspicion(shop: Project) -> None:
    flaky = "from shop.cart import grade\n\n\ndef test_edge():\n    assert ''.join(set('abcdefgh')) == grade(1)\n"
    judged = only(proved(shop, answering(given(flaky)), attempts=1))
    assert (CandidateStatus.REJECTED, Filter.REPEATS) == (judged.status, judged.filter)


def test_a_branch_that_no_test_takes_is_covered_like_a_line(tmp_path: Path) -> None:
    half = "from shop.cart import label\n\n\ndef test_half():\n    assert label('x') == 'X'\n"
    made = project(tmp_path, BASE, {**HEAD, "tests/test_half.py": half})
    gaps = made.gaps({}, {"shop/cart.py": [10]})
    again = LABEL.replace("ann", "bob").replace("Ann", "Bob")
    found = proved(made, answering(given(again), given(LOUD)), gaps=gaps)
    assert [Filter.COVERS, None] == [judged.filter for judged in found.tests]
    assert (Point(path="shop/cart.py", line=10, branch=True),) == found.covered


def test_a_test_that_does_not_notice_the_changed_line_is_stopped(tmp_path: Path) -> None:
    head = {
        **HEAD,
        "shop/cart.py": "SEEN = []\n\n\ndef size(rows):\n    SEEN.append(len(rows))\n    return len(rows) * 2\n",
    }
    made = project(tmp_path, BASE, head)
    gaps = tuple(gap for gap in made.gaps({"shop/cart.py": ["size"]}))
    (gap,) = gaps
    narrow = Gap(path=gap.path, name=gap.name, start=gap.start, code=gap.code, missing=(5,))
    blind = "from shop.cart import size\n\n\ndef test_size():\n    assert size([1]) == 2\n"
    seeing = "from shop import cart\n\n\ndef test_size():\n    cart.size([1, 2])\n    assert cart.SEEN == [2]\n"
    found = proved(made, answering(given(blind), given(seeing)), gaps=(narrow,))
    assert [(Filter.MUTANTS, "it still passes when line 5: `SEEN.append(len(rows))` became `None`"), (None, "")] == (
        stopped(found)
    )


LINES = """import os

LIMIT = int("3")


def noop(rows):
    pass


def leave():
    os._exit(0)
"""


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("odd"), BASE, {**HEAD, "shop/odd.py": LINES})


def test_lines_outside_of_all_functions_are_altered_too(odd: Project) -> None:
    """A mutant that cannot even be imported tells nothing, and another one is tried."""
    gap = Gap(path="shop/odd.py", name="", start=1, code=(), missing=(3,))
    code = "from shop.odd import LIMIT\n\n\ndef test_limit():\n    assert LIMIT == 3\n"
    found = proved(odd, answering(given(code)), gaps=(gap,), attempts=1)
    assert CandidateStatus.PROVEN is only(found).status


def test_what_cannot_be_altered_cannot_be_proven(odd: Project) -> None:
    code = "from shop.odd import noop\n\n\ndef test_noop():\n    assert noop([]) is None\n"
    found = proved(odd, answering(given(code)), gaps=odd.gaps({"shop/odd.py": ["noop"]}), attempts=1)
    assert [(Filter.MUTANTS, "nothing of what it runs could be altered to see whether it notices")] == stopped(found)


def test_a_process_that_makes_itself_away_is_no_pass(odd: Project) -> None:
    code = "from shop.odd import leave\n\n\ndef test_leave():\n    leave()\n    assert leave.x == 1\n"
    found = proved(odd, answering(given(code)), gaps=odd.gaps({"shop/odd.py": ["leave"]}), attempts=1)
    ((stage, reason),) = stopped(found)
    assert Filter.PASSES is stage
    assert reason.startswith("its process ended before pytest did: ")
