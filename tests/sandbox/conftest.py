"""A scene at each level of isolation that works here."""

from collections.abc import Iterator

import pytest
from sandbox_scene import Scene, open_first_scene, open_scene

from reviewbot.sandbox.orders import LEVELS


@pytest.fixture(scope="session", params=LEVELS)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    with open_scene(request.param) as found:
        yield found


@pytest.fixture(scope="session")
def any_scene() -> Iterator[Scene]:
    with open_first_scene() as found:
        yield found
