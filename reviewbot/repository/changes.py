"""Two trees → git's list and git's text of what differs, in a form that no setting can bend."""

from collections.abc import Mapping
from dataclasses import dataclass

from reviewbot.repository.git import Git

# core.bare keeps git from reading the checkout's .gitattributes: there a change could mark its own
# files "-diff" and so hide them. Binary is then what has a NUL byte in its first 8,000.
_CONFIG = (
    "core.bare=true", "core.quotePath=true", "core.attributesFile=/dev/null", "diff.suppressBlankEmpty=false",
    "diff.orderFile=/dev/null", "diff.renameLimit=5000", "diff.relative=false", "diff.colorMoved=no",
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
    """Ask git for both. Raises GitError."""
    # From the git directory itself: in a linked work tree core.bare alone would not do.
    extra = {**objects, "GIT_DIR": str(git.git_dir)}
    config = [part for pair in _CONFIG for part in ("-c", pair)]
    trees = ("--end-of-options", base_tree, head_tree, "--")
    listing = git.run(*config, "diff", *_OPTIONS, "--raw", "--numstat", "-z", *trees, extra=extra)
    text = git.run(*config, "diff", *_OPTIONS, "--inter-hunk-context=0", "--unified=3", *trees, extra=extra)
    return Changes(listing, text)
