"""The coverage gate's gaps → tests of them that a model writes, proven in a sandbox in the job that reviews."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jinja2 import Environment

from reviewbot.domain.candidate import Gap, Proved, Unreached
from reviewbot.domain.coverage import CoverageStatus, PatchCoverage
from reviewbot.domain.surroundings import Surroundings
from reviewbot.ports import Model, Observer
from reviewbot.proving import Drafting, prove
from reviewbot.settings.schema import Settings
from reviewbot.steps import gapping
from reviewbot.wiring import engines
from reviewbot.wiring.benches import workbench
from reviewbot.wiring.changes import Opened

NO_MODEL = "tests for them need a model: set REVIEWBOT_API_KEY, or REVIEWBOT_BASE_URL for a server of your own"


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
    drafting = Drafting(
        model=model,
        options=engines.model(work.settings, "tests"),
        verify=engines.model(work.settings, "verify"),
        templates=templates,
        count=count,
        observe=observe,
        instructions=work.settings.instructions,
    )
    with workbench(work.source, work.environ, work.world, work.say, from_fork=work.from_fork) as bench:
        if isinstance(bench, str):
            return told(work.source, work.coverage, bench)
        return await prove(drafting, _gaps(work.source, work.coverage), bench, work.settings.tests.time_s)


def _gaps(source: Opened, coverage: PatchCoverage) -> tuple[Gap, ...]:
    changed = {file.path: file for file in source.change.patch.files}
    texts = {}
    for file in coverage.files:
        text = source.change.sources.new_text(changed[file.path]) if file.path in changed else None
        if text is not None:
            texts[file.path] = text.decode("utf-8", "replace")
    return gapping.gaps(coverage, texts)
