"""New files on top of a commit, pushed to a branch: made of objects alone, so no work tree is touched."""

import base64
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit, urlunsplit

from reviewbot.errors import ForgeError
from reviewbot.repository.git import Git, GitError

_MODE = "100644"


def commit(git: Git, parent: str, files: Mapping[str, str], message: str, author: str) -> str:
    """Make a commit with new files, and give its id. Raises ForgeError where git cannot."""
    identity = {
        "GIT_AUTHOR_NAME": author,
        "GIT_AUTHOR_EMAIL": f"{author}@users.noreply.invalid",
        "GIT_COMMITTER_NAME": author,
        "GIT_COMMITTER_EMAIL": f"{author}@users.noreply.invalid",
    }
    try:
        with TemporaryDirectory(prefix="reviewbot-") as folder:
            extra = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
            git.run("read-tree", parent, extra=extra)
            for path, text in files.items():
                blob = git.run("hash-object", "-w", "--stdin", stdin=text.encode()).decode().strip()
                git.run("update-index", "--add", "--cacheinfo", f"{_MODE},{blob},{path}", extra=extra)
            tree = git.run("write-tree", extra=extra).decode().strip()
        made = git.run("commit-tree", tree, "-p", parent, "-F", "-", stdin=message.encode(), extra=identity)
    except GitError as error:
        failed = f"the proven tests could not be committed: {error}"
        raise ForgeError(failed) from error
    return made.decode().strip()


def push(git: Git, made: str, branch: str, user: str, token: str) -> None:
    """Push a commit to a branch of origin, only if the branch has not moved on. Raises ForgeError.

    The token goes into git's environment: an argument could be read by every process of the machine.
    """
    url = git.try_line("config", "--get", "remote.origin.url") or "origin"
    target, extra = _target(url, user, token)
    try:
        # Without hooks: one of the clone's would run with the token in its environment.
        git.run("-c", "core.hooksPath=/dev/null", "push", "--quiet", target, f"{made}:refs/heads/{branch}", extra=extra)
    except GitError as error:
        failed = (
            f"the proven tests could not be pushed to {branch}: {error}. The token has to be allowed to push "
            "(GitLab: scope write_repository, GitHub: contents: write); the tests are in the summary"
        )
        raise ForgeError(failed) from error


def _target(url: str, user: str, token: str) -> tuple[str, Mapping[str, str]]:
    """Take a job's own credentials out of the address, and put the token in their place; a local path needs none."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        return "origin", {}
    host = parts.netloc.rpartition("@")[2]
    credentials = base64.b64encode(f"{user}:{token}".encode()).decode()
    return urlunsplit((parts.scheme, host, parts.path, "", "")), {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.{parts.scheme}://{host}/.extraHeader",
        "GIT_CONFIG_VALUE_0": f"Authorization: Basic {credentials}",
    }
