"""``reviewbot bench``."""

import argparse
import asyncio
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TextIO

from reviewbot.bench import baseline, rendering
from reviewbot.bench.measuring import Bench, Heard, measure
from reviewbot.bench.rows import Measured
from reviewbot.bench.scenarios import SCENARIOS, Scenario
from reviewbot.cli import streams
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.view import plural
from reviewbot.errors import BudgetExceeded, ProviderError, UsageError
from reviewbot.settings import environment
from reviewbot.wiring import configuration, engines
from reviewbot.wiring.clients import ClientPlan, open_client
from reviewbot.wiring.plans import client_plan
from reviewbot.wiring.surroundings import real_world

_SYNC_REQUESTS = 10


def bench(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Measure an endpoint; gives the exit code."""
    if options.base_url is not None:
        environ = {**environ, "REVIEWBOT_BASE_URL": options.base_url}
    # Whatever a file says of the engine: what is measured is a model.
    flags = {"engine": "auto"} | ({} if options.model is None else {"model.name": options.model})
    settings = configuration.effective(flags, environ, trust=None, git=None, config=options.config).settings
    engine = engines.choose(settings, environ)
    if engine.endpoint is None:
        message = "there is nothing to measure: give --base-url URL, or set REVIEWBOT_BASE_URL or REVIEWBOT_API_KEY"
        raise UsageError(message)
    scenarios = [each for each in SCENARIOS if options.scenario in {each.name, "all"}]
    plan = _plan(client_plan(engine, settings, environment.stores(environ), real_world()), options.connections)
    model = engines.model(settings)
    return _told(asyncio.run(_measured(scenarios, options, plan, model)), options.format, _heading(options, plan))


async def _measured(
    scenarios: Sequence[Scenario], options: argparse.Namespace, plan: ClientPlan, model: ModelOptions
) -> list[Measured]:
    heard, meter, run = Heard(), Meter(sys.stderr), uuid.uuid4().hex[:8]

    async def sync(scenario: Scenario) -> float | None:
        if not options.sync_baseline:
            return None
        count = min(options.requests, _SYNC_REQUESTS)
        prompts = [scenario.prompt(f"blocking {number} of {run}") for number in range(count)]
        parameters = replace(model, max_tokens=scenario.max_tokens)
        # In a thread, so that Ctrl-C is heard.
        return await asyncio.to_thread(
            baseline.answers_per_minute, plan.endpoint, prompts, parameters, time.perf_counter
        )

    async with open_client(plan, real_world(), heard) as client:
        bench = Bench(
            client=client,
            heard=heard,
            model=model,
            requests=options.requests,
            connections=options.connections,
            run=run,
            clock=time.perf_counter,
            sync=sync,
            progress=meter,
        )
        try:
            return [await measure(bench, scenario) for scenario in scenarios]
        finally:
            meter.clear()


def _plan(plan: ClientPlan, connections: int) -> ClientPlan:
    """Measure this endpoint and nothing else: what a review would send with, without cache and fallbacks."""
    return replace(plan, options=replace(plan.options, concurrency=connections), cached=False, fallbacks=())


class Meter:
    """One line on a terminal that tells how far the benchmark is; nothing elsewhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._shown = stream.isatty()

    def __call__(self, scenario: str, progress: Progress) -> None:
        """Show how far a scenario is."""
        if self._shown:
            failed = f", {progress.failed:,} failed" if progress.failed else ""
            self._write(f"{scenario}: {progress.done:,} of {progress.total:,}{failed}")

    def clear(self) -> None:
        """Leave no trace of it."""
        if self._shown:
            self._write("")

    def _write(self, text: str) -> None:
        self._stream.write(f"\r\x1b[K{text}")
        self._stream.flush()


def _heading(options: argparse.Namespace, plan: ClientPlan) -> str:
    what = f"{plural(options.requests, 'request')} a scenario over {plural(options.connections, 'connection')}"
    return f"{plan.model} at {plan.endpoint.host} · {what}"


def _told(rows: Sequence[Measured], form: str, heading: str) -> int:
    """Print the table, and give the exit code: a failed request is a figure, only a scenario without answers fails."""
    streams.write_text(rendering.as_json(rows) if form == "json" else rendering.as_text(rows, heading))
    if any("budget" in row.errors for row in rows):
        return BudgetExceeded.exit_code
    return ProviderError.exit_code if any(not row.ok for row in rows) else 0
