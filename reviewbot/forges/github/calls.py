"""Requests through PyGithub, each exactly once, with our own rules for when to send one again.

PyGithub's requester carries authentication, connections and redirects. Its objects are not used: they ask
again for every field that an answer lacks (``in_reply_to_id`` of a comment that opens a thread), one hidden
request each. Nor are its retries: it sends a POST again after a time-out, which posts a review twice, and
its waits cannot be bounded for ``Retry-After``.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final, TypeVar

import requests
from github import Auth, Github
from github.Requester import Requester
from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError

from reviewbot.errors import ForgeError, ReadOnlyError, UsageError
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.payloads import Envelope
from reviewbot.forges.github.refusals import Refused, refusal, silence

_Shape = TypeVar("_Shape", bound=BaseModel)
_T = TypeVar("_T")
_PAGE: Final = 100
"""The most that GitHub gives at once."""
_READ_WAITS_S: Final = (1.0, 2.0, 4.0)
_SETTLE_S: Final = 10.0
"""After a write without a clear answer: GitHub gives up on a slow one after 10 s, though it may still be stored."""
_WRITE_ATTEMPTS: Final = 4
_FINE: Final = 2
_STATUSES: Final = {"": 502, "FORBIDDEN": 403, "INSUFFICIENT_SCOPES": 403, "NOT_FOUND": 404, "RATE_LIMITED": 429}
"""Types of GraphQL's errors, which come with status 200, as the statuses that they would have. Without a type it is
GitHub's own trouble, mostly a query that took it too long."""
_BAD_QUERY: Final = 400
_ROWS: Final = TypeAdapter(list[JsonValue])


def never() -> bool:
    """Stand for ``landed`` where doing the same twice does no harm."""
    return False


