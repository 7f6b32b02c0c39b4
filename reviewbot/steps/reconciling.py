"""What stands on the forge, and what this run found → what is to be posted.

Each finding stands in exactly one place: in a thread, at its file, or in the summary. A thread is found
again by the fingerprint in its mark; a finding that already has one gets no second. What people decided
stands: a thread that somebody closed who may write to the project is done, one that somebody answered is
never closed. And a thread is only closed by what can be seen in the code: a model's silence proves nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from jinja2 import Environment

from reviewbot.domain.finding import Finding, Placement, Severity
from reviewbot.domain.outcome import Report
from reviewbot.domain.posting import Keep, PostingPlan, Resolve, Summary
from reviewbot.domain.request import Account, ChangeRequest, ForgeFile
from reviewbot.domain.thread import Marked, ThreadKind
from reviewbot.domain.view import plural, texts
from reviewbot.steps import placing, rendering, standing, summarising
from reviewbot.steps.marking import Signer
from reviewbot.steps.rendering import Pen
from reviewbot.steps.standing import Evidence, Fate, Seat, State
from reviewbot.steps.summarising import Overview

T = TypeVar("T", Keep, Resolve)

_CUT_SHORT = (5, 70, 130)
"""Exit codes of runs that did not come to their end: out of money, a bug, interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What stands on the forge."""

    request: ChangeRequest
    own: Account
    files: tuple[ForgeFile, ...]
    marked: tuple[Marked, ...]
    """As `reviewbot.steps.marking.read` gives them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What this run found."""

    report: Report
    complete: bool = True
    """Whether it came to its end: neither interrupted nor out of money. The verdict's exit code cannot always
    tell: findings that fail the gate outrank an ended budget."""
    trusted: bool = True
    """Whether nobody but the project could have made the report. One that comes from a fork's pipeline only
    adds comments: it closes nothing, and does not rewrite what a trusted run said."""
    checked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Paths that each static analyzer looked at, by the source in its findings; never a model's."""
    recipe: str = ""
    """Digest of what else shapes a review, see `reviewbot.domain.thread.SummaryMark`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """A plan, and what its summary says once it is known where the comments really stand."""

    plan: PostingPlan
    summary: Callable[[Mapping[str, Placement]], str | None]
    """For `reviewbot.ports.Forge.carry_out`: placements by fingerprint → text, or None if no edit is needed.
    A comment without a placement stands where it was planned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Comparison:
    """What was found out, for the summary."""

    scene: Scene
    run: Run
    pen: Pen
    seats: tuple[Seat, ...]
    homes: Mapping[str, Seat]
    fates: tuple[Fate, ...]
    placements: Mapping[str, Placement]
    """Where each finding without a thread is to stand."""


def reconcile(scene: Scene, run: Run, templates: Environment, signer: Signer) -> Reconciled:
    """Compare the forge with the report. A second run on the same head has nothing to do."""
    pen = Pen(templates=templates, request=scene.request, signer=signer, report=run.report, texts=texts(run.report))
    seats = standing.seats(scene.marked, scene.own)
    homes = standing.homes(run.report, seats)
    planned = placing.placements(scene.files, run.report, _refused(scene, run))
    compared = _Comparison(
        scene=scene,
        run=run,
        pen=pen,
        seats=seats,
        homes=homes,
        fates=tuple(standing.fates(seats, homes, _evidence(scene, run))),
        placements={fingerprint: place for fingerprint, place in planned.items() if fingerprint not in homes},
    )
    return Reconciled(plan=_plan(compared), summary=lambda placed: _summary(compared, placed).body)


def _evidence(scene: Scene, run: Run) -> Evidence:
    withheld = frozenset(file.path for file in scene.files if file.withheld is not None)
    return Evidence(report=run.report, trusted=run.trusted, checked=run.checked, withheld=withheld)


def _refused(scene: Scene, run: Run) -> frozenset[str]:
    """Give what stood in the summary of this head alone: it was beyond the cap, or the forge refused it."""
    sticky = _sticky(scene)
    mark = None if sticky is None else sticky.summary
    if mark is None or (mark.head_sha, mark.recipe) != (scene.request.head_sha, run.recipe):
        return frozenset()
    return frozenset(finding.fingerprint for finding in mark.findings)


def _sticky(scene: Scene) -> Marked | None:
    return next((marked for marked in scene.marked if marked.is_summary), None)


def _plan(compared: _Comparison) -> PostingPlan:
    return PostingPlan(
        request=compared.scene.request,
        create=tuple(
            rendering.comment(compared.pen, placing.by_new_number(finding, compared.run.report), place)
            for finding, place in _homeless(compared)
            if place is not Placement.SUMMARY
        ),
        keep=tuple(_fate(Keep, fate) for fate in compared.fates if not fate.resolves),
        resolve=tuple(_fate(Resolve, fate) for fate in compared.fates if fate.resolves),
        summary=_summary(compared, {}),
        notes=tuple(_notes(compared)),
    )


