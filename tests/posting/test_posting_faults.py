"""What goes wrong between a job and its forge costs no finding, and posts none twice."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from fakes.gitlab_server import REPORTER
from posting.prepared import Prepared
from posting.stages import ALL, GitHub, GitLab, Stage

Trouble = tuple[str, str, int | str, Mapping[str, Any]]

AWAY = "http://127.0.0.1:1"
REPORT = "reviewbot-report.json"


def away() -> dict[str, str]:
    """Give the addresses of a forge that nobody answers at."""
    names = ("CI_SERVER_URL", "CI_API_V4_URL", "GITHUB_API_URL")
    return {**dict.fromkeys(names, AWAY), "GITHUB_GRAPHQL_URL": f"{AWAY}/graphql"}


def test_a_forge_that_is_away_costs_no_review_and_posting_is_finished_later(later: Prepared) -> None:
    stage = later.reset()
    writes = stage.writes
    ran = stage.review("--format", "json", **away())
    assert (3, ["delta", "gamma"], writes) == (ran.code, ran.names, stage.writes)
    assert "The review goes on, and its report is saved" in ran.err
    assert f"'reviewbot post {REPORT}' posts it" in ran.err
    asked = len(stage.model.asked)
    assert 0 == stage.run("post", REPORT).code
    assert later.expected == stage.snapshot()
    assert asked == len(stage.model.asked)


def test_the_gate_outranks_nothing_where_the_forge_failed(stage: Stage) -> None:
    ran = stage.review("--fail-on", "low", "--engine", "static", **away())
    assert 3 == ran.code


DRAFT, PUBLISH = r"/draft_notes$", r"/bulk_publish$"
ON_GITLAB: Mapping[str, Sequence[Trouble]] = {
    "502 after a draft was stored": [("POST", DRAFT, "status", {"after_store": True})],
    "502 before a draft was stored": [("POST", DRAFT, "status", {})],
    "reset after a draft was stored": [("POST", DRAFT, "reset", {"after_store": True})],
    "no answer after a draft was stored": [("POST", DRAFT, "hang", {"after_store": True})],
    "502 after publishing": [("POST", PUBLISH, "status", {"after_store": True})],
    "502 before publishing": [("POST", PUBLISH, "status", {})],
    "500 after one was published": [("POST", PUBLISH, "partial", {"published": 1})],
    "no answer after publishing": [("POST", PUBLISH, "hang", {"after_store": True})],
    "429 with a wait": [("POST", DRAFT, "limit", {"retry_after": "1"})],
    "429 without a wait": [("POST", DRAFT, "limit", {}), ("GET", r"/discussions$", "limit", {})],
    "502 while reading": [("GET", r"/discussions$", "status", {"times": 2}), ("GET", r"/diffs$", "reset", {})],
    "502 after resolving": [("PUT", r"/discussions/", "status", {"after_store": True})],
    "502 after the summary's edit": [("PUT", r"/notes/", "status", {"after_store": True})],
    "drafts refused for a while": [("POST", DRAFT, "status", {"times": 99})],
    "resolving refused for a while": [("PUT", r"/discussions/", "status", {"times": 99})],
    "the summary's edit refused for a while": [("PUT", r"/notes/", "status", {"times": 99})],
}


@pytest.mark.parametrize("name", ON_GITLAB)
def test_gitlab_in_trouble_ends_like_gitlab_in_peace(later_on_gitlab: Prepared, name: str) -> None:
    finished(later_on_gitlab, ON_GITLAB[name], hurry="no answer" in name)


REVIEWS, SUMMARY, GRAPHQL = r"/reviews$", r"/issues/comments/\d+$", "/graphql"
ON_GITHUB: Mapping[str, Sequence[Trouble]] = {
    "502 after the review was stored": [("POST", REVIEWS, 502, {"after_store": True})],
    "502 before the review was stored": [("POST", REVIEWS, 502, {})],
    "reset after the review was stored": [("POST", REVIEWS, "reset", {"after_store": True})],
    "no answer after the review was stored": [("POST", REVIEWS, "hang", {"after_store": True})],
    "403 with a wait": [("POST", REVIEWS, "secondary", {"retry_after": 2})],
    "403 without a wait": [("POST", REVIEWS, "secondary", {})],
    "429 with a wait": [("POST", REVIEWS, "secondary", {"status": 429, "retry_after": 2})],
    "429 without a wait": [("PATCH", SUMMARY, "secondary", {"status": 429})],
    "502 while reading": [("GET", r"/comments$", 502, {"times": 2}), ("GET", r"/files$", "reset", {})],
    "502 of GraphQL": [("POST", GRAPHQL, 502, {})],
    "502 after the summary's edit": [("PATCH", SUMMARY, 502, {"after_store": True})],
    "reviews refused for a while": [("POST", REVIEWS, 502, {"times": 99})],
    "the summary's edit refused for a while": [("PATCH", SUMMARY, 502, {"times": 99})],
}


@pytest.mark.parametrize("name", ON_GITHUB)
def test_github_in_trouble_ends_like_github_in_peace(later_on_github: Prepared, name: str) -> None:
    finished(later_on_github, ON_GITHUB[name], hurry="no answer" in name)


def finished(later: Prepared, faults: Sequence[Trouble], *, hurry: bool) -> None:
    """Review in trouble; if posting failed, let the trouble pass and post what was saved."""
    stage = later.reset()
    for method, path, kind, more in faults:
        stage.trouble(method, path, kind, **more)
    ran = stage.review(**{"HURRIED_TIMEOUTS": "yes"} if hurry else {})
    assert ran.code in {0, 3}, ran.err
    left = stage.untroubled()
    if ran.code:
        assert f"finish posting it with 'reviewbot post {REPORT}'" in ran.err
        stage.calm()
        assert 0 == stage.run("post", REPORT).code
    else:
        assert left == 0, "the trouble never came about"
    assert later.places == stage.places()
    assert later.expected == stage.snapshot()


def test_a_gitlab_that_never_publishes_has_the_finding_in_the_summary(later_on_gitlab: Prepared) -> None:
    stage = later_on_gitlab.reset()
    for method, path in (("POST", PUBLISH), ("PUT", r"/publish$")):
        stage.trouble(method, path, "status", times=99)
    ran = stage.review()
    assert 0 == ran.code
    assert later_on_gitlab.places | {"delta": ["summary"]} == stage.places()
    assert "one comment stands in the summary instead of at its line" in ran.err


def test_github_asking_for_a_long_wait_ends_the_job(on_github: GitHub) -> None:
    """An hour is more than a job has: it says when to come again, and the report waits."""
    on_github.server.faults.add("POST", REVIEWS, "primary", times=99)
    ran = on_github.review()
    assert 3 == ran.code
    assert "It limits the requests of this token" in ran.err
    on_github.calm()
    assert 0 == on_github.run("post", REPORT).code
    assert ALL == on_github.places()


def test_diff_refs_that_come_late_are_waited_for(on_gitlab: GitLab) -> None:
    on_gitlab.server.set_null_diff_refs(3)
    assert 0 == on_gitlab.review().code
    assert ALL == on_gitlab.places()


def test_diff_refs_that_do_not_come_cost_no_review(on_gitlab: GitLab) -> None:
    on_gitlab.server.set_null_diff_refs(99)
    ran = on_gitlab.review("--format", "json")
    assert (3, ["alpha", "beta", "gamma"]) == (ran.code, ran.names)
    assert "GitLab has no diff_refs" in ran.err
    on_gitlab.server.set_null_diff_refs(0)
    assert 0 == on_gitlab.run("post", REPORT).code
    assert ALL == on_gitlab.places()


def test_a_bot_that_may_not_resolve_still_posts(later_on_gitlab: Prepared) -> None:
    stage = later_on_gitlab.reset()
    assert isinstance(stage, GitLab)
    stage.server.state.levels[stage.bot.id] = REPORTER
    ran = stage.review()
    assert 0 == ran.code
    assert "Threads that are done stay open" in ran.err
    assert ALL | {"delta": ["inline"]} == stage.places()


def test_drafts_that_a_person_left_under_the_same_account_are_not_published(on_gitlab: GitLab) -> None:
    on_gitlab.ask("POST", "draft_notes", on_gitlab.environ["GITLAB_TOKEN"], note="not ready yet")
    ran = on_gitlab.review()
    assert 0 == ran.code
    assert "has drafts of its own: they stay" in ran.err
    assert ALL == on_gitlab.places()
    assert ["not ready yet"] == [draft.note for draft in on_gitlab.server.drafts]


def test_a_pending_review_that_a_killed_run_left_is_cleared_away(on_github: GitHub) -> None:
    head = on_github.repo.git("rev-parse", "feature")
    comment = {"path": "app.rs", "line": 10, "side": "RIGHT", "body": "left over"}
    on_github.ask("pulls/7/reviews", on_github.environ["GITHUB_TOKEN"], commit_id=head, comments=[comment])
    assert ["PENDING"] == [review.state for review in on_github.server.reviews]
    assert 0 == on_github.review().code
    assert ALL == on_github.places()
    assert "left over" not in "".join(one.body for one in on_github.shown())
