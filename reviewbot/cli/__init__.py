"""The command line: the only place that reads argv and the environment, and that exits."""

import argparse
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import FrameType

from reviewbot.cli.arguments import parse
from reviewbot.errors import ReviewbotError

Command = Callable[[argparse.Namespace, Mapping[str, str]], int]
_INTERRUPTED = 130
_BUG = 70
_COLLECTED_AFTER = 10_000
"""New objects, in place of 700."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run reviewbot and exit with its code."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")  # help too, whatever the locale says
    code = run(sys.argv[1:] if argv is None else argv)
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # closed by who started us
                stream.flush()
    except OSError:
        sys.exit(code)
    # Nothing is left to be done: to take apart what was imported takes a tenth of a small review, for nobody.
    os._exit(code)


def run(argv: Sequence[str]) -> int:
    """Run a command and give its exit code: errors become a sentence on stderr."""
    options = parse(argv)
    # Else the imports of a command are interrupted again and again, to look for garbage among what they brought.
    gc.set_threshold(_COLLECTED_AFTER)
    _listen()
    try:
        return _dispatch(options.command)(options, dict(os.environ))  # noqa: TID251 - this is the place
    except ReviewbotError as error:
        return _explain(error, error.exit_code, debug=options.debug)
    except KeyboardInterrupt:
        from reviewbot.cli.streams import tell

        tell("interrupted")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the one place that turns a bug into an exit code
        return _explain(error, _BUG, debug=options.debug)


def _listen() -> None:
    """Hear SIGTERM, and Ctrl-C also where whoever started us ignores it, as a shell does for what ends in ``&``.

    asyncio puts its handler in the place of Python's own and of no other: neither signal would find it otherwise.
    """
    signal.signal(signal.SIGTERM, _terminated)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _terminated(number: int, frame: FrameType | None) -> None:
    """End a cancelled CI job as on Ctrl-C, with the report that there is by then.

    While a model is asked, asyncio's own handler stands for Ctrl-C: it cancels, and loses no answers.
    """
    handler = signal.getsignal(signal.SIGINT)
    (handler if callable(handler) else signal.default_int_handler)(number, frame)


def _dispatch(command: str) -> Command:
    """Import the command asked for and no other: the rest need not be loaded."""
    found: Command = getattr(import_module(f"reviewbot.cli.{command}"), command)
    return found


def _explain(error: Exception, code: int, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error)
    if code == _BUG:
        advice = "this is a bug in reviewbot: please report it with the output of --debug"
        text = f"{type(error).__name__}: {error}\n{advice}"
    else:
        text = str(error)
    from reviewbot.cli.streams import tell

    tell(text)
    return code
