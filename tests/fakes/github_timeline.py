"""Routes of the fake GitHub beside the review: the timeline, checks, statuses, permissions, rates."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fakes import github_refusals as words
from fakes.github_calls import Call, Reply, one, page
from fakes.github_refusals import Json
from fakes.github_reviews import BODY_LIMIT
from fakes.github_world import Check, Email, Remark

_REPO = "/repos/{owner}/{repo}"
_DESCRIPTION_LIMIT = 140
RATE: Json = {"limit": 5000, "remaining": 4999, "reset": 4_000_000_000, "used": 1}


def _remarks(call: Call) -> Reply:
    return page(call, call.world.remarks, call.shapes.remark)


def _create_remark(call: Call) -> Reply:
    call.needs("issues", "pulls")  # either serves for a pull request's timeline
    _check_length(call)
    now = call.world.tick()
    remark = Remark(id=call.world.next_id(), user=call.user, body=call.body["body"], created=now, updated=now)
    call.world.remarks.append(remark)
    call.world.emails.append(Email(kind="issue comment", user=call.user.login, comments=1))
    if call.token.kind != "actions":
        call.world.workflow_events.append("issue_comment")
    return Reply(status=201, body=call.shapes.remark(remark))


def _check_length(call: Call) -> None:
    if len(call.body["body"]) > BODY_LIMIT:
        raise words.long_issue_comment()
    if not call.body["body"].strip():
        raise words.invalid(
            resource="IssueComment",
            field="body",
            message="body can't be blank",
            code="missing_field",
            docs=words.ISSUES,
        )


def _remark(call: Call) -> Remark:
    return one(call.world.remarks, lambda remark: remark.id == call.number("comment_id"))


def _own_remark(call: Call) -> Remark:
    call.needs("issues", "pulls")
    remark = _remark(call)
    if remark.user != call.user and not call.world.writer(call.user.login):
        raise words.not_accessible(call.token.kind)
    return remark


def _read_remark(call: Call) -> Reply:
    return Reply(body=call.shapes.remark(_remark(call)))


def _edit_remark(call: Call) -> Reply:
    remark = _own_remark(call)
    _check_length(call)
    remark.body, remark.updated = call.body["body"], call.world.tick()
    return Reply(body=call.shapes.remark(remark))


def _delete_remark(call: Call) -> Reply:
    call.world.remarks.remove(_own_remark(call))
    return Reply(status=204)


def _permission(call: Call) -> Reply:
    login = call.names["username"]
    if call.token.kind == "classic" and not call.world.writer(call.user.login):
        raise words.refused(403, "Must have push access to view collaborator permission.")
    account = call.world.accounts.get(login)
    if account is None or account.bot:
        raise words.refused(404, f"{login} is not a user")
    role = call.world.roles[login]
    # The older of the two words knows no maintainer [GitHub's "Get repository permissions for a user"].
    permission = {"maintain": "write", "triage": "read"}.get(role, role)
    return Reply(body={"permission": permission, "role_name": role, "user": call.shapes.user(account)})


def _create_check(call: Call) -> Reply:
    _may_check(call)
    check = Check(id=call.world.next_id(), fields=dict(call.body), annotations=_annotations(call.body))
    call.world.checks.append(check)
    return Reply(status=201, body=call.shapes.check(check))


def _update_check(call: Call) -> Reply:
    _may_check(call)
    check = one(call.world.checks, lambda check: check.id == call.number("check_run_id"))
    check.annotations += _annotations(call.body)
    output = (check.fields.get("output") or {}) | (call.body.get("output") or {})
    check.fields |= call.body | ({"output": output} if output else {})
    return Reply(body=call.shapes.check(check))


def _may_check(call: Call) -> None:
    if call.token.kind == "classic":
        raise words.refused(403, "You must authenticate via a GitHub App.")
    call.needs("checks")


def _annotations(body: Json) -> list[Json]:
    found: list[Json] = (body.get("output") or {}).get("annotations") or []
    for each in found:
        if each["start_line"] != each["end_line"] and ("start_column" in each or "end_column" in each):
            raise words.refused(422, "Invalid request.\n\nColumns are for annotations of one line only.")
    return found


def _status(call: Call) -> Reply:
    call.needs("statuses")
    if len(call.body.get("description") or "") > _DESCRIPTION_LIMIT:
        raise words.invalid(
            resource="Status", field="description", message="description is too long (maximum is 140 characters)"
        )
    now, number = "2026-01-01T00:00:00Z", call.world.next_id()
    status: Json = {"target_url": None, "description": None, "context": "default"} | call.body
    status |= {"id": number, "node_id": f"SC_{number}", "url": f"{call.shapes.api}{call.path}", "avatar_url": None}
    status |= {"created_at": now, "updated_at": now, "creator": call.shapes.user(call.user)}
    call.world.statuses.append(status | {"sha": call.names["sha"]})
    return Reply(status=201, body=status)


def _rate_limit(call: Call) -> Reply:
    del call
    return Reply(body={"resources": {"core": RATE, "search": RATE, "graphql": RATE}, "rate": RATE})


TIMELINE: Mapping[tuple[str, str], Callable[[Call], Reply]] = MappingProxyType(
    {
        ("GET", f"{_REPO}/issues/{{issue_number}}/comments"): _remarks,
        ("POST", f"{_REPO}/issues/{{issue_number}}/comments"): _create_remark,
        ("GET", f"{_REPO}/issues/comments/{{comment_id}}"): _read_remark,
        ("PATCH", f"{_REPO}/issues/comments/{{comment_id}}"): _edit_remark,
        ("DELETE", f"{_REPO}/issues/comments/{{comment_id}}"): _delete_remark,
        ("GET", f"{_REPO}/collaborators/{{username}}/permission"): _permission,
        ("POST", f"{_REPO}/check-runs"): _create_check,
        ("PATCH", f"{_REPO}/check-runs/{{check_run_id}}"): _update_check,
        ("POST", f"{_REPO}/statuses/{{sha}}"): _status,
        ("GET", "/rate_limit"): _rate_limit,
    }
)
