"""The shop, laid out once for all tests: nothing of them reaches it."""

import pytest
from proving.scene import Project, project
from proving.shop import BASE, HEAD


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("shop"), BASE, HEAD)
