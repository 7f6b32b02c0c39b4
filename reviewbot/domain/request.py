"""A change request as its forge knows it: a merge request on GitLab, a pull request on GitHub."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Somebody on the forge: a person or a bot."""

    id: int
    """The forge's own number; 0 where it gives none (a deleted user)."""
    name: str
    """Login, without ``@``."""
    bot: bool = False
    shared: bool = False
    """Whether other programs write under it too, as under ``github-actions[bot]``: then the author proves nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What differs between forges in the text of a comment."""

    forge: str
    """``gitlab`` or ``github``."""
    request_word: str
    """``merge request`` or ``pull request``: what users read."""
    body_limit: int
    """Characters that one comment may have."""
    suggestion_offsets: bool
    """Whether a suggestion block names the lines that it replaces (``suggestion:-1+0``), counted from the
    comment's last line. Without, it replaces the comment's own lines, all of them."""
    sign: str
    """What stands before a change request's number."""
    note_anchor: str
    """What stands before a comment's number in its address, behind ``#``."""


GITLAB = Dialect(
    forge="gitlab", request_word="merge request", body_limit=1_000_000, suggestion_offsets=True, sign="!",
    note_anchor="note_",
)  # fmt: skip
GITHUB = Dialect(
    forge="github", request_word="pull request", body_limit=65_536, suggestion_offsets=False, sign="#",
    note_anchor="discussion_r",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What is under review, at the moment when the forge was asked."""

    dialect: Dialect
    project: str
    """GitLab: the target project's number or full path; GitHub: ``owner/name``."""
    number: int
    """GitLab's iid, GitHub's number."""
    url: str
    """For people."""
    title: str
    description: str
    author: Account
    labels: tuple[str, ...]
    draft: bool
    open: bool
    """Neither merged nor closed."""
    from_fork: bool
    """Whether the source lies in another project, or in one that is gone."""
    head_sha: str
    """The newest commit of the source branch; never a temporary merge commit."""
    base_sha: str
    """The merge base that the forge's own diff starts from."""
    start_sha: str
    """Tip of the target branch when this version was made (GitLab's ``start_sha``; GitHub: the base branch's tip)."""
    source_branch: str
    target_branch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeFile:
    """One file of the forge's own diff."""

    path: str
    """The new path; for a deleted file its old one."""
    old_path: str | None
    """None for an added file."""
    hunks: str | None
    """The hunks as text, from the first ``@@`` on; None where the forge does not show them."""
    withheld: str | None = None
    """Why it does not: ``collapsed``, ``too large``, ``binary``, or None. Such a file takes no comment on a line."""
