"""``reviewbot cover``."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reviewbot.cli import inputs, streams
from reviewbot.outputs import gate as output
from reviewbot.wiring import configuration, gate, gate_rules
from reviewbot.wiring.changes import opened


def cover(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Judge the coverage of a change, and show the answer; gives the exit code."""
    with opened(inputs.selection(options), environ, Path.cwd()) as source:
        effective = configuration.effective({}, environ, trust=source.trust, git=source.git, config=options.config)
        rules = gate_rules.rules(
            effective.settings.coverage,
            reports=options.coverage,
            base_reports=options.base_coverage,
            fail_under=options.fail_under,
        )
        # Whoever runs the gate alone asks for it.
        answer = gate.judged(source, replace(rules, gate=replace(rules.gate, asked=True)), Path.cwd())
    streams.write_text(output.render(answer, source.change.comparison, options.format))
    return int(answer.blocks)
