"""Commands and options. Imports nothing heavy: ``--help`` has to be quick."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from reviewbot import __version__
from reviewbot.cli import values
from reviewbot.cli.values import FORMATS

LEVELS = ("never", "low", "medium", "high", "critical")
SCENARIOS = ("completion", "module", "review", "bugfix", "tests")
_EPILOG = """\
exit codes:
  0 pass · 1 gate failed · 2 usage, configuration or unreadable input · 3 forge · 4 model provider ·
  5 budget ended · 6 sandbox · 70 bug in reviewbot · 130 interrupted
"""
_DESCRIPTION = """\
Reviews a change: exact diff, findings with proof, nothing silently dropped.
Without an API key static rules review it; with REVIEWBOT_API_KEY or REVIEWBOT_BASE_URL a model does.
"""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Exits with 2 on a mistake and with 0 after ``--help``, as argparse does."""
    parser = argparse.ArgumentParser(
        prog="reviewbot",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_Formatter,
    )
    parser.add_argument("--version", action="version", version=f"reviewbot {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _review(_command(commands, "review", "review a change, and show or save the report"))
    _plan(_command(commands, "plan", "show what a review would send: files, chunks, tokens, cost. No network, no key"))
    _cover(_command(commands, "cover", "judge the coverage of the changed lines, and nothing else"))
    _config(_command(commands, "config", "show, validate or describe the configuration"))
    _bench(_command(commands, "bench", "measure an endpoint: latency, throughput and cost of five typical requests"))
    _stats(_command(commands, "stats", "show what the requests in a ledger were, cost and took"))
    _post(_command(commands, "post", "publish a saved report; finishes what a crash or an outage cut off"))
    _init(_command(commands, "init", "write a CI file and a starter configuration"))
    _eval(_command(commands, "eval", "measure precision and recall on labelled changes"))
    _demo(_command(commands, "demo", "show the whole job offline, on a throw-away project with scripted answers"))
    _doctor(_command(commands, "doctor", "check key, endpoint, model, forge token, permissions and clone"))
    _worker(_command(commands, "worker", "review what webhooks put on the queue, until told to end"))
    _gateway(_command(commands, "gateway", "serve a team's OpenAI-compatible endpoint: shared keys, cache, budgets"))
    options = parser.parse_args(argv)
    _check(parser, options)
    return options


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        # A fixed width: help is part of the documentation, and compared with it.
        super().__init__(prog, max_help_position=30, width=110)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, summary: str
) -> argparse.ArgumentParser:
    text = summary[0].upper() + summary[1:] + "."
    return commands.add_parser(name, help=summary, description=text, formatter_class=_Formatter, allow_abbrev=False)


