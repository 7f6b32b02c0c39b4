"""Routes of discussions, notes and drafts."""

from http import HTTPStatus

from fakes import gitlab_json as spell
from fakes.gitlab_markdown import commands
from fakes.gitlab_notes import (
    RefusedError,
    bad_note,
    create,
    edit,
    publish,
    refuse,
    remove,
    reply,
    resolve,
    run_commands,
)
from fakes.gitlab_params import declared, placed, truth
from fakes.gitlab_positions import line_code
from fakes.gitlab_routes import Answer, Call, route
from fakes.gitlab_state import MAINTAINER, Discussion, Draft, Mail, Note

_NOTHING = Answer(status=HTTPStatus.NO_CONTENT)


def _discussion(call: Call) -> Discussion:
    found = call.state.discussion(call.parts[0])
    if found is None:
        raise refuse(HTTPStatus.NOT_FOUND, "Discussion Not Found")
    return found


def _note(call: Call) -> Note:
    found = next((note for _, note in call.state.notes() if str(note.id) == call.parts[-1]), None)
    if found is None:
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")
    return found


def _own_note(call: Call) -> Note:
    note = _note(call)
    if note.system or (note.author != call.user and call.state.level(call.user) < MAINTAINER):
        raise refuse(HTTPStatus.FORBIDDEN, "Forbidden")
    return note


def _mail(call: Call) -> None:
    call.state.mails.append(Mail("note", call.user.username))


@route("GET", "MR/discussions", paged=True)
def list_discussions(call: Call) -> Answer:
    return Answer(body=[spell.discussion(call.state, one) for one in call.state.discussions])


@route("GET", "MR/discussions/:id")
def get_discussion(call: Call) -> Answer:
    return Answer(body=spell.discussion(call.state, _discussion(call)))


@route("POST", "MR/discussions")
def create_discussion(call: Call) -> Answer:
    state = call.state
    declared(call.params, state.rules, "body")
    place, wrong = placed(call.params, state.rules)
    if wrong:
        raise bad_note({"position": ["must be a valid json schema"]}, ruby34=state.rules.ruby34)
    kind = "DiffNote" if place else "DiscussionNote"
    try:
        created = create(state, call.user, str(call.params["body"]), place=place, kind=kind)
    except RefusedError as refused:
        if refused.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            _mail(call)  # the note is there
        raise
    _mail(call)
    return Answer(status=HTTPStatus.CREATED, body=spell.discussion(state, created))


@route("PUT", "MR/discussions/:id")
def resolve_discussion(call: Call) -> Answer:
    declared(call.params, call.state.rules, "resolved")
    resolved = truth(call.params, "resolved")
    found = _discussion(call)
    if not found.resolvable or not call.state.may_resolve(call.user):
        raise refuse(HTTPStatus.FORBIDDEN, "Forbidden")
    resolve(call.state, call.user, found.notes, resolved=bool(resolved))
    return Answer(body=spell.discussion(call.state, found))


@route("GET", "MR/discussions/:id/notes")
def discussion_notes(call: Call) -> Answer:
    return Answer(body=[spell.note(call.state, note) for note in _discussion(call).notes])


@route("POST", "MR/discussions/:id/notes")
def create_reply(call: Call) -> Answer:
    declared(call.params, call.state.rules, "body")
    created = reply(call.state, call.user, _discussion(call), str(call.params["body"]))
    _mail(call)
    return Answer(status=HTTPStatus.CREATED, body=spell.note(call.state, created))


@route("PUT", "MR/discussions/:id/notes/:note")
def change_discussion_note(call: Call) -> Answer:
    _discussion(call)
    resolved = truth(call.params, "resolved")
    given = [name for name in ("body", "resolved") if call.params.get(name) is not None]
    if len(given) != 1:
        fault = "are mutually exclusive" if given else "are missing, exactly one parameter must be provided"
        raise RefusedError(HTTPStatus.BAD_REQUEST, {"error": f"body, resolved {fault}"})
    if resolved is None:
        return change_note(call)
    note = _note(call)
    if not call.state.may_resolve(call.user):
        raise refuse(HTTPStatus.FORBIDDEN, "Forbidden")
    if not note.resolvable:
        raise refuse(HTTPStatus.BAD_REQUEST, "Bad request - Note is not resolvable")
    resolve(call.state, call.user, [note], resolved=resolved)
    return Answer(body=spell.note(call.state, note))


@route("GET", "MR/notes", paged=True, job=True)
def list_notes(call: Call) -> Answer:
    """List all notes, the newest first unless asked otherwise."""
    notes = sorted((note for _, note in call.state.notes()), key=lambda note: note.id)
    if call.params.get("sort", "desc") != "asc":
        notes.reverse()
    return Answer(body=[spell.note(call.state, note) for note in notes])


@route("GET", "MR/discussions/:id/notes/:note")
@route("GET", "MR/notes/:note", job=True)
def get_note(call: Call) -> Answer:
    return Answer(body=spell.note(call.state, _note(call)))


