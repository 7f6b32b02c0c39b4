"""A saved report → a report again, for the request that it speaks of and the commits that the forge shows."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Patch
from reviewbot.errors import Superseded, UsageError
from reviewbot.pipeline import Policy
from reviewbot.repository.sources import Trust
from reviewbot.settings.schema import Settings
from reviewbot.steps import diffing, merging, prompting, restoring, sealing
from reviewbot.steps.restoring import Saved
from reviewbot.wiring import configuration, engines, memory, policies, publishing
from reviewbot.wiring.changes import Selection, opened
from reviewbot.wiring.engines import Engine
from reviewbot.wiring.forges import Attended
from reviewbot.wiring.memory import Recalled
from reviewbot.wiring.publishing import Desk
from reviewbot.wiring.surroundings import utc_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A report that can be posted."""

    report: Report
    desk: Desk
    recalled: Recalled


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """What the posting job itself knows of the change."""

    patch: Patch
    trust: Trust | None
    settings: Settings


@contextmanager
def restored(
    text: bytes, name: str, attended: Attended, selection: Selection, environ: Mapping[str, str], config: Path | None
) -> Iterator[Restored]:
    """Read a report and bind it to the request; it can be posted within the block, while the clone is open.

    Raises UsageError for what is no report, and Superseded where it speaks of another commit than the newest.
    """
    saved = restoring.read(text, name)
    request = attended.request
    if saved.head_sha is None:
        message = f"{name} names no commit, so it is of a bare diff or a work tree: only a review of a commit is posted"
        raise UsageError(message)
    if saved.head_sha != request.head_sha:
        word = request.dialect.request_word
        message = (
            f"{name} speaks of {saved.head_sha[:7]}, and the {word} is at {request.head_sha[:7]}: nothing is posted"
        )
        raise Superseded(message)
    with ExitStack() as stack:
        side = _side(attended, selection, environ, config, stack)
        engine = engines.choose(side.settings.model_copy(update={"engine": "auto"}), environ)
        policy = policies.policy(side.settings, saved.parts.engine, ())
        secrets = publishing.report_secrets(environ, engine.endpoint, attended.pipeline)
        desk = Desk(
            forge=attended.forge,
            request=request,
            signer=publishing.mark_signer(environ, engine.endpoint),
            templates=policies.templates(side.trust),
            recipe=_recipe(saved, side, policy, engine),
            trusted=sealing.is_sealed(text, secrets, publishing.binding(attended.pipeline)),
            remembers=side.settings.memory.keep != "off",
        )
        recalled = _recalled(desk, side)
        report = memory.silenced(_report(saved, side.patch, policy), recalled, policy.max_comments)
        yield Restored(report=report, desk=desk, recalled=recalled)


def _report(saved: Saved, patch: Patch, policy: Policy) -> Report:
    merged = merging.merge(restoring.findings(saved, patch, prompting.readable), patch, policy.max_comments)
    return replace(restoring.restore(saved, patch), findings=merged.findings, rejected=merged.rejected)


def _recalled(desk: Desk, side: _Side) -> Recalled:
    """Read what people have dismissed: the reviewing job may have had no token to do so."""
    board = publishing.standing(desk)
    if board is None:
        return Recalled()
    return memory.recall(desk, board, side.patch, side.settings.memory.keep, utc_now())


def _recipe(saved: Saved, side: _Side, policy: Policy, engine: Engine) -> str:
    # A job without the model's key cannot know what the reviewing one was told: the next push is reviewed whole.
    if engine.name != saved.parts.engine:
        return ""
    return publishing.recipe(side.settings, policy, engine.name, side.trust)


def _side(
    attended: Attended, selection: Selection, environ: Mapping[str, str], config: Path | None, stack: ExitStack
) -> _Side:
    """Open the change in the clone, if the job has one; else take the forge's own diff."""
    try:
        source = stack.enter_context(opened(selection, environ, Path.cwd()))
    except UsageError:
        settings = configuration.effective({}, environ, trust=None, git=None, config=config).settings
        return _Side(patch=diffing.shown(attended.forge.files()), trust=None, settings=settings)
    settings = configuration.effective({}, environ, trust=source.trust, git=source.git, config=config).settings
    return _Side(patch=source.change.patch, trust=source.trust, settings=settings)
