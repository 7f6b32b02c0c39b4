"""A change request on each forge."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from posting.prepared import Prepared, prepared
from posting.stages import STAGES, GitHub, GitLab, Stage, github, gitlab


@pytest.fixture(params=sorted(STAGES))
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    """Give a change with three findings, on either forge."""
    with STAGES[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def on_gitlab(tmp_path: Path) -> Iterator[GitLab]:
    """Give it on GitLab."""
    with gitlab(tmp_path) as made:
        yield made


@pytest.fixture
def on_github(tmp_path: Path) -> Iterator[GitHub]:
    """Give it on GitHub."""
    with github(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def later_on_gitlab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """Give a merge request that was reviewed once and has a new push; to be reset before use."""
    with prepared("gitlab", tmp_path_factory.mktemp("gitlab")) as made:
        yield made


@pytest.fixture(scope="session")
def later_on_github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    """Give such a pull request."""
    with prepared("github", tmp_path_factory.mktemp("github")) as made:
        yield made


@pytest.fixture(params=sorted(STAGES))
def later(request: pytest.FixtureRequest) -> Prepared:
    """Give such a request on either forge."""
    made: Prepared = request.getfixturevalue(f"later_on_{request.param}")
    return made
