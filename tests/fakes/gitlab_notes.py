"""What happens to notes and drafts: checked, stored, published, resolved, moved by a push."""

from collections.abc import Iterable, Sequence
from http import HTTPStatus

from fakes.gitlab_diff import withheld
from fakes.gitlab_markdown import acting, commands, offers
from fakes.gitlab_positions import Position, diff_file, follow, line_code, range_fault
from fakes.gitlab_state import Broken, Command, Discussion, Draft, Leak, Mail, Note, State, User, Version

MOST_CHARACTERS = 1_000_000


class RefusedError(Exception):
    """An answer other than success; what was stored before stays stored."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body


def internal_error() -> RefusedError:
    return RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, {"message": "500 Internal Server Error"})


def refuse(status: int, message: str) -> RefusedError:
    """Make the usual refusal, ``404 Not found`` and its like."""
    return RefusedError(status, {"message": f"{int(status)} {message}"})


def bad_note(errors: dict[str, list[str]], *, ruby34: bool = False) -> RefusedError:
    """Spell the errors of a note as Ruby prints a hash, into the message."""
    spelt = (
        (f"{name}: " if ruby34 else f":{name}=>") + "[" + ", ".join(f'"{text}"' for text in texts) + "]"
        for name, texts in errors.items()
    )
    return refuse(HTTPStatus.BAD_REQUEST, "Bad request - Note {" + ", ".join(spelt) + "}")


def errors(state: State, body: str, place: Position | None) -> dict[str, list[str]]:
    """Find what GitLab finds wrong with a note: its text, and the line it is to stand on."""
    found: dict[str, list[str]] = {}
    if not body.strip():
        found["note"] = ["can't be blank"]
    elif len(body) > MOST_CHARACTERS:
        found["note"] = [f"is too long (maximum is {MOST_CHARACTERS} characters)"]
    if place and place.type == "text" and line_code(state.diffs, place) is None:
        found["line_code"] = ["can't be blank", "must be a valid line code"]
    if place and not place.complete:
        found["position"] = ["is incomplete"]
    return found


def run_commands(state: State, user: User, body: str) -> str:
    """Run a text's quick actions: they are remembered, and gone from what is left."""
    text, lines = commands(body)
    state.commands += [Command(None, user.username, line) for line in lines]
    return text


def create(state: State, user: User, body: str, *, place: Position | None = None, kind: str | None) -> Discussion:
    """Store a note that opens a discussion. Raises RefusedError, for lines of withheld files after storing."""
    text = run_commands(state, user, body)
    found = errors(state, text, place)
    if found:
        raise bad_note(found, ruby34=state.rules.ruby34)
    note = Note(id=state.next_id(), author=user, body=text, type=kind, position=place)
    discussion = Discussion(id=state.next_discussion_id(), notes=[note])
    state.discussions.append(discussion)
    _look(state, note)
    if place:
        _trace_stale(state, note, place)
        if place.type == "text" and place.refs == state.request.refs and set(place.paths) & unpersisted(state):
            raise internal_error()  # NoteDiffFileCreationError comes after the commit
    return discussion


def reply(state: State, user: User, discussion: Discussion, body: str) -> Note:
    """Store an answer; an answered plain comment becomes a thread. Raises RefusedError."""
    first = discussion.notes[0]
    if first.system:
        raise refuse(HTTPStatus.BAD_REQUEST, "Bad request - Discussion can not be replied to.")
    text = run_commands(state, user, body)
    found = errors(state, text, None)
    if found:
        raise bad_note(found, ruby34=state.rules.ruby34)
    first.type = first.type or "DiscussionNote"
    note = Note(id=state.next_id(), author=user, body=text, type=first.type, position=first.position)
    discussion.notes.append(note)
    _look(state, note)
    return note


def edit(state: State, user: User, note: Note, body: str) -> None:
    """Give a note another text, without an e-mail. Raises RefusedError."""
    text = run_commands(state, user, body)
    found = errors(state, text, None)
    if found:
        raise bad_note(found, ruby34=state.rules.ruby34)
    note.body = text
    _look(state, note)


def remove(state: State, note: Note) -> None:
    """Delete a note; a discussion goes with its last one."""
    for discussion in state.discussions:
        discussion.notes = [kept for kept in discussion.notes if kept is not note]
    state.discussions = [discussion for discussion in state.discussions if discussion.notes]


def resolve(state: State, user: User, notes: Iterable[Note], *, resolved: bool) -> None:
    """Resolve notes or open them again; the last open thread's end sends an e-mail of its own."""
    for note in notes:
        if note.resolvable:
            note.resolved_by = (note.resolved_by or user) if resolved else None
    if resolved:
        _mail_if_all_resolved(state, user)


