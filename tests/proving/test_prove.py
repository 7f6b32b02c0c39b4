"""The whole stretch on small projects: gaps in, proven tests out, and every failure a value."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from proving.scene import PlainSandbox, Project, ScriptedModel, drafting, project

from reviewbot.domain.candidate import CandidateStatus, Filter, Gap, Judged, Kind, Point, Proved, by_path
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.domain.prompt import Completion, Prompt, Task
from reviewbot.errors import BudgetExceeded, ProviderError, SandboxError
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.proving import prove

BASE = {
    "shop/__init__.py": "",
    "shop/cart.py": (
        'def grade(points):\n    """Give A for 90 and more, else B."""\n    return "A" if points >= 90 else "B"\n'
    ),
    "tests/test_shop.py": "def test_nothing():\n    assert 1 + 1 == 2\n",
}
HEAD = {
    **BASE,
    "shop/cart.py": (
        'def grade(points):\n    """Give A for 90 and more, else B."""\n    if points > 90:\n        return "A"\n'
        '    return "B"\n\n\ndef label(name, *, loud=False):\n    text = name.title()\n    if loud:\n'
        '        text += "!"\n    return text\n'
    ),
}
GRADE = "from shop.cart import grade\n\n\ndef test_grade():\n    assert (grade(91), grade(1)) == ('A', 'B')\n"
BUG = "from shop.cart import grade\n\n\ndef test_edge():\n    assert grade(90) == 'A'\n"
LABEL = "from shop.cart import label\n\n\ndef test_label():\n    assert label('ann') == 'Ann'\n"
LOUD = "from shop.cart import label\n\n\ndef test_loud():\n    assert label('ann', loud=True) == 'Ann!'\n"


def given(*codes: str, path: str = "tests/test_new.py") -> str:
    return json.dumps({"tests": [{"path": path, "code": code} for code in codes]})


def opinion(*, accept: bool, evidence: str | None = None) -> str:
    return json.dumps({"accept": accept, "reason": "it says so", "evidence": evidence})


def answering(*answers: str | Completion | Exception, verify: str = opinion(accept=False)) -> ScriptedModel:
    """Answer requests for tests one after another, the last answer again and again."""
    pending = list(answers)

    def script(prompt: Prompt) -> str | Completion | Exception:
        if prompt.task is Task.VERIFY:
            return verify
        return pending.pop(0) if len(pending) > 1 else pending[0]

    return ScriptedModel(script)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("shop"), BASE, HEAD)


def proved(
    shop: Project,
    model: ScriptedModel,
    functions: Sequence[str] = ("grade",),
    *,
    time_s: float = 600.0,
    gaps: tuple[Gap, ...] | None = None,
    attempts: int = 3,
    **bench: object,
) -> Proved:
    asked = shop.gaps({"shop/cart.py": functions}) if gaps is None else gaps
    return asyncio.run(prove(drafting(model, attempts=attempts), asked, shop.bench(**bench), time_s))


def only(found: Proved) -> Judged:
    (judged,) = found.tests
    return judged


def stopped(found: Proved) -> list[tuple[Filter | None, str]]:
    return [(judged.filter, judged.reason or "") for judged in found.tests]


# Attempts


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


# What a test shows


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


# A changed line that nobody would miss


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


# The project's own suite


def suite(tmp_path: Path, **files: str) -> Project:
    named = {name.replace("__", "/").replace("_py", ".py"): text for name, text in files.items()}
    return project(tmp_path, BASE, {**HEAD, **named})


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


# Where it cannot be done


def test_without_gaps_nothing_is_run_or_asked(shop: Project) -> None:
    model = answering(given())
    assert Proved() == proved(shop, model, gaps=())
    assert [] == model.asked


def test_for_other_languages_no_test_is_written(shop: Project) -> None:
    gap = Gap(path="a.js", name="", start=1, code=(), missing=(3,), testable=False)
    found = proved(shop, answering(given()), gaps=(gap,))
    assert [("a.js", "tests are written for Python only")] == [(one.gap.path, one.reason) for one in found.unreached]


def test_a_python_without_pytest_is_told(shop: Project, tmp_path: Path) -> None:
    import sys

    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    found = proved(shop, answering(given(GRADE)), python=str(python))
    reason = f"pytest and coverage is not installed in the project's Python, {python}"
    assert (f"no test could be run: {reason}",) == found.notes
    assert [reason] == [one.reason for one in found.unreached]


@dataclass
class Failing:
    """A sandbox that fails after some processes."""

    after: int
    runs: int = 0

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process, or fail."""
        self.runs += 1
        if self.runs > self.after:
            message = "no more processes"
            raise SandboxError(message)
        return PlainSandbox().run(job)


