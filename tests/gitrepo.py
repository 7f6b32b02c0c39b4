"""Real git repositories in temporary folders, under a configuration of their own."""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

# A process needs some of the surroundings: where programs and temporary files are, and who measures coverage.
_KEPT = ("PATH", "TMPDIR", "SYSTEMROOT", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
_WHEN = "2026-01-02T03:04:05+00:00"
_STEADY = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.org",
    "GIT_AUTHOR_DATE": _WHEN,
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.org",
    "GIT_COMMITTER_DATE": _WHEN,
    "GIT_TERMINAL_PROMPT": "0",
}


def environment(**more: str) -> dict[str, str]:
    """Give an environment in which git knows nothing of this machine, and reviewbot has no key."""
    known = os.environ  # noqa: TID251 - what a started process needs of it
    return {**{name: known[name] for name in _KEPT if name in known}, **_STEADY, **more}


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository with a work tree, or a bare one."""

    path: Path
    environ: Mapping[str, str] = field(default_factory=environment, repr=False)

    def git(self, *arguments: str, stdin: bytes | None = None, check: bool = True) -> str:
        """Run ``git ARGUMENTS`` and give its output without the last newline."""
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(
            command, cwd=self.path, env=dict(self.environ), input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0 or not check, done.stderr.decode()
        return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")

    def write(self, path: str | bytes, text: str | bytes) -> Path:
        """Write a file of the work tree; give its path."""
        target = Path(os.fsdecode(os.path.join(os.fsencode(self.path), os.fsencode(path))))  # noqa: PTH118 - bytes
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        return target

    def commit(self, files: Mapping[str, str | bytes] | None = None, message: str = "a change") -> str:
        """Write files, commit all that there is, and give the commit's id."""
        for path, text in (files or {}).items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.head

    def branch(self, name: str, start: str = "HEAD") -> None:
        """Make a branch and check it out."""
        self.git("checkout", "--quiet", "-B", name, start)

    @property
    def head(self) -> str:
        """The commit that is checked out."""
        return self.git("rev-parse", "HEAD")

    @property
    def url(self) -> str:
        """An address under which shallow clones are shallow."""
        return self.path.as_uri()

    def clone(self, to: Path, *options: str) -> "Repo":
        """Clone with options such as ``--depth=1``."""
        self.git("clone", "--quiet", *options, "--", self.url, str(to))
        return Repo(to, self.environ)


def init(path: Path, *options: str, branch: str = "main", environ: Mapping[str, str] | None = None) -> Repo:
    """Make an empty repository; ``--bare`` is an option."""
    path.mkdir(parents=True, exist_ok=True)
    repo = Repo(path, environment() if environ is None else environ)
    repo.git("init", "--quiet", f"--initial-branch={branch}", *options)
    return repo


def filled(path: Path, fill: Callable[..., object], *arguments: Hashable) -> Repo:
    """Make a repository as ``fill(repo, *arguments)`` fills an empty one: it is called once, and copied ever after."""
    shutil.copytree(_filled(fill, *arguments), path, symlinks=True, dirs_exist_ok=True)
    return Repo(path)


@cache
def _filled(fill: Callable[..., object], *arguments: Hashable) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="filled-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    fill(init(folder), *arguments)
    return folder
