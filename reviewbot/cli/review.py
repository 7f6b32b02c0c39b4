"""``reviewbot review``."""

import argparse
import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reviewbot.cli import inputs, streams
from reviewbot.domain.endpoint import Endpoint
from reviewbot.domain.outcome import Report
from reviewbot.pipeline import Change, Policy, review_statically, review_with_model
from reviewbot.ports import Observer
from reviewbot.settings import environment
from reviewbot.settings.schema import Settings
from reviewbot.steps import prompting
from reviewbot.steps.counting import tokens
from reviewbot.wiring import configuration, engines
from reviewbot.wiring.changes import Opened, opened

_PIPELINE_REPORT = Path("reviewbot-report.json")
_UNHEEDED = ("REVIEWBOT_REQUESTS_PER_MINUTE", "REVIEWBOT_TOKENS_PER_MINUTE", "REVIEWBOT_REDIS_URL")


def review(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Review a change and render the report; gives the exit code."""
    say = streams.Notes(quiet=options.quiet)
    for name in _UNHEEDED:
        if environ.get(name):
            say(f"{name} is not heeded by this version")
    with opened(inputs.selection(options), environ, Path.cwd()) as change:
        settings = configuration.effective(
            inputs.flags(options), environ, trust=change.trust, git=change.git, config=options.config
        ).settings
        report = _reviewed(change, settings, options, environ, say)
    saved = options.save_report or (_PIPELINE_REPORT if environment.in_pipeline(environ) else None)
    if saved is not None:
        streams.write_file(saved, "json", report)
    for name, path in options.outputs:
        streams.write_file(path, name, report)
    streams.write_stdout(options.format, report, options.color, environ)
    return report.verdict.exit_code


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
    with streams.progress(quiet=options.quiet) as observe:
        return asyncio.run(_ask(change, policy, settings, source, engine.endpoint, observe))


async def _ask(
    change: Change,
    policy: Policy,
    settings: Settings,
    source: Opened,
    endpoint: Endpoint,
    observe: Observer,
) -> Report:
    from reviewbot.llm.budget import RunBudget
    from reviewbot.llm.client import Client, Surroundings
    from reviewbot.reviewing import Asking
    from reviewbot.wiring.surroundings import utc_now

    templates = engines.templates(source.trust)
    budget = RunBudget(settings.budget.run_usd)
    world = Surroundings(now=utc_now)
    async with Client(endpoint, engines.client_options(settings), budget, world) as client:
        asking = Asking(
            model=client,
            options=engines.model(settings),
            templates=templates,
            system=prompting.system(templates, settings.instructions),
            count=tokens,
            observe=observe,
        )
        return await review_with_model(change, policy, asking)
