"""What the change does, told by a model beside the review, or kept from the last run of the same head."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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

_INTERRUPTED = 130
"""The exit code of a run that was."""
_LONGEST_ANSWER = 500
"""Tokens: three sentences, with room for a language that needs more."""


Answer = Synopsis | asyncio.Task[Synopsis | str] | None
"""What was told before, or what is being asked for; None where nothing is to be told."""


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


@asynccontextmanager
async def asked(patch: Patch, asking: Asking, settings: Settings, told: Telling) -> AsyncIterator[Answer]:
    """Ask for the length of a block, beside what else is asked in it: nothing of the one depends on the other."""
    changed = Patch(files=tuple(file for file in patch.files if file.changed_count))
    wanted = settings.summary.model == "always" or (settings.summary.model == "pipeline" and told.in_pipeline)
    if told.known is not None or not wanted or not changed.files:
        yield told.known
        return
    system = condensing.system(asking.templates, settings.language)
    task = asyncio.create_task(condense(replace(asking, options=options(settings)), system, told.words, changed))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def told(report: Report, answer: Answer, asking: Asking, say: Callable[[str], None]) -> Report:
    """Give the report with a synopsis. A run that was cut short waits for none."""
    if not isinstance(answer, asyncio.Task):
        return replace(report, synopsis=answer)
    if report.verdict.exit_code == _INTERRUPTED:
        return report
    synopsis = await answer
    report = replace(report, usage=replace(asking.model.usage, wall_s=report.usage.wall_s))
    if isinstance(synopsis, Synopsis):
        return replace(report, synopsis=synopsis)
    say(f"the change could not be summed up: {synopsis}")
    return replace(report, verdict=gating.interrupted(report.verdict)) if synopsis == INTERRUPTED else report
