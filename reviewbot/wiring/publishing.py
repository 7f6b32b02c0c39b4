"""A report → what stands on the forge: marks are read, a plan is made, and the forge carries it out."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment

from reviewbot import __version__
from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.finding import Finding, Placement
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Patch
from reviewbot.domain.posting import Posted
from reviewbot.domain.request import Account, ChangeRequest
from reviewbot.domain.thread import Marked, SummaryMark
from reviewbot.errors import ForgeError, UsageError
from reviewbot.pipeline import Change, Policy, fates
from reviewbot.ports import Forge
from reviewbot.repository.sources import Trust
from reviewbot.settings import environment
from reviewbot.settings.pipelines import Pipeline
from reviewbot.settings.schema import Settings
from reviewbot.steps import answering_plan, challenging, marking, prompting, reconciling, remembering
from reviewbot.steps.answering_plan import Voice
from reviewbot.steps.carrying import Previous
from reviewbot.steps.marking import Signer
from reviewbot.steps.reconciling import Reconciled, Run, Scene
from reviewbot.wiring import engines, policies
from reviewbot.wiring.changes import Selection, opened
from reviewbot.wiring.instructions import gathered

_MODEL = "llm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What stands on the forge, with the bot's own marks read."""

    own: Account
    marked: tuple[Marked, ...]
    clicked: tuple[Marked, ...] = ()
    """The same with threads as they were really closed: one where the bot gave in to somebody is closed by the bot."""
    heard: bool = True
    """Whether it could be read what people think of the comments; False where the forge did not answer that."""

    @property
    def summary(self) -> SummaryMark | None:
        """What the last run says of itself, if that can be believed."""
        return next((entry.summary for entry in self.marked if entry.believed and entry.summary is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Where the reports of one run are made into posts."""

    forge: Forge
    request: ChangeRequest
    signer: Signer
    templates: Environment
    recipe: str = ""
    """Digest of what shapes a review besides the change: with another recipe it is made anew."""
    trusted: bool = True
    """Whether nobody but the project could have made the report."""
    heard: Callable[[Sequence[Finding]], None] | None = None
    """Hears which findings were given a comment of their own."""
    remembers: bool = False
    """Whether it counts what people have dismissed by a thumbs down."""

    def board(self) -> Board:
        """Read what stands on the forge now."""
        own = self.forge.account()
        threads = self.forge.threads()
        marked = marking.read(threads, own, self.signer, self.request)
        credited = answering_plan.credited(marked, own, self.request, self.signer)
        board = Board(own=own, marked=credited, clicked=marked)
        return self._with_opinions(board) if self.remembers else board

    def _with_opinions(self, board: Board) -> Board:
        """Read the thumbs that people who may write to the project gave to the bot's comments."""
        archive = self.forge.archive()
        threads = [one.thread for one in board.marked if one.believed and not one.is_summary]
        if archive is None or not threads:
            return board
        try:
            given = [reaction for reaction in archive.reactions(threads) if reaction.account.id != board.own.id]
            counted = [reaction for reaction in given if self.forge.writes(reaction.account)]
        except ForgeError:
            return replace(board, heard=False)  # nobody's thumbs are worth a review
        judged, clicked = (remembering.judged(known, counted) for known in (board.marked, board.clicked))
        return replace(board, marked=judged, clicked=clicked)

    def reconcile(self, report: Report) -> Reconciled:
        """Plan what a report changes on the forge."""
        board = self.board()
        voice = Voice(own=board.own, request=self.request, signer=self.signer, templates=self.templates)
        settled = answering_plan.settle(voice, board.marked, report.answers)
        scene = Scene(request=self.request, own=board.own, files=self.forge.files(), marked=settled.marked)
        run = Run(
            report=report,
            complete=report.complete,
            trusted=self.trusted,
            checked=report.checked,
            recipe=self.recipe,
        )
        found = reconciling.reconcile(scene, run, self.templates, self.signer)
        resolve = (*found.plan.resolve, *settled.resolve)
        return replace(found, plan=replace(found.plan, replies=settled.replies, resolve=resolve))

    def post(self, report: Report) -> Posted:
        """Carry a report's plan out. Raises Superseded, ReadOnlyError or ForgeError."""
        found = self.reconcile(report)
        posted = self.forge.carry_out(found.plan, found.summary)
        if self.heard is None:
            return posted
        listed = {fingerprint for fingerprint, place, _ in posted.demoted if place is Placement.SUMMARY}
        new = {comment.fingerprint for comment in found.plan.create} - listed
        self.heard([finding for finding in report.findings if finding.fingerprint in new])
        return posted


def local_desk(change: Change, report: Report) -> Desk:
    """Give a desk without a forge, for a dry run outside of a pipeline."""
    from reviewbot.forges.local import LocalForge

    forge = LocalForge(report.comparison, change.patch)
    return Desk(forge=forge, request=forge.request(), signer=Signer(), templates=policies.templates(None))


def mark_signer(environ: Mapping[str, str], endpoint: Endpoint | None) -> Signer:
    """Gather the secrets that marks are signed with: they have to be the same in the next job."""
    return Signer(secrets=_secrets(environ, endpoint))


def report_secrets(environ: Mapping[str, str], endpoint: Endpoint | None, pipeline: Pipeline) -> tuple[bytes, ...]:
    """Gather the secrets that a saved report is signed with: the forge's token too, which later jobs may share."""
    token = pipeline.token
    return (*_secrets(environ, endpoint), *([token.value.encode()] if token is not None else []))


def _secrets(environ: Mapping[str, str], endpoint: Endpoint | None) -> tuple[bytes, ...]:
    own = environment.stores(environ).cache_secret
    keys = () if endpoint is None else endpoint.keys
    return (*([own.encode()] if own else []), *(key.value.encode() for key in keys))


def binding(pipeline: Pipeline) -> str:
    """Name the request that a report speaks of, as a job knows it that has not asked the forge.

    After ``workflow_run`` the number is not known; then the commit that the report names has to do.
    """
    return f"{pipeline.forge}\0{pipeline.project}\0{pipeline.number or ''}"


def recipe(settings: Settings, policy: Policy, engine: str, trust: Trust | None) -> str:
    """Digest what shapes a review besides the change."""
    shaped = (__version__, engine, policy.rules, policy.budget, policy.path_rules, policy.standards)
    parts = (*shaped, *(_asked(settings, trust) if engine == _MODEL else ()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _asked(settings: Settings, trust: Trust | None) -> tuple[object, ...]:
    """Give what the two models of a review are told, and how they are asked."""
    templates = policies.templates(trust)
    system = prompting.system(templates, gathered(settings, trust))
    verify = challenging.system(templates, style=settings.review.style)
    return engines.model(settings), system, engines.verifier(settings), verify


def standing(desk: Desk | None) -> Board | None:
    """Read what stands on the forge before the review; None where nothing is posted, or the forge cannot be asked."""
    try:
        return None if desk is None else desk.board()
    except ForgeError:
        return None  # what is wrong with the forge is told when the report is posted


def previous(
    desk: Desk, board: Board, selection: Selection, policy: Policy, environ: Mapping[str, str]
) -> Previous | None:
    """Give what the last complete run of the same recipe reviewed; None where there is none to go by."""
    mark = board.summary
    if mark is None or not mark.done or mark.recipe != desk.recipe:
        return None
    earlier = replace(selection, head=mark.head_sha, merge_base=mark.base_sha)
    try:
        with opened(earlier, environ, Path.cwd()) as source:
            files, known = source.change.patch.files, fates(source.change, policy)
    except UsageError:
        return None  # its commit is gone, as after a force-push
    reviewed = tuple(file for file, fate in zip(files, known, strict=True) if fate is None)
    return Previous(head_sha=mark.head_sha, patch=Patch(files=reviewed), findings=_findings(board, mark))


def _findings(board: Board, summary: SummaryMark) -> tuple[Finding, ...]:
    """Gather what the last run's model found, from its marks."""
    told = [mark.finding for entry in board.marked if entry.believed for mark in entry.marks]
    known = {finding.fingerprint: finding for finding in (*told, *summary.findings) if finding is not None}
    found = frozenset(summary.found)
    return tuple(
        finding
        for fingerprint, finding in known.items()
        if finding.source == _MODEL and fingerprint[: marking.FOUND_DIGITS] in found
    )
