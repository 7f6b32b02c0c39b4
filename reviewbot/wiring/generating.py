"""The coverage gate's gaps → a place to prove tests in: the project's two sides on disk, its Python, a sandbox.

Generated tests run in the job that reviews, and only for changes from the same repository: the sandbox is made for
a model's mistakes before it is made for a stranger's malice.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment

from reviewbot.domain.candidate import Gap, Proved, Unreached
from reviewbot.domain.coverage import CoverageStatus, PatchCoverage
from reviewbot.domain.surroundings import Surroundings
from reviewbot.ports import Model, Observer
from reviewbot.proving import Drafting, Tree, Workbench, prove
from reviewbot.sandbox.choosing import choose
from reviewbot.sandbox.environing import scrubbed
from reviewbot.sandbox.interpreting import interpreter
from reviewbot.sandbox.scratch import scratch
from reviewbot.settings.schema import Settings
from reviewbot.steps import gapping
from reviewbot.wiring import engines
from reviewbot.wiring.changes import Opened
from reviewbot.wiring.sides import Side, sides

NO_MODEL = "tests for them need a model: set REVIEWBOT_API_KEY, or REVIEWBOT_BASE_URL for a server of your own"
FROM_A_FORK = "the change comes from a fork, and tests that a model wrote run only for changes from the same repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generating:
    """What proving tests needs besides a model."""

    source: Opened
    coverage: PatchCoverage
    settings: Settings
    environ: Mapping[str, str]
    world: Surroundings
    from_fork: bool
    """Whether the change is, or may be, a stranger's."""
    say: Callable[[str], None]


def wanted(coverage: PatchCoverage | None, mode: str) -> bool:
    """Tell whether tests are to be written: the gate falls short on some line of the product."""
    return coverage is not None and mode != "off" and coverage.status is CoverageStatus.FAILED and coverage.gaps


def told(source: Opened, coverage: PatchCoverage, reason: str) -> Proved:
    """Say which definitions have uncovered lines, and why no tests are written for them."""
    unreached = tuple(
        Unreached(gap=gap, points=tuple(sorted(gap.points)), reason=reason) for gap in _gaps(source, coverage)
    )
    return Proved(unreached=unreached, notes=(f"no tests were generated: {reason}",))


async def generate(
    work: Generating, model: Model, templates: Environment, count: Callable[[str], int], observe: Observer
) -> Proved:
    """Ask a model for tests of what is uncovered, and prove them."""
    git = work.source.git
    if work.from_fork:
        return told(work.source, work.coverage, FROM_A_FORK)
    if git is None:
        return told(work.source, work.coverage, "a diff alone holds no project to run tests in")
    python = interpreter(git.folder, work.environ)
    sandbox, isolation = choose(python=python)
    if sandbox is None:
        return told(work.source, work.coverage, isolation.detail)
    work.say(f"generated tests run in: {isolation.name}")
    drafting = Drafting(
        model=model,
        options=engines.model(work.settings, "tests"),
        verify=engines.model(work.settings, "verify"),
        templates=templates,
        count=count,
        observe=observe,
        instructions=work.settings.instructions,
    )
    with scratch() as place, _laid_out(work.source, place) as (head, base):
        bench = Workbench(
            sandbox=sandbox,
            python=python.python,
            head=head,
            base=base,
            scratch=place,
            environ=scrubbed(work.environ),
            readable=python.readable,
            workers=os.cpu_count() or 1,
            clock=work.world.monotonic,
            secret=lambda: secrets.token_hex(16),
        )
        return await prove(drafting, _gaps(work.source, work.coverage), bench, work.settings.tests.time_s)


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


def _gaps(source: Opened, coverage: PatchCoverage) -> tuple[Gap, ...]:
    changed = {file.path: file for file in source.change.patch.files}
    texts = {}
    for file in coverage.files:
        text = source.change.sources.new_text(changed[file.path]) if file.path in changed else None
        if text is not None:
            texts[file.path] = text.decode("utf-8", "replace")
    return gapping.gaps(coverage, texts)
