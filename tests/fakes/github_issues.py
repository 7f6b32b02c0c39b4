"""Issues and reactions of the fake GitHub, as in the documentation of its REST API ("Issues", "Reactions").

That a repository without issues answers 410 to a write and an empty list to a read is as other projects have seen it;
that an installation's token needs a permission to list issues is from memory: not verified.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fakes import github_refusals as words
from fakes.github_calls import Call, Reply, one, page
from fakes.github_reviews import BODY_LIMIT
from fakes.github_world import Email, Issue

_REPO = "/repos/{owner}/{repo}"
_GONE = 410


def _issues(call: Call) -> Reply:
    call.needs("issues")
    query, found = call.query, call.world.issues if call.world.setup.has_issues else []
    if "creator" in query:
        found = [issue for issue in found if issue.user.login == query["creator"]]
    if query.get("state", "open") != "all":
        found = [issue for issue in found if issue.state == query.get("state", "open")]
    if query.get("direction", "desc") == "desc":
        found = found[::-1]
    return page(call, found, call.shapes.issue)


def _create_issue(call: Call) -> Reply:
    call.needs("issues")
    if not call.world.setup.has_issues:
        raise words.refused(_GONE, "Issues has been disabled in this repository.")
    _check_length(call)
    world = call.world
    number = world.setup.number + 1 + len(world.issues)
    issue = Issue(
        id=world.next_id(), number=number, user=call.user, title=call.body["title"], body=call.body.get("body") or "",
        created=world.tick(),
    )  # fmt: skip
    world.issues.append(issue)
    world.emails.append(Email(kind="issue", user=call.user.login, comments=1))
    return Reply(status=201, body=call.shapes.issue(issue))


def _edit_issue(call: Call) -> Reply:
    call.needs("issues")
    issue = one(call.world.issues, lambda issue: issue.number == call.number("one_number"))
    if issue.user != call.user and not call.world.writer(call.user.login):
        raise words.not_accessible(call.token.kind)
    _check_length(call)
    issue.body = call.body.get("body", issue.body)
    issue.state = call.body.get("state", issue.state)
    return Reply(body=call.shapes.issue(issue))


def _check_length(call: Call) -> None:
    if len(call.body.get("body") or "") > BODY_LIMIT:
        raise words.invalid(resource="Issue", field="body", message=words.TOO_LONG, code="custom", docs=words.ISSUES)


def _reactions(call: Call) -> Reply:
    number = call.number("comment_id")
    one(call.world.visible(call.user), lambda comment: comment.id == number)
    given = [(at, who, what) for at, (comment, who, what) in enumerate(call.world.reactions, 1) if comment == number]
    return page(call, given, lambda each: call.shapes.reaction(*each))


ISSUES: Mapping[tuple[str, str], Callable[[Call], Reply]] = MappingProxyType(
    {
        ("GET", f"{_REPO}/issues"): _issues,
        ("POST", f"{_REPO}/issues"): _create_issue,
        ("PATCH", f"{_REPO}/issues/{{one_number}}"): _edit_issue,
        ("GET", f"{_REPO}/pulls/comments/{{comment_id}}/reactions"): _reactions,
    }
)
