"""Options → what is reviewed and the layer of settings that flags give."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from reviewbot.errors import UsageError
from reviewbot.wiring.changes import Selection

_FLAGS = {
    "engine": "engine",
    "fail_on": "fail_on",
    "max_comments": "max_comments",
    "budget": "budget.run_usd",
    "tests": "tests.mode",
    "tests_time": "tests.time_s",
    "verify_suggestions": "review.verify_suggestions",
}


def selection(options: argparse.Namespace) -> Selection:
    """Read what is to be reviewed. Raises UsageError for a diff that cannot be read."""
    diff, name = None, ""
    if options.diff == "-" and sys.stdin is None:
        message = "--diff - reads standard input, and that is closed"
        raise UsageError(message)
    if options.diff == "-":
        diff, name = sys.stdin.buffer.read(), "standard input"
    elif options.diff is not None:
        name = Path(options.diff).name
        try:
            diff = Path(options.diff).read_bytes()
        except OSError as error:
            message = f"--diff {options.diff} cannot be read: {error.strerror or error}"
            raise UsageError(message) from error
    return Selection(
        repo=options.repo,
        base=options.base,
        head=options.head,
        staged=options.staged,
        diff=diff,
        diff_name=name,
    )


def flags(options: argparse.Namespace) -> Mapping[str, object]:
    """Give the settings that were given as flags, by dotted key."""
    given = {key: getattr(options, name, None) for name, key in _FLAGS.items()}
    return {key: value for key, value in given.items() if value is not None}
