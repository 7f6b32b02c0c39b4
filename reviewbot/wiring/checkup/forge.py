"""Whether the forge takes the token, and the token may write where the comments go."""

from collections.abc import Callable, Iterator

from reviewbot.domain.checkup import Check, Health
from reviewbot.errors import ForgeError, ReadOnlyError, Superseded
from reviewbot.ports import Forge
from reviewbot.settings.pipelines import Pipeline, TokenKind
from reviewbot.steps.remembering_page import TITLE
from reviewbot.wiring import forges, memory

_WRITERS = ("admin", "maintain", "write", "unknown")


def check(pipeline: Pipeline | None, pause: Callable[[float], None]) -> tuple[Check, ...]:
    """Ask the forge about the request and the token. Nothing is written."""
    if pipeline is None:
        finding = "no pipeline of a merge request or pull request: nothing would be posted"
        return (Check(name="forge", health=Health.ABSENT, finding=finding),)
    try:
        with forges.attended(pipeline, pause) as attended:
            request = attended.request
            word = request.dialect.request_word
            found = f"{word} {request.number} of {request.project} at {request.head_sha[:7]}"
            good = Check(name="forge", health=Health.GOOD, finding=found)
            return (good, *_token(pipeline, pause), *_memory(attended.forge, pipeline))
    except Superseded as error:
        return (Check(name="forge", health=Health.DOUBTFUL, finding=str(error)),)
    except ReadOnlyError as error:
        return (Check(name="token", health=Health.DOUBTFUL, finding=str(error)),)
    except ForgeError as error:
        return (Check(name="forge", health=Health.BAD, finding=str(error), exit_code=error.exit_code),)


def _memory(forge: Forge, pipeline: Pipeline) -> Iterator[Check]:
    """See whether the issue can be read that keeps what people dismissed; whether it can be written shows later."""
    archive = forge.archive()
    try:
        pages = () if archive is None else archive.pages(TITLE)
    except ForgeError as error:
        found = f"what people dismiss is known in its own request alone: {str(error).partition('. ')[0]}"
        yield Check(name="memory", health=Health.DOUBTFUL, finding=found, advice=memory.WIDER[pipeline.forge])
    else:
        place = pages[0].url if pages else "no issue yet: the first dismissed finding opens it"
        yield Check(name="memory", health=Health.GOOD, finding=place)


def _token(pipeline: Pipeline, pause: Callable[[float], None]) -> Iterator[Check]:
    described = _github(pipeline, pause) if pipeline.forge == "github" else _gitlab(pipeline, pause)
    finding, shortfalls = described
    if not shortfalls:
        yield Check(name="token", health=Health.GOOD, finding=finding)
    for shortfall in shortfalls:
        yield Check(name="token", health=Health.DOUBTFUL, finding=finding, advice=shortfall)


def _gitlab(pipeline: Pipeline, pause: Callable[[float], None]) -> tuple[str, tuple[str, ...]]:
    from reviewbot.forges.gitlab import Access, GitLabForge

    token = pipeline.token
    access = Access(
        url=pipeline.url,
        token="" if token is None else token.value,
        project=pipeline.project,
        iid=pipeline.number or 0,
        job_token=token is not None and token.kind is TokenKind.JOB,
    )
    with GitLabForge(access, pause) as forge:
        found = forge.permissions()
    name = "CI_JOB_TOKEN" if found.account is None else f"it writes as {found.account.name}"
    scopes = f", scopes {', '.join(found.scopes)}" if found.scopes is not None else ""
    expires = f", until {found.expires}" if found.expires else ""
    return f"{name}{scopes}{expires}", found.shortfalls


def _github(pipeline: Pipeline, pause: Callable[[float], None]) -> tuple[str, tuple[str, ...]]:
    from reviewbot.forges.github import Access, inspect_token

    found = inspect_token(
        Access(
            api_url=pipeline.url,
            graphql_url=pipeline.graphql_url,
            token="" if pipeline.token is None else pipeline.token.value,
            repository=pipeline.project,
            pause=pause,
        )
    )
    described = f"{found.kind}, it writes as {found.account.name}, permission on the repository: {found.permission}"
    if found.permission in _WRITERS:
        return described, ()
    return described, ("it may only read: give the job `permissions: pull-requests: write`, or another token",)
