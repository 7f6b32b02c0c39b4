"""A pipeline's change request → the open forge behind it. A forge's library is loaded here, and only the one in use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from reviewbot.domain.request import ChangeRequest
from reviewbot.errors import ReadOnlyError, Superseded
from reviewbot.ports import Forge
from reviewbot.settings.pipelines import Pipeline, Token, TokenKind

WORDS = {"gitlab": "merge request", "github": "pull request"}
"""What users read, by forge."""
_TOKENS = {
    "gitlab": "set GITLAB_TOKEN, a masked variable with a project access token (scope api, role Developer)",
    "github": "pass GITHUB_TOKEN in env, with `permissions: pull-requests: write`",
}

Pause = Callable[[float], None]
"""Waits that many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attended:
    """The change request that a job runs for, as its forge knows it."""

    pipeline: Pipeline
    forge: Forge
    request: ChangeRequest


@contextmanager
def attended(pipeline: Pipeline, pause: Pause) -> Iterator[Attended]:
    """Open the forge and ask for the request.

    Raises ReadOnlyError where there is no token that could write, Superseded where a newer push has come, and
    ForgeError where the forge cannot be asked.
    """
    if pipeline.token is None:
        how = _TOKENS[pipeline.forge]
        message = f"there is no token to post with: {how}. Pipelines of forks are given none: see docs/ci.md"
        raise ReadOnlyError(message)
    opened = _github if pipeline.forge == "github" else _gitlab
    with opened(pipeline, pipeline.token, pause) as forge:
        request = forge.request()
        if pipeline.head_sha not in {None, request.head_sha}:
            message = (
                f"a newer push has come: the {WORDS[pipeline.forge]} is at {request.head_sha[:7]}, and this job was "
                f"made for {(pipeline.head_sha or '')[:7]}. Nothing is posted; that push's own job does it"
            )
            raise Superseded(message)
        yield Attended(pipeline=pipeline, forge=forge, request=request)


@contextmanager
def _gitlab(pipeline: Pipeline, token: Token, pause: Pause) -> Iterator[Forge]:
    from reviewbot.forges.gitlab import Access, GitLabForge

    access = Access(
        url=pipeline.url,
        token=token.value,
        project=pipeline.project,
        iid=pipeline.number or 0,
        job_token=token.kind is TokenKind.JOB,
    )
    with GitLabForge(access, pause) as forge:
        yield forge


@contextmanager
def _github(pipeline: Pipeline, token: Token, pause: Pause) -> Iterator[Forge]:
    from reviewbot.forges.github import Access, GitHubForge, find_request

    access = Access(
        api_url=pipeline.url,
        graphql_url=pipeline.graphql_url,
        token=token.value,
        repository=pipeline.project,
        pause=pause,
    )
    number = pipeline.number
    if number is None and pipeline.head_owner and pipeline.head_branch and pipeline.head_sha:
        number = find_request(
            access, head_owner=pipeline.head_owner, head_branch=pipeline.head_branch, head_sha=pipeline.head_sha
        )
    if number is None:
        message = (
            f"there is no open pull request at {(pipeline.head_sha or 'an unknown commit')[:7]} any more: it has "
            "a newer push, or is closed. Nothing is posted"
        )
        raise Superseded(message)
    yield GitHubForge(access, number)
