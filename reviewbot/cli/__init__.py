"""The command line: the only place that reads argv and the environment, and that exits."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence

from reviewbot.cli.arguments import parse
from reviewbot.errors import ReviewbotError

Command = Callable[[argparse.Namespace, Mapping[str, str]], int]
_INTERRUPTED = 130
_BUG = 70


def main(argv: Sequence[str] | None = None) -> None:
    """Run reviewbot and exit with its code."""
    sys.exit(run(sys.argv[1:] if argv is None else argv))


def run(argv: Sequence[str]) -> int:
    """Run a command and give its exit code: errors become a sentence on stderr."""
    options = parse(argv)
    # A cancelled CI job gets SIGTERM: end as on Ctrl-C, with the report that there is by then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _dispatch(options.command)(options, dict(os.environ))  # noqa: TID251 - this is the place
    except ReviewbotError as error:
        return _explain(error, error.exit_code, debug=options.debug)
    except KeyboardInterrupt:
        sys.stderr.write("reviewbot: interrupted\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has seen enough; keep Python from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the one place that turns a bug into an exit code
        return _explain(error, _BUG, debug=options.debug)


def _dispatch(command: str) -> Command:
    """Import the command asked for and no other: the rest need not be loaded."""
    if command == "review":
        from reviewbot.cli.review import review

        return review
    if command == "plan":
        from reviewbot.cli.plan import plan

        return plan
    if command == "bench":
        from reviewbot.cli.bench import bench

        return bench
    if command == "stats":
        from reviewbot.cli.stats import stats

        return stats
    from reviewbot.cli.config import config

    return config


def _explain(error: Exception, code: int, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    if code == _BUG:
        advice = "this is a bug in reviewbot: please report it with the output of --debug"
        text = f"{type(error).__name__}: {error}\n{advice}"
    else:
        text = str(error)
    sys.stderr.write(f"reviewbot: {text.encode('utf-8', 'backslashreplace').decode()}\n")
    return code
