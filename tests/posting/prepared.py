"""A request in the middle of its life, to which tests go back again and again: that spares a review for each."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from posting.stages import STAGES, GitHub, GitLab, Stage

PUSHED = {"app.rs": "", "lib.rs": "wrong delta\n"}
"""The second push: two findings go, one stays, one is new."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that was reviewed once, and has a new push: there is something to post, to resolve and to edit."""

    stage: Stage
    state: dict[str, object]
    requests: int
    """How many to the forge a whole run takes."""
    expected: object
    """What people see after a run that nothing disturbs."""
    places: dict[str, list[str]]
    """The same in short."""

    def reset(self) -> Stage:
        """Go back to where the new push has come."""
        self.stage.calm()
        known = _known(self.stage)
        for name, value in copy.deepcopy(self.state).items():
            setattr(known, name, value)
        return self.stage


@contextmanager
def prepared(forge: str, folder: Path) -> Iterator[Prepared]:
    """Review, push, and note what another review makes of it."""
    with STAGES[forge](folder) as stage:
        assert 0 == stage.review().code
        stage.push(PUSHED)
        state, before = _remembered(stage), stage.requests
        assert 0 == stage.review().code
        yield Prepared(stage, state, stage.requests - before, stage.snapshot(), stage.places())


def _known(stage: Stage) -> object:
    if isinstance(stage, GitLab):
        return stage.server.state
    assert isinstance(stage, GitHub)
    return stage.server.world


def _remembered(stage: Stage) -> dict[str, object]:
    """Keep all that a forge knows but the repository, which does not change any more."""
    if isinstance(stage, GitLab):
        state = stage.server.state
        return copy.deepcopy(
            {field.name: getattr(state, field.name) for field in fields(state) if field.name != "diffs"}
        )
    assert isinstance(stage, GitHub)
    return copy.deepcopy({name: value for name, value in vars(stage.server.world).items() if name != "repo"})
