"""A job that is killed at any of its requests to the forge is completed by the next, with nothing posted twice."""

import signal

import pytest
from jobs import Job
from posting.prepared import Prepared
from posting.stages import Stage

PARTS = 4
"""For each forge; so that several workers share the work."""


def killed_at(stage: Stage, number: int) -> int:
    """Review until that request has had its effect; give the exit status."""
    jobs: list[Job] = []

    def kill() -> None:
        jobs[0].kill()  # not there yet when this is handed over

    stage.kill_at(number, kill)
    jobs.append(stage.job("review"))
    ran = jobs[0].ran()
    stage.calm()
    return ran.code


def test_the_run_that_is_killed_below_posts_keeps_resolves_and_edits(later: Prepared) -> None:
    assert (["inline"], ["inline"]) == (later.places["gamma"], later.places["delta"])
    assert {True} == {"closed by" in later.places[name][0] for name in ("alpha", "beta")}


@pytest.mark.parametrize("part", range(PARTS))
def test_a_run_killed_at_any_request_is_completed_by_the_next(later: Prepared, part: int) -> None:
    for number in range(1 + part, later.requests + 1, PARTS):
        stage = later.reset()
        assert -signal.SIGKILL == killed_at(stage, number), f"request {number}"
        ran = stage.review()
        assert 0 == ran.code, f"request {number}: {ran.err}"
        assert later.expected == stage.snapshot(), f"request {number}"


def test_a_run_that_is_killed_again_and_again_gets_there(later: Prepared) -> None:
    """Each attempt gets three requests further than the one before."""
    stage = later.reset()
    for number in range(3, 10 * later.requests, 3):
        if killed_at(stage, number) == 0:
            break
    assert later.expected == stage.snapshot()
    writes = stage.writes
    assert 0 == stage.review().code
    assert writes == stage.writes
