"""``reviewbot cover``."""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reviewbot.cli import inputs, streams
from reviewbot.outputs import gate as output
from reviewbot.wiring import gate
from reviewbot.wiring.changes import opened
from reviewbot.wiring.gate import Rules


def cover(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Judge the coverage of a change, and show the answer; gives the exit code."""
    rules = asked(options, Rules())
    with opened(inputs.selection(options), environ, Path.cwd()) as source:
        answer = gate.judged(source, rules, Path.cwd())
    streams.write_text(output.render(answer, source.change.comparison, options.format))
    return int(answer.blocks)


def asked(options: argparse.Namespace, rules: Rules) -> Rules:
    """Lay the command line over what is configured: whoever runs the gate asks for it."""
    fail_under = rules.gate.fail_under
    if options.fail_under is not None:
        fail_under = gate.percentage(options.fail_under, "--fail-under")
    return replace(
        rules,
        gate=replace(rules.gate, fail_under=fail_under, asked=True),
        reports=tuple(map(str, options.coverage)) or rules.reports,
        base_reports=tuple(map(str, options.base_coverage)) or rules.base_reports,
    )
