"""``reviewbot plan``."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from reviewbot.cli import inputs, streams
from reviewbot.llm import calibration
from reviewbot.llm.prices import Prices
from reviewbot.outputs import plan as output
from reviewbot.planning import Rates
from reviewbot.planning import plan as make_plan
from reviewbot.settings import environment
from reviewbot.steps import prompting
from reviewbot.steps.counting import tokens
from reviewbot.wiring import configuration, engines, operator, policies
from reviewbot.wiring.changes import opened
from reviewbot.wiring.instructions import gathered
from reviewbot.wiring.surroundings import utc_now


def plan(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Show what a review would send; gives the exit code."""
    with opened(inputs.selection(options), environ, Path.cwd()) as source:
        settings = configuration.effective(
            {}, environ, trust=source.trust, git=source.git, config=options.config
        ).settings
        system = prompting.system(policies.templates(source.trust), gathered(settings, source.trust))
        policy = policies.policy(settings, "llm", ())
        model = engines.model(settings)
        ratio = calibration.load(environment.cache_folder(environ), model.name)
        prices, now = Prices.load(operator.read(environ).prices), utc_now()
        rates = Rates(review=prices.at(model.name, now), verify=prices.at(engines.verifier(settings).name, now))
        planned = make_plan(source.change, policy, model, system, lambda text: ratio.first(tokens(text)), rates)
    streams.write_text(output.as_json(planned) if options.format == "json" else output.as_text(planned))
    return planned.exit_code
