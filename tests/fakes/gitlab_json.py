"""Entities as GitLab's API spells them."""

from collections.abc import Sequence
from typing import Any

from fakes.gitlab_diff import DiffFile, withheld
from fakes.gitlab_positions import Refs
from fakes.gitlab_state import Discussion, Draft, Issue, Json, Note, Rules, State, User, Version

_NO_POSITION = dict.fromkeys(("base_sha", "start_sha", "head_sha", "old_path", "new_path")) | {
    "position_type": "text",
    "old_line": None,
    "new_line": None,
    "line_range": None,
}
"""What a draft without a position shows instead."""


def readable(text: str) -> str:
    """Spell bytes that are no UTF-8 as JSON can: with replacement characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def moment(number: int) -> str:
    """Make a time out of an id: later ids are later, and no clock is read."""
    minutes, seconds = divmod(number, 60)
    hours, minutes = divmod(minutes, 60)
    return f"2026-01-{2 + hours // 24:02}T{hours % 24:02}:{minutes:02}:{seconds:02}.000Z"


def user(who: User) -> Json:
    """Spell the short form of a user, which does not tell bots."""
    return {
        "id": who.id,
        "username": who.username,
        "name": who.username.title(),
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"https://gitlab.example/{who.username}",
    }


def note(state: State, shown: Note) -> Json:
    spelt: Json = {
        "id": shown.id,
        "type": shown.type,
        "body": shown.body,
        "attachment": None,
        "author": user(shown.author),
        "created_at": moment(shown.id),
        "updated_at": moment(shown.id),
        "system": shown.system,
        "noteable_id": state.request.iid + 1000,
        "noteable_type": "MergeRequest",
        "project_id": state.project_id,
        "resolvable": shown.resolvable,
        "confidential": False,
        "internal": False,
        "noteable_iid": state.request.iid,
        "commands_changes": {},
    }
    if shown.type == "DiffNote" and shown.position:
        spelt |= {"commit_id": None, "position": shown.position.shown()}
    if shown.resolvable:
        resolver = shown.resolved_by
        spelt |= {"resolved": resolver is not None, "resolved_by": user(resolver) if resolver else None}
        spelt |= {"resolved_at": moment(state.last_id) if resolver else None}
    return spelt


def discussion(state: State, shown: Discussion) -> Json:
    notes = [note(state, one) for one in shown.notes]
    return {"id": shown.id, "individual_note": shown.individual, "notes": notes}


def draft(state: State, shown: Draft) -> Json:
    return {
        "id": shown.id,
        "author_id": shown.author.id,
        "merge_request_id": state.request.iid + 1000,
        "resolve_discussion": shown.resolve,
        "discussion_id": shown.discussion_id,
        "note": shown.note,
        "commit_id": None,
        "line_code": shown.line_code,
        "position": shown.position.shown() if shown.position else _NO_POSITION,
    }


def request(state: State, *, ready: bool = True) -> Json:
    """Spell the merge request; not ``ready``: its diff is not there yet."""
    shown, refs = state.request, state.request.refs
    return {
        "id": shown.iid + 1000,
        "iid": shown.iid,
        "project_id": state.project_id,
        "title": ("Draft: " if shown.draft else "") + shown.title,
        "description": shown.description,
        "state": shown.state,
        "draft": shown.draft,
        "work_in_progress": shown.draft,
        "author": user(shown.author),
        "labels": list(shown.labels),
        "source_branch": shown.source_branch,
        "target_branch": shown.target_branch,
        "source_project_id": shown.source_project_id,
        "target_project_id": state.project_id,
        "web_url": f"https://gitlab.example/{state.project}/-/merge_requests/{shown.iid}",
        "sha": refs.head if ready else None,
        "merge_commit_sha": None,
        "diff_refs": _refs(refs) if ready else None,
        "changes_count": str(len(state.diffs.files(refs.base, refs.head))) if ready else None,
        "user_notes_count": sum(not one.system for _, one in state.notes()),
        "detailed_merge_status": "mergeable" if ready else "preparing",
        "blocking_discussions_resolved": all(one.resolved for one in state.discussions if one.resolvable),
    }


def _refs(refs: Refs) -> Json:
    return {"base_sha": refs.base, "head_sha": refs.head, "start_sha": refs.start}


def version(state: State, shown: Version) -> Json:
    return {
        "id": shown.id,
        "head_commit_sha": shown.refs.head,
        "base_commit_sha": shown.refs.base,
        "start_commit_sha": shown.refs.start,
        "created_at": moment(shown.id),
        "merge_request_id": state.request.iid + 1000,
        "state": "collected",
        "real_size": str(len(state.diffs.files(shown.refs.base, shown.refs.head))),
    }


def issue(state: State, shown: Issue) -> Json:
    return {
        "id": shown.id,
        "iid": shown.iid,
        "project_id": state.project_id,
        "title": shown.title,
        "description": shown.description,
        "state": shown.state,
        "labels": [],
        "author": user(shown.author),
        "confidential": False,
        "issue_type": "issue",
        "web_url": f"https://gitlab.example/{state.project}/-/issues/{shown.iid}",
        "created_at": moment(shown.id),
        "updated_at": moment(shown.id),
    }


def files(rules: Rules, shown: Sequence[DiffFile], *, whole: bool = False) -> list[Json]:
    """Spell the files of a diff; ``whole`` as with ``access_raw_diffs``: nothing is withheld."""
    reasons = {} if whole else withheld(tuple(shown), rules.patch_bytes, rules.files, rules.lines)
    return [_file(file, reasons.get(file.new_path)) for file in shown]


def _file(file: DiffFile, reason: str | None) -> Json:
    return {
        "old_path": readable(file.old_path),
        "new_path": readable(file.new_path),
        "a_mode": "0" if file.new_file else file.old_mode,
        "b_mode": "0" if file.deleted_file else file.new_mode,
        "new_file": file.new_file,
        "renamed_file": file.old_path != file.new_path,
        "deleted_file": file.deleted_file,
        "generated_file": False,
        "diff": "" if reason else readable(file.patch),
        "collapsed": reason == "collapsed",
        "too_large": reason == "too_large",
    }


def commit(state: State, sha: str) -> Json:
    fields: list[Any] = state.diffs.repo.git("show", "--no-patch", "--format=%H%n%P%n%an%n%ae%n%s", sha).split("\n")
    return {
        "id": fields[0],
        "short_id": fields[0][:8],
        "parent_ids": fields[1].split(),
        "author_name": fields[2],
        "author_email": fields[3],
        "title": fields[4],
        "message": fields[4] + "\n",
    }
