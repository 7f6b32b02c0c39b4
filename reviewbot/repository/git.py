"""Runs git: argv lists, a steady environment, bytes in and out."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reviewbot.errors import UsageError

_STEADY = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_PAGER": "cat"}
# Variables that a hook or a wrapper sets; they would point git at another repository than the one asked for, or
# bend what it answers.
_LEAKING = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS",
    "GIT_ATTR_SOURCE", "GIT_LITERAL_PATHSPECS", "GIT_GLOB_PATHSPECS", "GIT_NOGLOB_PATHSPECS", "GIT_ICASE_PATHSPECS",
)  # fmt: skip


class GitError(UsageError):
    """A git command failed; the text is git's own message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Git:
    """A repository on disk, and the environment that its commands run in."""

    folder: Path
    """The top of the work tree, or the git directory of a bare repository."""
    git_dir: Path
    bare: bool
    environ: Mapping[str, str] = field(repr=False)
    timeout_s: float = 300.0

    def run(self, *arguments: str, stdin: bytes | None = None, extra: Mapping[str, str] | None = None) -> bytes:
        """Run ``git ARGUMENTS`` and give its output. Raises GitError with git's message."""
        return _run(self.folder, arguments, {**self.environ, **(extra or {})}, stdin, self.timeout_s)

    def try_line(self, *arguments: str) -> str | None:
        """Run a command that prints one line; None if it fails or prints nothing."""
        try:
            text = self.run(*arguments).decode("utf-8", "surrogateescape").strip()
        except GitError:
            return None
        return text or None

    def commit(self, name: str) -> str | None:
        """Give the commit id that a name stands for, or None."""
        return self.try_line("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")

    @property
    def shallow(self) -> bool:
        """Whether the clone's history is cut off."""
        return self.try_line("rev-parse", "--is-shallow-repository") == "true"


def locate(folder: Path, environ: Mapping[str, str]) -> Git:
    """Find the repository around a folder.

    Raises UsageError where there is none, or where git refuses to read it.
    """
    if not folder.is_dir():
        message = f"{folder} is no folder. Give the repository with --repo DIR"
        raise UsageError(message)
    steady = {**{k: v for k, v in environ.items() if k not in _LEAKING}, "PATH": _path(environ), **_STEADY}
    try:
        answer = _run(folder, ("rev-parse", "--is-bare-repository", "--absolute-git-dir"), steady, None, 30.0)
        bare_text, git_dir = answer.decode("utf-8", "surrogateescape").removesuffix("\n").split("\n", 1)
        bare = bare_text == "true"
        top = git_dir
        if not bare:
            top = _run(folder, ("rev-parse", "--show-toplevel"), steady, None, 30.0).decode("utf-8", "surrogateescape")
    except GitError as error:
        raise UsageError(_advice(folder, str(error))) from error
    return Git(folder=Path(top.removesuffix("\n")), git_dir=Path(git_dir), bare=bare, environ=steady)


def _path(environ: Mapping[str, str]) -> str:
    """Leave out relative folders: git runs in the repository, where a change could add a program ``git``."""
    return os.pathsep.join(filter(os.path.isabs, environ.get("PATH", "").split(os.pathsep))) or os.defpath


def _advice(folder: Path, message: str) -> str:
    if "dubious ownership" in message:
        return (
            f"git refuses to read {folder}, since it belongs to another user. In a container, run "
            f"'git config --global --add safe.directory {folder.resolve()}' first"
        )
    if "not a git repository" in message:
        return (
            f"{folder.resolve()} is not inside a git repository. Run reviewbot in one, name one with --repo DIR, "
            "or review a diff alone with --diff FILE"
        )
    return f"git cannot read {folder}: {message}"


def _run(
    folder: Path, arguments: Sequence[str], environ: Mapping[str, str], stdin: bytes | None, timeout_s: float
) -> bytes:
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=dict(environ),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        message = "git is not installed, or not on PATH: install git (2.30 or newer)"
        raise UsageError(message) from error
    except subprocess.TimeoutExpired as error:
        message = f"'git {arguments[0]}' gave no answer within {timeout_s:.0f} s"
        raise UsageError(message) from error
    if done.returncode != 0:
        raise GitError(done.stderr.decode("utf-8", "replace").strip() or f"git {arguments[0]} failed")
    return done.stdout
