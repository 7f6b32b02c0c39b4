"""What the user asked to review → an open change, with git behind it or without."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from reviewbot.domain.outcome import Comparison
from reviewbot.domain.patch import FilePatch, Patch, Side
from reviewbot.errors import UsageError
from reviewbot.pipeline import Change
from reviewbot.repository import changes
from reviewbot.repository.blobs import Blobs
from reviewbot.repository.git import Git, GitError, locate
from reviewbot.repository.revisions import Request, available, resolve
from reviewbot.repository.snapshot import Snapshot
from reviewbot.repository.sources import DiffSources, TargetTrust, TreeSources, Trust, WorkTreeTrust
from reviewbot.settings import environment, pipelines
from reviewbot.steps import checking, diffing, listing
from reviewbot.steps.filtering import ATTRIBUTES

_SUBMODULE_TEXT = b"Subproject commit %s\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the user asked to review."""

    repo: Path | None = None
    """None is the current folder, or no repository at all for a bare diff."""
    base: str | None = None
    head: str | None = None
    staged: bool = False
    merge_base: str | None = None
    """Commit id to compare from, where a forge has named it."""
    diff: bytes | None = None
    diff_name: str = ""
    """For people: the file's name, or standard input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A change, and the side that may steer the bot."""

    change: Change
    trust: Trust | None
    """None for a bare diff without a repository."""
    git: Git | None


@contextmanager
def opened(selection: Selection, environ: Mapping[str, str], cwd: Path) -> Iterator[Opened]:
    """Open a change; what it needs on disk is gone at the end of the block.

    Raises UsageError where there is nothing that could be compared.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reviewbot-")))
        if selection.diff is not None:
            yield _bare(selection.diff, selection, environ, folder)
            return
        git = locate(selection.repo or cwd, environ)
        yield _between(git, _request(selection, git, environ), Snapshot(git, folder), environ, stack)


@contextmanager
def trusted(git: Git, base: str | None, environ: Mapping[str, str]) -> Iterator[Trust]:
    """Open the side of a repository that may steer the bot, apart from any change."""
    with TemporaryDirectory(prefix="reviewbot-") as folder:
        yield _trusted(git, base, environ, Snapshot(git, Path(folder)))


def _request(selection: Selection, git: Git, environ: Mapping[str, str]) -> Request:
    """Fill in what a pipeline knows; there the commit is reviewed, since the work tree may hold what jobs left."""
    if selection.staged or not environment.in_pipeline(environ):
        return Request(base=selection.base, head=selection.head, staged=selection.staged)
    return Request(
        base=selection.base or environment.pipeline_base(environ),
        head=selection.head or _source_head(git, environ),
        merge_base=selection.merge_base,
    )


def _source_head(git: Git, environ: Mapping[str, str]) -> str:
    """Give the source branch's commit: what is checked out may be a temporary merge with the target."""
    pipeline = pipelines.detect(environ)
    head = None if pipeline is None else pipeline.head_sha
    return head if head is not None and available(git, head) else "HEAD"


def _bare(diff: bytes, selection: Selection, environ: Mapping[str, str], temporary: Path) -> Opened:
    patch = diffing.bare(diff)
    git = None if selection.repo is None else locate(selection.repo, environ)
    trust = None if git is None else _trusted(git, None, environ, Snapshot(git, temporary))
    folder = None if git is None or git.bare else git.folder
    comparison = Comparison(base_sha=None, head_sha=None, description=f"the diff in {selection.diff_name}")
    change = Change(
        patch=patch,
        comparison=comparison,
        sources=DiffSources(folder, trust),
        attributes={} if trust is None else _attributes(trust, patch),
    )
    return Opened(change=change, trust=trust, git=git)


def _between(git: Git, request: Request, snapshot: Snapshot, environ: Mapping[str, str], stack: ExitStack) -> Opened:
    sides = resolve(git, request, snapshot)
    try:
        text = changes.between(git, sides.base_tree, sides.head_tree, snapshot.environ)
    except GitError as error:
        message = f"git cannot compare the two sides: {error}"
        raise UsageError(message) from error
    blobs = stack.enter_context(Blobs(git, snapshot.environ))
    patch = _checked(diffing.listed(listing.entries(text.listing), text.text), blobs)
    trust = _trust(git, sides.target, snapshot, environ)
    change = Change(
        patch=patch,
        comparison=sides.comparison,
        sources=TreeSources(blobs.read, trust),
        attributes=_attributes(trust, patch),
    )
    return Opened(change=change, trust=trust, git=git)


def _trusted(git: Git, base: str | None, environ: Mapping[str, str], snapshot: Snapshot) -> Trust:
    """Give the trusted side without comparing anything; in a pipeline it takes the target to find it."""
    if environment.in_pipeline(environ):
        request = Request(base=base or environment.pipeline_base(environ), head="HEAD")
        return TargetTrust(git, resolve(git, request, snapshot).target, snapshot)
    return _trust(git, "HEAD", snapshot, environ)


def _trust(git: Git, target: str, snapshot: Snapshot, environ: Mapping[str, str]) -> Trust:
    if git.bare or environment.in_pipeline(environ):
        return TargetTrust(git, target, snapshot)
    return WorkTreeTrust(git)


def _attributes(trust: Trust, patch: Patch) -> Mapping[str, Mapping[str, str]]:
    return trust.attributes(tuple(file.path for file in patch.files), ATTRIBUTES)


def _checked(patch: Patch, blobs: Blobs) -> Patch:
    """Compare every file with its blobs; one that does not fit is kept with its defect."""
    return Patch(files=tuple(_compared(file, blobs) for file in patch.files))


def _compared(file: FilePatch, blobs: Blobs) -> FilePatch:
    if not file.hunks:
        return file
    old, new = _text(file, Side.LEFT, blobs), _text(file, Side.RIGHT, blobs)
    if old is None or new is None:
        return file  # a partial clone without the blob: there is nothing to compare with
    fault = checking.defect(file, old, new)
    if fault is None:
        return file
    return FilePatch(path=file.path, old_path=file.old_path, status=file.status, defect=fault)


def _text(file: FilePatch, side: Side, blobs: Blobs) -> bytes | None:
    blob, mode = (file.old_blob, file.old_mode) if side is Side.LEFT else (file.new_blob, file.new_mode)
    if blob is None:
        return b""
    if mode == "160000":
        return _SUBMODULE_TEXT % blob.encode()
    return blobs.read(blob)
