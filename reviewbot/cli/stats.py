"""``reviewbot stats``."""

import argparse
from collections.abc import Mapping
from pathlib import Path

from reviewbot.cli import streams
from reviewbot.errors import UsageError
from reviewbot.observers import ledger
from reviewbot.outputs import stats as output
from reviewbot.outputs.stats.figures import Stats, Tally

_HINT = "a ledger is written where REVIEWBOT_LEDGER names its path"


def stats(options: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Show what the requests in a ledger were, cost and took; gives the exit code."""
    tally = Tally(options.by, options.since)
    streams.write_text(output.render(_read(options.ledger, tally), options.format))
    return 0


def _read(path: Path, tally: Tally) -> Stats:
    reading = ledger.read(path)
    count = 0
    try:
        for entry in reading:
            count += 1
            tally.add(entry.at, entry.event)
    except FileNotFoundError as error:
        message = f"there is no ledger {path}: {_HINT}"
        raise UsageError(message) from error
    except OSError as error:
        message = f"the ledger {path} cannot be read: {error.strerror or error}"
        raise UsageError(message) from error
    if not count:
        raise UsageError(_nothing(path, reading))
    return tally.stats(path.name, foreign=reading.foreign, torn=reading.torn)


def _nothing(path: Path, reading: ledger.Reading) -> str:
    if not reading.foreign and not reading.torn:
        return f"the ledger {path} is empty: no request has been made since it was begun"
    lines = reading.foreign + reading.torn
    which = "its only line is no entry" if lines == 1 else f"none of its {lines:,} lines is an entry"
    return f"{path} is no ledger of reviewbot: {which}; {_HINT}"
