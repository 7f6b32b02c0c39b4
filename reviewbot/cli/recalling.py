"""The memory of dismissed findings, as commands use it: what it lacks is told in one line, and never ends a run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reviewbot.domain.memory import Dismissal
from reviewbot.domain.patch import Patch
from reviewbot.errors import ForgeError, UsageError
from reviewbot.settings import pipelines
from reviewbot.settings.pipelines import Pipeline
from reviewbot.settings.schema import Settings
from reviewbot.wiring import engines, memory, policies, publishing
from reviewbot.wiring.forges import Attended, attended
from reviewbot.wiring.memory import Recalled
from reviewbot.wiring.publishing import Board, Desk
from reviewbot.wiring.surroundings import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the project remembers."""

    dismissals: tuple[Dismissal, ...] = ()
    place: str = "no page yet"
    """Where it is kept, for people."""
    sign: str = "!"


def known(environ: Mapping[str, str], settings: Settings) -> Known:
    """Ask the forge of this job what people have dismissed. Raises UsageError outside of a pipeline, and ForgeError."""
    keep = settings.memory.keep
    if keep != "issue":
        return Known(place="each request's own threads" if keep == "request" else "no place: memory.keep is off")
    pipeline = pipelines.detect(environ)
    if pipeline is None:
        message = "--memory needs the pipeline of a merge request or pull request: its variables are not set here"
        raise UsageError(message)
    signer = publishing.mark_signer(environ, engines.choose(settings, environ).endpoint)
    with attended(pipeline, time.sleep) as found:  # noqa: TID251 - the command line is the world
        desk = Desk(forge=found.forge, request=found.request, signer=signer, templates=policies.templates(None))
        page, dismissals = memory.listed(desk)
        place = Known().place if page is None else page.url
        return Known(dismissals=dismissals, place=place, sign=found.request.dialect.sign)


def recall(
    desk: Desk | None, board: Board | None, patch: Patch, settings: Settings, say: Callable[[str], None]
) -> Recalled:
    """Read what people have dismissed; nothing where there is no forge to ask."""
    if desk is None or board is None:
        return Recalled()
    recalled = memory.recall(desk, board, patch, settings.memory.keep, utc_now())
    if recalled.trouble is not None:
        say(recalled.trouble)
    return recalled


def peek(
    pipeline: Pipeline | None, at: Callable[[Attended], Desk], patch: Patch, settings: Settings,
    say: Callable[[str], None],
) -> Recalled:  # fmt: skip
    """Read it in a job that posts nothing, such as the first of two; a forge that does not answer is no fault there."""
    if pipeline is None or pipeline.token is None or settings.memory.keep == "off":
        return Recalled()
    try:
        with attended(pipeline, time.sleep) as found:  # noqa: TID251 - the command line is the world
            desk = at(found)
            return recall(desk, desk.board(), patch, settings, say)
    except ForgeError as error:
        say(f"what people have dismissed is not known in this run: {str(error).partition('. ')[0]}")
        return Recalled()


def write_down(pipeline: Pipeline | None, desk: Desk, recalled: Recalled, say: Callable[[str], None]) -> None:
    """Write down what is new, unless a stranger could have made the run."""
    if not desk.trusted or (pipeline is not None and pipeline.from_fork and not pipeline.trusted):
        return
    trouble = memory.write_down(desk, recalled)
    if trouble is not None:
        say(trouble)
