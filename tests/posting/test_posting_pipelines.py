"""Every kind of pipeline that a change request has: what is reviewed, where it is posted, and what if it may not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes.github_server import Setup
from posting.stages import ALL, PYTHON, GitHub, GitLab, Stage, github

NO_TOKEN = {"GITLAB_TOKEN": "", "CI_JOB_TOKEN": ""}


def gated(stage: Stage, **environ: str) -> int:
    """Give the exit code where the gate fails."""
    stage.push(PYTHON)
    return stage.review("--engine", "static", "--fail-on", "high", **environ).code


def at_a_merge(stage: Stage) -> str:
    """Check out what a runner makes of the change and a target that has moved on; give that commit."""
    head = stage.repo.git("rev-parse", "feature")
    stage.target({"other.rs": "wrong omega\n"})
    stage.clone.git("checkout", "--quiet", "--detach", "origin/main")
    stage.clone.git("merge", "--quiet", "--no-ff", "-m", "a temporary merge", head)
    return stage.clone.head


def saved(stage: Stage) -> dict[str, object]:
    report: dict[str, object] = json.loads((stage.clone.path / "reviewbot-report.json").read_text())
    return report


# GitLab.


@pytest.mark.parametrize("kind", ["merged_result", "merge_train"])
def test_of_a_pipeline_for_merged_results_the_sources_head_is_reviewed(on_gitlab: GitLab, kind: str) -> None:
    head = on_gitlab.repo.git("rev-parse", "feature")
    merged = at_a_merge(on_gitlab)
    on_gitlab.environ |= {
        "CI_COMMIT_SHA": merged,
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": head,
        "CI_MERGE_REQUEST_EVENT_TYPE": kind,
    }
    ran = on_gitlab.review("--format", "json")
    assert (0, head, ["alpha", "beta", "gamma"]) == (ran.code, ran.json["head"], ran.names)
    assert ALL == on_gitlab.places()


def test_a_forks_pipeline_has_no_token_and_its_exit_is_the_verdicts(on_gitlab: GitLab) -> None:
    environ = NO_TOKEN | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "43", "CI_PROJECT_ID": "43"}
    ran = on_gitlab.review(**environ)
    assert (0, 0) == (ran.code, on_gitlab.requests)
    assert "there is no token to post with: set GITLAB_TOKEN" in ran.err
    assert 3 == len(saved(on_gitlab)["findings"])  # type: ignore[arg-type]
    assert 1 == gated(on_gitlab, **environ)


def test_a_jobs_own_token_posts_nothing_and_says_which_one_would(on_gitlab: GitLab) -> None:
    on_gitlab.server.add_token(on_gitlab.server.author, "job-token", kind="job")
    environ = NO_TOKEN | {"CI_JOB_TOKEN": "job-token"}
    ran = on_gitlab.review("--format", "json", **environ)
    assert (0, ["alpha", "beta", "gamma"]) == (ran.code, ran.names)
    assert "CI_JOB_TOKEN reads merge requests and comments, but it may not post" in ran.err
    assert "make a project access token with the scope api" in ran.err
    assert ({}, 0) == (on_gitlab.places(), on_gitlab.writes)
    assert 1 == gated(on_gitlab, **environ)


def test_a_token_that_is_wrong_fails_the_job_and_the_report_is_saved(on_gitlab: GitLab) -> None:
    ran = on_gitlab.review(GITLAB_TOKEN="revoked")
    assert 3 == ran.code
    assert "the token is unknown, expired or revoked" in ran.err
    assert "'reviewbot post reviewbot-report.json' posts it" in ran.err
    assert 3 == len(saved(on_gitlab)["findings"])  # type: ignore[arg-type]


def test_a_token_that_only_reads_shows_the_review_in_the_log(on_gitlab: GitLab) -> None:
    on_gitlab.server.add_token(on_gitlab.bot, "reader", kind="project", scopes=("read_api",))
    ran = on_gitlab.review(GITLAB_TOKEN="reader")
    assert 0 == ran.code
    assert "read_api reads, only api posts" in ran.err
    assert {} == on_gitlab.places()


def test_a_pipeline_of_a_branch_reviews_and_posts_nowhere(on_gitlab: GitLab) -> None:
    ran = on_gitlab.review("--format", "json", CI_MERGE_REQUEST_IID="", CI_MERGE_REQUEST_TARGET_BRANCH_NAME="")
    assert (0, ["alpha", "beta", "gamma"], 0) == (ran.code, ran.names, on_gitlab.requests)


def test_under_a_relative_root_the_apis_address_counts(on_gitlab: GitLab) -> None:
    assert 0 == on_gitlab.review(CI_SERVER_URL="http://127.0.0.1:1").code
    assert ALL == on_gitlab.places()


# GitHub.


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target"])
def test_a_checkout_of_githubs_merge_commit_does_not_matter(on_github: GitHub, event: str) -> None:
    head = on_github.repo.git("rev-parse", "feature")
    merged = at_a_merge(on_github)
    environ = {"GITHUB_SHA": merged, "GITHUB_REF": "refs/pull/7/merge", "GITHUB_EVENT_NAME": event}
    ran = on_github.review("--format", "json", **environ)
    assert (0, head, ["alpha", "beta", "gamma"]) == (ran.code, ran.json["head"], ran.names)
    assert ALL == on_github.places()


@pytest.fixture
def forked(tmp_path: Path) -> Iterator[GitHub]:
    """Give a pull request from a fork."""
    with github(tmp_path, setup=Setup(head_repo="bob/app", author="bob")) as made:
        yield made


def test_a_token_that_only_reads_leaves_annotations_and_the_jobs_page(forked: GitHub) -> None:
    forked.use(forked.server.actions_token(pulls=False, checks=False))
    page = forked.folder / "summary.md"
    ran = forked.review(GITHUB_STEP_SUMMARY=str(page))
    assert 0 == ran.code
    assert "GitHub lets this token read but not write" in ran.err
    assert "post from a second workflow, on 'workflow_run'" in ran.err
    assert "::error file=app.rs,line=10" in ran.err
    assert 3 == ran.err.count("\n::error file=")
    assert "Wrong alpha here" in page.read_text()
    assert ({}, 0) == (forked.places(), forked.emails)
    assert 1 == gated(forked)


def test_annotations_on_standard_output_are_not_repeated(forked: GitHub) -> None:
    forked.use(forked.server.actions_token(pulls=False, checks=False))
    ran = forked.review("--format", "annotations")
    assert (3, 0) == (ran.out.count("::error file="), ran.err.count("::error file="))


def test_a_pull_request_job_without_any_token_shows_its_findings_too(forked: GitHub) -> None:
    ran = forked.review(GITHUB_TOKEN="")
    assert (0, 3, 0) == (ran.code, ran.err.count("\n::error file="), forked.requests)
    assert "pass GITHUB_TOKEN in env" in ran.err


def after_the_run(stage: GitHub, **more: object) -> None:
    """Make the job one of ``workflow_run``, in a clone that has the default branch alone."""
    head = stage.repo.git("rev-parse", "feature")
    source = {"full_name": "bob/app", "owner": {"login": "bob"}}
    run = {"event": "pull_request", "head_sha": head, "head_branch": "feature", "head_repository": source}
    stage.event({"workflow_run": {**run, "pull_requests": [], **more}})
    stage.environ |= {"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_BASE_REF": ""}
    stage.repo.git("update-ref", "refs/pull/7/head", head)
    stage.repo.git("checkout", "--quiet", "main")
    stage.repo.git("branch", "--quiet", "--delete", "--force", "feature")
    stage.clone = stage.repo.clone(stage.folder / "default", "--single-branch", "--branch=main")


def test_after_workflow_run_a_forks_request_is_found_and_reviewed_without_checking_it_out(forked: GitHub) -> None:
    after_the_run(forked)
    ran = forked.review()
    assert 0 == ran.code, ran.err
    assert ALL == forked.places()
    assert forked.repo.git("rev-parse", "main") == forked.clone.head
    assert "?? reviewbot-report.json" == forked.clone.git("status", "--porcelain")


def test_after_workflow_run_a_request_that_has_moved_on_is_left_to_the_next(forked: GitHub) -> None:
    forked.arrived(forked.commit({"lib.rs": "wrong delta\n"}))
    after_the_run(forked, head_sha="0123456789" * 4)
    ran = forked.review()
    assert (0, "") == (ran.code, ran.out)
    assert "there is no open pull request at 0123456 any more" in ran.err
    assert 0 == forked.writes


def test_workflow_run_of_a_push_has_no_request(forked: GitHub) -> None:
    after_the_run(forked, event="push")
    ran = forked.review()
    assert (0, 0) == (ran.code, forked.requests)


def test_an_event_that_cannot_be_read_ends_the_job(on_github: GitHub) -> None:
    (on_github.folder / "event.json").write_text("{")
    ran = on_github.review()
    assert 2 == ran.code
    assert "GITHUB_EVENT_PATH: the event in" in ran.err