def publish(state: State, user: User, drafts: Sequence[Draft], *, review: bool, fail_after: int | None = None) -> None:
    """Publish drafts one after the other, without a transaction, as GitLab does.

    What cannot be stored as a note vanishes. An error half-way leaves what is public and every draft.
    """
    for count, draft in enumerate(drafts):
        if count == fail_after:
            raise internal_error()
        _publish_one(state, user, draft)
    if len(drafts) == fail_after:
        raise internal_error()
    state.drafts = [kept for kept in state.drafts if kept not in drafts]
    if drafts:
        state.mails.append(Mail("review" if review else "note", user.username))
        _mail_if_all_resolved(state, user)


def _publish_one(state: State, user: User, draft: Draft) -> None:
    discussion = state.discussion(draft.discussion_id)
    place = draft.position if draft.position and draft.position.complete else None
    plain = "DiscussionNote" if state.rules.plain_drafts_are_threads else None
    try:
        if discussion:
            reply(state, user, discussion, draft.note)
            resolve_it = draft.resolve and state.may_resolve(user)
            for note in discussion.notes:
                note.resolved_by = user if resolve_it and note.resolvable else None
        else:
            create(state, user, draft.note, place=place, kind="DiffNote" if place else plain)
    except RefusedError as refused:
        if refused.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        # An invalid note comes back unsaved, which nobody looks at.


def push(state: State, user: User, head: str) -> Version:
    """Take a new head: a new version, notes moved along or outdated, system notes as in the real timeline."""
    start = state.diffs.repo.git("rev-parse", state.request.target_branch)
    version = state.new_version(start, head)
    for discussion in tuple(state.discussions):
        first = discussion.notes[0]
        if first.position and not first.outdated:
            _move(state, user, discussion, first.position)
    _system_note(state, user, f"added 1 commit\n\n<ul><li>{head[:8]} - a change</li></ul>")
    return version


def _move(state: State, user: User, discussion: Discussion, place: Position) -> None:
    then = follow(state.diffs, place, state.request.refs)
    for note in discussion.notes:
        note.position, note.outdated = then or place, then is None
    if then is None:
        if state.rules.resolve_outdated:
            resolve(state, user, discussion.notes, resolved=True)
        text = f"changed this line in version {len(state.request.versions)} of the diff"
        note = Note(id=state.next_id(), author=user, body=text, type="DiffNote", position=place, system=True)
        discussion.notes.append(note)


def _system_note(state: State, user: User, body: str) -> None:
    note = Note(id=state.next_id(), author=user, body=body, type=None, system=True)
    state.discussions.append(Discussion(id=state.next_discussion_id(), notes=[note]))


def unpersisted(state: State) -> set[str]:
    """Give the paths whose lines the stored diff of the newest version lacks."""
    refs = state.request.refs
    rules = state.rules
    reasons = withheld(state.diffs.files(refs.base, refs.head), rules.patch_bytes, rules.files, rules.lines)
    lost = ("too_large", "collapsed") if rules.collapsed_lines_lost else ("too_large",)
    return state.unpersisted | {path for path, reason in reasons.items() if reason in lost}


def _trace_stale(state: State, note: Note, place: Position) -> None:
    """Move a note that was made on an older version; GitLab does it soon after, this server at once."""
    if place.refs == state.request.refs:
        return
    if place.refs not in [version.refs for version in state.request.versions]:
        state.broken.append(Broken(note.id, "refs", "the commits are not those of a version"))
    then = follow(state.diffs, place, state.request.refs)
    note.position, note.outdated = then or place, then is None


def _mail_if_all_resolved(state: State, user: User) -> None:
    threads = [discussion for discussion in state.discussions if discussion.resolvable]
    if threads and all(discussion.resolved for discussion in threads):
        state.mails.append(Mail("all resolved", user.username))


def _look(state: State, note: Note) -> None:
    """Remember what of a note acts, and what of it cannot be used."""
    state.leaks += [Leak(note.id, what) for what in acting(note.body)]
    place = note.position
    state.broken += [Broken(note.id, "suggestion", fault) for fault in suggestion_faults(state, note)]
    if place and place.type == "file" and diff_file(state.diffs, place) is None:
        state.broken.append(Broken(note.id, "file", f"{place.new_path} is not in the diff"))
    if place and place.type == "text" and (fault := range_fault(state.diffs, place)):
        state.broken.append(Broken(note.id, "line range", fault))


def suggestion_faults(state: State, note: Note) -> list[str]:
    """Say for each suggestion that cannot be applied why."""
    place = note.position
    found = []
    for offer in offers(note.body):
        if offer.fault:
            found.append(offer.fault)
        elif place is None or place.new_line is None:
            found.append("not on a line of the new text")
        elif offer.above >= place.new_line:
            found.append("begins before the file")
        elif place.new_line + offer.below > len(state.diffs.lines(place.refs.head, place.new_path or "")):
            found.append("ends behind the file")
    return found
