"""A small project in a git repository: two commits, and a coverage report of the second, measured for real."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reviewbot.errors import UsageError

BASE: Final = "main"
HEAD: Final = "discounts"
REPORT: Final = "coverage.xml"
_SUFFIX: Final = ".txt"
_PLACEHOLDER: Final = b"@TOKEN@"
_LONGEST_S: Final = 60.0
_STEADY: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.org",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.org",
}
"""Hooks, signing and the like of the user's own have no business here; see also ``core.hooksPath`` below."""


def token() -> str:
    """Give a made-up secret that looks real. It is put together here: in a file, scanners would stumble over it."""
    return "ghp_" + "".join(chr(ord("a") + 7 * n % 26) + str(3 * n % 10) for n in range(18))


def lay_out(folder: Path, sources: Path, environ: Mapping[str, str]) -> None:
    """Write and commit the project and its change. Raises UsageError where the folder is in use, or git fails."""
    if folder.exists() and any(folder.iterdir()):
        message = f"{folder} is not empty: give the demo's project a folder of its own"
        raise UsageError(message)
    folder.mkdir(parents=True, exist_ok=True)
    _git(folder, environ, "init", "--quiet", "--template=", f"--initial-branch={BASE}")
    _commit(folder, sources / "base", environ, "A cart and its receipt")
    _git(folder, environ, "checkout", "--quiet", "-b", HEAD)
    _commit(folder, sources / "change", environ, "Shipping, and discounts")


def measure(folder: Path, environ: Mapping[str, str]) -> None:
    """Run the project's tests under coverage.py and write REPORT. Raises UsageError where that fails."""
    _run(folder, environ, sys.executable, "-m", "coverage", "run", "-m", "unittest", "discover", "--quiet")
    _run(folder, environ, sys.executable, "-m", "coverage", "xml", "--quiet", "-o", REPORT)


def _commit(folder: Path, sources: Path, environ: Mapping[str, str], message: str) -> None:
    for source in sorted(sources.rglob(f"*{_SUFFIX}")):
        target = folder / source.relative_to(sources).with_suffix("")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Bytes, since on some systems text would be written with other newlines.
        target.write_bytes(source.read_bytes().replace(_PLACEHOLDER, token().encode()))
    _git(folder, environ, "add", "--all")
    _git(folder, environ, "commit", "--quiet", f"--message={message}")


def _git(folder: Path, environ: Mapping[str, str], *arguments: str) -> None:
    apart = ("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "core.autocrlf=false")
    _run(folder, {**environ, **_STEADY}, "git", *apart, *arguments)


def _run(folder: Path, environ: Mapping[str, str], *command: str) -> None:
    """Run a program. Raises UsageError with what it said."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=dict(environ), capture_output=True, check=False, timeout=_LONGEST_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        message = f"the demo needs {Path(command[0]).name}, and it does not run: {error}"
        raise UsageError(message) from error
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        message = f"the demo's project cannot be made: {' '.join(command[1:4])} failed: {said[-500:]}"
        raise UsageError(message)
