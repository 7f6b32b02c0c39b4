"""Issues, and emoji by GraphQL: the part of GitLab that remembers beyond one merge request.

REST as in GitLab's documentation "Issues API"; that a project without issues answers 404 to a write and an empty list
to a read, and the words of GraphQL's errors, are from memory: not verified.
"""

import re
from http import HTTPStatus
from typing import Any

from fakes import gitlab_json as spell
from fakes.gitlab_notes import refuse, run_commands
from fakes.gitlab_params import declared
from fakes.gitlab_routes import QUESTIONS, Answer, Call, route
from fakes.gitlab_state import REPORTER, Award, Issue, Json, Mail, Note, State

_LONGEST_TITLE = 255
_GRAPHQL_SINCE = (16, 0)
"""Emoji of notes: gitlab-org/gitlab!116196."""
_QUESTION = re.compile(r"mergeRequest\(id: \$id\).*notes\(first: 100, after: \$after\).*awardEmoji", re.DOTALL)


@route("GET", "/issues", paged=True)
def issues(call: Call) -> Answer:
    """List issues, filtered as their author, state and title are asked for."""
    asked, found = call.params, call.state.issues if call.state.rules.issues else []
    if "author_id" in asked:
        found = [one for one in found if str(one.author.id) == str(asked["author_id"])]
    if asked.get("state", "all") != "all":
        found = [one for one in found if one.state == asked["state"]]
    if "search" in asked:
        found = [one for one in found if str(asked["search"]).lower() in one.title.lower()]
    if asked.get("sort", "desc") == "desc":
        found = found[::-1]
    return Answer(body=[spell.issue(call.state, one) for one in found])


@route("POST", "/issues")
def create_issue(call: Call) -> Answer:
    """Open an issue; quick actions in its text run."""
    _may_write(call)
    declared(call.params, call.state.rules, "title")
    if len(call.params["title"]) > _LONGEST_TITLE:
        raise refuse(HTTPStatus.BAD_REQUEST, "Bad request")
    text = run_commands(call.state, call.user, str(call.params.get("description") or ""))
    number = len(call.state.issues) + 1
    made = Issue(id=call.state.next_id(), iid=number, author=call.user, title=call.params["title"], description=text)
    call.state.issues.append(made)
    call.state.mails.append(Mail("issue", call.user.username))
    return Answer(status=HTTPStatus.CREATED, body=spell.issue(call.state, made))


@route("PUT", "/issues/:iid")
def edit_issue(call: Call) -> Answer:
    """Change an issue's text, title or state, without an e-mail."""
    _may_write(call)
    found = next((one for one in call.state.issues if str(one.iid) == call.parts[0]), None)
    if found is None:
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")
    if found.author != call.user and call.state.level(call.user) < REPORTER:
        raise refuse(HTTPStatus.FORBIDDEN, "Forbidden")
    if "description" in call.params:
        found.description = run_commands(call.state, call.user, str(call.params["description"]))
    return Answer(body=spell.issue(call.state, found))


def _may_write(call: Call) -> None:
    if not call.state.rules.issues:
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")


def graphql(state: State, params: Json) -> Answer:
    """Answer the one question that this server understands."""
    variables: Json = params.get("variables") or {}
    known = state.rules.version >= _GRAPHQL_SINCE and _QUESTION.search(str(params.get("query", "")))
    if not known:
        message = "Field 'awardEmoji' doesn't exist on type 'Note'"
        return Answer(body={"errors": [{"message": message, "locations": [], "path": []}]})
    if variables.get("id") != f"gid://gitlab/MergeRequest/{state.request.iid + 1000}":
        return Answer(body={"data": {"mergeRequest": None}})
    notes = [note for _, note in state.notes()]
    start = int(variables.get("after") or 0)
    more = len(notes) > start + 100
    shown: Json = {
        "nodes": [_note(state, note) for note in notes[start : start + 100]],
        "pageInfo": {"hasNextPage": more, "endCursor": str(start + 100) if more else None},
    }
    return Answer(body={"data": {"mergeRequest": {"notes": shown}}})


def _note(state: State, note: Note) -> Json:
    kind = note.type or "Note"
    emoji: list[Any] = [_award(award) for award in state.awards if award.note_id == note.id]
    return {"id": f"gid://gitlab/{kind}/{note.id}", "awardEmoji": {"nodes": emoji}}


def _award(award: Award) -> Json:
    user = {"id": f"gid://gitlab/User/{award.user.id}", "username": award.user.username}
    return {"name": award.name, "user": user}


QUESTIONS.append(graphql)
