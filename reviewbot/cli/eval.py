"""``reviewbot eval``."""

import argparse
import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from reviewbot.cli import streams
from reviewbot.domain.evaluation import Assessment, CaseResult, Comparison, Evaluation, Run
from reviewbot.errors import UsageError
from reviewbot.outputs import evaluation as output
from reviewbot.ports import Observer
from reviewbot.settings import environment
from reviewbot.settings.schema import Settings
from reviewbot.steps import gating, scoring
from reviewbot.wiring import configuration, engines, policies
from reviewbot.wiring.engines import Engine
from reviewbot.wiring.evaluating import cases, recordings, results
from reviewbot.wiring.evaluating.running import Job, evaluate

_SEED = 1
"""Of the resamples: the same results give the same intervals."""
_BELOW = 1
"""Exit code of an F1 under the floor."""


def eval(options: argparse.Namespace, environ: Mapping[str, str]) -> int:  # noqa: A001 - the command's name
    """Review labelled cases and say how well that went; gives the exit code."""
    _check(options)
    earlier = None if options.against is None else results.read(options.against)
    kept: list[recordings.Entry] = []
    with streams.progress(quiet=options.quiet) as observe:
        job = _job(options, environ, observe, kept.append)
        try:
            finished = asyncio.run(evaluate(job, [None, options.templates] if options.templates else [None]))
        finally:
            # What was paid for is kept, however the run ends.
            _record(options.record, kept, job)
    return _shown(options, _assessed(job, finished, earlier))


def _job(
    options: argparse.Namespace,
    environ: Mapping[str, str],
    observe: Observer,
    keep: Callable[[recordings.Entry], None],
) -> Job:
    if options.base_url is not None:
        environ = {**environ, "REVIEWBOT_BASE_URL": options.base_url}
    settings = _settings(options, environ)
    recording = None if options.recorded is None else recordings.read(options.recorded)
    engine = engines.choose(settings, environ) if recording is None else Engine(name="llm", endpoint=None)
    if engine.name == "static" and (options.record or options.templates):
        why = engine.note or "--engine static"
        message = f"--record and --templates are about a model's answers, and no model is asked: {why}"
        raise UsageError(message)
    if engine.note is not None:
        streams.Notes(quiet=options.quiet)(engine.note)
    return Job(
        cases=cases.read(options.cases),
        # Findings are what is measured here: they fail no gate.
        policy=replace(policies.policy(settings, engine.name, ()), fail_on=None),
        settings=settings,
        engine=engine,
        recording=recording,
        stores=environment.stores(environ),
        everything=options.all,
        observe=observe,
        keep=keep,
    )


def _check(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other."""
    if options.recorded is not None and (options.record or options.base_url or options.model):
        message = "--recorded gives answers that are there already: it does not go with --record, --base-url or --model"
        raise UsageError(message)
    if options.recorded is not None and options.engine == "static":
        message = "--recorded gives a model's answers: it does not go with --engine static"
        raise UsageError(message)
    if options.against is not None and options.templates is not None:
        message = "--against and --templates each give a second run to compare with: choose one"
        raise UsageError(message)


def _settings(options: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    # Whatever a file says of the engine: it is chosen here.
    given = {"engine": options.engine or "auto", "model.name": options.model, "budget.run_usd": options.budget}
    flags = {name: value for name, value in given.items() if value is not None}
    return configuration.effective(flags, environ, trust=None, git=None, config=options.config).settings


def _record(path: Path | None, kept: Sequence[recordings.Entry], job: Job) -> None:
    if path is None or not kept:
        return
    model = engines.model(job.settings).name
    host = "" if job.engine.endpoint is None else f" at {job.engine.endpoint.host}"
    note = f"recorded {datetime.now(UTC):%Y-%m-%d} from {model}{host}"
    head = recordings.Head(scripted=False, model=model, note=note)
    streams.write_to(path, recordings.render(head, kept))


def _assessed(
    job: Job,
    finished: Sequence[tuple[Run, tuple[CaseResult, ...]]],
    earlier: tuple[Run, tuple[CaseResult, ...]] | None,
) -> Assessment:
    """Evaluate the last run, and compare it with the one before, if there is one."""
    run, found = finished[-1]
    before = finished[0] if len(finished) > 1 else earlier
    evaluation = scoring.evaluation(run, found, _chance())
    return Assessment(evaluation=evaluation, comparison=_compared(before, evaluation), cases=job.cases)


def _compared(before: tuple[Run, tuple[CaseResult, ...]] | None, after: Evaluation) -> Comparison | None:
    if before is None:
        return None
    comparison = scoring.comparison(*before, after.results, _chance())
    if not comparison.shared:
        message = "the two runs have no case in common in the same version: there is nothing to compare"
        raise UsageError(message)
    return comparison


def _chance() -> scoring.Pick:
    return random.Random(_SEED).randrange  # noqa: S311 - resamples for intervals, no secrets


def _shown(options: argparse.Namespace, assessment: Assessment) -> int:
    """Write the files, then the result; gives the exit code."""
    for path, form in ((options.save, "json"), (options.html, "html")):
        if path is not None:
            streams.write_to(path, output.render(assessment, form))
    streams.write_text(output.render(assessment, options.format))
    evaluation = assessment.evaluation
    codes = [result.exit_code for result in evaluation.results if result.failure is not None]
    f1 = evaluation.total.f1
    if options.fail_under_f1 is not None and (f1 is None or f1 * 100 < options.fail_under_f1):
        codes.append(_BELOW)
    return gating.heaviest(codes)
