"""The work tree or the index as a tree object, without a trace in the repository.

Comparing trees gives every mode the same exact truth: blobs that can be read again. New objects go to
a folder of our own, which git sees beside the repository's.
"""

import os
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from reviewbot.errors import UsageError
from reviewbot.repository.git import Git, GitError

# A split index has its greater part beside the repository's own, and hooks are somebody's programs.
_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.splitIndex=false", "-c", "core.hooksPath=/dev/null")


class Snapshot:
    """Writes trees into ``folder``, which the caller removes."""

    def __init__(self, git: Git, folder: Path) -> None:
        self._git = git
        self._folder = folder
        (folder / "objects").mkdir(parents=True, exist_ok=True)

    @cached_property
    def environ(self) -> Mapping[str, str]:
        """Variables under which git sees the snapshot's objects besides the repository's."""
        known = self._git.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES")
        return {
            "GIT_OBJECT_DIRECTORY": str(self._folder / "objects"),
            "GIT_ALTERNATE_OBJECT_DIRECTORIES": os.pathsep.join(filter(None, (_quoted(self._own("objects")), known))),
        }

    def work_tree(self) -> str:
        """Tree of the tracked files as they are now, and of untracked ones that git does not ignore."""
        extra = {**self.environ, "GIT_INDEX_FILE": str(self._copied_index())}
        try:
            self._git.run(
                *_QUIET, "-c", "advice.addEmbeddedRepo=false", "-c", "core.safecrlf=false",
                # Of files outside a sparse checkout only those count that are there all the same.
                "-c", "core.sparseCheckout=false", "add", "--all", "--", ".", extra=extra,
            )  # fmt: skip
        except GitError as error:
            message = f"git cannot read the work tree: {error}. Mend that, or review commits alone with --head HEAD"
            raise UsageError(message) from error
        return self._written(extra)

    def index_tree(self) -> str:
        """Tree of what is staged."""
        extra = {**self.environ, "GIT_INDEX_FILE": str(self._copied_index())}
        try:
            return self._written(extra)
        except GitError as error:
            message = f"the index cannot be read as a tree; are there unresolved conflicts? git says: {error}"
            raise UsageError(message) from error

    def empty_tree(self) -> str:
        """Tree without files."""
        return (
            self._git.run("hash-object", "-w", "-t", "tree", "--stdin", stdin=b"", extra=self.environ).decode().strip()
        )

    def index_of(self, tree: str) -> Path:
        """Write an index of a tree, for commands that read attributes from one."""
        path = self._folder / "target-index"
        self._git.run(*_QUIET, "read-tree", tree, extra={**self.environ, "GIT_INDEX_FILE": str(path)})
        return path

    def _copied_index(self) -> Path:
        source, copy = Path(self._own("index")), self._folder / "index"
        # With the repository's own index git looks only at files whose times changed. The index keeps its
        # own time: git looks again at files that are as young as it (gitformat-index, "racy git").
        if source.is_file():
            shutil.copy2(source, copy)
        return copy

    def _own(self, name: str) -> str:
        """Give a path inside the git directory: linked work trees and variables may put it elsewhere."""
        path = self._git.run("rev-parse", "--git-path", name).decode("utf-8", "surrogateescape")
        return str(self._git.folder / path.removesuffix("\n"))

    def _written(self, extra: Mapping[str, str]) -> str:
        return self._git.run(*_QUIET, "write-tree", extra=extra).decode().strip()


def _quoted(path: str) -> str:
    """Quote a path for a list of alternates: it may hold the separator itself."""
    if os.pathsep not in path and not path.startswith('"'):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
