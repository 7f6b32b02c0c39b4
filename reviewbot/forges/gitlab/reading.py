"""GitLab's JSON → requests, files, threads as the domain knows them. Pure: rows in, values out."""

import re
from collections.abc import Callable
from typing import Final

from reviewbot.domain.request import GITLAB, Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Note, Thread, ThreadKind
from reviewbot.forges.gitlab.rows import Row, flag, items, number, table, text, words

_BOT: Final = re.compile(r"(?:project|group)_\d+_bot(?:_|\d|$)")
"""User names of access tokens: only ``GET /user`` has a field that tells bots."""
_HUNK: Final = re.compile(r"^@@ ", re.MULTILINE)


def request(row: Row) -> ChangeRequest | None:
    """Read a merge request; None while GitLab has not worked out its diff yet (``diff_refs`` is null)."""
    refs = table(row, "diff_refs")
    base, start, head = (text(refs, name) for name in ("base_sha", "start_sha", "head_sha"))
    if not (base and start and head):
        return None
    target = number(row, "target_project_id")
    return ChangeRequest(
        dialect=GITLAB,
        project=str(target or ""),
        number=number(row, "iid") or 0,
        url=text(row, "web_url"),
        title=text(row, "title"),
        description=text(row, "description"),
        author=account(table(row, "author")),
        labels=words(row, "labels"),
        draft=flag(row, "draft") or flag(row, "work_in_progress"),
        open=text(row, "state") not in {"merged", "closed"},
        from_fork=number(row, "source_project_id") != target,
        head_sha=head,
        base_sha=base,
        start_sha=start,
        source_branch=text(row, "source_branch"),
        target_branch=text(row, "target_branch"),
    )


def account(row: Row) -> Account:
    """Read a user; a deleted one has number 0."""
    name = text(row, "username")
    return Account(id=number(row, "id") or 0, name=name, bot=flag(row, "bot") or bool(_BOT.match(name)))


def file(row: Row) -> ForgeFile:
    """Read a file of ``/diffs`` or ``/changes``."""
    diff, old, new = text(row, "diff"), text(row, "old_path"), text(row, "new_path")
    withheld = _withheld(row, diff)
    first = _HUNK.search(diff)
    return ForgeFile(
        path=old if flag(row, "deleted_file") else new,
        old_path=None if flag(row, "new_file") else old,
        hunks=None if withheld else diff[first.start() :] if first else "",
        withheld=withheld,
    )


def _withheld(row: Row, diff: str) -> str | None:
    if flag(row, "too_large"):
        return "too large"
    if flag(row, "collapsed"):
        return "collapsed"
    if diff.startswith(("Binary files ", "GIT binary patch")):
        return "binary"
    # Servers before 16.x say nothing of it. Without a diff are also: a rename, another mode, an empty file.
    silent = not diff and "collapsed" not in row and not flag(row, "renamed_file")
    return "collapsed" if silent and text(row, "a_mode") == text(row, "b_mode") else None


def thread(row: Row, writes: Callable[[Account], bool]) -> Thread | None:
    """Read a discussion; None for one that holds only GitLab's own notes, such as "added 1 commit".

    ``writes`` tells who may write to the project; it is asked about whoever resolved a thread.
    """
    notes = tuple(note for note in items(row, "notes") if not flag(note, "system"))
    if not notes:
        return None
    position = table(notes[0], "position")
    path = text(position, "new_path") or text(position, "old_path") or None
    judged = [note for note in notes if flag(note, "resolvable")]
    resolved = bool(judged) and all(flag(note, "resolved") for note in judged)
    resolver = table(judged[-1], "resolved_by") if resolved else {}
    resolved_by = account(resolver) if resolver else None
    return Thread(
        id=text(row, "id"),
        kind=ThreadKind.PLAIN if path is None else _kind(position),
        notes=tuple(_note(note) for note in notes),
        path=path,
        resolvable=bool(judged),
        resolved=resolved,
        resolved_by=resolved_by,
        resolved_by_writer=resolved_by is not None and writes(resolved_by),
    )


def _kind(position: Row) -> ThreadKind:
    return ThreadKind.FILE if text(position, "position_type") == "file" else ThreadKind.INLINE


def _note(row: Row) -> Note:
    return Note(id=str(number(row, "id") or ""), author=account(table(row, "author")), body=text(row, "body"))
