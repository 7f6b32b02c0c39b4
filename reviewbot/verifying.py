"""The stretch of the journey that doubts: a model's claims in, what is fit to be shown out.

Rules dismiss what is cheap to see through, what repeats is folded, and a verifier with a fresh context is
asked about each claim that is left. What it does not accept is rejected; what nobody could ask it about is
unverified: it keeps its confidence, which is too low to stand inline.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from reviewbot.domain.finding import Confidence, Finding, Rejection
from reviewbot.domain.patch import Hunk, Patch, Side
from reviewbot.domain.prompt import Prompt
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.ports import Sources
from reviewbot.reviewing import Asking, Form, answered, report_progress
from reviewbot.steps import challenging, decoding, deduplicating, dismissing
from reviewbot.steps.challenging import Challenge
from reviewbot.steps.decoding import Ruled
from reviewbot.steps.redacting import Redactions

_NO_PROOF = "the verifier accepts it, but its evidence stands nowhere in the code"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standards:
    """What a claim has to meet."""

    verify: bool = True
    """Whether a verifier is asked. Without, no claim of a model stands inline."""
    style: bool = False
    """Whether matters of style are let through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Docket:
    """The claims of a run, and what they are judged by."""

    claims: tuple[Finding, ...]
    """Placed. Those of confidence high have been accepted by an earlier run, and are not asked about again."""
    facts: tuple[Finding, ...]
    """Of static rules."""
    shown: Patch
    """The whole change without its secrets."""
    sources: Sources
    redactions: Redactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Sifted:
    """What became of the claims."""

    findings: tuple[Finding, ...]
    rejected: tuple[Rejection, ...] = ()
    unverified: tuple[str, ...] = ()
    """Why, for each claim that the verifier could not be asked about."""
    interrupted: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader should know of it."""
        if not self.unverified:
            return ()
        noun = "claim" if len(self.unverified) == 1 else "claims"
        reasons = "; ".join(dict.fromkeys(self.unverified))
        return (f"{len(self.unverified)} {noun} could not be verified and went to the summary: {reasons}",)


async def sift(asking: Asking, docket: Docket, standards: Standards) -> Sifted:
    """Judge all claims. Never fails: a claim that cannot be verified is a value."""
    known = [claim for claim in docket.claims if claim.confidence is Confidence.HIGH]
    fresh = [claim for claim in docket.claims if claim.confidence is not Confidence.HIGH]
    reasons = [dismissing.reason(claim, style=standards.style) for claim in fresh]
    dismissed = [_rejection(claim, reason) for claim, reason in zip(fresh, reasons, strict=True) if reason]
    worth = [claim for claim, reason in zip(fresh, reasons, strict=True) if not reason]
    new = deduplicating.without_facts(worth, docket.facts)
    judged = await _judged(asking, docket, (*known, *new.findings), standards)
    final = deduplicating.fold(judged.findings, verified=True)
    rejected = (*dismissed, *new.rejected, *judged.rejected, *final.rejected)
    return replace(judged, findings=final.findings, rejected=rejected)


async def _judged(asking: Asking, docket: Docket, claims: Sequence[Finding], standards: Standards) -> Sifted:
    """Ask about one claim for each problem; where it is rejected, about another one that says the same.

    The first may have overdone it. There is no third: whoever asks often enough hears a yes.
    """
    distinct = deduplicating.fold(claims, verified=False)
    if not standards.verify:
        return Sifted(findings=distinct.findings, rejected=distinct.rejected)
    first = await _round(asking, docket, distinct.findings, standards)
    refused = {id(claim) for claim in first.refused}
    again = [] if first.interrupted else [repeat for repeat, into in distinct.repeats if id(into) in refused]
    others = deduplicating.fold((*first.kept, *again), verified=False)
    second = await _round(asking, docket, [claim for claim in others.findings if claim in again], standards)
    settled = tuple((repeat, into) for repeat, into in distinct.repeats if repeat not in again)
    return Sifted(
        findings=(*[claim for claim in others.findings if claim not in again], *second.kept),
        rejected=(*first.rejected, *replace(distinct, repeats=settled).rejected, *others.rejected, *second.rejected),
        unverified=(*first.unverified, *second.unverified),
        interrupted=first.interrupted or second.interrupted,
    )


@dataclass(slots=True, kw_only=True)
class _Round:
    """What became of the claims that were put to the verifier at once."""

    kept: list[Finding] = field(default_factory=list)
    refused: list[Finding] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    unverified: list[str] = field(default_factory=list)
    interrupted: bool = False


async def _round(asking: Asking, docket: Docket, claims: Sequence[Finding], standards: Standards) -> _Round:
    """Ask about all claims at once, each on its own."""
    challenges = _challenges(asking, docket, claims)
    system = challenging.system(asking.templates, style=standards.style) if any(challenges) else ""
    prompts = {
        at: challenging.prompt(asking.templates, system, shown, docket.redactions, asking.count)
        for at, shown in enumerate(challenges)
        if shown is not None
    }
    tasks = {at: asyncio.create_task(_ruled(asking, prompt)) for at, prompt in prompts.items()}
    if tasks:
        report_progress(list(tasks.values()), asking.observe, lambda result: isinstance(result, str))
    result = _Round()
    try:
        await asyncio.gather(*tasks.values())
    except asyncio.CancelledError:
        result.interrupted = True
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    for at, (claim, shown) in enumerate(zip(claims, challenges, strict=True)):
        _settle(result, claim, shown, tasks.get(at))
    return result


def _settle(result: _Round, claim: Finding, shown: Challenge | None, task: "asyncio.Task[Ruled | str] | None") -> None:
    if task is None or shown is None:
        result.kept.append(claim)
        return
    ruling = "the run was interrupted" if task.cancelled() else task.result()
    if isinstance(ruling, str):
        result.kept.append(claim)
        result.unverified.append(ruling)
        return
    objection = _objection(ruling, shown)
    if objection is None:
        result.kept.append(replace(claim, confidence=Confidence.HIGH))
    else:
        result.refused.append(claim)
        result.rejected.append(_rejection(claim, objection))


def _rejection(claim: Finding, reason: str) -> Rejection:
    return Rejection(path=claim.path, title=claim.title, reason=reason)


def _objection(ruled: Ruled, shown: Challenge) -> str | None:
    """Say why a claim is not accepted, or None if it is."""
    if not ruled.accept:
        return f"the verifier rejects it: {ruled.reason or 'without a reason'}"
    given = (ruled.evidence or "").strip()
    return None if not given or shown.holds(given) else _NO_PROOF


async def _ruled(asking: Asking, prompt: Prompt) -> Ruled | str:
    """Ask about one claim; gives the verdict, or why there is none. Never raises but when cancelled."""
    form = Form(options=asking.verifier or asking.options, read=decoding.verdict, repair=challenging.repair)
    try:
        ruled, _ = await answered(asking, prompt, form)
    except (BudgetExceeded, ProviderError, decoding.MalformedError) as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - a bug that one answer brings to light must not cost the others
        return f"a bug in reviewbot, please report it: {type(error).__name__}: {error}"
    return ruled


def _challenges(asking: Asking, docket: Docket, claims: Sequence[Finding]) -> list[Challenge | None]:
    """Give what the verifier is shown of each claim; None for what it is not asked about.

    That is what it has accepted before, and what has no place: its code is not known.
    """
    files = {file.path: file for file in docket.shown.files}

    @cache
    def text(path: str) -> str | None:
        data = docket.sources.new_text(files[path])
        return None if data is None else docket.redactions.hide(data.decode("utf-8", "replace"))

    result: list[Challenge | None] = []
    for claim in claims:
        file = files.get(claim.path)
        hunk = None if file is None or claim.confidence is Confidence.HIGH else _hunk(claim, file.hunks)
        if hunk is None:
            result.append(None)
        else:
            result.append(challenging.challenge(claim, hunk, _enclosing(claim, text), asking.count))
    return result


def _hunk(claim: Finding, hunks: Sequence[Hunk]) -> Hunk | None:
    span = claim.span
    if span is None:
        return None
    return next((hunk for hunk in hunks if any(line.number(span.side) == span.start for line in hunk.lines())), None)


def _enclosing(claim: Finding, text: Callable[[str], str | None]) -> tuple[str, ...]:
    if claim.span is None or claim.span.side is Side.LEFT:
        return ()
    whole = text(claim.path)
    return () if whole is None else challenging.enclosing(whole, claim.span.start)
