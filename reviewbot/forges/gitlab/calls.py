"""Requests to one merge request's API: one keep-alive session, bounded waiting, errors in our words.

python-gitlab's own retries are off. They sleep as long as the server says, and would send a write again
whose outcome is unknown: that is how 9 drafts became 108 comments (harrisoncramer/gitlab.nvim#425).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import quote

import gitlab
import requests
from gitlab.exceptions import GitlabError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from reviewbot.errors import ForgeError
from reviewbot.forges.gitlab import rows
from reviewbot.forges.gitlab.refusals import LostError, RefusedError, ThrottledError, refusal
from reviewbot.forges.gitlab.rows import Row

_T = TypeVar("_T")

TIMEOUT_S: Final = 30.0
"""For one answer, most often."""
_PER_PAGE: Final = 100
_ATTEMPTS: Final = 5
_LONGEST_WAIT_S: Final = 60.0
_WITHOUT_HINT_S: Final = 20.0
"""Before another attempt after a 429 that names no time: GitLab counts requests by the minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Which merge request, and by what right."""

    url: str
    """The server, with its relative root if it has one; without ``/api/v4``."""
    token: str = field(repr=False)
    project: str
    """The target project's number or full path."""
    iid: int
    job_token: bool = False
    """Whether the token is a job's ``CI_JOB_TOKEN``, which reads only."""


class Calls:
    """An open session. Methods raise ForgeError: RefusedError, ThrottledError, LostError or ReadOnlyError."""

    def __init__(self, access: Access, pause: Callable[[float], None], timeout_s: float = TIMEOUT_S) -> None:
        self.access = access
        self.timeout_s = timeout_s
        self.pause = pause
        """Waits that many seconds."""
        self.project_path = f"/projects/{quote(access.project, safe='')}"
        self.request_path = f"{self.project_path}/merge_requests/{access.iid}"
        self._session = requests.Session()
        # requests would send PRIVATE-TOKEN along to whatever host a redirect names: it drops only Authorization.
        self._session.max_redirects = 0
        self._session.hooks["response"].append(self._note)
        self._retry_after = ""
        self._client = gitlab.Gitlab(
            access.url,
            private_token=None if access.job_token else access.token,
            job_token=access.token if access.job_token else None,
            timeout=timeout_s,
            keep_base_url=True,
            session=self._session,
        )

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def get(self, path: str) -> Row:
        """Read one object, again and again while that may help."""
        return rows.row(_json(self._patient("get", path)))

    def pages(self, path: str) -> Iterator[Row]:
        """Read a list, page by page."""
        page = "1"
        while page:
            response = self._patient("get", path, query={"page": page, "per_page": str(_PER_PAGE)})
            yield from rows.listed(_json(response))
            page = response.headers.get("X-Next-Page", "")

    def ask(self, question: str, variables: Row) -> Row:
        """Read by GraphQL; gives ``data``. Raises RefusedError where GitLab does not understand the question."""
        address = f"{self.access.url.rstrip('/')}/api/graphql"
        answer = rows.row(_json(self._patient("post", address, data={"query": question, "variables": dict(variables)})))
        if rows.items(answer, "errors"):
            message = f"GitLab's GraphQL answered: {rows.text(rows.items(answer, 'errors')[0], 'message')}"
            raise RefusedError(message, 0)
        return rows.table(answer, "data")

    def again(self, verb: str, path: str, data: Row | None = None) -> None:
        """Send a write that does no harm when it is sent twice: an edit, a removal."""
        self._patient(verb, path, data=data)

    def once(self, verb: str, path: str, data: Row | None = None, timeout_s: float | None = None) -> Row:
        """Send a write that must not happen twice: it is repeated only after a 429, which did nothing.

        Raises LostError where the outcome is unknown: the caller has to look. Gives an empty row for an answer
        without content.
        """
        return self._repeat((ThrottledError,), lambda: _content(self._send(verb, path, data=data, timeout_s=timeout_s)))

    def _patient(
        self, verb: str, path: str, *, query: dict[str, str] | None = None, data: Row | None = None
    ) -> requests.Response:
        return self._repeat((ThrottledError, LostError), lambda: self._send(verb, path, query=query, data=data))

    def _repeat(self, passing: tuple[type[ForgeError], ...], send: Callable[[], _T]) -> _T:
        retrying = Retrying(
            retry=retry_if_exception_type(passing),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=_wait_s,
            sleep=self.pause,
            reraise=True,
        )
        return retrying(send)

    def _send(
        self,
        verb: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        data: Row | None = None,
        timeout_s: float | None = None,
    ) -> requests.Response:
        self._retry_after = ""
        asked = f"{verb.upper()} {path}"
        try:
            return self._client.http_request(
                verb,
                path,
                query_data=dict(query or {}),
                post_data=dict(data) if data is not None else None,
                timeout=timeout_s,
                obey_rate_limit=False,
                retry_transient_errors=False,
            )
        except GitlabError as error:
            raise self._refusal(error, asked) from error
        except requests.TooManyRedirects as error:
            raise self._redirect(error, asked) from error
        except requests.RequestException as error:
            raise self._failure(error, asked) from error

    def _refusal(self, error: GitlabError, asked: str) -> ForgeError:
        said = str(error.error_message).replace(self.access.token or "\0", "[token]")
        return refusal(
            error.response_code or 0,
            said,
            asked,
            job_token=self.access.job_token,
            wait_s=min(float(self._retry_after), _LONGEST_WAIT_S) if self._retry_after.isdecimal() else None,
        )

    def _redirect(self, error: requests.TooManyRedirects, asked: str) -> RefusedError:
        target = error.response.headers.get("Location", "") if error.response is not None else ""
        message = (
            f"{self.access.url} sends {asked} elsewhere, to {target or 'an address that it does not name'}: "
            "the token is not sent along; if that is right, give the new address as the server's URL"
        )
        return RefusedError(message, 0)

    def _failure(self, error: requests.RequestException, asked: str) -> ForgeError:
        if isinstance(error, ValueError):  # requests' word for addresses that are none
            return RefusedError(f"'{self.access.url}' is no address of a GitLab server: {error}", 0)
        kind = "did not answer in time" if isinstance(error, requests.Timeout) else "cannot be reached, or broke off"
        message = f"{self.access.url} {kind} at {asked} ({type(error).__name__}); check address and network"
        return LostError(message)

    def _note(self, response: requests.Response, **_: object) -> None:
        # The library's errors do not carry the headers of the answer.
        self._retry_after = response.headers.get("Retry-After", "")


def _wait_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = getattr(error, "wait_s", None)
    if isinstance(asked, float):
        return asked
    return _WITHOUT_HINT_S if isinstance(error, ThrottledError) else 2.0 ** (state.attempt_number - 1)


def _content(response: requests.Response) -> Row:
    return rows.row(_json(response)) if response.content else {}


def _json(response: requests.Response) -> object:
    try:
        value: object = response.json()
    except ValueError as error:
        message = (
            f"{response.url.partition('?')[0]} answered something that is no JSON: is the address that of a GitLab "
            "server, with its relative root, and is there a login page before it?"
        )
        raise ForgeError(message) from error
    return value
