"""A queued job → what a CI job of the same request would be told, and where git finds the change."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from reviewbot.domain.job import ReviewJob
from reviewbot.repository.bare import Wanted
from reviewbot.repository.bare_git import basic

_USERS: Final = {"gitlab": "oauth2", "github": "x-access-token"}
"""What the forges want as the user's name beside a token."""
_REFS: Final = {"gitlab": "refs/merge-requests/{}/head", "github": "refs/pull/{}/head"}
_RIGHTS: Final = {
    "gitlab": "GITLAB_TOKEN or GITLAB_TOKEN_FILE, with the scopes api and read_repository and the role Developer",
    "github": "GITHUB_TOKEN, GITHUB_TOKEN_FILE or the GitHub App (REVIEWBOT_GITHUB_APP_ID), with contents read and "
    "pull requests write",
}
_GITHUB_API, _GITHUB = "https://api.github.com", "https://github.com"


def wanted(job: ReviewJob, token: str) -> Wanted:
    """Say what git is to fetch. The address is made of the job's server, and of nothing else that a webhook told."""
    return Wanted(
        url=f"{_web(job)}/{quote(job.project)}.git",
        head=job.head_sha,
        head_ref=_REFS[job.forge].format(job.number),
        target=job.target_branch,
        authorization=basic(_USERS[job.forge], token),
    )


def mending(job: ReviewJob) -> str:
    """Say where a token that the forge refuses is from, and what it needs."""
    return f"check the worker's {_RIGHTS[job.forge]}, for {job.project}"


def pipeline(job: ReviewJob, token: str, event: str) -> Mapping[str, str]:
    """Give the variables of a CI job for a request; ``event`` is the path of GitHub's event document."""
    return _github(job, token, event) if job.forge == "github" else _gitlab(job, token)


def event(job: ReviewJob) -> Mapping[str, object]:
    """Give the part of GitHub's event that a review reads.

    Whether the source lies in a fork is not told: it is treated as one, and is trusted with nothing.
    """
    head = {"sha": job.head_sha, "repo": None}
    return {"pull_request": {"number": job.number, "head": head, "base": {"ref": job.target_branch}}}


def _gitlab(job: ReviewJob, token: str) -> Mapping[str, str]:
    web = _web(job)
    return {
        "GITLAB_CI": "true",
        "CI_SERVER_URL": web,
        "CI_API_V4_URL": f"{web}/api/v4",
        "CI_PROJECT_PATH": job.project,
        "CI_MERGE_REQUEST_PROJECT_ID": str(job.project_id),
        "CI_MERGE_REQUEST_IID": str(job.number),
        "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": job.head_sha,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": job.target_branch,
        "CI_COMMIT_SHA": job.head_sha,
        "GITLAB_TOKEN": token,
    }


def _github(job: ReviewJob, token: str, event: str) -> Mapping[str, str]:
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_API_URL": job.server,
        "GITHUB_REPOSITORY": job.project,
        # As where the target's own secrets are, and the change's code is not run.
        "GITHUB_EVENT_NAME": "pull_request_target",
        "GITHUB_EVENT_PATH": event,
        "GITHUB_BASE_REF": job.target_branch,
        "GITHUB_TOKEN": token,
    }


def _web(job: ReviewJob) -> str:
    """Give the address under which people and git find a server; the job names that of its API."""
    server = job.server.rstrip("/")
    if job.forge == "gitlab":
        return server.removesuffix("/api/v4")
    if urlsplit(server).netloc == urlsplit(_GITHUB_API).netloc:
        return _GITHUB
    return server.removesuffix("/api/v3")
