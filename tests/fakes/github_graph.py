"""The GraphQL side of the fake GitHub: who am I, the review threads, resolving, minimising."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fakes.github_calls import Call
from fakes.github_graphql import BadQuery, Operation, Select, check, filled, parse
from fakes.github_refusals import Json, not_accessible_words
from fakes.github_shapes import moment
from fakes.github_types import TABLE
from fakes.github_world import Account, Comment, Remark

_MOST = 100
_CLASSIFIERS = frozenset({"SPAM", "ABUSE", "OFF_TOPIC", "OUTDATED", "DUPLICATE", "RESOLVED", "LOW_QUALITY"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An object of some type; its fields are values, nodes, lists of nodes, or made from arguments."""

    type: str
    fields: Mapping[str, object]


Made = Callable[[Mapping[str, object]], object]


def answer(call: Call) -> Json:
    """Run a request; what is refused stands in ``errors``, under status 200 as everything in GraphQL."""
    variables = call.body.get("variables") or {}
    try:
        operation = parse(str(call.body.get("query", "")))
        check(TABLE, operation.kind.capitalize(), operation.selections)
        root = _query(call) if operation.kind == "query" else _mutation(call)
        return {"data": _selected(root, operation.selections, operation, variables)}
    except BadQuery as bad:
        data = bad.error.pop("data", None)
        return {"errors": [bad.error]} if data is None else {"data": data, "errors": [bad.error]}


def _selected(node: Node, selections: Sequence[Select], operation: Operation, variables: Mapping[str, object]) -> Json:
    found: Json = {}
    for each in selections:
        if each.on is not None:
            if each.on == node.type:
                found |= _selected(node, each.inside, operation, variables)
            continue
        if each.name == "__typename":
            found[each.alias] = node.type
            continue
        value = node.fields[each.name]
        if callable(value):
            value = value({name: filled(part, operation, variables) for name, part in each.arguments.items()})
        if isinstance(value, Node):
            value = _selected(value, each.inside, operation, variables)
        elif isinstance(value, list):
            value = [_selected(item, each.inside, operation, variables) for item in value]
        found[each.alias] = value
    return found


def _query(call: Call) -> Node:
    viewer = call.user  # who asks for itself is told the full login, "[bot]" included
    return Node(
        type="Query",
        fields={"viewer": _person(viewer, viewer.login), "repository": lambda given: _repository(call, given)},
    )


def _person(account: Account, login: str) -> Node:
    fields = {"login": login, "id": f"U_{account.id}", "databaseId": account.id, "url": f"/{account.bare}"}
    return Node(type="User", fields=fields)


def _actor(account: Account) -> Node:
    fields = {"login": account.bare, "id": f"U_{account.id}", "databaseId": account.id, "url": f"/{account.bare}"}
    return Node(type="Bot" if account.bot else "User", fields=fields)


def _repository(call: Call, given: Mapping[str, object]) -> Node:
    setup = call.world.setup
    if (given.get("owner"), given.get("name")) != (setup.owner, setup.name):
        words = f"Could not resolve to a Repository with the name '{given.get('owner')}/{given.get('name')}'."
        raise BadQuery(message=words, type="NOT_FOUND", path=["repository"], data={"repository": None})
    return Node(
        type="Repository",
        fields={
            "id": f"R_{setup.name}",
            "databaseId": 1,
            "nameWithOwner": call.world.full_name,
            "isPrivate": setup.private,
            "pullRequest": lambda given: _pull(call, given),
        },
    )


def _pull(call: Call, given: Mapping[str, object]) -> Node:
    world, setup = call.world, call.world.setup
    if given.get("number") != setup.number:
        words = f"Could not resolve to a PullRequest with the number of {given.get('number')}."
        data = {"repository": {"pullRequest": None}}
        raise BadQuery(message=words, type="NOT_FOUND", path=["repository", "pullRequest"], data=data)
    threads = [_thread(call, number) for number in world.threads(call.user)]
    return Node(
        type="PullRequest",
        fields={
            "id": f"PR_{setup.number}",
            "databaseId": 70_000 + setup.number,
            "number": setup.number,
            "title": setup.title,
            "state": "MERGED" if world.merged else world.state.upper(),
            "isDraft": world.draft,
            "headRefOid": world.head,
            "baseRefOid": world.base,
            "author": _actor(world.author),
            "reviewThreads": lambda given: _page("reviewThreads", "Threads", threads, given),
        },
    )


def _page(name: str, type_name: str, nodes: list[Node], given: Mapping[str, object]) -> Node:
    first, after = given.get("first"), given.get("after")
    if not isinstance(first, int):
        words = f"You must provide a `first` or `last` value to properly paginate the `{name}` connection."
        raise BadQuery(message=words, type="MISSING_PAGINATION_BOUNDARIES")
    if first > _MOST:
        words = f"Requesting {first} records on the `{name}` connection exceeds the `first` limit of {_MOST} records."
        raise BadQuery(message=words, type="EXCESSIVE_PAGINATION")
    start = 0 if after is None else int(str(after).removeprefix("Y3Vyc29y"))
    shown = nodes[start : start + first]
    info = {
        "hasNextPage": start + first < len(nodes),
        "endCursor": f"Y3Vyc29y{start + len(shown)}" if shown else None,
        "hasPreviousPage": start > 0,
        "startCursor": f"Y3Vyc29y{start}" if shown else None,
    }
    fields = {"nodes": shown, "totalCount": len(nodes), "pageInfo": Node(type="PageInfo", fields=info)}
    return Node(type=type_name, fields=fields)