@route("POST", "MR/notes")
def create_note(call: Call) -> Answer:
    declared(call.params, call.state.rules, "body")
    body = str(call.params["body"])
    text, run = commands(body)
    if run and not text.strip():
        run_commands(call.state, call.user, body)
        changes = {line.split()[0].removeprefix("/"): True for line in run}
        return Answer(status=HTTPStatus.ACCEPTED, body={"commands_changes": changes, "summary": ["Commands applied"]})
    created = create(call.state, call.user, body, kind=None)
    _mail(call)
    return Answer(status=HTTPStatus.CREATED, body=spell.note(call.state, created.notes[0]))


@route("PUT", "MR/notes/:note")
def change_note(call: Call) -> Answer:
    declared(call.params, call.state.rules, "body")
    note = _own_note(call)
    edit(call.state, call.user, note, str(call.params["body"]))
    return Answer(body=spell.note(call.state, note))


@route("DELETE", "MR/discussions/:id/notes/:note")
@route("DELETE", "MR/notes/:note")
def delete_note(call: Call) -> Answer:
    remove(call.state, _own_note(call))
    return _NOTHING


def _drafts(call: Call) -> list[Draft]:
    """Give the caller's own drafts; nobody sees those of others."""
    return [draft for draft in call.state.drafts if draft.author == call.user]


def _draft(call: Call) -> Draft:
    found = next((draft for draft in _drafts(call) if str(draft.id) == call.parts[0]), None)
    if found is None:
        raise refuse(HTTPStatus.NOT_FOUND, "Not found")
    return found


def _invalid(**reasons: str) -> RefusedError:
    spelt = {name: [reason] for name, reason in reasons.items()}
    return RefusedError(HTTPStatus.BAD_REQUEST, {"message": spelt})


@route("GET", "MR/draft_notes")
def list_drafts(call: Call) -> Answer:
    """List own drafts, all on one page: GitLab does not page these."""
    return Answer(body=[spell.draft(call.state, draft) for draft in _drafts(call)])


@route("GET", "MR/draft_notes/:id")
def get_draft(call: Call) -> Answer:
    return Answer(body=spell.draft(call.state, _draft(call)))


@route("POST", "MR/draft_notes")
def create_draft(call: Call) -> Answer:
    """Take any well-formed draft: whether its line is there, only ``line_code`` tells."""
    state = call.state
    declared(call.params, state.rules, "note")
    place, wrong = placed(call.params, state.rules)
    if wrong:
        raise _invalid(position="must be a valid json schema")
    thread = call.params.get("in_reply_to_discussion_id") or None
    resolve_it = bool(truth(call.params, "resolve_discussion"))
    _check_reply(call, thread, resolve_it=resolve_it)
    draft = Draft(
        id=state.next_id(),
        author=call.user,
        note=str(call.params["note"]),
        position=place,
        line_code=line_code(state.diffs, place) if place else None,
        discussion_id=thread,
        resolve=resolve_it,
    )
    state.drafts.append(draft)
    return Answer(status=HTTPStatus.CREATED, body=spell.draft(state, draft))


def _check_reply(call: Call, thread: str | None, *, resolve_it: bool) -> None:
    found = call.state.discussion(thread)
    if thread and found is None:
        raise _invalid(base="Thread to reply to cannot be found")
    if found and found.notes[0].system:
        raise _invalid(base="Replies to system notes are not allowed")
    if resolve_it and not (found and found.resolvable and call.state.may_resolve(call.user)):
        raise _invalid(base="User is not allowed to resolve thread")
    if thread and any(draft.discussion_id == thread for draft in _drafts(call)):
        raise _invalid(author_id="has already been taken")


@route("PUT", "MR/draft_notes/:id")
def change_draft(call: Call) -> Answer:
    """Give a draft another text, and another position: without one in the request it loses the one it had."""
    declared(call.params, call.state.rules)
    if not str(call.params.get("note") or "").strip():
        raise refuse(HTTPStatus.BAD_REQUEST, "Bad request - Missing params to modify")
    place, wrong = placed(call.params, call.state.rules)
    draft = _draft(call)
    if wrong:
        raise _invalid(position="must be a valid json schema")
    draft.note, draft.position = str(call.params["note"]), place
    draft.line_code = line_code(call.state.diffs, place) if place else None
    return Answer(body=spell.draft(call.state, draft))


@route("DELETE", "MR/draft_notes/:id")
def delete_draft(call: Call) -> Answer:
    draft = _draft(call)
    call.state.drafts = [kept for kept in call.state.drafts if kept is not draft]
    return _NOTHING


@route("PUT", "MR/draft_notes/:id/publish")
def publish_draft(call: Call) -> Answer:
    publish(call.state, call.user, [_draft(call)], review=False, fail_after=call.fail_after)
    return _NOTHING


@route("POST", "MR/draft_notes/bulk_publish")
def publish_drafts(call: Call) -> Answer:
    """Publish all drafts of the caller, leftovers of earlier runs included."""
    publish(call.state, call.user, _drafts(call), review=True, fail_after=call.fail_after)
    return _NOTHING
