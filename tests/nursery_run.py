"""What a process of a `nursery.Nursery` does: it becomes what ``python ARGV`` would be."""

import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

import coverage

_BORN = frozenset(os.environ.get("PYTHONPATH", "").split(os.pathsep))  # noqa: TID251 - as the interpreter does


def run(argv: Sequence[str]) -> None:
    """Run a module, or code."""
    path = os.environ.get("PYTHONPATH", "")  # noqa: TID251
    own = path.split(os.pathsep) if path else []
    sys.path[:] = [str(Path.cwd()), *own, *(entry for entry in sys.path if entry not in _BORN)]
    coverage.process_startup(force=True)  # where the variables that it looks for are set
    kind, what, *rest = argv
    if kind == "-c":
        sys.argv[:] = [kind, *rest]
        exec(what, {"__name__": "__main__"})  # noqa: S102 - what `python -c` does
    else:
        sys.argv[:] = [what, *rest]
        runpy.run_module(what, run_name="__main__", alter_sys=True)
