"""Tokens of a GitHub App: one for each repository, with no more rights than a review needs, for an hour at most.

The App proves itself with a JWT under its private key (PyGithub makes it: RS256, five minutes, a minute back for clocks
that differ), and is given a token of its installation for the one repository. PyGithub's own `AppInstallationAuth` asks
for a token that is good for every repository of an installation; so the two questions are asked here.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

import requests
from github import Auth, Github
from github.Requester import Requester
from jwt import PyJWTError
from pydantic import BaseModel, ConfigDict, Field

from reviewbot.errors import UsageError
from reviewbot.forges.github.calls import decoded
from reviewbot.forges.github.refusals import NOT_FOUND, UNPROCESSABLE, Refused, refusal, silence

PERMISSIONS: Final[Mapping[str, str]] = {"contents": "read", "pull_requests": "write"}
"""What a review needs: to fetch, and to comment. Metadata can be read with any."""
_LASTING: Final = timedelta(minutes=40)
"""What a token must have left when it is handed out: a review is ended after half an hour, and keeps the one it got."""
_UNAUTHORIZED, _FORBIDDEN, _FINE = 401, 403, 2
_ATTEMPTS: Final = 3
_Shape = TypeVar("_Shape", bound=BaseModel)


class _Installation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    id: int


class _Granted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")
    token: str = Field(min_length=1, repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A GitHub App, as its owner registered it."""

    id: str
    key: Callable[[], str] = field(repr=False)
    """Reads its private key, in PEM: each time anew, since it may be replaced. Raises UsageError."""
    api_url: str
    """``https://api.github.com``, or ``https://HOST/api/v3`` of an own server."""
    timeout_s: int = 30


def check_key(app: App) -> None:
    """Find out whether its key is one, without a word to GitHub. Raises UsageError."""
    _auth(app)


class AppTokens:
    """The tokens of an App, in memory alone. For several threads."""

    def __init__(self, app: App, now: Callable[[], datetime], pause: Callable[[float], None]) -> None:
        """Take the clock, UTC, and what waits, in seconds."""
        self._app = app
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()
        self._granted: dict[int, _Granted] = {}
        """By the number of the repository."""

    def token(self, repository: str, repository_id: int) -> str:
        """Give a token for a repository, ``owner/name``, that is good for 40 minutes at least.

        Raises UsageError where the App, its key or its installation has to be mended, and ForgeError where GitHub
        gives no answer.
        """
        with self._lock:
            known = self._granted.get(repository_id)
            if known is None or known.expires_at - self._now() < _LASTING:
                known = self._asked(repository, repository_id)
                self._forget()
                self._granted[repository_id] = known
            return known.token

    def _forget(self) -> None:
        """Drop what is good for nothing any more."""
        now = self._now()
        self._granted = {number: known for number, known in self._granted.items() if known.expires_at > now}

    def _asked(self, repository: str, repository_id: int) -> _Granted:
        requester = _requester(self._app)
        found = self._patiently(requester, "GET", f"/repos/{repository}/installation", None, _Installation, repository)
        path = f"/app/installations/{found.id}/access_tokens"
        wanted = {"repository_ids": [repository_id], "permissions": dict(PERMISSIONS)}
        return self._patiently(requester, "POST", path, wanted, _Granted, repository)

    def _patiently(
        self,
        requester: Requester,
        verb: str,
        path: str,
        body: Mapping[str, object] | None,
        shape: type[_Shape],
        repository: str,
    ) -> _Shape:
        """Ask a few times: a token more than is used does no harm."""
        for left in reversed(range(_ATTEMPTS)):
            try:
                return decoded(shape, _once(requester, verb, path, body, self._app.timeout_s), path)
            except Refused as refused:
                if not refused.passing or not left:
                    raise _explained(refused, repository) from refused
                self._pause(refused.wait_s if refused.wait_s is not None else 2.0 ** (_ATTEMPTS - left))
        raise AssertionError  # pragma: no cover - the last attempt gives or raises


def _once(requester: Requester, verb: str, path: str, body: Mapping[str, object] | None, timeout_s: int) -> str:
    call = f"{verb} {path}"
    try:
        status, headers, text = requester.requestJson(verb, path, None, None, body)
    except requests.Timeout as error:
        raise silence(call, f"nothing came within {timeout_s} s") from error
    except requests.RequestException as error:
        raise silence(call, f"the connection failed ({type(error).__name__})") from error
    if status // 100 != _FINE:
        raise refusal(call, status, headers, text)
    return text


def _auth(app: App) -> Auth.AppAuth:
    auth = Auth.AppAuth(app.id, app.key())
    try:
        auth.create_jwt()
    except (ValueError, TypeError, PyJWTError):
        message = (
            "the private key of the GitHub App is none: mount the .pem file that GitHub gave, unchanged, where "
            "REVIEWBOT_GITHUB_APP_KEY_FILE names it"
        )
        raise UsageError(message) from None  # what the library says may quote the key
    return auth


def _requester(app: App) -> Requester:
    return Github(
        auth=_auth(app),
        base_url=app.api_url,
        timeout=app.timeout_s,
        user_agent="reviewbot",
        retry=None,
        seconds_between_requests=None,
        seconds_between_writes=None,
    ).requester


def _explained(refused: Refused, repository: str) -> Exception:
    """Say what is to be mended where another attempt would not help."""
    if refused.status == _UNAUTHORIZED:
        return UsageError(
            f"GitHub does not believe that this is the App ({refused.said}): compare REVIEWBOT_GITHUB_APP_ID and "
            "REVIEWBOT_GITHUB_APP_KEY_FILE with the App's settings, and this machine's clock with the time"
        )
    if refused.status == NOT_FOUND:
        return UsageError(
            f"the GitHub App is not installed on {repository}, or was taken off it: install it there, and put the job "
            "back with --requeue"
        )
    if refused.status in {_FORBIDDEN, UNPROCESSABLE} and refused.wait_s is None:
        rights = ", ".join(f"{name}: {right}" for name, right in PERMISSIONS.items())
        return UsageError(
            f"GitHub gives the App no token for {repository} ({refused.said}): it needs {rights}, and its owner has to "
            "accept new permissions"
        )
    return refused
