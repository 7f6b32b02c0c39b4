"""``review --dry-run`` prints what would be posted; ``--post`` and ``--no-post`` are taken at their word."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli.conftest import Reviewbot
from posting.stages import ALL, STAGES, Stage


@pytest.fixture(params=sorted(STAGES))
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Give a change with three findings, on either forge."""
    with STAGES[request.param](tmp_path) as made:
        yield made


def test_the_plan_is_printed_and_nothing_is_written(stage: Stage) -> None:
    ran = stage.review("--dry-run")
    assert (0, 0, {}) == (ran.code, stage.writes, stage.places())
    assert f"What would be posted to {stage.word} 7 of " in ran.out
    for place in ("+ app.rs:10  Wrong alpha here", "+ app.rs:30  Wrong beta here", "+ new.rs:1  Wrong gamma here"):
        assert f"  {place}\n" in ran.out
    assert "  summary: create\n3 new comments, 0 resolved, 0 kept\n" in ran.out
    assert "  | ### reviewbot: passed" in ran.out


def test_the_plan_as_json_is_what_is_posted_then(stage: Stage) -> None:
    plan = stage.review("--dry-run", "--format", "json").json
    assert 0 == stage.writes
    assert ("create", 7) == (plan["summary"]["action"], plan["request"]["number"])
    fields = ("path", "side", "start_line", "line", "placement")
    places = {tuple(one[field] for field in fields) for one in plan["create"]}
    assert {("app.rs", "RIGHT", n, n, "inline") for n in (10, 30)} | {("new.rs", "RIGHT", 1, 1, "inline")} == places
    stage.review()
    assert {one["body"] for one in plan["create"]} == {one.body for one in stage.shown() if one.kind == "inline"}
    assert ALL == stage.places()


def test_a_dry_run_after_a_run_has_nothing_to_do(stage: Stage) -> None:
    stage.review()
    writes = stage.writes
    ran = stage.review("--dry-run")
    assert "  nothing: everything stands there already\n  = keep Wrong alpha here: found again" in ran.out
    assert "  summary: keep\n0 new comments, 0 resolved, 3 kept\n" in ran.out
    assert writes == stage.writes


def test_no_post_writes_nothing(stage: Stage) -> None:
    writes = stage.writes
    ran = stage.review("--no-post", "--format", "json")
    assert (0, writes, ["alpha", "beta", "gamma"]) == (ran.code, stage.writes, ran.names)
    assert [] == stage.shown()


def test_post_is_taken_as_a_demand(stage: Stage) -> None:
    assert 0 == stage.review("--post").code
    assert ALL == stage.places()
    off = stage.review("--post", "--diff", "-")
    assert 2 == off.code
    assert "--post goes with the change of a pipeline, not with --diff or --staged" in off.err


def test_without_a_pipeline_post_is_a_mistake(process: Reviewbot) -> None:
    ran = process("review", "--post")
    assert (2, "") == (ran.code, ran.out)
    assert "--post needs the pipeline of a merge request or pull request" in ran.err


def test_post_and_dry_run_contradict_each_other(process: Reviewbot) -> None:
    ran = process("review", "--post", "--dry-run")
    assert 2 == ran.code
    assert "--dry-run posts nothing: it does not go with --post" in ran.err


def test_without_a_pipeline_the_plan_is_for_a_request_without_threads(process: Reviewbot) -> None:
    ran = process("review", "--dry-run")
    assert 0 == ran.code
    assert "What would be posted to pull request 0 of this repository at 0000000:" in ran.out
    assert "+ app.py:5  Undefined name `undefined_name`" in ran.out
    plan = process("review", "--dry-run", "--format", "json").json
    assert [("app.py", 5, "inline")] == [
        (one["path"], one["line"], one["placement"]) for one in plan["create"] if one["line"] == 5
    ]
