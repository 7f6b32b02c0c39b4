"""The last request of a run: what the change does, told by a model or kept from the last run of the same head."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reviewbot.condensing import INTERRUPTED, condense
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Patch
from reviewbot.domain.request import ChangeRequest
from reviewbot.domain.synopsis import Synopsis
from reviewbot.domain.thread import SummaryMark
from reviewbot.reviewing import Asking
from reviewbot.settings.schema import Settings
from reviewbot.steps import condensing, gating
from reviewbot.steps.condensing import Words
from reviewbot.wiring import engines

_ENDED = (5, 130)
"""Exit codes of a run without money, and of one that was interrupted."""
_LONGEST_ANSWER = 500
"""Tokens: three sentences, with room for a language that needs more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """What is told of the change as a whole."""

    words: Words = field(default_factory=Words)
    """The author's."""
    in_pipeline: bool = False
    """Whether others than the author will read it."""
    known: Synopsis | None = None
    """What was told of this very head before: it is not asked for again."""


def telling(request: ChangeRequest | None, last: SummaryMark | None, recipe: str, *, in_pipeline: bool) -> Telling:
    """Gather what is known of the change besides its diff."""
    if request is None:
        return Telling(in_pipeline=in_pipeline)
    same = last is not None and (last.head_sha, last.recipe) == (request.head_sha, recipe)
    return Telling(
        words=Words(title=request.title, description=request.description),
        in_pipeline=in_pipeline,
        known=last.synopsis if last is not None and same else None,
    )


def options(settings: Settings) -> ModelOptions:
    """Give the parameters of the request; its answer is short, unless the settings say otherwise."""
    found = engines.model(settings, "summary")
    if found.thinking or settings.model.summary.max_tokens is not None:
        return found
    return replace(found, max_tokens=min(found.max_tokens, _LONGEST_ANSWER))


async def told(report: Report, asking: Asking, settings: Settings, told: Telling, say: Callable[[str], None]) -> Report:
    """Give the report with a synopsis. A run that was cut short, or has no money left, asks nobody."""
    changed = Patch(files=tuple(file for file in report.patch.files if file.changed_count))
    if told.known is not None:
        return replace(report, synopsis=told.known)
    wanted = settings.summary.model == "always" or (settings.summary.model == "pipeline" and told.in_pipeline)
    if not wanted or not changed.files or report.verdict.exit_code in _ENDED:
        return report
    system = condensing.system(asking.templates, settings.language)
    answer = await condense(replace(asking, options=options(settings)), system, told.words, changed)
    report = replace(report, usage=replace(asking.model.usage, wall_s=report.usage.wall_s))
    if isinstance(answer, Synopsis):
        return replace(report, synopsis=answer)
    say(f"the change could not be summed up: {answer}")
    return replace(report, verdict=gating.interrupted(report.verdict)) if answer == INTERRUPTED else report
