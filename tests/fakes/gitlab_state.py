"""What a GitLab remembers of one project with one merge request."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fakes.gitlab_diff import Diffs
from fakes.gitlab_markdown import Acting
from fakes.gitlab_positions import Position, Refs

Json = dict[str, Any]

GUEST, REPORTER, DEVELOPER, MAINTAINER = 10, 20, 30, 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this GitLab differs from others."""

    version: tuple[int, int] = (18, 2)
    """File positions come with 16.4, ``/diffs`` with 15.7, ``/raw_diffs`` with 17.9; from 18.6 on numbers in
    ``line_range`` stay numbers."""
    ruby34: bool = False
    """Whether hashes in messages are written as Ruby 3.4 writes them."""
    plain_drafts_are_threads: bool = True
    """Whether a draft without position becomes a thread when published (newer servers), or a plain comment."""
    resolve_outdated: bool = False
    """The project's setting to resolve threads whose lines a push has changed."""
    patch_bytes: int = 200 * 1024
    files: int = 1000
    lines: int = 50_000
    """Limits of a diff; from a tenth on a file is collapsed."""
    collapsed_lines_lost: bool = True
    """Whether lines of collapsed files fail when published, as those of too large ones do. Reports say so of some
    servers; newer ones read the stored diff expanded."""
    issues: bool = True
    """Whether the project has issues at all."""
    external_url: str | None = None
    """What the server takes for its own address, in links of pages; None for the true one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody with an account."""

    id: int
    username: str
    bot: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What lets a program in. ``kind``: ``personal``, ``project`` or ``job``."""

    user: User
    kind: str = "personal"
    scopes: frozenset[str] = frozenset({"api"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version of the diff: one for each push."""

    id: int
    refs: Refs


@dataclass(slots=True, kw_only=True)
class MergeRequest:
    """The merge request; tests may change it at will."""

    iid: int
    author: User
    source_branch: str
    target_branch: str
    source_project_id: int | None
    title: str = "A change"
    description: str = ""
    state: str = "opened"
    draft: bool = False
    labels: tuple[str, ...] = ()
    versions: list[Version] = field(default_factory=list)
    null_reads: int = 0
    """How many more reads show no diff yet."""

    @property
    def refs(self) -> Refs:
        return self.versions[-1].refs


@dataclass(slots=True, kw_only=True)
class Note:
    """One comment."""

    id: int
    author: User
    body: str
    type: str | None
    """``DiffNote``, ``DiscussionNote`` or None for a plain comment."""
    position: Position | None = None
    """Where it stands now: where a push has changed its line, it stays on the last version that had it."""
    outdated: bool = False
    """Nothing in the API says so but the position's own commits."""
    system: bool = False
    resolved_by: User | None = None

    @property
    def resolvable(self) -> bool:
        return self.type is not None and not self.system


@dataclass(slots=True, kw_only=True)
class Discussion:
    """A thread, or a plain comment."""

    id: str
    notes: list[Note]

    @property
    def individual(self) -> bool:
        return self.notes[0].type is None

    @property
    def resolvable(self) -> bool:
        return any(note.resolvable for note in self.notes)

    @property
    def resolved(self) -> bool:
        return self.resolvable and all(note.resolved_by for note in self.notes if note.resolvable)


@dataclass(slots=True, kw_only=True)
class Issue:
    """An issue of the project."""

    id: int
    iid: int
    author: User
    title: str
    description: str
    state: str = "opened"


@dataclass(frozen=True, slots=True)
class Award:
    """An emoji on a note. ``name``: ``thumbsup``, ``thumbsdown`` or another one."""

    note_id: int
    user: User
    name: str


@dataclass(slots=True, kw_only=True)
class Draft:
    """A comment that only its author sees yet."""

    id: int
    author: User
    note: str
    position: Position | None
    line_code: str | None
    discussion_id: str | None = None
    resolve: bool = False


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail to everybody who takes part. ``kind``: ``note``, ``review`` or ``all resolved``."""

    kind: str
    sender: str


@dataclass(frozen=True, slots=True)
class Command:
    """A quick action that was run."""

    note_id: int | None
    """None where nothing but commands was in it."""
    user: str
    line: str


@dataclass(frozen=True, slots=True)
class Leak:
    """Something in a note that acts."""

    note_id: int
    what: Acting


@dataclass(frozen=True, slots=True)
class Broken:
    """What GitLab takes, but people cannot use. ``kind``: ``suggestion``, ``line range``, ``file`` or ``refs``."""

    note_id: int
    kind: str
    reason: str


@dataclass(slots=True, kw_only=True)
class State:
    """All of it. Whoever holds the server's lock may read and change it."""

    diffs: Diffs
    rules: Rules
    project: str
    project_id: int
    request: MergeRequest
    users: list[User] = field(default_factory=list)
    levels: dict[int, int] = field(default_factory=dict)
    """Access levels of the members by user id."""
    tokens: dict[str, Token] = field(default_factory=dict)
    discussions: list[Discussion] = field(default_factory=list)
    drafts: list[Draft] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    awards: list[Award] = field(default_factory=list)
    unpersisted: set[str] = field(default_factory=set)
    """Paths whose lines are missing from the stored diff, besides those that are collapsed or too large."""
    mails: list[Mail] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    leaks: list[Leak] = field(default_factory=list)
    broken: list[Broken] = field(default_factory=list)
    last_id: int = 0

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def next_discussion_id(self) -> str:
        return hashlib.sha1(f"discussion {self.next_id()}".encode(), usedforsecurity=False).hexdigest()

    def level(self, user: User) -> int:
        return self.levels.get(user.id, 0)

    def notes(self) -> Iterator[tuple[Discussion, Note]]:
        return ((discussion, note) for discussion in self.discussions for note in discussion.notes)

    def discussion(self, discussion_id: str | None) -> Discussion | None:
        return next((found for found in self.discussions if found.id == discussion_id), None)

    def new_version(self, start: str, head: str) -> Version:
        """Make a version of the diff; its base is the merge base, its start the target's tip."""
        base = self.diffs.merge_base(start, head)
        assert base is not None, "the branches have nothing in common"
        version = Version(id=self.next_id(), refs=Refs(base, start, head))
        self.request.versions.append(version)
        return version

    def may_resolve(self, user: User) -> bool:
        return self.level(user) >= DEVELOPER or user == self.request.author
