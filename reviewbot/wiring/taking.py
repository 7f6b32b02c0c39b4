"""Suggestions → a place where each is taken, and where the project's own tests say what they think of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reviewbot.domain.finding import Finding
from reviewbot.domain.trial import Rehearsed
from reviewbot.settings.schema import Settings
from reviewbot.wiring.changes import Opened
from reviewbot.wiring.surroundings import real_world


def rehearsal(
    source: Opened, settings: Settings, environ: Mapping[str, str], say: Callable[[str], None], *, from_fork: bool
) -> "Rehearsal | None":
    """Give what tries suggestions, or None where the settings do not ask for it."""
    review = settings.review
    if not review.verify_suggestions:
        return None
    return Rehearsal(source=source, environ=environ, from_fork=from_fork, time_s=review.suggestions_time_s, say=say)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What trying suggestions needs."""

    source: Opened
    environ: Mapping[str, str]
    from_fork: bool
    """Whether the change is, or may be, a stranger's."""
    time_s: float
    """For all of them."""
    say: Callable[[str], None]

    async def __call__(self, findings: Sequence[Finding]) -> Rehearsed:
        """Try the suggestions of findings; without any, nothing is laid out and no sandbox is looked for."""
        if all(finding.suggestion is None for finding in findings):
            return Rehearsed(findings=tuple(findings))
        # All that proves tests is loaded where something is to be proven.
        from reviewbot.proving.taking import take, untaken
        from reviewbot.wiring.benches import workbench

        with workbench(self.source, self.environ, real_world(), self.say, from_fork=self.from_fork) as bench:
            if isinstance(bench, str):
                return untaken(findings, bench)
            return await take(findings, bench, self.time_s)
