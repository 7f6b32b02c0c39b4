"""What a CI job's variables say of the change request that it runs for.

GitLab gives variables, GitHub a JSON document (``GITHUB_EVENT_PATH``); its text is handed in, so that
nothing here reads files. All of it is untrusted where a fork's pipeline wrote it: numbers are checked,
names are never put into a shell.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from reviewbot.errors import UsageError
from reviewbot.settings.environment import is_true

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_API_V4 = "/api/v4"
_LONGEST_EVENT = 20_000_000
_PULL_REQUEST_EVENTS = ("pull_request", "pull_request_target", "pull_request_review", "pull_request_review_comment")


class TokenKind(StrEnum):
    """What a token may do, as far as its origin tells."""

    OWN = "own"
    """Given on purpose: ``GITLAB_TOKEN`` or ``GITHUB_TOKEN``."""
    JOB = "job"
    """GitLab's ``CI_JOB_TOKEN``: reads merge requests, writes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A forge's token."""

    value: str = field(repr=False)
    kind: TokenKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """The change request that a CI job runs for."""

    forge: str
    """``gitlab`` or ``github``."""
    url: str
    """GitLab: the server, with its relative root if it has one. GitHub: the REST API's root."""
    graphql_url: str = ""
    """GitHub's GraphQL address."""
    project: str
    """GitLab: number or path of the *target* project. GitHub: ``owner/name``."""
    number: int | None
    """None where the forge has to be asked, as after ``workflow_run``."""
    head_sha: str | None
    """Newest commit of the source when the job was made; never a temporary merge commit."""
    head_owner: str | None = None
    """GitHub, after ``workflow_run``: who owns the source repository."""
    head_branch: str | None = None
    base_sha: str | None = None
    """The merge base, where the variables name it."""
    target_branch: str | None
    from_fork: bool | None = None
    """None where the variables do not tell."""
    trusted: bool = False
    """Whether the job runs apart from the change's own code, with the target's secrets (``workflow_run``)."""
    token: Token | None = None


def detect(environ: Mapping[str, str], read: Callable[[Path], str] = Path.read_text) -> Pipeline | None:
    """Find the change request of a CI job; None for other jobs and outside of CI.

    Raises UsageError for an event that cannot be read.
    """
    if is_true(environ, "GITLAB_CI"):
        return _gitlab(environ)
    if is_true(environ, "GITHUB_ACTIONS"):
        return _github(environ, read)
    return None


def _gitlab(environ: Mapping[str, str]) -> Pipeline | None:
    number, project = environ.get("CI_MERGE_REQUEST_IID", ""), environ.get("CI_MERGE_REQUEST_PROJECT_ID", "")
    if not (number.isascii() and number.isdecimal() and project):
        return None
    # In pipelines of merged results and merge trains CI_COMMIT_SHA is a temporary merge commit.
    head = environ.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environ.get("CI_COMMIT_SHA")
    source = environ.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID")
    return Pipeline(
        forge="gitlab",
        url=_gitlab_url(environ),
        project=project,
        number=int(number),
        head_sha=_sha(head),
        base_sha=_sha(environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")),
        target_branch=environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") or None,
        from_fork=source != project if source else None,
        token=_token(environ, "GITLAB_TOKEN", "CI_JOB_TOKEN"),
    )


def _gitlab_url(environ: Mapping[str, str]) -> str:
    api = environ.get("CI_API_V4_URL", "").rstrip("/")
    # The API's address first: CI_SERVER_URL may lack the relative root of some installations.
    return _url(api.removesuffix(_API_V4) or environ.get("CI_SERVER_URL", "").rstrip("/"), "CI_SERVER_URL")


def _github(environ: Mapping[str, str], read: Callable[[Path], str]) -> Pipeline | None:
    api = _url(environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/"), "GITHUB_API_URL")
    known = Pipeline(
        forge="github",
        url=api,
        graphql_url=environ.get("GITHUB_GRAPHQL_URL") or f"{api.removesuffix('/v3')}/graphql",
        project=environ.get("GITHUB_REPOSITORY", ""),
        number=None,
        head_sha=None,
        target_branch=None,
        token=_token(environ, "GITHUB_TOKEN"),
    )
    name = environ.get("GITHUB_EVENT_NAME", "")
    if name in _PULL_REQUEST_EVENTS:
        return _pull_request(replace(known, trusted=name == "pull_request_target"), _event(environ, read))
    if name == "workflow_run":
        return _workflow_run(replace(known, trusted=True), _event(environ, read))
    return None


def _pull_request(known: Pipeline, event: Mapping[str, object]) -> Pipeline | None:
    request = _table(event, "pull_request")
    number = request.get("number", event.get("number"))
    if not isinstance(number, int):
        return None
    head = _table(request, "head")
    return replace(
        known,
        number=number,
        head_sha=_sha(_text(head, "sha")),
        target_branch=_text(_table(request, "base"), "ref"),
        from_fork=_elsewhere(known, _table(head, "repo")),
    )


def _workflow_run(known: Pipeline, event: Mapping[str, object]) -> Pipeline | None:
    run = _table(event, "workflow_run")
    if _text(run, "event") not in {"pull_request", "pull_request_target"}:
        return None
    # The event's own list of pull requests is empty for forks: the forge is asked by owner, branch and head.
    source = _table(run, "head_repository")
    return replace(
        known,
        head_sha=_sha(_text(run, "head_sha")),
        head_owner=_text(_table(source, "owner"), "login"),
        head_branch=_text(run, "head_branch"),
        from_fork=_elsewhere(known, source),
    )


def _elsewhere(known: Pipeline, repository: Mapping[str, object]) -> bool:
    """Tell whether the source lies in another repository; a fork that is gone has none any more."""
    return (_text(repository, "full_name") or "").lower() != known.project.lower()


def _event(environ: Mapping[str, str], read: Callable[[Path], str]) -> Mapping[str, object]:
    path = environ.get("GITHUB_EVENT_PATH", "")
    if not path:
        return {}
    try:
        text = read(Path(path))
        event = json.loads(text[:_LONGEST_EVENT])
    except (OSError, ValueError, RecursionError) as error:
        message = f"GITHUB_EVENT_PATH: the event in {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error
    return event if isinstance(event, dict) else {}


def _token(environ: Mapping[str, str], own: str, job: str = "") -> Token | None:
    value = environ.get(own, "").strip()
    if value:
        return Token(value=value, kind=TokenKind.OWN)
    value = environ.get(job, "").strip() if job else ""
    return Token(value=value, kind=TokenKind.JOB) if value else None


def _url(text: str, name: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        message = f"{name} = '{text}' is no http(s) address: the CI system sets it, so look who changed it"
        raise UsageError(message)
    return text


def _sha(text: str | None) -> str | None:
    # All zeros stand for "no commit" in both forges.
    return text if text and _SHA.fullmatch(text) and text.strip("0") else None


def _table(value: Mapping[str, object], key: str) -> Mapping[str, object]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _text(value: Mapping[str, object], key: str) -> str | None:
    found = value.get(key)
    return found if isinstance(found, str) and found else None
