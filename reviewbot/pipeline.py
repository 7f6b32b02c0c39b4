"""The journey, top to bottom: a patch in, a report out. Knows ports and steps, and no adapter."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reviewbot.domain.analysis import Analysis
from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.finding import Finding, Rejection, Severity
from reviewbot.domain.memory import Memory
from reviewbot.domain.outcome import Comparison, Outcome, Report, counted
from reviewbot.domain.outline import NO_OUTLINER, Outliner
from reviewbot.domain.patch import FilePatch, Patch, Status
from reviewbot.domain.trial import Rehearsed
from reviewbot.domain.usage import Usage
from reviewbot.ports import Analyzer, Sources
from reviewbot.rehearsing import offered
from reviewbot.reviewing import Answers, Asking, ask, model_notes, model_trouble
from reviewbot.steps import (
    accounting,
    anchoring,
    carrying,
    chunking,
    equipping,
    filtering,
    gathering,
    gating,
    informing,
    instructing,
    marking,
    merging,
    prompting,
    ranking,
    redacting,
    repeating,
    silencing,
)
from reviewbot.steps.accounting import Fate
from reviewbot.steps.carrying import Previous
from reviewbot.steps.instructing import PathRule
from reviewbot.steps.redacting import Redactions
from reviewbot.verifying import Docket, Standards, sift

_PYTHON = (".py", ".pyi")
_NO_RULES = "no static rules"

Rehearse = Callable[[Sequence[Finding]], Awaitable[Rehearsed]]
"""Runs the tests that suggestions touch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be reviewed, and what is known around it."""

    patch: Patch
    comparison: Comparison
    sources: Sources
    attributes: Mapping[str, Mapping[str, str]]
    """git attributes by path, from the trusted side."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration says of the review itself."""

    rules: filtering.Rules
    budget: ContextBudget
    max_comments: int
    fail_on: Severity | None
    analyzers: tuple[Analyzer, ...]
    """Of languages: they see the files that are reviewed."""
    text_checks: tuple[Analyzer, ...]
    """Of any text, generated and vendored files included; they do not count as a review."""
    hint: str
    """What files that no static rule understands need."""
    standards: Standards = field(default_factory=Standards)
    """What a model's claims have to meet."""
    path_rules: tuple[PathRule, ...] = ()
    """What holds for some paths."""
    outliner: Outliner = NO_OUTLINER
    """Reads what languages other than Python define."""
    memory: Memory = field(default_factory=Memory)
    """What people have dismissed."""


def fates(change: Change, policy: Policy) -> tuple[Fate | None, ...]:
    """Say for each file why it is not reviewed, or None if it is to be."""
    reasons = filtering.reasons(change.patch.files, policy.rules, change.attributes)
    return tuple(
        (Outcome.FAILED, f"its diff cannot be read: {file.defect}")
        if file.defect is not None
        else None
        if reason is None
        else (Outcome.SKIPPED, reason)
        for file, reason in zip(change.patch.files, reasons, strict=True)
    )


def chunks(
    change: Change,
    policy: Policy,
    known: Sequence[Fate | None],
    fixed_tokens: int,
    count: Callable[[str], int],
    hide: Callable[[str], str],
) -> chunking.Plan:
    """Cut what is to be reviewed into requests, each with what helps; ``hide`` takes secrets out of that."""
    files = [(index, file) for index, file in enumerate(change.patch.files) if known[index] is None]
    around = [file for _, file in files] if policy.budget.context_tokens else []
    index = gathering.index(around, change.sources, policy.outliner, hide)
    return equipping.plan(files, policy.path_rules, index, policy.budget, fixed_tokens, count)


def leave_alone(change: Change, engine: str, reason: str) -> Report:
    """Report on a change that is not reviewed at all: every line is skipped, for one reason."""
    files = accounting.by_file(change.patch.files, [(Outcome.SKIPPED, reason)] * len(change.patch.files))
    return Report(engine=engine, model=None, comparison=change.comparison, files=files, findings=(), notes=change.notes)


