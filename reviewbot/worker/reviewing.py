"""One job, from the queue's hands back into them."""

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, assert_never

from reviewbot.domain.job import ReviewJob
from reviewbot.errors import ForgeError, ReviewbotError
from reviewbot.queue.outcomes import Ended, Ending, Failed, Taken, Unfinished
from reviewbot.repository.bare import Stores
from reviewbot.repository.bare_git import Halted, RefusedError, Store, TooLargeError
from reviewbot.worker import child, judging, variables
from reviewbot.worker.forks import ForkServer
from reviewbot.worker.measuring import Measures
from reviewbot.worker.summons import Summons, Why
from reviewbot.worker.telling import Log

_LAST_LINES: Final = 12
_REPORT, _EVENT = "report.json", "event.json"
# No code of the change is run here, and so there is neither a coverage report nor a test to prove.
_COMMAND: Final = ("review", "--tests", "off", "--no-coverage", "--format", "json", "--color", "never")
Tell = Callable[..., None]
"""Says something of the job in hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a worker has at hand for every job."""

    stores: Stores
    forks: ForkServer
    token: Callable[[ReviewJob], str]
    """Gives the forge's token for a job. Raises a ReviewbotError where there is none for it."""
    environ: Mapping[str, str] = field(repr=False)
    """What a review is told besides its job: the model's endpoint, keys, budgets. Holds secrets."""
    superseded: Callable[[Taken], bool]
    stopping: threading.Event
    """Set when the worker is to end."""
    clock: Callable[[], float]
    log: Log
    measures: Measures
    timeout_s: float
    memory_bytes: int
    """For each review."""


def review(bench: Bench, taken: Taken) -> Ending:
    """Do a job. What goes wrong with it is told in its ending.

    A comment to be replied to is a review of the head like any other: it looks at all threads as it is.
    """
    job = taken.job
    tell = partial(
        bench.log, correlation=job.correlation, job=job.id, forge=job.forge, project=job.project, number=job.number,
        head=job.head_sha, attempt=taken.attempt,
    )  # fmt: skip
    began = bench.clock()
    tell("taken")
    with bench.measures.busy():
        ending = _done(bench, taken, tell)
    told = _told(ending)
    bench.measures.ended(told["outcome"])
    tell("ended", ms=round(1_000 * (bench.clock() - began)), **told)
    return ending


def _done(bench: Bench, taken: Taken, tell: Tell) -> Ending:
    summons = Summons(partial(bench.superseded, taken), bench.stopping, bench.clock, bench.timeout_s)
    try:
        ending = _reviewed(bench, taken, summons, tell)
    except Halted:
        ending = None
    except RefusedError as error:
        ending = Failed(reason=bench.log.masked(f"{error}: {variables.mending(taken.job)}"))
    except ReviewbotError as error:
        # Of what is not the forge's fault, another attempt would make no difference.
        passing = isinstance(error, ForgeError) and not isinstance(error, TooLargeError)
        ending = Failed(reason=bench.log.masked(str(error)), lasting=not passing)
    except OSError as error:
        ending = Failed(reason=f"the worker's machine has a problem: {error}", lasting=False)
    if summons.why is None and ending is not None:
        return ending
    return _stopped(summons.why, bench.timeout_s)


def _stopped(why: Why | None, timeout_s: float) -> Ending:
    if why is Why.SUPERSEDED:
        return Ended(outcome="superseded")
    if why is Why.LATE:
        return Failed(reason=f"the review took longer than {timeout_s:,.0f} s (--job-timeout)")
    return Unfinished()


def _reviewed(bench: Bench, taken: Taken, summons: Summons, tell: Tell) -> Ending:
    try:
        token = bench.token(taken.job)
    except ReviewbotError as error:
        # The worker's fault and not the change's: by the next attempt it may be mended, or another worker has it.
        return Failed(reason=f"the worker has no token: {bench.log.masked(str(error))}", lasting=False)
    bench.log.hide(token)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="reviewbot-", ignore_cleanup_errors=True)))
        with bench.measures.timed("fetch"):
            store = stack.enter_context(bench.stores.opened(variables.wanted(taken.job, token), summons))
        tell("fetched")
        last = deque[str](maxlen=_LAST_LINES)

        def hear(line: str) -> None:
            last.append(bench.log.masked(line))
            tell("review", line=line)

        with bench.measures.timed("review"):
            code = child.run(
                bench.forks,
                (*_COMMAND, "--repo", str(store.folder), "--save-report", str(folder / _REPORT)),
                folder,
                _environ(bench, taken.job, token, store, folder),
                memory_bytes=bench.memory_bytes,
                halted=summons,
                hear=hear,
            )
        reviewed = (folder / _REPORT).exists()
        # Of a review that found its request at another commit, mostly a newer push has come, and has a job of its own.
        # But a webhook can be quicker than the copy of the forge's database that answers: so it is asked a second time
        # before it is believed, unless the other commit waits for its turn.
        again = taken.attempt == 1 and not taken.tied
        return judging.ending(code, reviewed=reviewed, again=again, last_words="\n".join(last))


def _environ(bench: Bench, job: ReviewJob, token: str, store: Store, folder: Path) -> Mapping[str, str]:
    """Give all that a review may know. Its temporary files are in its own folder, and so go with it."""
    event = folder / _EVENT
    event.write_text(json.dumps(variables.event(job)), "utf-8")
    own = {"HOME": str(folder), "TMPDIR": str(folder)}
    return {**bench.environ, **store.environ, **variables.pipeline(job, token, str(event)), **own}


def _told(ending: Ending) -> Mapping[str, str]:
    match ending:
        case Ended(outcome=outcome):
            return {"outcome": outcome}
        case Failed(reason=reason, lasting=lasting):
            return {"outcome": "failed for good" if lasting else "failed", "reason": reason}
        case Unfinished():
            return {"outcome": "handed back"}
        case _:  # pragma: no cover
            assert_never(ending)
