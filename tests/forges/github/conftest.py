"""A pull request on a fake GitHub for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from github_scene import Scene, open_server


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Give a pull request whose server answers as GitHub's own schemas say."""
    made = open_server(tmp_path / "repo")
    with made.server:
        yield made
    assert made.server.drift == []