def review_statically(change: Change, policy: Policy) -> Report:
    """Review with static rules alone."""
    started = time.monotonic()
    known = fates(change, policy)
    analyses = _analyze(change, policy, known)
    covered = frozenset[str]().union(*(analysis.covered for analysis in analyses))
    failed = {path: reason for analysis in analyses for path, reason in analysis.failed}
    unread = {path: reason for analysis in analyses for path, reason in analysis.skipped}
    final = [
        fate if fate is not None else _static_fate(file, covered, failed, unread)
        for file, fate in zip(change.patch.files, known, strict=True)
    ]
    files = accounting.by_file(change.patch.files, final)
    trouble = [(2, reason) for reason in dict.fromkeys(failed.values())]
    findings = [finding for analysis in analyses for finding in analysis.findings]
    usage = Usage(wall_s=time.monotonic() - started)
    hint = (policy.hint,) if any(fate and fate[1].startswith(_NO_RULES) for fate in final) else ()
    report = Report(
        engine="static", model=None, comparison=change.comparison, files=files, findings=(), usage=usage,
        notes=(*change.notes, *_notes(analyses), *hint), checked=_checked(change, policy, analyses),
    )  # fmt: skip
    return _finished(report, change, policy, findings, _silenced(analyses), trouble)


async def review_with_model(
    change: Change,
    policy: Policy,
    asking: Asking,
    previous: Previous | None = None,
    rehearse: Rehearse | None = None,
) -> Report:
    """Review with a model that finds, one that verifies, and static rules, whose findings both know as facts.

    What an earlier run has reviewed, and what is as it was, is not sent again: its findings are carried over.
    ``rehearse`` runs the tests that suggestions touch; where it is None no code is run.
    """
    started = time.monotonic()
    known = fates(change, policy)
    # At once, so that other programs read the change while it is cut here.
    analysing = asyncio.get_running_loop().run_in_executor(None, _analyze, change, policy, known)
    redactions = Redactions()
    # Before anything is cut: a secret must not escape because it stands across two chunks.
    redacted = redacting.patch(change.patch, redactions)
    fresh = carrying.without_known(redacted, change.patch, previous)
    shown, repeats = repeating.once(fresh, [fate is None for fate in known])
    fixed = asking.count(asking.system)
    planned = chunks(replace(change, patch=shown), policy, known, fixed, asking.count, redactions.hide)
    analyses = await analysing
    facts = tuple(finding for analysis in analyses for finding in analysis.findings)
    tell = informing.teller(facts, repeats, policy.budget, asking.count)
    answers = await ask(asking, planned.chunks, redactions, tell)
    # Marks hide secrets: so what is compared with them has to.
    carried = carrying.carried(change.patch, previous, marking.plain)
    placed = anchoring.place(answers.findings, change.patch, prompting.readable)
    docket = Docket(
        claims=(*carried, *placed), facts=facts, shown=redacted, sources=change.sources, redactions=redactions
    )
    # A run that was interrupted asks nobody any more.
    standards = replace(policy.standards, verify=policy.standards.verify and not answers.interrupted)
    sifted = await sift(asking, docket, standards)
    answers.interrupted = answers.interrupted or sifted.interrupted
    rehearsed = await _rehearsed(sifted.findings, change, policy, answers, rehearse)
    findings = [*facts, *repeating.everywhere(rehearsed.findings, change.patch, repeats)]
    too_long = repeating.too_long(planned.too_long, repeats)
    unfinished = repeating.unfinished(answers.unfinished, repeats)
    doubts = (*sifted.notes, *rehearsed.notes)
    report = Report(
        engine="llm",
        model=asking.options.name,
        comparison=change.comparison,
        files=accounting.by_line(change.patch.files, known, too_long, unfinished),
        findings=(),
        usage=replace(asking.model.usage, wall_s=time.monotonic() - started),
        notes=(*change.notes, *_notes(analyses), *model_notes(answers), *doubts, *_failures(analyses)),
        checked=_checked(change, policy, analyses),
        # A line too long for a request is told of in each run, so each run has to look.
        complete=not (answers.unfinished or answers.interrupted or planned.too_long),
    )
    rejected = [*answers.rejected, *sifted.rejected, *_silenced(analyses)]
    return _finished(report, change, policy, findings, rejected, model_trouble(answers))


