"""One review, put together: what the commands that make one hand on to each other."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

from reviewbot.cli import streams
from reviewbot.cli.hosting import Host
from reviewbot.pipeline import Policy
from reviewbot.settings.pipelines import Pipeline
from reviewbot.settings.schema import Settings
from reviewbot.wiring.changes import Opened, Selection
from reviewbot.wiring.engines import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One review, put together."""

    options: argparse.Namespace
    environ: Mapping[str, str]
    say: streams.Notes
    host: Host | None
    """The request that the job runs for; None elsewhere, or where nothing is to be posted."""
    pipeline: Pipeline | None
    """The same as the job's variables tell it, whether anything is to be posted or not."""
    selection: Selection
    source: Opened
    settings: Settings
    engine: Engine
    policy: Policy
