"""``reviewbot config``."""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

from pydantic import BaseModel

from reviewbot.cli import recalling
from reviewbot.cli.recalling import Known
from reviewbot.cli.streams import write_text
from reviewbot.domain.view import label, plural, shown
from reviewbot.errors import UsageError
from reviewbot.repository.git import Git, locate
from reviewbot.repository.sources import Trust
from reviewbot.settings import environment
from reviewbot.settings.layers import Effective, keys, value_of
from reviewbot.settings.schema import Settings
from reviewbot.wiring import changes, configuration, engines, operator, pools

_NO_FILE = re.compile(r"default|environment|provider chosen by \w+|pool .*")
"""Origins of settings that are no files."""


def config(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Show, validate or describe the configuration; gives the exit code."""
    if options.action == "schema":
        write_text(json.dumps(Settings.model_json_schema(), indent=2) + "\n")
        return 0
    with _trusted(options, environ) as (trust, git):
        effective = configuration.effective({}, environ, trust=trust, git=git, config=options.config)
    if options.action == "validate":
        files = sorted(origin for origin in set(effective.origins.values()) if not _NO_FILE.fullmatch(origin))
        write_text(f"valid: {', '.join(files) if files else 'no file sets anything, the defaults hold'}\n")
        return 0
    known = recalling.known(environ, effective.settings) if options.memory else None
    as_json = options.format == "json"
    write_text(_as_json(effective, environ, known) if as_json else _as_text(effective, environ, known))
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
    with changes.trusted(git, options.base, environ) as trust:
        yield trust, git


def _as_text(effective: Effective, environ: Mapping[str, str], known: Known | None) -> str:
    rows = [(key, _spelt(value_of(effective.settings, key)), effective.origins[key]) for key in keys(Settings)]
    wide = max(len(key) for key, _, _ in rows)
    mid = max(min(len(value), 40) for _, value, _ in rows)
    lines = [f"{key:<{wide}}  {value:<{mid}}  {origin}" for key, value, origin in rows]
    told = [] if known is None else ["", *_told(known)]
    return "\n".join([*lines, "", _engine(effective, environ), *told]) + "\n"


def _told(known: Known) -> Iterator[str]:
    """Say what is silenced, by whom, and since when."""
    yield f"dismissed findings: {len(known.dismissals):,}, kept in {known.place}"
    for one in known.dismissals:
        yield label(f"{one.day}  {one.by} in {known.sign}{one.request}  {shown(one.title)} ({shown(one.path)})")


def _engine(effective: Effective, environ: Mapping[str, str]) -> str:
    try:
        engine = engines.choose(effective.settings, environ)
    except UsageError as error:
        return f"engine in force: none, a review would end with: {error}"
    if engine.endpoint is None:
        return engine.note or "engine in force: static"
    keys = plural(len(engine.endpoint.keys), "key")
    pool = "".join(f", {reason}" for _, reason in _pool(environ))
    return f"engine in force: llm at {engine.endpoint.host}, {keys}{pool}"


def _pool(environ: Mapping[str, str]) -> Iterator[tuple[str | None, str]]:
    """Give the pool whose keys are used, and why it is that one; nothing where there are no pools."""
    there = operator.read(environ).pools
    chosen = pools.choose(there, environ)
    if chosen is not None:
        yield chosen.pool.name, chosen.origin
    elif there:
        found = environment.project(environ)
        whom = f"none takes {' '.join(found)}" if found else "neither REVIEWBOT_POOL nor a pipeline asks for one"
        yield None, f"no pool ({whom})"


def _as_json(effective: Effective, environ: Mapping[str, str], known: Known | None) -> str:
    settings = {
        key: {"value": _plain(value_of(effective.settings, key)), "origin": effective.origins[key]}
        for key in keys(Settings)
    }
    rows = [("pool", {"value": name, "origin": reason}) for name, reason in _pool(environ)]
    told: dict[str, object] = {}
    if known is not None:
        told["dismissed"] = {"kept_in": known.place, "findings": [asdict(one) for one in known.dismissals]}
    return json.dumps(settings | dict(rows) | told, indent=2) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_none=True)
    return str(value) if isinstance(value, Decimal) else value


def _spelt(value: object) -> str:
    plain = _plain(value)
    return "not set" if plain is None else json.dumps(plain, ensure_ascii=False)