async def _rehearsed(
    findings: Sequence[Finding], change: Change, policy: Policy, answers: Answers, rehearse: Rehearse | None
) -> Rehearsed:
    """Say which suggestions can be offered for a click: those that apply and parse, and pass the tests if asked."""
    analyzers = (*policy.analyzers, *policy.text_checks)
    held = await asyncio.to_thread(offered, findings, change.patch, analyzers, change.sources)
    if rehearse is None or answers.interrupted:
        return Rehearsed(findings=held)
    rehearsed = await rehearse(held)
    answers.interrupted, answers.bug = rehearsed.interrupted, answers.bug or rehearsed.bug
    return rehearsed


def _analyze(change: Change, policy: Policy, known: Sequence[Fate | None]) -> tuple[Analysis, ...]:
    """Run all static checks. What the user told us to ignore is ignored by all of them."""
    reviewed = [file for file, fate in zip(change.patch.files, known, strict=True) if fate is None]
    texts = [file for file in change.patch.files if file.hunks and not _ignored(file, policy.rules)]
    return (
        *(analyzer(reviewed, change.sources) for analyzer in policy.analyzers),
        *(check(texts, change.sources) for check in policy.text_checks),
    )


def _checked(change: Change, policy: Policy, analyses: Sequence[Analysis]) -> Mapping[str, frozenset[str]]:
    """Say which analyzer has read what; checks of any text read all of it."""
    texts = frozenset(file.path for file in change.patch.files if file.hunks and not _ignored(file, policy.rules))
    count = len(policy.analyzers)
    read = [(analysis.source, analysis.covered) for analysis in analyses[:count]]
    read += [(check.source, texts) for check in analyses[count:]]
    return {source: paths for source, paths in read if source}


def _ignored(file: FilePatch, rules: filtering.Rules) -> bool:
    return any(filtering.matches(file.path, glob) for glob in rules.ignore)


def _static_fate(
    file: FilePatch, covered: frozenset[str], failed: Mapping[str, str], unread: Mapping[str, str]
) -> Fate | None:
    if file.path in failed:
        return Outcome.FAILED, failed[file.path]
    if file.path in covered:
        return None
    if file.path in unread:
        return Outcome.SKIPPED, unread[file.path]
    if file.path.endswith(_PYTHON) and file.status is not Status.DELETED:
        return (
            Outcome.SKIPPED,
            "static rules need the whole file, and the diff alone does not hold it: give --repo DIR",
        )
    name = file.path.rpartition("/")[2]
    kind = f"{name[name.rfind('.') :]} files" if "." in name[1:] else "files without a suffix"
    return Outcome.SKIPPED, f"{_NO_RULES} for {kind}"


def _finished(
    report: Report,
    change: Change,
    policy: Policy,
    findings: Sequence[Finding],
    rejected: Sequence[Rejection],
    trouble: Sequence[tuple[int, str]],
) -> Report:
    """Merge, silence, rank and judge: what every engine ends with."""
    merged = merging.merge(instructing.weighed(findings, policy.path_rules), change.patch, policy.max_comments)
    heard = silencing.silence(merged.findings, policy.memory)
    # Placed once more: what is silent takes no room.
    shown = ranking.place(heard.kept, policy.max_comments) if heard.silenced else merged.findings
    unread = [file.path for file in change.patch.files if file.defect is not None]
    if unread:
        trouble = [
            *trouble,
            (2, f"{len(unread)} of {len(change.patch.files)} files of the diff cannot be read"),
        ]
    verdict = gating.judge(shown, counted(report.files), policy.fail_on, trouble)
    left_out = (*rejected, *merged.rejected, *heard.rejected)
    return replace(report, findings=shown, rejected=left_out, silenced=heard.silenced, verdict=verdict)


def _silenced(analyses: Sequence[Analysis]) -> list[Rejection]:
    return [rejection for analysis in analyses for rejection in analysis.silenced]


def _notes(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    return tuple(note for analysis in analyses for note in analysis.notes)


def _failures(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    reasons = dict.fromkeys(reason for analysis in analyses for _, reason in analysis.failed)
    return tuple(f"static rules did not run on some files: {reason}" for reason in reasons)
