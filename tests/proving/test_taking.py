"""Suggestions taken in copies of a real project, with its own tests run by a real pytest."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from precision.claims import claim
from proving.sandboxes import Failing, Hanging, Stepping
from proving.scene import PlainSandbox, Project, project

from reviewbot.domain.finding import Finding, Severity, Suggestion
from reviewbot.domain.isolation import SandboxJob, SandboxResult
from reviewbot.domain.trial import Rehearsed
from reviewbot.proving import taking

CART = """\
def total(prices):
    return sum(prices) + 1


def grade(points):
    if points > 90:
        return "A"
    return "B"


def unseen(name):
    return name.title()
"""
SUITE = """\
from shop.cart import grade, total


def test_total():
    assert total([1, 2]) == 4


def test_nothing():
    assert total([]) == 1


def test_grade():
    assert grade(1) == "B"
"""
FLAKY = """\
import pathlib

from shop import now


def test_now_and_then():
    marker = pathlib.Path(__file__).parents[2] / "ran"
    if now.fast():
        seen = marker.exists()
        marker.write_text("")
        assert seen
"""
FILES = {
    "shop/__init__.py": "",
    "shop/cart.py": CART,
    "shop/now.py": "def fast():\n    return False\n",
    "shop/sad.py": "def sad():\n    return 1\n",
    "shop/mixed.py": "def size(n):\n    return n > 10\n",
    "tests/test_cart.py": SUITE,
    "tests/test_now.py": FLAKY,
    "tests/test_sad.py": "from shop import sad\n\n\ndef test_sad():\n    assert sad.sad() == 2\n",
    "tests/test_mixed.py": (
        "from shop.mixed import size\n\n\ndef test_edge():\n    assert size(10)\n\n\n"
        "def test_above():\n    assert size(11)\n"
    ),
    "other/alone.py": "def alone():\n    return 1\n",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("store"), {"base.txt": ""}, FILES)


def suggested(line: int, replacement: str, path: str = "shop/cart.py") -> Finding:
    change = Suggestion(start_line=line, line=line, replacement=replacement)
    return claim(line, path=path, body="It fails.", suggestion=change)


def taken(store: Project, *findings: Finding, time_s: float = 600.0, **bench: object) -> Rehearsed:
    return asyncio.run(taking.take(findings, store.bench(**bench), time_s))


def untried(count: int, reason: str, *, of: int | None = None) -> tuple[str, ...]:
    total = of or count
    noun = "suggestion" if total == 1 else "suggestions"
    return (f"of {total} {noun} of the model {count} not tried by tests: {reason}",)


def test_a_suggestion_with_which_the_tests_pass_is_labelled(store: Project) -> None:
    finding = suggested(2, "    return 1 + sum(prices)")
    found = taken(store, finding)
    label = "Tests pass with it: 3 tests in `tests/test_cart.py`."
    assert (replace(finding, body=f"It fails.\n\n{label}"),) == found.findings
    assert ("of 1 suggestion of the model tests pass with 1",) == found.notes


def test_one_with_which_a_test_fails_that_passed_becomes_text_with_the_reason(store: Project) -> None:
    plain = claim(2)
    found = taken(store, suggested(2, "    return sum(prices)"), plain)
    broken, other = found.findings
    assert (None, plain) == (broken.suggestion, other)
    expected = "`tests/test_cart.py::test_total` fails with it and not without it, as 1 more do (`assert 3 == 4"
    assert f"It fails.\n\nNot offered as a change, since {expected}" in broken.body
    assert broken.body.endswith("```\n    return sum(prices)\n```")
    assert ("of 1 suggestion of the model tests fail with 1, shown as text",) == found.notes


def test_a_test_that_failed_before_is_held_against_nobody(store: Project) -> None:
    mending, idle = (suggested(2, f"    return {code}", path="shop/mixed.py") for code in ("n >= 10", "10 < n"))
    assert "Tests pass with it: 2 tests in `tests/test_mixed.py`." in taken(store, mending).findings[0].body
    assert Rehearsed(findings=(idle,), notes=untried(1, taking.FAILING)) == taken(store, idle)


def test_one_after_which_the_module_cannot_be_imported_becomes_text(store: Project) -> None:
    (broken,) = taken(store, suggested(5, "def graded(points):")).findings
    assert "`tests/test_cart.py` fails with it and not without it (`ImportError: cannot import name" in broken.body
    assert str(store.scratch) not in broken.body


def test_one_with_which_the_tests_never_end_becomes_text(store: Project) -> None:
    (broken,) = taken(store, suggested(2, "    return sum(prices)"), sandbox=Hanging({3, 4}), workers=1).findings
    assert "since its tests do not come to an end with it, and do without it:" in broken.body


def test_one_with_which_fewer_tests_are_collected_becomes_text(store: Project) -> None:
    (fewer,) = taken(store, suggested(8, "def helper():", path="tests/test_cart.py")).findings
    assert "since fewer tests pass with it than without it:" in fewer.body


@pytest.mark.parametrize(
    ("finding", "reason"),
    [
        (suggested(12, "    return name"), taking.UNREACHED),
        (suggested(99, "x = 1"), taking.UNREACHED),
        (suggested(2, "    return 2", path="other/alone.py"), taking.NO_TEST),
        (suggested(2, "    return 2", path="gone.py"), taking.NO_TEST),
        (suggested(2, "    return 2", path="shop/sad.py"), taking.UNUSABLE),
        (suggested(2, "  return 2", path="shop/cart.js"), taking.NOT_PYTHON),
    ],
)
def test_what_no_test_can_speak_of_is_offered_as_it_was_and_told(store: Project, finding: Finding, reason: str) -> None:
    assert Rehearsed(findings=(finding,), notes=untried(1, reason)) == taken(store, finding)


def test_a_flaky_test_is_not_held_against_a_suggestion(store: Project) -> None:
    finding = suggested(2, "    return True", path="shop/now.py")
    assert Rehearsed(findings=(finding,), notes=untried(1, taking.FLAKY)) == taken(store, finding)


def test_the_most_severe_are_tried_and_the_tests_as_they_are_run_once(store: Project) -> None:
    sandbox = Failing(100)
    many = [suggested(2, f"    return {number} + 1 + sum(prices) - {number}") for number in range(11)]
    worst = replace(many[10], severity=Severity.HIGH)
    found = taken(store, *many[:10], worst, sandbox=sandbox)
    assert [True] * 9 + [False, True] == ["Tests pass" in finding.body for finding in found.findings]
    assert (
        "of 11 suggestions of the model tests pass with 10; 1 not tried by tests: only 10 are tried",
    ) == found.notes
    assert 1 + 1 + 10 == sandbox.runs


@pytest.mark.parametrize("after", [0, 1, 2])
def test_a_sandbox_that_fails_costs_no_suggestion(store: Project, after: int) -> None:
    finding = suggested(2, "    return sum(prices)")
    found = taken(store, finding, sandbox=Failing(after))
    assert Rehearsed(findings=(finding,), notes=untried(1, "no more processes")) == found


@pytest.mark.parametrize("steps", [[500.0], [1.0, 500.0], [1.0, 1.0, 500.0]])
def test_time_is_bounded(store: Project, steps: Sequence[float]) -> None:
    finding = suggested(2, "    return sum(prices)")
    clock = Stepping(steps)
    found = taken(store, finding, time_s=300.0, sandbox=clock, clock=clock)
    assert Rehearsed(findings=(finding,), notes=untried(1, taking.TIME_UP)) == found


def test_a_python_without_pytest_is_told(store: Project, tmp_path: Path) -> None:
    import sys

    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    finding = suggested(2, "    return sum(prices)")
    found = taken(store, finding, python=str(python))
    reason = f"pytest and coverage is not installed in the project's Python, {python}"
    assert Rehearsed(findings=(finding,), notes=untried(1, reason)) == found


def test_a_bug_of_our_own_loses_no_finding(store: Project) -> None:
    class Buggy(Failing):
        def run(self, job: SandboxJob) -> SandboxResult:
            if self.runs == self.after:
                raise KeyError(self.after)
            return super().run(job)

    finding = suggested(2, "    return sum(prices)")
    found = taken(store, finding, sandbox=Buggy(1))
    bug = "a bug in reviewbot, please report it: KeyError: 1"
    assert Rehearsed(findings=(finding,), notes=untried(1, bug), bug=bug) == found


def test_an_interruption_ends_it_and_loses_no_finding(store: Project) -> None:
    finding = suggested(2, "    return sum(prices)")

    async def session() -> Rehearsed:
        loop = asyncio.get_running_loop()

        class Interrupting(Failing):
            def run(self, job: SandboxJob) -> SandboxResult:
                loop.call_soon_threadsafe(task.cancel)
                return PlainSandbox().run(job)

        task = asyncio.create_task(taking.take([finding], store.bench(sandbox=Interrupting(9)), 600.0))
        return await task

    expected = Rehearsed(findings=(finding,), notes=untried(1, taking.INTERRUPTED), interrupted=True)
    assert expected == asyncio.run(session())


def test_without_suggestions_nothing_is_run_and_nothing_told(store: Project) -> None:
    sandbox = Failing(0)
    assert Rehearsed(findings=(claim(),)) == taken(store, claim(), sandbox=sandbox)
    assert 0 == sandbox.runs
    assert Rehearsed(findings=(claim(),)) == taking.untaken([claim()], "there is no sandbox")


def test_where_nothing_can_be_run_all_suggestions_stay_and_the_reason_is_told() -> None:
    finding = suggested(2, "    return sum(prices)")
    expected = Rehearsed(findings=(finding, claim()), notes=untried(1, "there is no sandbox"))
    assert expected == taking.untaken([finding, claim()], "there is no sandbox")
