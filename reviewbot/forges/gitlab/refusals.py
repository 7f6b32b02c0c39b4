"""What GitLab's refusals mean: what happened, the likely cause, and what to do."""

from reviewbot.domain.view import label
from reviewbot.errors import ForgeError, ReadOnlyError

_LONGEST_QUOTE = 300
_REMEDY = (
    "make a project access token with the scope api and the role Developer (Settings > Access tokens of the target "
    "project) and give it as the masked variable GITLAB_TOKEN"
)
JOB_TOKEN = (
    "GitLab's CI_JOB_TOKEN reads merge requests and comments, but it may not post or resolve any; to have the review "
    f"posted, {_REMEDY}"
)
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _THROTTLED, _SERVER_ERROR = 401, 403, 404, 429, 500
_DENIED = frozenset({_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND})


class RefusedError(ForgeError):
    """GitLab has said no, and surely did nothing."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
        """HTTP status; 0 where no request could be made at all."""


class ThrottledError(RefusedError):
    """Too many requests; the same one may be sent again later."""

    def __init__(self, message: str, wait_s: float | None) -> None:
        super().__init__(message, _THROTTLED)
        self.wait_s = wait_s
        """How long GitLab asks to wait, where it says so."""


class LostError(ForgeError):
    """Nobody knows whether GitLab did it: a server error, a time-out, a broken connection."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


def refusal(status: int, said: str, asked: str, *, job_token: bool, wait_s: float | None) -> ForgeError:
    """Give the error for an answer that is no success.

    ``said`` is GitLab's own text, ``asked`` the request such as ``POST draft_notes``; ``job_token`` tells
    what kind of token was sent, ``wait_s`` what ``Retry-After`` asked for.
    """
    answer = f"GitLab answered {status} ({label(said)[:_LONGEST_QUOTE].strip() or 'no reason given'}) to {asked}"
    if status >= _SERVER_ERROR:
        return LostError(f"{answer}: a fault of the server, or of a proxy before it; try again later", wait_s)
    if status == _THROTTLED:
        return ThrottledError(f"{answer}: the limit on requests is reached, and stayed so; try again later", wait_s)
    write = not asked.startswith("GET")
    if job_token and status in _DENIED:
        return ReadOnlyError(f"{answer}: {JOB_TOKEN}") if write else RefusedError(f"{answer}: {_job_hint()}", status)
    message = f"{answer}: {_cause(status, said)}"
    return ReadOnlyError(message) if write and status == _FORBIDDEN else RefusedError(message, status)


def _job_hint() -> str:
    return f"CI_JOB_TOKEN sees little more than its own project's merge requests; {_REMEDY}"


def _cause(status: int, said: str) -> str:
    if status == _UNAUTHORIZED:
        return (
            "the token is unknown, expired or revoked, or it is a CI_JOB_TOKEN given in the place of an access token; "
            f"{_REMEDY}"
        )
    if status == _FORBIDDEN and "insufficient_scope" in said:
        return f"the token's scopes do not cover it (read_api reads, only api posts); {_REMEDY}"
    if status == _FORBIDDEN:
        return f"the role of the token's user in the project is too low for it; {_REMEDY}"
    if status == _NOT_FOUND:
        return (
            "there is no such project or merge request, or the token's user is no member of the project, or the "
            "server is too old to have draft notes; check project and number, then the membership"
        )
    return "the server does not take such a request; if it is an old one, it may have to be updated"
