"""Copies a work tree for a job, and reads back what the job has written.

A write into the copy never reaches the original: no hard links, no links that leave the tree, no special files. Git's
own folder stays behind: its configuration can hold tokens, and its hooks are programs.
"""

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path, PurePosixPath

from reviewbot.errors import SandboxError

_GIT = ".git"


def copy_tree(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy files of a tree, named by their paths in it, to a folder that is made for them.

    What is no regular file and no link inside the tree is left out, and so are names that do not exist (deleted in
    the work tree) and submodules. Raises SandboxError for a name that leaves the tree, or for a failing disk.
    """
    top = source.resolve()
    try:
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            _copy(top, target, _inside(name))
    except OSError as error:
        message = f"{source} could not be copied for generated tests: {error}"
        raise SandboxError(message) from error


def read_back(folder: Path, name: str, limit_bytes: int) -> bytes | None:
    """Give a file that a job has written; None where it is no regular file, too long, or behind a link.

    The job has left whatever it liked: a link to a file of ours, or a pipe that would never end.
    """
    *folders, last = _inside(name).parts
    with ExitStack() as open_files, suppress(OSError):
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        open_files.callback(os.close, place)
        for part in folders:
            place = os.open(part, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=place)
            open_files.callback(os.close, place)
        found = os.open(last, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
        with os.fdopen(found, "rb") as file:
            if stat.S_ISREG(os.fstat(found).st_mode):
                content = file.read(limit_bytes + 1)
                return content if len(content) <= limit_bytes else None
    return None


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts:
        message = f"a file of the work tree is named by a path outside it: {name!r}"
        raise SandboxError(message)
    return path


def _copy(top: Path, target: Path, name: PurePosixPath) -> None:
    origin = top / name
    # A folder on the way may have become a link since git has listed its files.
    if _GIT in name.parts or not origin.parent.resolve().is_relative_to(top):
        return
    try:
        mode = origin.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    place = target / name
    if stat.S_ISREG(mode):
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, place, follow_symlinks=False)
        place.chmod(0o755 if mode & stat.S_IXUSR else 0o644)
    elif stat.S_ISLNK(mode) and _stays(top, origin):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(origin.readlink())


def _stays(top: Path, link: Path) -> bool:
    """Whether a link leads to a place in the tree, and will lead to the same place in a copy."""
    says = link.readlink()
    aim = (link.parent.resolve() / says).resolve()
    return not says.is_absolute() and aim.is_relative_to(top) and _GIT not in aim.relative_to(top).parts
