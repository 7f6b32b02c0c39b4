"""Jobs that have nothing to post: a newer push has come, or the request is to be left alone."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes.gitlab_server import User
from posting.stages import ALL, BASE, CHANGE, STAGES, GitHub, GitLab, Stage

RULES = """fail_on = "low"
[requests]
skip_drafts = true
skip_bots = true
skip_authors = ["renovate*"]
skip_labels = ["no-review"]
"""
DIFF = r"/(diffs|files)$"
"""What is read last before anything is written."""


@pytest.fixture(params=sorted(STAGES))
def ruled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Give a request to a project that leaves some alone."""
    with STAGES[request.param](tmp_path, CHANGE, BASE | {".reviewbot.toml": RULES}) as made:
        yield made


def test_a_job_for_a_commit_that_is_not_the_newest_ends_before_it_costs_anything(stage: Stage) -> None:
    stage.arrived(stage.commit({"lib.rs": "wrong delta\n"}))
    ran = stage.review("--fail-on", "low")
    assert (0, "") == (ran.code, ran.out)
    assert f"a newer push has come: the {stage.word} is at" in ran.err
    assert ({}, 0, 0) == (stage.places(), stage.writes, len(stage.model.asked))


def test_a_push_during_the_review_leaves_the_posting_to_its_own_job(stage: Stage) -> None:
    stage.when("GET", DIFF, lambda: stage.arrived(stage.commit({"lib.rs": "wrong delta\n"})))
    ran = stage.review("--format", "json")
    assert (0, ["alpha", "beta", "gamma"]) == (ran.code, ran.names)
    assert "nothing" in ran.err
    assert "posted" in ran.err
    assert ({}, 0, 0) == (stage.places(), stage.writes, stage.emails)
    stage.arrive()
    assert 0 == stage.review().code
    assert ALL | {"delta": ["inline"]} == stage.places()


def label(stage: Stage) -> None:
    if isinstance(stage, GitLab):
        stage.server.request.labels = ("bug", "no-review")
    elif isinstance(stage, GitHub):
        stage.server.world.setup = replace(stage.server.world.setup, labels=("bug", "no-review"))


def draft(stage: Stage) -> None:
    if isinstance(stage, GitLab):
        stage.server.request.draft = True
    elif isinstance(stage, GitHub):
        stage.server.world.draft = True


def bots(stage: Stage) -> None:
    _author(stage, "project_42_bot_9a8b7c", "helper[bot]")


def renovates(stage: Stage) -> None:
    _author(stage, "renovate-runner", "renovate-runner")


def _author(stage: Stage, on_gitlab: str, on_github: str) -> None:
    if isinstance(stage, GitLab):
        stage.server.request.author = User(id=5, username=on_gitlab)
    elif isinstance(stage, GitHub):
        stage.server.world.author = stage.server.world.account(on_github)


def closed(stage: Stage) -> None:
    if isinstance(stage, GitLab):
        stage.server.request.state = "merged"
    elif isinstance(stage, GitHub):
        stage.server.close_pull(merged=True)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (draft, "is a draft (requests.skip_drafts)"),
        (bots, "is a bot (requests.skip_bots)"),
        (renovates, "its author is renovate-runner (requests.skip_authors)"),
        (label, "it has the label 'no-review' (requests.skip_labels)"),
        (closed, "is merged or closed"),
    ],
)
def test_a_request_that_the_target_exempts_is_left_alone_and_every_line_says_why(
    ruled: Stage, make: Callable[[Stage], None], reason: str
) -> None:
    make(ruled)
    ran = ruled.review("--format", "json")
    assert 0 == ran.code
    assert "not reviewed: " in ran.err
    assert reason in ran.err
    lines = ran.json["lines"]
    assert lines["changed"] == lines["skipped"] == 5
    assert {("skipped", True)} == {(file["outcome"], reason in file["reason"]) for file in ran.json["files"]}
    assert ({}, 0, 0) == (ruled.places(), ruled.writes, len(ruled.model.asked))


def test_a_request_that_nothing_exempts_is_reviewed_and_fails_on_what_was_verified(ruled: Stage) -> None:
    assert 1 == ruled.review().code
    assert ALL == ruled.places()


@pytest.mark.parametrize("forge", sorted(STAGES))
def test_a_change_cannot_exempt_itself(tmp_path: Path, forge: str) -> None:
    with STAGES[forge](tmp_path, CHANGE | {".reviewbot.toml": RULES}) as stage:
        draft(stage)
        assert 0 == stage.review().code
        assert ALL == stage.places()
