"""A repository with one commit, and what reviewbot sees of a change in it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import gitrepo
import pytest

from reviewbot.domain.patch import FilePatch
from reviewbot.repository import changes
from reviewbot.repository.git import Git, locate
from reviewbot.repository.revisions import Request, Sides, resolve
from reviewbot.repository.snapshot import Snapshot
from reviewbot.steps import diffing, listing


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Two sides and what differs between them."""

    git: Git
    sides: Sides
    snapshot: Snapshot
    files: tuple[FilePatch, ...]

    @property
    def description(self) -> str:
        return self.sides.comparison.description

    @property
    def base(self) -> str | None:
        return self.sides.comparison.base_sha

    @property
    def status(self) -> dict[str, str]:
        return {file.path: file.status.value for file in self.files}

    @property
    def added(self) -> dict[str, list[str]]:
        """Texts of the added lines by path."""
        return {
            file.path: [line.text for hunk in file.hunks for line in hunk.lines() if line.kind == "+"]
            for file in self.files
        }


Compare = Callable[..., Compared]


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({"a.py": "a = 1\n"}, "first")
    return repo


@pytest.fixture
def compare(tmp_path: Path) -> Compare:
    """Give the comparison that a request asks for, seen from a folder and under an environment."""
    numbers = iter(range(100))

    def compared(
        repo: gitrepo.Repo | Path, *, environ: Mapping[str, str] | None = None, **request: str | bool
    ) -> Compared:
        folder, known = (repo, gitrepo.environment()) if isinstance(repo, Path) else (repo.path, repo.environ)
        git = locate(folder, known if environ is None else environ)
        snapshot = Snapshot(git, tmp_path / f"snapshot-{next(numbers)}")
        sides = resolve(git, Request(**request), snapshot)  # type: ignore[arg-type]
        found = changes.between(git, sides.base_tree, sides.head_tree, snapshot.environ)
        patch = diffing.listed(listing.entries(found.listing), found.text)
        return Compared(git=git, sides=sides, snapshot=snapshot, files=patch.files)

    return compared