def _fate(kind: type[T], fate: Fate) -> T:
    seat = fate.seat
    return kind(thread_id=seat.thread.id, fingerprint=seat.mark.fingerprint, title=seat.title, reason=fate.reason)


def _homeless(compared: _Comparison) -> Iterator[tuple[Finding, Placement]]:
    for finding in compared.run.report.findings:
        if finding.fingerprint in compared.placements:
            yield finding, compared.placements[finding.fingerprint]


def _summary(compared: _Comparison, placed: Mapping[str, Placement]) -> Summary:
    """Write the summary for these placements; without a body where the one that stands says the same."""
    sticky = _sticky(compared.scene)
    overview = _overview(compared, placed)
    text = summarising.summary(compared.pen, overview)
    if sticky is None:
        return Summary(thread_id=None, note_id=None, body=text)
    opener = sticky.thread.opener
    if sticky.summary is None:
        same = summarising.substance(opener.body) == summarising.substance(text)
    else:
        same = sticky.summary.digest == summarising.digest(compared.pen, overview)
    keeps = same or not compared.run.trusted
    return Summary(thread_id=sticky.thread.id, note_id=opener.id, body=None if keeps else text)


def _overview(compared: _Comparison, placed: Mapping[str, Placement]) -> Overview:
    run, states = compared.run, [seat.state for seat in compared.seats]
    places = [(finding, placed.get(finding.fingerprint, place)) for finding, place in _homeless(compared)]
    posted = [
        (finding.fingerprint, place.value, finding.severity)
        for finding, place in places
        if place is not Placement.SUMMARY
    ]
    return Overview(
        listed=tuple(finding for finding, place in places if place is Placement.SUMMARY),
        retold=(*_retold(compared), *run.report.silenced),
        standing=(*posted, *_housed(compared), *_kept(compared)),
        disputed=tuple(_disputed(compared)),
        resolved=states.count(State.DONE) + sum(fate.resolves for fate in compared.fates),
        closed=states.count(State.DECIDED),
        silenced=len({finding.fingerprint for finding in run.report.silenced} - _seated(compared)),
        done=_is_done(run),
        recipe=run.recipe,
    )


def _seated(compared: _Comparison) -> frozenset[str]:
    return frozenset(seat.mark.fingerprint for seat in compared.seats)


def _is_done(run: Run) -> bool:
    """Tell whether the next run may build on this one."""
    ended = run.complete and run.report.verdict.exit_code not in _CUT_SHORT
    return ended and run.trusted and not run.report.lines.failed


def _retold(compared: _Comparison) -> Iterator[Finding]:
    """Yield the findings that no later run would know again from their threads' marks."""
    for finding in compared.run.report.findings:
        seat = compared.homes.get(finding.fingerprint)
        if seat is not None and seat.mark.fingerprint != finding.fingerprint:
            yield finding


def _housed(compared: _Comparison) -> Iterator[tuple[str, str, Severity]]:
    """Yield the findings that have a thread which counts as open."""
    for finding in compared.run.report.findings:
        seat = compared.homes.get(finding.fingerprint)
        if seat is not None and seat.state is not State.DECIDED:
            yield finding.fingerprint, _place(seat), finding.severity


def _kept(compared: _Comparison) -> Iterator[tuple[str, str, Severity]]:
    """Yield the open threads whose findings were not reported this time."""
    for fate in compared.fates:
        told = fate.seat.mark.finding
        if fate.counts and told is not None:
            yield fate.seat.mark.fingerprint, _place(fate.seat), told.severity


def _place(seat: Seat) -> str:
    inline = seat.thread.kind is ThreadKind.INLINE
    return (Placement.INLINE if inline else Placement.FILE).value


def _disputed(compared: _Comparison) -> Iterator[tuple[Finding, str]]:
    for finding in compared.run.report.findings:
        seat = compared.homes.get(finding.fingerprint)
        if seat is not None and seat.state is State.DISPUTED:
            yield finding, seat.closer


def _notes(compared: _Comparison) -> Iterator[str]:
    places = list(_homeless(compared))
    at_file = sum(place is Placement.FILE for _, place in places)
    if at_file:
        yield f"{plural(at_file, 'finding')} can only be posted at the file: the forge does not show the lines"
    listed = sum(place is Placement.SUMMARY for _, place in places)
    if listed and not compared.run.trusted and _sticky(compared.scene) is not None:
        yield f"{plural(listed, 'finding')} of an untrusted run would stand in the summary, which it must not rewrite"
