"""An open change → a place to run tests in: the project's two sides on disk, its Python, a sandbox.

Nothing is run for a fork's change: the sandbox is made for a model's mistakes before it is made for a stranger's
malice.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reviewbot.domain.surroundings import Surroundings
from reviewbot.proving import Tree, Workbench
from reviewbot.sandbox.choosing import choose
from reviewbot.sandbox.environing import scrubbed
from reviewbot.sandbox.interpreting import interpreter
from reviewbot.sandbox.scratch import scratch
from reviewbot.wiring.changes import Opened
from reviewbot.wiring.sides import Side, sides

_FROM_A_FORK = "the change comes from a fork, and what a model wrote is run only for changes from the same repository"
_NO_PROJECT = "a diff alone holds no project to run tests in"


@contextmanager
def workbench(
    source: Opened, environ: Mapping[str, str], world: Surroundings, say: Callable[[str], None], *, from_fork: bool
) -> Iterator[Workbench | str]:
    """Open a place to run tests in; gives why there is none where that is so."""
    git = source.git
    if from_fork or git is None:
        yield _FROM_A_FORK if from_fork else _NO_PROJECT
        return
    python = interpreter(git.folder, environ)
    sandbox, isolation = choose(python=python)
    if sandbox is None:
        yield isolation.detail
        return
    say(f"tests run in: {isolation.name}")
    with scratch() as place, _laid_out(source, place) as (head, base):
        yield Workbench(
            sandbox=sandbox,
            python=python.python,
            head=head,
            base=base,
            scratch=place,
            environ=scrubbed(environ),
            readable=python.readable,
            workers=os.cpu_count() or 1,
            clock=world.monotonic,
            secret=lambda: secrets.token_hex(16),
        )


@contextmanager
def _laid_out(source: Opened, place: Path) -> Iterator[tuple[Tree, Tree]]:
    """Write both sides to disk, as git has them: nothing that a job has left in the work tree gets in."""
    with sides(source) as (head, base):
        yield _written(head, place / "head"), _written(base, place / "base")


def _written(side: Side, folder: Path) -> Tree:
    names = []
    for name in sorted(side.tree.paths):
        text = side.text(name)
        if text is None:
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text)
        names.append(name)
    return Tree(folder=folder, names=tuple(names))
