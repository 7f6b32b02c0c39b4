"""The way of a request through GitLab's API: who asks, which route, which page."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

from fakes.gitlab_notes import RefusedError, refuse
from fakes.gitlab_state import GUEST, REPORTER, Json, State, Token, User

PREFIX = "/api/v4"
_PER_PAGE, _MOST_PER_PAGE = 20, 100
_MOST_COUNTED = 10_000
"""Above, GitLab does not tell totals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    """With percent signs, without the query."""
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    params: Json = field(default_factory=dict)
    """Query and body in one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that has found its route and its user."""

    state: State
    user: User
    params: Json
    parts: Sequence[str]
    """What stood in the path's open places, after project and merge request."""
    fail_after: int | None = None
    """How many drafts a bulk publish gets done before it fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int = HTTPStatus.OK
    body: object = None
    """JSON, or plain text; None for no body at all."""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A method and a path, with who may use it."""

    method: str
    path: re.Pattern[str]
    handler: Handler
    paged: bool
    job: bool
    """Whether a CI job's token is good for it."""


ROUTES: list[Route] = []
GRAPHQL = "/api/graphql"
QUESTIONS: list[Callable[[State, Json], Answer]] = []
"""Who answers GraphQL: one, registered like a route."""
_PROJECT = "/projects/:project"
_REQUEST = _PROJECT + "/merge_requests/:request"


def route(
    method: str, path: str, *, paged: bool = False, job: bool = False, top: bool = False
) -> Callable[[Handler], Handler]:
    """Register a handler. ``path`` begins at the project, with ``MR`` for the merge request; ``top`` at the root."""
    whole = path if top else (_REQUEST + path.removeprefix("MR") if path.startswith("MR") else _PROJECT + path)
    named = {":project": "(?P<project>[^/]+)", ":request": "(?P<request>[^/]+)"}
    pattern = re.sub(r":\w+", lambda found: named.get(found[0], "([^/]+)"), whole)

    def register(handler: Handler) -> Handler:
        ROUTES.append(Route(method=method, path=re.compile(pattern), handler=handler, paged=paged, job=job))
        return handler

    return register


def respond(state: State, asked: Asked, address: str, fail_after: int | None = None) -> Answer:
    """Answer a request; raises nothing that a client can cause."""
    try:
        return _respond(state, asked, address, fail_after)
    except RefusedError as refused:
        return Answer(status=refused.status, body=refused.body)


def _respond(state: State, asked: Asked, address: str, fail_after: int | None) -> Answer:
    path = asked.path.removeprefix(PREFIX)
    found = next(
        ((one, match) for one in ROUTES if one.method == asked.method and (match := one.path.fullmatch(path))), None
    )
    token = authenticated(state, asked.headers, job=found is not None and found[0].job)
    if (asked.method, path) == ("POST", GRAPHQL):
        if not token.scopes & {"api", "read_api"}:
            raise RefusedError(HTTPStatus.FORBIDDEN, {"errors": [{"message": "Insufficient scope"}]})
        return QUESTIONS[0](state, asked.params)
    if found is None or not asked.path.startswith(PREFIX):
        raise RefusedError(HTTPStatus.NOT_FOUND, {"error": "404 Not Found"})
    taken, match = found
    _authorize(state, token, asked.method, match)
    named = match.groupdict()
    parts = [unquote(part) for at, part in enumerate(match.groups(), 1) if at > len(named)]
    answer = taken.handler(Call(state=state, user=token.user, params=asked.params, parts=parts, fail_after=fail_after))
    return _page(answer, asked, address) if taken.paged else answer


def authenticated(state: State, headers: Mapping[str, str], *, job: bool) -> Token:
    """Find who asks. A job's token is known by its own header alone, and for few routes. Raises RefusedError."""
    own = headers.get("private-token") or headers.get("authorization", "").removeprefix("Bearer ")
    token = state.tokens.get(own or headers.get("job-token", ""))
    if token is None or (token.kind == "job") != (not own) or (token.kind == "job" and not job):
        raise refuse(HTTPStatus.UNAUTHORIZED, "Unauthorized")
    return token


def _authorize(state: State, token: Token, method: str, match: re.Match[str]) -> None:
    reading = method == "GET"
    if token.kind != "job" and not token.scopes & ({"api", "read_api"} if reading else {"api"}):
        raise RefusedError(
            HTTPStatus.FORBIDDEN,
            {
                "error": "insufficient_scope",
                "error_description": "The request requires higher privileges than provided by the access token.",
                "scope": "api",
            },
        )
    named = match.groupdict()
    if "project" not in named:
        return
    known = unquote(named["project"]) in (str(state.project_id), state.project)
    if not known or state.level(token.user) < GUEST:
        raise refuse(HTTPStatus.NOT_FOUND, "Project Not Found")
    if named.get("request", str(state.request.iid)) != str(state.request.iid):
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")
    if not reading and state.level(token.user) < REPORTER:
        raise refuse(HTTPStatus.FORBIDDEN, "Forbidden")


def _page(answer: Answer, asked: Asked, address: str) -> Answer:
    items: Any = answer.body
    query = parse_qs(asked.query, keep_blank_values=True)
    size = min(int(query.get("per_page", [str(_PER_PAGE)])[0]), _MOST_PER_PAGE)
    page = max(int(query.get("page", ["1"])[0]), 1)
    last = max(-(-len(items) // size), 1)
    around = {"prev": page - 1, "next": page + 1, "first": 1, "last": last}
    numbers = {name: number for name, number in around.items() if 1 <= number <= last}
    links = [
        f'<{address}{asked.path}?{urlencode(query | {"page": [number], "per_page": [size]}, doseq=True)}>; rel="{name}"'
        for name, number in numbers.items()
    ]
    headers = {
        "X-Page": str(page),
        "X-Per-Page": str(size),
        "X-Prev-Page": str(numbers.get("prev", "")),
        "X-Next-Page": str(numbers.get("next", "")),
        "Link": ", ".join(links),
    }
    if len(items) <= _MOST_COUNTED:
        headers |= {"X-Total": str(len(items)), "X-Total-Pages": str(last)}
    return Answer(status=answer.status, body=items[(page - 1) * size : page * size], headers=headers)