class Calls:
    """A connection to GitHub. Not for several threads."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._rest = _requester(access, access.api_url)
        # PyGithub guesses GraphQL's address from REST's; taking the given one apart works for any server.
        parent, _, name = access.graphql_url.rstrip("/").rpartition("/")
        self._graphql, self._graphql_path = _requester(access, parent), f"/{name}"
        self._written = False
        self._hurried = False

    def get(self, path: str, shape: type[_Shape], **parameters: str) -> _Shape:
        """Read one thing. Raises Refused after a few attempts."""
        text, _ = self._patiently(partial(self._once, self._rest, "GET", path, parameters=parameters))
        return decoded(shape, text, path)

    def get_all(self, path: str, item: type[_Shape], **parameters: str) -> tuple[_Shape, ...]:
        """Read a list to its last page."""
        found: list[_Shape] = []
        number, more = 0, True
        while more:
            number += 1
            page = {**parameters, "per_page": str(_PAGE), "page": str(number)}
            text, headers = self._patiently(partial(self._once, self._rest, "GET", path, parameters=page))
            found += _decoded_list(item, text, path)
            # Counted rather than followed: behind a proxy the links may point to a host that cannot be reached.
            more = 'rel="next"' in headers.get("link", "")
        return tuple(found)

    def query(self, text: str, variables: Mapping[str, str | int | None], shape: type[_Shape]) -> _Shape:
        """Read by GraphQL; ``shape`` is that of ``data``. Raises Refused."""
        return self._patiently(lambda: self._ask(text, variables, shape))

    def write(
        self, verb: str, path: str, body: Mapping[str, object] | None = None, landed: Callable[[], bool] = never
    ) -> str | None:
        """Change something and give the answer's text.

        Where nobody knows whether it worked (no answer, or a broken server's) it is sent again only if ``landed``
        says that it is not there; if it is, gives None. Raises Refused, and ReadOnlyError if it is the first write.
        """
        try:
            return self._carefully(lambda: self._once(self._rest, verb, path, body=body)[0], landed)
        except Refused as refused:
            if self._written or not refused.read_only:
                raise
            raise _read_only(refused) from refused

    def mutate(self, text: str, variables: Mapping[str, str]) -> None:
        """Change something by GraphQL that can be done twice without harm. Raises Refused."""
        self._carefully(lambda: self._ask(text, variables, Envelope), never)

    def _patiently(self, send: Callable[[], _T]) -> _T:
        for wait_s in _READ_WAITS_S:
            try:
                return send()
            except Refused as refused:
                if not refused.passing:
                    raise
                self._access.pause(wait_s if refused.wait_s is None else refused.wait_s)
        return send()

    def _carefully(self, send: Callable[[], _T], landed: Callable[[], bool]) -> _T | None:
        left = _WRITE_ATTEMPTS
        while True:
            left -= 1
            if self._hurried:
                self._access.pause(self._access.seconds_between_writes)
            self._hurried = True
            try:
                answer = send()
            except Refused as refused:
                if not refused.passing:
                    raise
                self._access.pause(_SETTLE_S if refused.wait_s is None else refused.wait_s)
                if landed():
                    self._written = True
                    return None
                if not left:
                    raise
            else:
                self._written = True
                return answer

    def _once(
        self,
        requester: Requester,
        verb: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> tuple[str, Mapping[str, str]]:
        call = f"{verb} {path}"
        try:
            status, headers, text = requester.requestJson(verb, path, dict(parameters or {}), None, body)
        except requests.Timeout as error:
            raise silence(call, f"nothing came within {self._access.timeout_s} s") from error
        except requests.RequestException as error:
            raise silence(call, f"the connection failed ({type(error).__name__})") from error
        except RuntimeError as error:  # PyGithub's word for a redirect that it does not follow
            message = f"{call} leads elsewhere: {error}. Check GITHUB_API_URL"
            raise ForgeError(message) from error
        if status // 100 == _FINE:
            return text, headers
        # Only a proxy would repeat the token; but then it would stand in a public log.
        raise refusal(call, status, headers, text.replace(self._access.token, "***"))

    def _ask(self, text: str, variables: Mapping[str, str | int | None], shape: type[_Shape]) -> _Shape:
        body = {"query": text, "variables": dict(variables)}
        answer, headers = self._once(self._graphql, "POST", self._graphql_path, body=body)
        envelope = decoded(Envelope, answer, "GraphQL")
        if envelope.errors:
            error = envelope.errors[0]
            status, said = _STATUSES.get(error.type, _BAD_QUERY), json.dumps({"message": error.message})
            call = f"POST {self._graphql_path}"
            raise refusal(call, status, headers, said)
        return decoded(shape, json.dumps(envelope.data), "GraphQL")


def _requester(access: Access, url: str) -> Requester:
    if not url.startswith(("https://", "http://")):
        message = f"'{url}' is no address of a GitHub server: check GITHUB_API_URL and GITHUB_GRAPHQL_URL"
        raise UsageError(message)
    if not access.token:
        message = "there is no token for GitHub: set GITHUB_TOKEN"
        raise UsageError(message)
    return Github(
        auth=Auth.Token(access.token),
        base_url=url,
        timeout=access.timeout_s,
        user_agent="reviewbot",
        retry=None,
        # Paced here, by a pause that tests can replace; PyGithub would count GraphQL's questions as writes.
        seconds_between_requests=None,
        seconds_between_writes=None,
    ).requester


def _read_only(refused: Refused) -> ReadOnlyError:
    return ReadOnlyError(
        f"GitHub lets this token read but not write ({refused.said}). A pull request from a fork gets such a token, "
        "whatever its workflow asks for: post from a second workflow, on 'workflow_run'. Else grant "
        "'pull-requests: write', in a workflow under 'permissions:'"
    )


def decoded(shape: type[_Shape], text: str, path: str) -> _Shape:
    """Read an answer; raises ForgeError where it is none of GitHub's."""
    try:
        return shape.model_validate_json(text)
    except ValidationError as error:
        raise _nonsense(path) from error


def _decoded_list(item: type[_Shape], text: str, path: str) -> list[_Shape]:
    try:
        return [item.model_validate(row) for row in _ROWS.validate_json(text)]
    except ValidationError as error:
        raise _nonsense(path) from error


def _nonsense(path: str) -> ForgeError:
    return ForgeError(
        f"the answer to {path} is not what GitHub's API gives. Check that GITHUB_API_URL names the API "
        "(https://api.github.com, or https://HOST/api/v3), and that no proxy stands in between"
    )
