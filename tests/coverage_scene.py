"""Real repositories with real reports: coverage.py measures in a process of its own, and the gate looks at both."""

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gitrepo
import pytest
from nursery import Nursery

from reviewbot.cli import cover as command

_IGNORED = ".coverage*\n*.xml\n*.info\ncoverage.json\n__pycache__/\n"
# Whoever measures these tests must not measure the processes in them, too.
_FOREIGN = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
_LONGEST_S = 60.0


@cache
def _nursery() -> Nursery:
    return Nursery(
        ("coverage.cmdline", "coverage.xmlreport", "coverage.jsonreport", "coverage.lcovreport"), gitrepo.environment()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gate said."""

    code: int
    out: str

    @property
    def json(self) -> dict[str, Any]:
        """The answer as an object."""
        value: dict[str, Any] = json.loads(self.out)
        return value

    @property
    def status(self) -> str:
        """The gate's word."""
        return str(self.json["status"])

    @property
    def reasons(self) -> str:
        """All reasons in one text."""
        return "\n".join(self.json["reasons"])

    @property
    def lines(self) -> dict[str, tuple[list[int], list[int]]]:
        """Covered and missing lines of the product, by path."""
        files = [file for file in self.json["files"] if not file["test"]]
        return {file["path"]: (file["covered"], file["missing"]) for file in files}


@dataclass(frozen=True, slots=True)
class Scene:
    """A repository whose branch ``topic`` is judged against ``main``."""

    repo: gitrepo.Repo
    capture: pytest.CaptureFixture[bytes]

    def change(self, before: Mapping[str, str | bytes], after: Mapping[str, str | bytes]) -> None:
        """Commit one state on main and another on topic."""
        self.repo.commit({".gitignore": _IGNORED, **before}, "before")
        self.repo.branch("topic")
        self.repo.commit(after, "after")

    def measure(
        self, *options: str, test: str = "test_it", kind: str = "xml", cwd: str = ".", to: str | None = None
    ) -> Path:
        """Run a module under coverage.py; gives its report."""
        folder = self.repo.path / cwd
        names = {"xml": "coverage.xml", "json": "coverage.json", "lcov": "lcov.info", "data": ".coverage"}
        path = folder / (to or names[kind])
        self._coverage(folder, "run", *options, "-m", test)
        if kind != "data":
            self._coverage(folder, kind, "-q", "--fail-under=0", "-o", str(path))
        return path

    def _coverage(self, folder: Path, *arguments: str) -> None:
        environ = {name: value for name, value in self.repo.environ.items() if name not in _FOREIGN}
        ended = _nursery().start(("-m", "coverage", *arguments), folder, environ).ended(_LONGEST_S)
        assert ended is not None, "the measurement does not end"
        code, out, err = ended
        assert code == 0, (err + out).decode()

    def cover(self, *reports: Path | str, **options: object) -> Answer:
        """Judge ``main → topic``, as JSON unless told otherwise."""
        given = {
            "repo": self.repo.path, "base": "main", "head": "topic", "staged": False, "diff": None,
            "coverage": list(map(Path, reports)), "base_coverage": [], "fail_under": None, "format": "json",
            "config": None, "debug": False,
        }  # fmt: skip
        code = command.cover(argparse.Namespace(**{**given, **options}), dict(self.repo.environ))
        out, _ = self.capture.readouterr()
        return Answer(code=code, out=out.decode())
