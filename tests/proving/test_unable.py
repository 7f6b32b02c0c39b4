"""Where tests cannot be proven, or not to the end: all of it is a value, and said."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from proving.sandboxes import Failing, Stepping
from proving.scene import PlainSandbox, Project, ScriptedModel, drafting
from proving.shop import GRADE, answering, given, proved

from reviewbot.domain.candidate import CandidateStatus, Gap, Proved
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.isolation import SandboxJob, SandboxResult
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.proving import prove


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


@pytest.mark.parametrize("after", [0, 1, 4, 12])
def test_a_sandbox_that_fails_ends_it_and_nothing_is_proven(shop: Project, after: int) -> None:
    found = proved(shop, answering(given(GRADE)), sandbox=Failing(after), workers=1)
    assert () == found.files
    assert not [judged for judged in found.tests if judged.status is CandidateStatus.PROVEN]
    assert any("no more processes" in note for note in found.notes)
    assert ["no more processes"] == [one.reason for one in found.unreached]


def test_without_time_nothing_is_reached(shop: Project) -> None:
    found = proved(shop, answering(given(GRADE)), time_s=0.0)
    assert ["the time for proving tests was up"] == [one.reason for one in found.unreached]


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
