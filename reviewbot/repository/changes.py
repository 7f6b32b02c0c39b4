"""Two trees → git's list and git's text of what differs, in a form that no setting can bend."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from reviewbot.repository.git import Git

_CONFIG = (
    "core.quotePath=true", "core.attributesFile=/dev/null", "core.bigFileThreshold=512m",
    "diff.suppressBlankEmpty=false", "diff.orderFile=/dev/null", "diff.renameLimit=5000", "diff.relative=false",
    "diff.colorMoved=no", "attr.tree=none",
)  # fmt: skip
_OPTIONS = (
    "--no-ext-diff", "--no-textconv", "--no-color", "--src-prefix=a/", "--dst-prefix=b/",
    "--diff-algorithm=myers", "--indent-heuristic", "--find-renames", "--submodule=short",
    "--ignore-submodules=none", "--no-abbrev",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Changes:
    """What git says of two trees."""

    listing: bytes
    """``--raw --numstat -z``."""
    text: bytes
    """The unified diff, three lines of context."""


def between(git: Git, base_tree: str, head_tree: str, objects: Mapping[str, str]) -> Changes:
    """Ask git for both. Raises GitError.

    An empty work tree without an index keeps git from reading the change's own .gitattributes, where it
    could mark its files "-diff" and so hide them. (core.bare would do so too, but not where core.worktree
    is set, as in submodules, and git 2.43 to 2.45 read HEAD's then.) Binary is what has a NUL byte in its
    first 8,000.
    """
    config = [part for pair in _CONFIG for part in ("-c", pair)]
    trees = ("--end-of-options", base_tree, head_tree, "--")
    with TemporaryDirectory(prefix="reviewbot-") as empty:
        nowhere = {
            "GIT_DIR": str(git.git_dir),
            "GIT_WORK_TREE": empty,
            "GIT_INDEX_FILE": str(Path(empty) / "index"),
            "GIT_ATTR_NOSYSTEM": "1",
        }
        outside = replace(git, folder=Path(empty), environ={**git.environ, **objects, **nowhere})
        listing = outside.run(*config, "diff", *_OPTIONS, "--raw", "--numstat", "-z", *trees)
        text = outside.run(*config, "diff", *_OPTIONS, "--inter-hunk-context=0", "--unified=3", *trees)
    return Changes(listing, text)