def _selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is reviewed")
    group.add_argument("--repo", type=Path, metavar="DIR", help="repository (default: the current folder)")
    group.add_argument(
        "--base", metavar="REF", help="compare from the merge base with REF (default: the default branch)"
    )
    group.add_argument("--head", metavar="REF", help="commit to review (default: the work tree)")
    group.add_argument("--staged", action="store_true", help="review what is staged")
    group.add_argument("--diff", metavar="FILE", help="review a unified diff alone; - reads standard input")


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="configuration file, instead of the project's")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _review(parser: argparse.ArgumentParser) -> None:
    _selection(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--engine", choices=("auto", "static", "llm"), help="who reviews (default: auto)")
    how.add_argument(
        "--import", dest="imports", type=Path, action="append", default=[], metavar="SARIF",
        help="take findings of another tool from its SARIF report (repeatable)",
    )  # fmt: skip
    how.add_argument("--budget", metavar="USD", help="most that this run may cost")
    how.add_argument(
        "--max-comments", type=int, metavar="N",
        help="inline comments at most, most severe first; 0 is no cap (default: 10; high and critical ones always)",
    )  # fmt: skip
    how.add_argument("--fail-on", choices=LEVELS, help="exit with 1 on findings from this severity (default: never)")
    how.add_argument(
        "--verify-suggestions", action="store_true", default=None,
        help="run the tests that a model's suggestions touch, in a sandbox (default: run no code for them)",
    )  # fmt: skip
    gate = parser.add_argument_group("coverage")
    _gate(gate)
    gate.add_argument("--no-coverage", action="store_true", help="judge no coverage, whatever is configured or found")
    gate.add_argument(
        "--tests", choices=("off", "suggest", "commit"),
        help="tests for uncovered lines, proven in a sandbox (default: suggest, where there is a model)",
    )  # fmt: skip
    gate.add_argument("--tests-time", type=float, metavar="SECONDS", help="longest time for all of it (default: 900)")
    out = parser.add_argument_group("output")
    out.add_argument("--format", choices=FORMATS, default="text", help="what goes to standard output (default: text)")
    out.add_argument(
        "--output", dest="outputs", type=values.output, action="append", default=[], metavar="FORMAT=PATH",
        help="write another format to a file (repeatable)",
    )  # fmt: skip
    out.add_argument("--save-report", type=Path, metavar="PATH", help="write the JSON report here too")
    post = parser.add_argument_group("posting")
    post.add_argument(
        "--post", action=argparse.BooleanOptionalAction, default=None,
        help="post to the merge request or pull request (default: where the pipeline has one, and a token)",
    )  # fmt: skip
    post.add_argument(
        "--dry-run", action="store_true", help="post nothing: print what would be posted, as text or with --format json"
    )
    out.add_argument("--quiet", action="store_true", help="no progress and no notes on standard error")
    out.add_argument("--color", choices=("auto", "always", "never"), default="auto", help="colour in text output")
    _common(parser)


def _gate(group: "argparse._ArgumentGroup") -> None:
    group.add_argument(
        "--coverage", type=Path, action="append", default=[], metavar="PATH",
        help="coverage report of the head, in any usual format (repeatable; default: the usual places)",
    )  # fmt: skip
    group.add_argument(
        "--base-coverage", type=Path, action="append", default=[], metavar="PATH",
        help="coverage report of the merge base: tells what was uncovered before (repeatable)",
    )  # fmt: skip
    group.add_argument(
        "--fail-under", metavar="PERCENT", help="exit with 1 if less of the changed lines is covered (default: 80)"
    )


def _cover(parser: argparse.ArgumentParser) -> None:
    _selection(parser)
    _gate(parser.add_argument_group("coverage"))
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text", help="(default: text)")
    _common(parser)


def _plan(parser: argparse.ArgumentParser) -> None:
    _selection(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
    _common(parser)


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("show", "validate", "schema"),
        help="show: every setting in force with its origin · validate: check the files · schema: JSON schema",
    )  # fmt: skip
    parser.add_argument("--repo", type=Path, metavar="DIR", help="repository (default: the current folder)")
    parser.add_argument("--base", metavar="REF", help="in a pipeline, the target whose configuration counts")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of show (default: text)")
    parser.add_argument(
        "--memory", action="store_true",
        help="show: also which findings people have dismissed; asks the forge, in the pipeline of a request",
    )  # fmt: skip
    _common(parser)


def _bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--base-url", metavar="URL", help="OpenAI-compatible endpoint (default: REVIEWBOT_BASE_URL)")
    parser.add_argument("--model", metavar="NAME", help="model to ask (default: the configured one)")
    parser.add_argument("--scenario", choices=(*SCENARIOS, "all"), default="all", help="what to ask (default: all)")
    parser.add_argument(
        "--requests", type=values.count, default=100, metavar="N", help="requests for each scenario (default: 100)"
    )
    parser.add_argument(
        "--connections", type=values.count, default=50, metavar="N", help="requests at once (default: 50)"
    )
    parser.add_argument(
        "--sync-baseline", action="store_true",
        help="also ask with one blocking client, one request at a time, and compare",
    )  # fmt: skip
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
    _common(parser)


def _stats(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ledger", type=Path, metavar="LEDGER", help="file that REVIEWBOT_LEDGER named")
    groupings = ("day", "model", "task", "key", "tenant")
    parser.add_argument("--by", choices=groupings, default="day", help="rows (default: day)")
    parser.add_argument("--since", type=values.day, metavar="DATE", help="leave out what is before this day (UTC)")
    parser.add_argument("--format", choices=("text", "json", "html"), default="text", help="(default: text)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _post(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("report", type=Path, metavar="REPORT.json", help="what 'review --save-report' wrote")
    parser.add_argument("--repo", type=Path, metavar="DIR", help="repository (default: the current folder)")
    parser.add_argument("--dry-run", action="store_true", help="post nothing: print what would be posted")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of --dry-run (default: text)")
    parser.add_argument("--quiet", action="store_true", help="no notes on standard error")
    _common(parser)


def _init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ci", choices=("gitlab", "github"), required=True, help="which CI system")
    parser.add_argument("--repo", type=Path, metavar="DIR", help="repository (default: the current folder)")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _eval(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cases", type=Path, metavar="CASES", help="folder with labelled cases")
    parser.add_argument("--engine", choices=("auto", "static", "llm"), help="who reviews (default: auto)")
    parser.add_argument("--base-url", metavar="URL", help="OpenAI-compatible endpoint (default: REVIEWBOT_BASE_URL)")
    parser.add_argument("--model", metavar="NAME", help="model to ask (default: the configured one)")
    parser.add_argument("--budget", metavar="USD", help="most that this run may cost")
    parser.add_argument("--recorded", type=Path, metavar="FILE", help="take the answers from a recording")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep the answers in a recording")
    parser.add_argument("--templates", type=Path, metavar="DIR", help="run again with these prompts, and compare")
    parser.add_argument("--against", type=Path, metavar="RESULT.json", help="compare with a saved result")
    parser.add_argument("--save", type=Path, metavar="RESULT.json", help="save the result for --against")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with every case")
    parser.add_argument("--all", action="store_true", help="count findings of the summary too, not only inline ones")
    parser.add_argument("--fail-under-f1", type=float, metavar="PERCENT", help="exit with 1 if F1 is lower")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
    parser.add_argument("--quiet", action="store_true", help="no progress and no notes on standard error")
    _common(parser)


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", type=Path, default=Path("reviewbot-demo.html"), metavar="PATH",
        help="where the HTML report goes (default: reviewbot-demo.html)",
    )  # fmt: skip
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the project there, to play with")
    parser.add_argument("--quiet", action="store_true", help="no narration on standard error")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--repo", type=Path, metavar="DIR", help="repository (default: the current folder)")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="(default: text)")
    _common(parser)


def _worker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--slots", type=values.count, default=4, metavar="N", help="reviews at once (default: 4)")
    parser.add_argument(
        "--spare-slots", type=values.count_or_none, default=1, metavar="N",
        help="more of them, for projects of which none is under way: they need not wait for others' (default: 1)",
    )  # fmt: skip
    parser.add_argument(
        "--store", type=Path, metavar="DIR", help="where projects are fetched to (default: under the cache folder)"
    )
    parser.add_argument(
        "--max-store-gb", type=values.amount, default=10.0, metavar="GB",
        help="most that all projects there may take; the longest unused goes first (default: 10)",
    )  # fmt: skip
    parser.add_argument(
        "--job-timeout", type=values.amount, default=1_800.0, metavar="SECONDS",
        help="longest time for one review (default: 1800)",
    )  # fmt: skip
    parser.add_argument(
        "--metrics-port", type=values.port, metavar="PORT", help="serve Prometheus metrics (default: none)"
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dead", action="store_true", help="list the jobs that are not tried again, and end")
    instead.add_argument("--requeue", metavar="ID", help="put a dead job back, or 'all' of them, and end")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _gateway(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help="listen there (default: 127.0.0.1)")
    parser.add_argument("--port", type=values.port, default=8_080, metavar="N", help="and on this port (default: 8080)")
    parser.add_argument(
        "--config", type=Path, metavar="FILE",
        help="tenants, pools, limits and budgets (default: REVIEWBOT_CONFIG); read again when it changes",
    )  # fmt: skip
    parser.add_argument(
        "--hash-token", action="store_true", help="read a token from standard input, print its digest for FILE, and end"
    )
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Refuse combinations that contradict each other."""
    if options.command not in {"review", "plan", "cover"}:
        return
    if options.command == "review" and options.dry_run and options.post:
        parser.error("--dry-run posts nothing: it does not go with --post")
    if options.command == "review" and options.no_coverage and (options.coverage or options.fail_under):
        parser.error("--no-coverage judges none: it does not go with --coverage or --fail-under")
    if options.diff is not None and (options.base or options.head or options.staged):
        parser.error("--diff is the whole change: it does not go with --base, --head or --staged")
    if options.staged and (options.head or options.base):
        parser.error("--staged compares the index with HEAD: it does not go with --base or --head")
