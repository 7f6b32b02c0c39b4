"""A plugin of pytest that runs inside the sandbox, in the project's own Python: orders, measures and reports.

Its text is put beside the copied project with its orders behind it; nothing of reviewbot is imported there, and it
keeps to what Python 3.8 knows. What it reports carries a secret that it took from the orders before any other code
ran, and that is in no file, argument or variable of the environment when tests run.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

_WARNINGS = ("no-data-collected", "module-not-measured", "module-not-imported", "module-not-python", "couldnt-parse")
_MOST_FAILURES = 300
_LONGEST_TEXT = 2000
_OWN_ASSERTIONS = ("AssertionError", "assert ", "Failed: DID NOT")


class Probe:
    """Watches one session, and reports at its end."""

    def __init__(self, orders: dict[str, Any], write: Callable[[bytes], object]) -> None:
        self._orders = orders
        self._write = write
        self._here = Path.cwd()
        self._collected = 0
        self._passed: set[str] = set()
        self._skipped: set[str] = set()
        self._failures: dict[str, dict[str, object]] = {}
        self._errors: dict[str, dict[str, object]] = {}
        self._coverage: Any = None

    def measure(self) -> None:
        """Begin to measure the files that the orders name: before pytest imports anything of the project."""
        if self._orders["measured"]:
            import coverage

            files = [str(self._here / name) for name in self._orders["measured"]]
            self._coverage = coverage.Coverage(data_file=None, branch=True, include=files, config_file=False)
            # Under `-W error` a note that a file was never imported would be the end of the run.
            self._coverage.set_option("run:disable_warnings", list(_WARNINGS))
            self._coverage.start()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note what cannot be collected."""
        if report.failed:
            self._errors[report.nodeid] = _told(report.nodeid, report, own=False)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Put the tests in order, after every other plugin has."""
        items = session.items
        if self._orders["seed"]:
            random.Random(self._orders["seed"]).shuffle(items)  # noqa: S311 - an order that can be repeated
        first, last = set(self._orders["first"]), set(self._orders["last"])
        items.sort(key=lambda item: (_file(item.nodeid) in last) - (_file(item.nodeid) in first))
        self._collected = len(items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note how a phase of a test ended."""
        if report.failed:
            own = report.when == "call" and _own(report, self._here)
            self._failures.setdefault(report.nodeid, _told(report.nodeid, report, own=own))
        elif report.skipped or hasattr(report, "wasxfail"):
            self._skipped.add(report.nodeid)
        elif report.when == "call":
            self._passed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Report: on the descriptor that was standard output before pytest began to capture it."""
        said = {
            "collected": self._collected,
            "passed": len(self._passed - self._failures.keys() - self._skipped),
            "skipped": len(self._skipped),
            "failures": list(self._failures.values())[:_MOST_FAILURES],
            "errors": list(self._errors.values())[:_MOST_FAILURES],
            "measured": self._measured(),
        }
        self._write(f"\n{self._orders['secret']} {json.dumps(said)}\n".encode())

    def _measured(self) -> dict[str, object]:
        if self._coverage is None:
            return {}
        self._coverage.stop()
        return self._found() if self._coverage.get_data().measured_files() else {}

    def _found(self) -> dict[str, object]:
        path = Path(self._orders["place"], "coverage.json")
        self._coverage.json_report(outfile=str(path))
        found = json.loads(path.read_text())["files"]
        return {
            name.replace(os.sep, "/"): {
                "lines": entry["executed_lines"],
                "taken": entry["executed_branches"],
                "untaken": entry["missing_branches"],
            }
            for name, entry in found.items()
        }


def _told(name: str, report: pytest.CollectReport | pytest.TestReport, *, own: bool) -> dict[str, object]:
    text = report.longreprtext
    crash = getattr(report.longrepr, "reprcrash", None)
    message = crash.message if crash is not None else text.strip().rpartition("\n")[2]
    return {"id": name, "own": own, "message": message[:_LONGEST_TEXT], "text": text[-_LONGEST_TEXT:]}


def _own(report: pytest.TestReport, here: Path) -> bool:
    """Tell whether a test failed by an assertion that stands in its own file."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is None or not str(crash.message).startswith(_OWN_ASSERTIONS):
        return False
    return Path(crash.path).resolve() == (here / _file(report.nodeid)).resolve()


def _file(name: str) -> str:
    return name.partition("::")[0]


def begin(orders: dict[str, Any]) -> Probe:
    """Make the probe of a process that has just begun."""
    output = os.dup(1)
    probe = Probe(orders, lambda data: os.write(output, data))
    probe.measure()
    return probe
