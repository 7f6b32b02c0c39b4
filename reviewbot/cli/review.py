"""``reviewbot review``."""

import argparse
import asyncio
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reviewbot.cli import delivering, hosting, inputs, recalling, streams
from reviewbot.cli.hosting import Host
from reviewbot.cli.review_run import Run
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.outcome import Report
from reviewbot.domain.uptake import CommentTold
from reviewbot.errors import Superseded, UsageError
from reviewbot.pipeline import leave_alone, review_statically
from reviewbot.settings import environment, pipelines
from reviewbot.steps import carrying, exempting, gating
from reviewbot.steps.answering import Conversation
from reviewbot.wiring import (
    configuration,
    engines,
    following,
    gate,
    gate_rules,
    policies,
    publishing,
    replies,
    synopses,
    taking,
)
from reviewbot.wiring.changes import opened
from reviewbot.wiring.following import Record
from reviewbot.wiring.forges import Attended
from reviewbot.wiring.memory import Recalled
from reviewbot.wiring.publishing import Board, Desk
from reviewbot.wiring.surroundings import real_world
from reviewbot.wiring.synopses import Telling

if TYPE_CHECKING:
    from reviewbot.wiring.generating import Generating


def review(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Review a change, render the report and post it where there is a request; gives the exit code."""
    say = streams.Notes(quiet=options.quiet)
    with ExitStack() as stack:
        try:
            host = _host(options, environ, stack, say)
        except Superseded as error:
            say(str(error))
            return 0
        run = _opened(options, environ, host, stack, say)
        exempt = _exempt(run)
        if exempt is not None:
            say(f"not reviewed: {exempt}")
            return delivering.deliver(run, leave_alone(run.source.change, run.engine.name, exempt), None, Recalled())
        coverage = _judged(run)  # first: a report that cannot be read is told before a model is paid for
        desk = _desk(run)
        board = publishing.standing(desk)
        recalled = _recalled(run, desk, board)
        run = replace(run, policy=replace(run.policy, memory=recalled.memory))
        report = _reviewed(run, desk, board, coverage)
        if coverage is not None:
            verdict = gating.with_coverage(report.verdict, coverage)
            report = replace(report, coverage=coverage, verdict=gating.with_tests(verdict, report.tests))
        return delivering.deliver(run, report, desk, recalled)


def _host(options: argparse.Namespace, environ: Mapping[str, str], stack: ExitStack, say: streams.Notes) -> Host | None:
    """Find the request to post to, unless nothing is to be posted."""
    own_change = options.diff is not None or options.staged
    host = None if options.post is False or own_change else hosting.host(environ, stack, say)
    if options.post and host is None:
        message = (
            "--post goes with the change of a pipeline, not with --diff or --staged"
            if own_change
            else "--post needs the pipeline of a merge request or pull request: its variables are not set here"
        )
        raise UsageError(message)
    return host


def _opened(
    options: argparse.Namespace, environ: Mapping[str, str], host: Host | None, stack: ExitStack, say: streams.Notes
) -> Run:
    selection = hosting.selected(inputs.selection(options), host)
    source = stack.enter_context(opened(selection, environ, Path.cwd()))
    settings = configuration.effective(
        inputs.flags(options), environ, trust=source.trust, git=source.git, config=options.config
    ).settings
    engine = engines.choose(settings, environ)
    policy = policies.policy(settings, engine.name, options.imports)
    return Run(
        options=options, environ=environ, say=say, host=host, selection=selection, source=source, settings=settings,
        engine=engine, policy=policy, pipeline=pipelines.detect(environ) if host is None else host.pipeline,
    )  # fmt: skip


def _exempt(run: Run) -> str | None:
    """Say why the request is left alone, or None."""
    request = None if run.host is None else run.host.request
    rules = run.settings.requests
    if request is None:
        return None
    exemptions = exempting.Exemptions(
        drafts=rules.skip_drafts, bots=rules.skip_bots, authors=rules.skip_authors, labels=rules.skip_labels
    )
    return exempting.reason(request, exemptions)


def _judged(run: Run) -> PatchCoverage | None:
    """Judge the coverage of the change; None where no gate was asked for and there is no report."""
    options, host = run.options, run.host
    if options.no_coverage:
        return None
    rules = gate_rules.rules(
        run.settings.coverage,
        reports=options.coverage,
        base_reports=options.base_coverage,
        fail_under=options.fail_under,
        untrusted=host is not None and bool(host.pipeline.from_fork),
    )
    if not rules.gate.asked and not gate.reports(run.source, rules, Path.cwd()):
        return None
    return gate.judged(run.source, rules, Path.cwd())


def _desk(run: Run) -> Desk | None:
    """Prepare posting. None where there is nothing to post to."""
    attended = None if run.host is None else run.host.attended
    return None if attended is None else _desk_at(run, attended)


def _desk_at(run: Run, attended: Attended) -> Desk:
    return Desk(
        forge=attended.forge,
        request=attended.request,
        signer=publishing.mark_signer(run.environ, run.engine.endpoint),
        templates=policies.templates(run.source.trust),
        recipe=publishing.recipe(run.settings, run.policy, run.engine.name, run.source.trust),
        heard=following.teller(_record(run), attended.request),
        remembers=run.settings.memory.keep != "off",
    )


def _recalled(run: Run, desk: Desk | None, board: Board | None) -> Recalled:
    patch = run.source.change.patch
    if run.options.post is False and run.options.diff is None and not run.options.staged:
        return recalling.peek(run.pipeline, partial(_desk_at, run), patch, run.settings, run.say)
    return recalling.recall(desk, board, patch, run.settings, run.say)


def _reviewed(run: Run, desk: Desk | None, board: Board | None, coverage: PatchCoverage | None) -> Report:
    engine, change = run.engine, run.source.change
    followed = _followed(run, desk, board)
    if engine.note is not None:
        change = replace(change, notes=(*change.notes, engine.note))
    if engine.endpoint is None:
        report = review_statically(change, run.policy)
        if coverage is None:
            return report
        from reviewbot.wiring import generating  # with all that proves tests, where there is coverage to judge

        if not generating.wanted(coverage, run.settings.tests.mode):
            return report
        return replace(report, tests=generating.told(run.source, coverage, generating.NO_MODEL))
    previous = (
        None
        if desk is None or board is None
        else publishing.previous(desk, board, run.selection, run.policy, run.environ)
    )
    if previous is not None:
        known = carrying.known_lines(change.patch, previous)
        run.say(f"{known:,} changed lines were reviewed at {previous.head_sha[:7]} and are as they were")
    run.say(f"asking {engines.model(run.settings).name} at {engine.endpoint.host}")
    from reviewbot.wiring.asking import Job, ask  # httpx is loaded where it is needed

    job = Job(
        change=change,
        policy=run.policy,
        settings=run.settings,
        engine=engine,
        stores=environment.stores(run.environ),
        trust=run.source.trust,
        previous=previous,
        conversations=_conversations(run, desk, board),
        followed=followed,
        telling=_telling(run, desk, board),
        generating=_generating(run, coverage),
        rehearse=taking.rehearsal(run.source, run.settings, run.environ, run.say, from_fork=_is_foreign(run)),
        say=run.say,
    )
    with streams.progress(quiet=run.options.quiet) as observe:
        return asyncio.run(ask(job, observe))


def _conversations(run: Run, desk: Desk | None, board: Board | None) -> tuple[Conversation, ...]:
    """Give the threads that wait for an answer, where this run can post one itself."""
    pipeline = run.pipeline
    # On GitHub a fork's token reads and cannot post; on GitLab a fork's pipeline has none, unless a member runs it.
    reads_only = pipeline is not None and pipeline.forge == "github" and pipeline.from_fork and not pipeline.trusted
    return () if desk is None or board is None or reads_only else replies.waiting(desk, board, run.settings)


def _telling(run: Run, desk: Desk | None, board: Board | None) -> Telling:
    request = None if run.host is None else run.host.request
    last = None if board is None else board.summary
    recipe = "" if desk is None else desk.recipe
    return synopses.telling(request, last, recipe, in_pipeline=run.pipeline is not None)


def _followed(run: Run, desk: Desk | None, board: Board | None) -> tuple[CommentTold, ...]:
    """Record what became of the comments of earlier runs; a dry run leaves no trace."""
    if desk is None or board is None or run.options.dry_run:
        return ()
    return following.follow(_record(run), desk.request, board, run.source.change, run.selection, run.environ)


def _record(run: Run) -> Record:
    return Record(stores=environment.stores(run.environ), settings=run.settings)


def _generating(run: Run, coverage: PatchCoverage | None) -> "Generating | None":
    if coverage is None:
        return None
    from reviewbot.wiring import generating

    if not generating.wanted(coverage, run.settings.tests.mode):
        return None
    return generating.Generating(
        source=run.source,
        coverage=coverage,
        settings=run.settings,
        environ=run.environ,
        world=real_world(),
        from_fork=_is_foreign(run),
        say=run.say,
    )


def _is_foreign(run: Run) -> bool:
    """Tell whether the change is, or may be, a stranger's: then nothing of it is run."""
    return run.pipeline is not None and run.pipeline.from_fork is not False
