"""What a pipeline's variables say of its merge request or pull request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reviewbot.errors import UsageError
from reviewbot.settings import pipelines
from reviewbot.settings.pipelines import Pipeline, TokenKind

HEAD, OTHER, ZEROS = "a" * 40, "b" * 40, "0" * 40
GITLAB = {
    "GITLAB_CI": "true",
    "CI_SERVER_URL": "https://git.example.org",
    "CI_API_V4_URL": "https://git.example.org/api/v4",
    "CI_MERGE_REQUEST_IID": "7",
    "CI_MERGE_REQUEST_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    "CI_COMMIT_SHA": HEAD,
}
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_API_URL": "https://api.github.com",
    "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
    "GITHUB_REPOSITORY": "acme/app",
    "GITHUB_EVENT_NAME": "pull_request",
    "GITHUB_EVENT_PATH": "event.json",
}
PULL = {"number": 7, "head": {"sha": HEAD, "repo": {"full_name": "acme/app"}}, "base": {"ref": "main"}}
RUN = {
    "event": "pull_request",
    "head_sha": HEAD,
    "head_branch": "patch-1",
    "head_repository": {"full_name": "stranger/app", "owner": {"login": "stranger"}},
    "pull_requests": [],
}


def gitlab(**more: str) -> Pipeline:
    found = pipelines.detect({**GITLAB, **more})
    assert found is not None
    return found


def event(document: Any) -> Callable[[Path], str]:  # noqa: ANN401 - any JSON
    return lambda path: json.dumps(document) if path == Path("event.json") else ""


def github(document: Any, **more: str) -> Pipeline | None:  # noqa: ANN401 - any JSON
    return pipelines.detect({**GITHUB, **more}, event(document))


def test_outside_of_ci_there_is_no_request() -> None:
    assert pipelines.detect({}) is None


def test_a_detached_pipeline_names_request_head_and_target() -> None:
    found = gitlab()
    assert ("gitlab", "https://git.example.org", "42", 7) == (found.forge, found.url, found.project, found.number)
    assert (HEAD, "main", False, False) == (found.head_sha, found.target_branch, found.from_fork, found.trusted)


def test_in_a_merged_results_pipeline_the_head_is_the_source_branchs() -> None:
    assert OTHER == gitlab(CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=OTHER).head_sha


def test_a_forks_pipeline_belongs_to_the_target_project() -> None:
    found = gitlab(CI_MERGE_REQUEST_SOURCE_PROJECT_ID="99", CI_PROJECT_ID="99")
    assert ("42", True) == (found.project, found.from_fork)


@pytest.mark.parametrize("missing", ["CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_PROJECT_ID"])
def test_a_branch_pipeline_has_no_request(missing: str) -> None:
    assert pipelines.detect({**GITLAB, missing: ""}) is None


@pytest.mark.parametrize("number", ["7; rm", "٧", "-7", "7.0"])  # noqa: RUF001 - another script's digit
def test_a_number_that_is_none_is_no_request(number: str) -> None:
    assert pipelines.detect({**GITLAB, "CI_MERGE_REQUEST_IID": number}) is None


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({"CI_API_V4_URL": "http://127.0.0.1:8080/gitlab/api/v4"}, "http://127.0.0.1:8080/gitlab"),
        ({"CI_API_V4_URL": ""}, "https://git.example.org"),
        ({"CI_API_V4_URL": "https://git.example.org:8443/api/v4/"}, "https://git.example.org:8443"),
    ],
)
def test_relative_roots_and_ports_of_gitlab_are_kept(environ: dict[str, str], url: str) -> None:
    assert url == gitlab(**environ).url


@pytest.mark.parametrize("sha", ["", ZEROS, "HEAD", "A" * 40, HEAD[:39]])
def test_what_is_no_commit_is_not_taken_for_one(sha: str) -> None:
    assert gitlab(CI_COMMIT_SHA=sha).head_sha is None


def test_an_own_token_goes_before_the_jobs() -> None:
    both = gitlab(GITLAB_TOKEN="own-token", CI_JOB_TOKEN="job-token").token
    job = gitlab(GITLAB_TOKEN=" ", CI_JOB_TOKEN="job-token").token
    assert both is not None
    assert job is not None
    assert [("own-token", TokenKind.OWN), ("job-token", TokenKind.JOB)] == [
        (both.value, both.kind),
        (job.value, job.kind),
    ]
    assert gitlab().token is None


def test_a_token_is_in_no_repr() -> None:
    assert "own-token" not in repr(gitlab(GITLAB_TOKEN="own-token"))


def test_a_pull_requests_job_names_request_head_and_base() -> None:
    found = github({"pull_request": PULL}, GITHUB_TOKEN="job-token")
    assert found is not None
    assert ("github", "acme/app", 7, HEAD) == (found.forge, found.project, found.number, found.head_sha)
    assert ("main", False, False) == (found.target_branch, found.from_fork, found.trusted)
    assert found.token is not None


@pytest.mark.parametrize("repo", [None, {"full_name": "stranger/app"}])
def test_a_forks_pull_request_is_told_apart_even_if_the_fork_is_gone(repo: dict[str, str] | None) -> None:
    found = github({"pull_request": {**PULL, "head": {"sha": HEAD, "repo": repo}}})
    assert found is not None
    assert True is found.from_fork


def test_after_a_workflow_run_the_forge_has_to_be_asked_for_the_number() -> None:
    found = github({"workflow_run": RUN}, GITHUB_EVENT_NAME="workflow_run")
    assert found is not None
    assert (None, HEAD, "stranger", "patch-1") == (found.number, found.head_sha, found.head_owner, found.head_branch)
    assert (True, True) == (found.trusted, found.from_fork)


def test_a_workflow_run_after_a_push_has_no_request() -> None:
    assert github({"workflow_run": {**RUN, "event": "push"}}, GITHUB_EVENT_NAME="workflow_run") is None


@pytest.mark.parametrize("name", ["push", "schedule", ""])
def test_other_events_have_no_request(name: str) -> None:
    assert github({"pull_request": PULL}, GITHUB_EVENT_NAME=name) is None


@pytest.mark.parametrize("document", [[], {}, {"pull_request": 7}, {"pull_request": {"number": "7"}}])
def test_an_event_of_another_shape_has_no_request(document: object) -> None:
    assert github(document) is None


def test_an_event_that_is_no_json_is_an_error_in_words() -> None:
    with pytest.raises(UsageError, match=r"GITHUB_EVENT_PATH: the event in event\.json cannot be read"):
        pipelines.detect(GITHUB, lambda _: "{")


def test_a_missing_event_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        pipelines.detect({**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / "none.json")})


def test_without_an_event_file_there_is_no_request() -> None:
    assert pipelines.detect({**GITHUB, "GITHUB_EVENT_PATH": ""}) is None


@pytest.mark.parametrize(
    ("api", "graphql"),
    [
        ("https://api.github.com", "https://api.github.com/graphql"),
        ("https://ghe.example.org/api/v3", "https://ghe.example.org/api/graphql"),
    ],
)
def test_the_graphql_address_follows_from_the_apis(api: str, graphql: str) -> None:
    found = github({"pull_request": PULL}, GITHUB_API_URL=api, GITHUB_GRAPHQL_URL="")
    assert found is not None
    assert graphql == found.graphql_url


@pytest.mark.parametrize("url", ["ftp://x", "nonsense", "http://", "http://host:0", "http://[::1"])
def test_an_address_that_is_none_is_an_error_in_words(url: str) -> None:
    with pytest.raises(UsageError, match="is no http"):
        github({"pull_request": PULL}, GITHUB_API_URL=url)
