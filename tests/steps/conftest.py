"""A real repository for the steps that read what git prints."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from reviewbot.repository import changes
from reviewbot.repository.changes import Changes
from reviewbot.repository.git import locate


def _environ(home: Path) -> Mapping[str, str]:
    found = shutil.which("git")
    assert found is not None, "git is not installed"
    name, date = {"NAME": "A U Thor", "EMAIL": "author@example.com"}, "2026-01-02T03:04:05Z"
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in name.items()}
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    config = {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null"}
    return {**people, **dates, **config, "PATH": str(Path(found).parent), "LC_ALL": "C"}


@dataclass(frozen=True)
class Repository:
    """A repository that a test fills."""

    folder: Path
    environ: Mapping[str, str]

    def git(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> bytes:
        """Run git and give what it prints."""
        command = ["git", "-C", str(self.folder), *arguments]
        return subprocess.run(command, env=self.environ, input=stdin, capture_output=True, check=check).stdout

    def commit(self, files: Mapping[str, str | bytes | None], message: str = "change") -> str:
        """Write files, None to remove one, and give the commit's id."""
        for name, content in files.items():
            path = self.folder / name
            path.unlink(missing_ok=True)
            if content is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD").decode().strip()

    def changes(self, base: str, head: str) -> Changes:
        """Give listing and text as the program asks for them."""
        return changes.between(locate(self.folder, self.environ), base, head, {})


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    folder = tmp_path / "repository"
    made = Repository(folder, _environ(tmp_path))
    folder.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    return made
