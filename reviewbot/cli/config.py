"""``reviewbot config``."""

import argparse
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from reviewbot.cli.streams import write_text
from reviewbot.errors import UsageError
from reviewbot.repository.git import Git, locate
from reviewbot.repository.revisions import Request, resolve
from reviewbot.repository.snapshot import Snapshot
from reviewbot.repository.sources import TargetTrust, Trust, WorkTreeTrust
from reviewbot.settings import environment
from reviewbot.settings.layers import Effective, fields, value_of
from reviewbot.settings.schema import Settings
from reviewbot.wiring import configuration, engines


def config(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Show, validate or describe the configuration; gives the exit code."""
    if options.action == "schema":
        write_text(json.dumps(Settings.model_json_schema(), indent=2) + "\n")
        return 0
    with _trusted(options, environ) as (trust, git):
        effective = configuration.effective({}, environ, trust=trust, git=git, config=options.config)
    if options.action == "validate":
        files = sorted(set(effective.origins.values()) - {"default", "environment"})
        write_text(f"valid: {', '.join(files) if files else 'no file sets anything, the defaults hold'}\n")
        return 0
    write_text(_as_json(effective) if options.format == "json" else _as_text(effective, environ))
    return 0


@contextmanager
def _trusted(options: argparse.Namespace, environ: Mapping[str, str]) -> Iterator[tuple[Trust | None, Git | None]]:
    """Find the side whose configuration counts; outside a repository there is none."""
    try:
        git = locate(options.repo or Path.cwd(), environ)
    except UsageError:
        if options.repo is not None:
            raise
        yield None, None
        return
    if not environment.in_pipeline(environ):
        yield WorkTreeTrust(git), git
        return
    with TemporaryDirectory(prefix="reviewbot-") as folder:
        snapshot = Snapshot(git, Path(folder))
        base = options.base or environment.pipeline_base(environ)
        sides = resolve(git, Request(base=base, head="HEAD"), snapshot)
        yield TargetTrust(git, sides.target, snapshot), git


def _as_text(effective: Effective, environ: Mapping[str, str]) -> str:
    rows = [(key, _shown(value_of(effective.settings, key)), effective.origins[key]) for key, _ in fields(Settings)]
    wide = max(len(key) for key, _, _ in rows)
    mid = max(min(len(value), 40) for _, value, _ in rows)
    lines = [f"{key:<{wide}}  {value:<{mid}}  {origin}" for key, value, origin in rows]
    return "\n".join([*lines, "", _engine(effective, environ)]) + "\n"


def _engine(effective: Effective, environ: Mapping[str, str]) -> str:
    engine = engines.choose(effective.settings, environ)
    if engine.endpoint is None:
        return engine.note or "engine in force: static"
    keys = len(engine.endpoint.keys)
    return f"engine in force: llm at {engine.endpoint.host}, {keys} {'key' if keys == 1 else 'keys'}"


def _as_json(effective: Effective) -> str:
    rows = {
        key: {"value": _plain(value_of(effective.settings, key)), "origin": effective.origins[key]}
        for key, _ in fields(Settings)
    }
    return json.dumps(rows, indent=2) + "\n"


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Decimal) else value


def _shown(value: object) -> str:
    plain = list(value) if isinstance(value, tuple) else _plain(value)
    return "not set" if plain is None else json.dumps(plain, ensure_ascii=False)
