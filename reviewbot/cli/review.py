"""``reviewbot review``."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reviewbot.cli import inputs, streams
from reviewbot.domain.outcome import Report
from reviewbot.errors import UsageError
from reviewbot.pipeline import review_statically
from reviewbot.settings import environment
from reviewbot.settings.schema import Settings
from reviewbot.wiring import configuration, engines
from reviewbot.wiring.changes import Opened, opened

_PIPELINE_REPORT = Path("reviewbot-report.json")


def review(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Review a change and render the report; gives the exit code."""
    say = streams.Notes(quiet=options.quiet)
    with opened(inputs.selection(options), environ, Path.cwd()) as change:
        settings = configuration.effective(
            inputs.flags(options), environ, trust=change.trust, git=change.git, config=options.config
        ).settings
        report = _reviewed(change, settings, options, environ, say)
    saved = options.save_report or (_PIPELINE_REPORT if environment.in_pipeline(environ) else None)
    targets = [("json", saved)] if saved is not None else []
    faults = [fault for name, path in [*targets, *options.outputs] if (fault := _written(name, path, report))]
    streams.write_stdout(options.format, report, options.color, environ)
    if faults:
        # Told last, so that one bad path loses nothing of the result.
        raise UsageError("\n".join(faults))
    return report.verdict.exit_code


def _written(name: str, path: Path, report: Report) -> str | None:
    try:
        streams.write_file(path, name, report)
    except UsageError as error:
        return str(error)
    return None


def _reviewed(
    source: Opened,
    settings: Settings,
    options: argparse.Namespace,
    environ: Mapping[str, str],
    say: streams.Notes,
) -> Report:
    engine = engines.choose(settings, environ)
    policy = engines.policy(settings, engine.name, options.imports)
    change = source.change
    if engine.note is not None:
        change = replace(change, notes=(*change.notes, engine.note))
    if engine.endpoint is None:
        return review_statically(change, policy)
    say(f"asking {engines.model(settings).name} at {engine.endpoint.host}")
    from reviewbot.wiring.asking import Job, ask  # httpx is loaded where it is needed

    job = Job(
        change=change,
        policy=policy,
        settings=settings,
        engine=engine,
        stores=environment.stores(environ),
        trust=source.trust,
        say=say,
    )
    with streams.progress(quiet=options.quiet) as observe:
        return asyncio.run(ask(job, observe))
