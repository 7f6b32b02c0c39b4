"""Names that a user gives → the two sides to compare."""

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from reviewbot.domain.outcome import Comparison
from reviewbot.errors import UsageError
from reviewbot.repository.git import Git, GitError
from reviewbot.repository.snapshot import Snapshot

_DEFAULT_BRANCHES = ("main", "master", "trunk", "develop")
_HEADS, _TRACKING = "refs/heads/", "refs/remotes/"
_SHORT = 7
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance")
_WHOLE = "In CI, clone with full history: GIT_DEPTH: 0 in GitLab, fetch-depth: 0 for actions/checkout"
_COMMIT_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_RELATIVE = frozenset("~^@")
_DEEPEN = ("--deepen=200", "--deepen=2000", "--unshallow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user, or the pipeline's variables, asked to compare."""

    base: str | None = None
    head: str | None = None
    """None stands for the work tree."""
    staged: bool = False
    merge_base: str | None = None
    """Commit id to compare from, where a forge has named it; ``base`` still says which side is trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two trees to compare, and the commit that a pipeline trusts."""

    base_tree: str
    head_tree: str
    target: str
    """Commit or tree of the target side: configuration in a pipeline is read from it."""
    comparison: Comparison


def resolve(git: Git, request: Request, snapshot: Snapshot) -> Sides:
    """Find the two sides. Raises UsageError that says what is missing and what to do."""
    head_commit = available(git, request.head or "HEAD")
    if request.head is not None and head_commit is None:
        message = f"there is no commit '{request.head}' here. Check the name, or fetch it: git fetch origin"
        raise UsageError(message)
    if request.staged and git.bare:
        message = f"{git.folder} is a bare repository: nothing is staged there. Compare commits with --base and --head"
        raise UsageError(message)
    if head_commit is None:
        return _first_commit(git, request, snapshot)
    if request.staged:
        base = Base(commit=head_commit, merge_base=head_commit, name="HEAD", is_default=False)
        return _sides(base, snapshot.index_tree(), None, "the staged changes")
    base = _base(git, request, head_commit)
    if request.head is not None or git.bare:
        name = request.head or "HEAD"
        label = head_commit[:_SHORT] if name == head_commit else f"{name} ({head_commit[:_SHORT]})"
        sides = _sides(base, f"{head_commit}^{{tree}}", head_commit, label)
    else:
        sides = _sides(base, snapshot.work_tree(), None, "the work tree")
    if base.is_default and request.base is None and _tree(git, sides.base_tree) == _tree(git, sides.head_tree):
        return _last_commit(git, head_commit)
    return sides


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The target of a change and the commit to compare from."""

    commit: str
    merge_base: str
    name: str
    is_default: bool
    """Whether the head is on that branch itself."""


def _base(git: Git, request: Request, head: str) -> Base:
    if request.base is None:
        return _default_base(git, head)
    known = request.merge_base and available(git, request.merge_base)
    if not known:
        return _named_base(git, request.base, head)
    commit = _tip(git, request.base)
    return Base(commit=commit, merge_base=known, name=request.base, is_default=False)


def available(git: Git, name: str) -> str | None:
    """Give the commit that a name stands for, fetched if it is an id that came after the clone was made; or None."""
    found, remote = git.commit(name), _remote(git, "origin/")
    if found is not None or remote is None or not _COMMIT_ID.fullmatch(name):
        return found
    depth = ("--depth=100",) if git.shallow else ()
    with suppress(GitError):
        git.run(*_FETCH, *depth, "--end-of-options", remote, name)
    return git.commit(name)


def _first_commit(git: Git, request: Request, snapshot: Snapshot) -> Sides:
    if not request.staged or request.base:
        message = (
            f"{git.folder} has no commit yet, so there is nothing to compare with. Commit first, or review "
            "what is staged for the first commit with --staged"
        )
        raise UsageError(message)
    empty = snapshot.empty_tree()
    return Sides(
        base_tree=empty,
        head_tree=snapshot.index_tree(),
        target=empty,
        comparison=Comparison(base_sha=None, head_sha=None, description="nothing → the first commit's staged files"),
    )


def _sides(base: Base, head_tree: str, head_sha: str | None, head_label: str) -> Sides:
    same = base.name.startswith(base.merge_base[:_SHORT])
    label = base.name[:12] if same else f"{base.name} ({base.merge_base[:_SHORT]})"
    return Sides(
        base_tree=f"{base.merge_base}^{{tree}}",
        head_tree=head_tree,
        target=base.commit,
        comparison=Comparison(base_sha=base.merge_base, head_sha=head_sha, description=f"{label} → {head_label}"),
    )


def _last_commit(git: Git, head: str) -> Sides:
    """On the default branch with nothing changed, the last commit is what people want to see."""
    parent = git.commit(f"{head}~1")
    label = f"last commit ({head[:_SHORT]})"
    if parent is None and git.shallow:
        _deepen(git, "--deepen=1", head)
        parent = git.commit(f"{head}~1")
    if parent is None and b"\nparent " in git.run("cat-file", "commit", head).partition(b"\n\n")[0]:
        message = (
            f"the parent of the last commit ({head[:_SHORT]}) is not in this clone, which is shallow, and its remote "
            f"does not give it. {_WHOLE}"
        )
        raise UsageError(message)
    if parent is None:
        empty = git.run("hash-object", "-t", "tree", "--stdin", stdin=b"").decode().strip()
        nothing = Comparison(base_sha=None, head_sha=head, description=f"nothing → {label}")
        return Sides(base_tree=empty, head_tree=f"{head}^{{tree}}", target=empty, comparison=nothing)
    base = Base(commit=parent, merge_base=parent, name=parent[:_SHORT], is_default=True)
    return _sides(base, f"{head}^{{tree}}", head, label)


def _tree(git: Git, name: str) -> str | None:
    return git.try_line("rev-parse", "--verify", "--quiet", "--end-of-options", name)


def _named_base(git: Git, name: str, head: str) -> Base:
    commit = _tip(git, name)
    return Base(commit=commit, merge_base=_merge_base(git, commit, name, head), name=name, is_default=False)


def _tip(git: Git, name: str) -> str:
    if name.startswith("-"):
        message = f"--base wants the name of a commit or branch, not '{name}'"
        raise UsageError(message)
    remote = _remote(git, name)
    # A name such as origin/main is the remote's branch: git itself would take a tag of that name first,
    # and whoever may push a tag could choose the base, and with it the configuration that is trusted.
    own = name.startswith((f"{remote}/", "origin/"))
    return _exact(git, f"{_TRACKING}{name}") or (None if own else git.commit(name)) or _fetched(git, name, remote)


def _default_base(git: Git, head: str) -> Base:
    """Take the default branch: the remote's word for it first, then the usual names."""
    current = git.try_line("symbolic-ref", "--quiet", "HEAD")
    remote = git.try_line("symbolic-ref", "--quiet", f"{_TRACKING}origin/HEAD")
    refs = [remote] if remote else []
    refs += [f"{start}{name}" for start in (f"{_TRACKING}origin/", _HEADS) for name in _DEFAULT_BRANCHES]
    for ref in refs:
        commit = _exact(git, ref)
        if commit is not None:
            name = ref.removeprefix(_TRACKING).removeprefix(_HEADS)
            own = current is None or current == f"{_HEADS}{name.removeprefix('origin/')}"
            return Base(
                commit=commit,
                merge_base=_merge_base(git, commit, name, head),
                name=name,
                is_default=own,
            )
    # A repository with one branch of another name: it is its own default.
    name = current.removeprefix(_HEADS) if current else "HEAD"
    return Base(commit=head, merge_base=head, name=name, is_default=True)


def _exact(git: Git, ref: str) -> str | None:
    """Give the commit of exactly this ref; git's own search would find a tag of that name first."""
    found = git.try_line("show-ref", "--verify", "--hash", "--", ref)
    return None if found is None else git.commit(found)


def _remote(git: Git, name: str) -> str | None:
    """Choose the remote to fetch a base from: the one that its name begins with, else origin, else any."""
    remotes = git.run("remote").decode("utf-8", "surrogateescape").splitlines()
    named = [remote for remote in remotes if name.startswith(f"{remote}/")]
    return next(iter([*named, *(remote for remote in remotes if remote == "origin"), *remotes]), None)


def _merge_base(git: Git, commit: str, name: str, head: str) -> str:
    found = git.try_line("merge-base", commit, head)
    if found is not None:
        return found
    if git.shallow:
        for depth in _DEEPEN:
            _deepen(git, depth, head, commit)
            found = git.try_line("merge-base", commit, head)
            if found is not None:
                return found
    message = f"'{name}' and the head have no common commit" + (
        f", since this clone is shallow and its remote gives no more. {_WHOLE}"
        if git.shallow
        else ". Check that --base names a branch of the same history"
    )
    raise UsageError(message)


def _fetched(git: Git, name: str, remote: str | None) -> str:
    """Fetch a base that the clone does not have; a shallow clone of one branch seldom does."""
    relative = _deepened(git, name) if _RELATIVE.intersection(name) else None
    if relative is not None:
        return relative
    reason = "this clone has no remote to fetch it from"
    branch = name.removeprefix(f"{remote}/").removeprefix(_HEADS)
    if remote is not None:
        depth = ("--depth=100",) if git.shallow else ()
        for refspec in (f"+{_HEADS}{branch}:{_TRACKING}{remote}/{branch}", branch):
            try:
                git.run(*_FETCH, *depth, "--end-of-options", remote, refspec)
            except GitError as error:
                reason = f"fetching it failed: {_last_line(error)}"
                continue
            found = _exact(git, f"{_TRACKING}{remote}/{branch}") or git.commit("FETCH_HEAD")
            if found is not None:
                return found
            reason = "it is no commit there"
    message = (
        f"the base '{name}' is not in this clone, and {reason}. Check the name, or fetch it first: "
        f"git fetch {remote or 'origin'} {branch}. {_WHOLE}"
    )
    raise UsageError(message)


def _deepened(git: Git, name: str) -> str | None:
    """Find a commit that is named by its way back from another, such as HEAD~5, in a clone cut off before it."""
    start = git.commit(re.split(r"[~^@]", name, maxsplit=1)[0])
    for depth in _DEEPEN if start is not None and git.shallow else ():
        _deepen(git, depth, start or "")
        found = git.commit(name)
        if found is not None:
            return found
    return None


def _deepen(git: Git, depth: str, *commits: str) -> None:
    """Fetch more history of the commits themselves: the branches of the remote may not reach a pull request's.

    A server that gives no commits by their ids is asked for its branches.
    """
    remote = _remote(git, "origin/")
    for wanted in ((remote, *commits), (remote,)) if remote is not None else ():
        with suppress(GitError):
            git.run(*_FETCH, depth, "--end-of-options", *wanted)
            return  # the caller looks at what is there, and says what is missing


def _last_line(error: GitError) -> str:
    lines = [line for line in str(error).splitlines() if line.startswith(("fatal: ", "error: "))]
    return lines[0] if lines else str(error).splitlines()[-1]


def inside(git: Git, path: Path) -> str | None:
    """Give a path relative to the repository, POSIX, or None if it lies outside.

    What counts is the way, not only its end: a symlink in the repository that leads out is inside.
    """
    top = git.folder.resolve()
    absolute = path.absolute()
    for folder in absolute.parents:
        if folder.resolve() == top:
            return absolute.relative_to(folder).as_posix()
    resolved = path.resolve()
    return resolved.relative_to(top).as_posix() if resolved.is_relative_to(top) else None
