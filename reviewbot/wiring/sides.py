"""Both sides of an open change as whole trees: which files there are, and their texts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from reviewbot.domain.patch import FilePatch, Status
from reviewbot.repository.blobs import Blobs
from reviewbot.repository.git import Git
from reviewbot.repository.sources import DiffSources
from reviewbot.steps.mapping import Tree
from reviewbot.wiring.changes import Opened

_FILES = (b"100644", b"100755")


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The files of one side."""

    tree: Tree
    text: Callable[[str], bytes | None]
    """Gives a file's text by its path, or None where it is not known."""


@contextmanager
def sides(source: Opened) -> Iterator[tuple[Side, Side]]:
    """Open the head's side and the base's; texts can be read until the end of the block.

    The head is the base with the change in it, whatever the head is: a commit, the index or the work tree.
    """
    git = source.git
    if git is None or isinstance(source.change.sources, DiffSources):
        side = _of_diff(source, git)
        yield side, side
        return
    base_sha = source.change.comparison.base_sha
    known = {} if base_sha is None else _listed(git, base_sha)
    changed = _changed(source)
    with Blobs(git, {}) as blobs:

        def old(path: str) -> bytes | None:
            return blobs.read(known[path]) if path in known else None

        def new(path: str) -> bytes | None:
            return source.change.sources.new_text(changed[path]) if path in changed else old(path)

        tops = _tops(git)
        head = frozenset((known.keys() - _gone(source)) | changed.keys())
        yield (
            Side(tree=Tree(paths=head, tops=tops), text=new),
            Side(tree=Tree(paths=frozenset(known), tops=tops), text=old),
        )


def _changed(source: Opened) -> Mapping[str, FilePatch]:
    return {file.path: file for file in source.change.patch.files if file.status is not Status.DELETED}


def _gone(source: Opened) -> frozenset[str]:
    files = source.change.patch.files
    return frozenset(file.base_path for file in files if file.status in {Status.DELETED, Status.RENAMED})


def _of_diff(source: Opened, git: Git | None) -> Side:
    """Take what a diff alone names, and what lies in the folder that it is said to belong to."""
    changed = _changed(source)
    listed = frozenset[str]()
    if git is not None and not git.bare:
        output = git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        listed = frozenset(_decoded(path) for path in output.split(b"\0") if path)

    def text(path: str) -> bytes | None:
        if path in changed:
            return source.change.sources.new_text(changed[path])
        return None if source.trust is None else source.trust.read(path)

    tops = () if git is None else _tops(git)
    tree = Tree(paths=listed | changed.keys(), tops=tops, whole=bool(listed))
    return Side(tree=tree, text=text)


def _tops(git: Git) -> tuple[str, ...]:
    """Give the checkout's folder as reports may spell it: as it was named, and without symlinks."""
    if git.bare:
        return ()
    return tuple(dict.fromkeys((git.folder.as_posix(), git.folder.resolve().as_posix())))


def _listed(git: Git, commit: str) -> Mapping[str, str]:
    """Give the blobs of a commit's files by path, without symlinks and submodules."""
    output = git.run("ls-tree", "-r", "-z", "--full-tree", commit)
    entries = (entry.partition(b"\t") for entry in output.split(b"\0") if entry)
    return {_decoded(path): head.split()[2].decode() for head, _, path in entries if head.startswith(_FILES)}


def _decoded(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
