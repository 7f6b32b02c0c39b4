"""What a process of a `nursery.Nursery` does: it becomes what ``python ARGV`` would be."""

import os
import runpy
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import coverage

_BORN = frozenset(os.environ.get("PYTHONPATH", "").split(os.pathsep))  # noqa: TID251 - as the interpreter does
_INSTALLED = frozenset(
    row.strip() for file in Path(sysconfig.get_path("purelib")).glob("*.pth") for row in file.read_text().splitlines()
)
"""Among them trees that are installed to be edited: an interpreter without that variable finds them all the same."""


def run(argv: Sequence[str]) -> None:
    """Run a module, or code."""
    path = os.environ.get("PYTHONPATH", "")  # noqa: TID251
    own = path.split(os.pathsep) if path else []
    usual = [entry for entry in sys.path if entry not in _BORN]
    sys.path[:] = [str(Path.cwd()), *own, *usual, *(entry for entry in sys.path if entry in _BORN & _INSTALLED)]
    coverage.process_startup(force=True)  # where the variables that it looks for are set
    kind, what, *rest = argv
    if kind == "-c":
        sys.argv[:] = [kind, *rest]
        exec(what, {"__name__": "__main__"})  # noqa: S102 - what `python -c` does
    else:
        sys.argv[:] = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
