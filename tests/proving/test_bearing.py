"""What the project's own suite has to say of new tests."""

from pathlib import Path

from proving.sandboxes import Hanging
from proving.scene import Project, ScriptedModel, project
from proving.shop import BASE, GRADE, HEAD, LABEL, LOUD, answering, given, only, proved, stopped, suite

from reviewbot.domain.candidate import CandidateStatus, Filter, by_path


def test_lines_that_the_suite_runs_after_all_are_not_asked_for(tmp_path: Path) -> None:
    made = suite(tmp_path, tests__test_cart_py=GRADE)
    model = answering(given(LABEL, LOUD))
    found = proved(made, model, ["grade", "label"])
    assert 1 == len(model.users)
    assert "Definition: label" in model.users[0]
    assert "3 of 7 uncovered lines are run by the project's own suite after all" in found.notes
    assert {"shop/cart.py": (3, 4, 5, 9, 10, 11, 12)} == by_path(found.covered)
    assert () == found.unreached


def test_tests_that_fail_already_are_no_reason_against_new_ones(tmp_path: Path) -> None:
    made = suite(
        tmp_path, tests__test_red_py="def test_red():\n    assert 1 == 2\n", tests__test_gone_py="import gone\n"
    )
    found = proved(made, answering(given(GRADE)))
    assert CandidateStatus.PROVEN is only(found).status
    assert (
        "2 tests fail or cannot be collected without any new test: new ones have to leave the others as they are",
    ) == found.notes


def test_where_there_is_no_suite_tests_are_proven_without_it(tmp_path: Path) -> None:
    made = project(tmp_path, {"a.txt": ""}, {"shop/__init__.py": "", "shop/cart.py": HEAD["shop/cart.py"]})
    found = proved(made, answering(given(GRADE)))
    assert ["tests/test_cart.py"] == [file.path for file in found.files]
    assert {"shop/cart.py": (3, 4, 5)} == by_path(found.covered)
    assert "the project's suite cannot be run, so new tests are proven without it: it holds no test" in found.notes[0]


def test_a_suite_that_crashes_is_told(tmp_path: Path) -> None:
    made = suite(tmp_path, tests__test_exit_py="import os\n\n\ndef test_exit():\n    os._exit(3)\n")
    found = proved(made, answering(given(GRADE)))
    assert "it does not come to its end" in found.notes[0]
    assert CandidateStatus.PROVEN is only(found).status


def test_a_test_that_the_suite_passes_over_is_stopped(tmp_path: Path) -> None:
    ini = "[pytest]\ntestpaths = tests\n"
    made = project(
        tmp_path, BASE, {**HEAD, "pytest.ini": ini, "extra/test_own.py": "def test_a():\n    assert 2 > 1\n"}
    )
    path = "extra/test_new.py"
    kept_there = GRADE + "\n\ndef test_place():\n    assert 'extra' in __file__\n"
    found = proved(made, answering(given(kept_there, path=path)), attempts=1)
    assert [(Filter.SUITE, "the project's own suite does not run it there, or not with the same effect")] == stopped(
        found
    )
    assert () == found.files


POLLUTER = "from shop import cart\nfrom shop.cart import label\n\n\ndef test_p():\n"
GUARD = "from shop import cart\n\n\ndef test_guard():\n    assert not hasattr(cart, 'BROKEN')\n"


def test_of_merged_tests_only_the_one_that_harms_others_is_stopped(tmp_path: Path) -> None:
    made = suite(tmp_path, tests__test_guard_py=GUARD)
    polluter = f"{POLLUTER}    cart.BROKEN = 1\n    assert (label('a'), label('a', loud=True)) == ('A', 'A!')\n"
    by_gap = {"grade": given(GRADE), "label": given(polluter, path="tests/test_p.py")}
    model = ScriptedModel(
        lambda prompt: next(by_gap[name] for name in by_gap if f"Definition: {name}" in prompt.messages[1].content)
    )
    found = proved(made, model, ["grade", "label"], attempts=1)
    assert [
        (None, ""),
        (Filter.SUITE, "with it in the suite other tests fail: tests/test_guard.py::test_guard"),
    ] == stopped(found)
    assert [["tests/test_new.py"]] == [[one.path for one in file.made_of] for file in found.files]


def test_a_test_that_other_tests_break_is_stopped(tmp_path: Path) -> None:
    polluting = "from shop import cart\n\n\ndef test_first():\n    cart.BROKEN = 1\n    assert cart.BROKEN == 1\n"
    made = suite(tmp_path, tests__test_polluting_py=polluting)
    fragile = f"{POLLUTER}    assert not hasattr(cart, 'BROKEN')\n    assert label('a', loud=True) == 'A!'\n"
    found = proved(made, answering(given(fragile)), ["label"], attempts=1)
    (judged,) = found.tests
    assert Filter.SUITE is judged.filter
    assert (judged.reason or "").startswith("it fails among the other tests: ")


FLAKY = """from pathlib import Path


def test_flaky():
    count = Path({path!r})
    count.write_text((count.read_text() if count.exists() else "") + "x")
    assert len(count.read_text()) != 2
"""


def test_a_flaky_test_of_the_project_is_not_blamed_on_new_ones(tmp_path: Path) -> None:
    """It fails the second time that it runs: first with the new tests, and no more."""
    made = suite(tmp_path, tests__test_flaky_py=FLAKY.format(path=str(tmp_path / "count.txt")))
    found = proved(made, answering(given(GRADE)), workers=1)
    assert CandidateStatus.PROVEN is only(found).status


def test_where_no_test_can_be_singled_out_all_are_blamed(tmp_path: Path) -> None:
    """It fails as soon as there are two new files: neither harms it alone."""
    guard = (
        "from pathlib import Path\n\n\ndef test_guard():\n    assert len(list(Path('tests').glob('*_gaps*.py'))) < 1\n"
    )
    made = suite(tmp_path, tests__test_guard_py=guard, tests__test_cart_py="def test_x():\n    assert 2 > 1\n")
    found = proved(made, answering(given(GRADE, path="tests/test_one.py")), workers=1, attempts=1)
    assert [Filter.SUITE] == [judged.filter for judged in found.tests]


def test_a_suite_that_does_not_end_with_new_tests_stops_them(shop: Project) -> None:
    found = proved(shop, answering(given(GRADE)), sandbox=Hanging({13}), workers=1, attempts=1)
    ((stage, reason),) = stopped(found)
    assert (Filter.SUITE, True) == (stage, reason.startswith("the suite does not come to its end with the new tests"))


def test_a_suite_that_takes_too_long_is_told(shop: Project) -> None:
    found = proved(shop, answering(given(GRADE)), sandbox=Hanging({2}), attempts=1)
    assert "so new tests are proven without it: it takes longer than 0 s" in found.notes[0]
    assert CandidateStatus.PROVEN is only(found).status


def test_a_mutant_that_runs_for_ever_is_noticed(shop: Project) -> None:
    found = proved(shop, answering(given(GRADE)), sandbox=Hanging({9}), workers=1)
    assert CandidateStatus.PROVEN is only(found).status
