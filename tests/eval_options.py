"""The options of ``reviewbot eval``, as its command line reads them."""

import argparse

from reviewbot.cli import arguments


def parse(*given: str) -> argparse.Namespace:
    """Read a command line."""
    return arguments.parse(["eval", *given])
