"""``reviewbot doctor``: what a review needs, looked at before one is paid for."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

from reviewbot.cli import streams
from reviewbot.domain.checkup import Check, Health
from reviewbot.errors import UsageError
from reviewbot.outputs import checkup as rendering
from reviewbot.repository.git import locate
from reviewbot.settings import pipelines
from reviewbot.settings.schema import Settings
from reviewbot.steps import gating
from reviewbot.wiring import configuration
from reviewbot.wiring.changes import Selection, trusted
from reviewbot.wiring.checkup import clone, forge, model, stores


def doctor(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Check everything, print it, and give the exit code of the weightiest failure."""
    checks: list[Check] = []
    try:
        settings = _settings(options, environ)
        checks.append(Check(name="configuration", health=Health.GOOD, finding="valid"))
    except UsageError as error:
        settings = Settings()
        checks.append(_bad("configuration", error))
    try:
        pipeline = pipelines.detect(environ)
    except UsageError as error:
        pipeline = None
        checks.append(_bad("pipeline", error))
    checks += clone.check(Selection(repo=options.repo), environ, pipeline)
    checks += model.check(settings, environ)
    checks += stores.check(settings, environ)
    checks += forge.check(pipeline, time.sleep)  # noqa: TID251 - the command line is the world
    streams.write_text(rendering.as_json(checks) if options.format == "json" else rendering.as_text(checks))
    return gating.heaviest(check.exit_code for check in checks if check.health is Health.BAD)


def _settings(options: argparse.Namespace, environ: Mapping[str, str]) -> Settings:
    git = locate(options.repo or Path.cwd(), environ)
    with trusted(git, None, environ) as trust:
        return configuration.effective({}, environ, trust=trust, git=git, config=options.config).settings


def _bad(name: str, error: UsageError) -> Check:
    return Check(name=name, health=Health.BAD, finding=str(error), exit_code=error.exit_code)