def _may_resolve(call: Call) -> bool:
    """Whether the token may write contents, whatever it may do with pull requests [github/gh-aw#35726]."""
    if call.token.kind != "classic":
        return call.token.pulls and call.token.contents
    person = call.world.writer(call.user.login) or call.user == call.world.author
    return person and call.token.pulls


def _thread(call: Call, number: int) -> Node:
    comments = call.world.threads(call.user)[number]
    opener, resolver, able = comments[0], call.world.resolved.get(number), _may_resolve(call)
    return Node(
        type="PullRequestReviewThread",
        fields={
            "id": f"PRRT_{number}",
            "isResolved": resolver is not None,
            "isOutdated": opener.outdated,
            "isCollapsed": resolver is not None or opener.outdated,
            "path": opener.path,
            "line": opener.line,
            "startLine": opener.start_line,
            "originalLine": opener.original_line,
            "originalStartLine": opener.original_start_line,
            "diffSide": opener.side,
            "startDiffSide": opener.start_side,
            "subjectType": opener.subject.upper(),
            "viewerCanResolve": able and resolver is None,
            "viewerCanUnresolve": able and resolver is not None,
            "viewerCanReply": call.token.pulls,
            "resolvedBy": None if resolver is None else _person(resolver, resolver.bare),
            "comments": lambda given: _page("comments", "Comments", [_comment(call, c) for c in comments], given),
        },
    )


def _comment(call: Call, comment: Comment) -> Node:
    review = call.world.review(comment.review)
    return Node(
        type="PullRequestReviewComment",
        fields={
            "id": f"PRRC_{comment.id}",
            "databaseId": comment.id,
            "fullDatabaseId": str(comment.id),
            "body": comment.body,
            "path": comment.path,
            "line": comment.line,
            "originalLine": comment.original_line,
            "createdAt": moment(comment.created),
            "url": call.shapes.comment(comment)["html_url"],
            "state": "PENDING" if review is not None and review.state == "PENDING" else "SUBMITTED",
            "isMinimized": comment.minimized is not None,
            "minimizedReason": comment.minimized,
            "outdated": comment.outdated,
            "author": _actor(comment.user),
            "authorAssociation": call.shapes.association(comment.user),
            "viewerDidAuthor": comment.user == call.user,
        },
    )


def _mutation(call: Call) -> Node:
    return Node(
        type="Mutation",
        fields={
            "resolveReviewThread": lambda given: _resolve(call, given, done=True),
            "unresolveReviewThread": lambda given: _resolve(call, given, done=False),
            "minimizeComment": lambda given: _minimize(call, given),
        },
    )


def _given(name: str, given: Mapping[str, object], *fields: str) -> list[str]:
    asked = given.get("input")
    values = asked if isinstance(asked, dict) else {}
    unknown = set(values) - {*fields, "clientMutationId"}
    if unknown or any(not isinstance(values.get(field), str) for field in fields):
        raise BadQuery(message=f"Variable $input of type {name}Input! was provided invalid value")
    return [str(values[field]) for field in fields]


def _refuse(*, name: str, message: str, kind: str = "FORBIDDEN") -> BadQuery:
    return BadQuery(message=message, type=kind, path=[name], data={name: None})


def _resolve(call: Call, given: Mapping[str, object], *, done: bool) -> Node:
    name = "resolveReviewThread" if done else "unresolveReviewThread"
    (thread_id,) = _given(name[0].upper() + name[1:], given, "threadId")
    number = next((each for each in call.world.threads(call.user) if f"PRRT_{each}" == thread_id), None)
    if number is None:
        raise _refuse(
            name=name, message=f"Could not resolve to a node with the global id of '{thread_id}'", kind="NOT_FOUND"
        )
    if not _may_resolve(call):
        raise _refuse(name=name, message=not_accessible_words(call.token.kind))
    if done:
        call.world.resolved.setdefault(number, call.user)
    else:
        call.world.resolved.pop(number, None)
    return Node(type="ThreadPayload", fields={"thread": _thread(call, number), "clientMutationId": None})


def _minimize(call: Call, given: Mapping[str, object]) -> Node:
    subject, classifier = _given("MinimizeComment", given, "subjectId", "classifier")
    if classifier not in _CLASSIFIERS:
        raise BadQuery(
            message=f"Variable $input of type MinimizeCommentInput! was provided invalid value: {classifier}"
        )
    known: dict[str, Comment | Remark] = {f"PRRC_{each.id}": each for each in call.world.visible(call.user)}
    known |= {f"IC_{each.id}": each for each in call.world.remarks}
    found = known.get(subject)
    if found is None:
        words = f"Could not resolve to a node with the global id of '{subject}'"
        raise _refuse(name="minimizeComment", message=words, kind="NOT_FOUND")
    if not call.token.pulls or (found.user != call.user and not call.world.writer(call.user.login)):
        raise _refuse(name="minimizeComment", message=not_accessible_words(call.token.kind))
    found.minimized = classifier.lower()
    fields = {"isMinimized": True, "minimizedReason": found.minimized}
    payload = Node(type="Minimizable", fields=fields)
    return Node(type="MinimizePayload", fields={"minimizedComment": payload, "clientMutationId": None})