@dataclass
class Hanging:
    """A sandbox in which some processes, counted from 1, do not end in time."""

    which: set[int]
    runs: int = 0

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process, or say that it did not end."""
        self.runs += 1
        if self.runs in self.which:
            return SandboxResult(exit_code=None, stdout=b"", stderr=b"", timed_out=True, wall_s=0.1)
        return PlainSandbox().run(job)


@pytest.mark.parametrize("after", [0, 1, 2, 4, 12])
def test_a_sandbox_that_fails_ends_it_and_nothing_is_proven(shop: Project, after: int) -> None:
    found = proved(shop, answering(given(GRADE)), sandbox=Failing(after), workers=1)
    assert () == found.files
    assert not [judged for judged in found.tests if judged.status is CandidateStatus.PROVEN]
    assert any("no more processes" in note for note in found.notes)
    assert ["no more processes"] == [one.reason for one in found.unreached]


def test_without_time_nothing_is_reached(shop: Project) -> None:
    found = proved(shop, answering(given(GRADE)), time_s=0.0)
    assert ["the time for proving tests was up"] == [one.reason for one in found.unreached]


@dataclass
class Stepping:
    """A clock that each process moves on by a number of seconds, beside the real time."""

    steps: Sequence[float]
    now: float = 0.0
    runs: int = 0
    asked: list[float] = field(default_factory=list)

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process, and say that it took as long as planned."""
        step = self.steps[min(self.runs, len(self.steps) - 1)]
        self.runs += 1
        self.now += step
        found = PlainSandbox().run(job)
        return SandboxResult(
            exit_code=found.exit_code, stdout=found.stdout, stderr=found.stderr, timed_out=False, wall_s=step
        )

    def __call__(self) -> float:
        return self.now


def test_a_suite_that_leaves_no_time_to_run_it_again_is_told(shop: Project) -> None:
    clock = Stepping([1.0, 30.0])
    model = answering(given(GRADE))
    found = proved(shop, model, time_s=90.0, sandbox=clock, clock=clock)
    assert [] == model.asked
    assert ("the time for proving tests was up: what had been proven by then is shown",) == found.notes
    assert ["the time for proving tests was up"] == [one.reason for one in found.unreached]


@pytest.mark.parametrize("processes", [3, 11])
def test_what_is_not_proven_when_time_is_up_is_not_shown(shop: Project, processes: int) -> None:
    """The clock jumps in the middle of the filters, or just before the whole suite is run."""
    clock = Stepping([*[0.1] * processes, 500.0])
    found = proved(shop, answering(given(GRADE)), time_s=300.0, sandbox=clock, clock=clock, workers=1)
    assert () == found.files
    assert not [judged for judged in found.tests if judged.status is CandidateStatus.PROVEN]
    assert ["the time for proving tests was up"] == [one.reason for one in found.unreached]


def test_a_model_that_does_not_answer_in_time_is_not_waited_for(shop: Project) -> None:
    class Silent(ScriptedModel):
        async def complete(
            self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
        ) -> Completion:
            del prompt, options, check
            answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
            return await answer

    clock = Stepping([1.0, 30.0])
    found = proved(shop, Silent(lambda _: given()), time_s=96.05, sandbox=clock, clock=clock)
    assert ["the time for proving tests was up"] == [one.reason for one in found.unreached]


def test_an_interruption_before_anything_is_asked_is_told_too(shop: Project) -> None:
    async def session() -> Proved:
        loop = asyncio.get_running_loop()

        class Interrupting(Failing):
            def run(self, job: SandboxJob) -> SandboxResult:
                loop.call_soon_threadsafe(task.cancel)
                return PlainSandbox().run(job)

        bench = shop.bench(sandbox=Interrupting(9))
        gaps = shop.gaps({"shop/cart.py": ["grade"]})
        task = asyncio.create_task(prove(drafting(answering(given())), gaps, bench, 600.0))
        return await task

    found = asyncio.run(session())
    assert (True, ["the run was interrupted"]) == (found.interrupted, [one.reason for one in found.unreached])


def test_an_interruption_ends_it_and_is_told(shop: Project) -> None:
    async def session() -> Proved:
        async def interrupted() -> Proved:
            return await prove(drafting(model), shop.gaps({"shop/cart.py": ["grade"]}), shop.bench(), 600.0)

        def script(prompt: Prompt) -> str:
            del prompt
            task.cancel()
            return given(GRADE)

        model = ScriptedModel(script)
        task = asyncio.create_task(interrupted())
        return await task

    found = asyncio.run(session())
    assert found.interrupted
    assert ((), ()) == (found.tests, found.files)
    assert ["the run was interrupted"] == [one.reason for one in found.unreached]


# Paths


@pytest.mark.parametrize("path", ["tests/test_shop.py", "./tests/test_shop.py"])
def test_a_file_that_there_is_already_is_never_overwritten(shop: Project, path: str) -> None:
    judged = only(proved(shop, answering(given(GRADE, path=path))))
    assert ("tests/test_shop_gaps.py", CandidateStatus.PROVEN) == (judged.candidate.path, judged.status)


@pytest.mark.parametrize("path", ["shop/cart.py", "conftest.py", "tests/conftest.py", "/x/test_a.py", "../test_a.py"])
def test_a_path_that_is_no_new_test_is_refused(shop: Project, path: str) -> None:
    found = proved(shop, answering(given(GRADE, path=path)), attempts=1)
    assert [Filter.STATIC] == [judged.filter for judged in found.tests]


def test_a_project_with_sources_in_a_folder_of_their_own_is_imported_from_the_copy(tmp_path: Path) -> None:
    files: Mapping[str, str] = {
        f"src/{name}" if name.startswith("shop/") else name: text for name, text in HEAD.items()
    }
    made = project(tmp_path, {"a.txt": ""}, files)
    model = answering(given(GRADE))
    found = proved(made, model, gaps=made.gaps({"src/shop/cart.py": ["grade"]}))
    assert "Source: src/shop/cart.py (imported as shop.cart)" in model.users[0]
    assert {"src/shop/cart.py": (3, 4, 5)} == by_path(found.covered)


def test_the_time_that_processes_took_is_told(shop: Project) -> None:
    started = time.monotonic()
    found = proved(shop, answering(given(GRADE)), workers=1)
    assert found.processes >= 12
    assert 0 < found.processes_s < time.monotonic() - started
