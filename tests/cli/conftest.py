"""The command line as a stranger uses it: in this process, and in one of its own."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitrepo
import jsonschema
import pytest

from reviewbot.cli import run

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "tests" / "data" / "report.schema.json").read_text("utf-8"))


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Standard output as an object."""
        value: dict[str, Any] = json.loads(self.out)
        return value

    @property
    def report(self) -> dict[str, Any]:
        """Standard output as a report that keeps the contract."""
        return checked(self.json)


def checked(report: dict[str, Any]) -> dict[str, Any]:
    """Hold a report against the contract, and its counts against each other."""
    jsonschema.validate(report, SCHEMA, jsonschema.Draft202012Validator)
    lines = report["lines"]
    changed = sum(len(file["added"]) + len(file["removed"]) for file in report["files"])
    assert changed == lines["changed"] == lines["reviewed"] + lines["skipped"] + lines["failed"]
    assert report["verdict"]["passed"] is (report["verdict"]["exit_code"] == 0)
    return report


Reviewbot = Callable[..., Ran]


@pytest.fixture
def repo(tmp_path: Path) -> gitrepo.Repo:
    """Make main, and a branch that is checked out with a change that ruff has something to say about."""
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({"app.py": "import os\n\n\ndef cwd() -> str:\n    return os.getcwd()\n"}, "first")
    repo.branch("topic")
    repo.commit({"app.py": "import os\n\n\ndef cwd() -> str:\n    return undefined_name\n"}, "second")
    return repo


@pytest.fixture
def reviewbot(
    repo: gitrepo.Repo, monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> Iterator[Reviewbot]:
    """Run a command in this process, in the repository, under an environment without surprises."""
    handler = signal.getsignal(signal.SIGTERM)

    def reviewbot(*arguments: str, cwd: Path | None = None, stdin: bytes = b"", **environ: str) -> Ran:
        monkeypatch.chdir(cwd or repo.path)
        monkeypatch.setattr(os, "environ", {**repo.environ, **environ})
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            code = run(arguments)
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        out, err = capsysbinary.readouterr()
        return Ran(code, out.decode(), err.decode())

    yield reviewbot
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def process(repo: gitrepo.Repo) -> Reviewbot:
    """Run a command in a process of its own."""

    def process(*arguments: str, cwd: Path | None = None, stdin: bytes = b"", **environ: str) -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "reviewbot", *arguments],
            cwd=cwd or repo.path,
            env={**repo.environ, "PYTHONPATH": str(ROOT), **environ},
            input=stdin,
            capture_output=True,
            check=False,
            timeout=60,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    return process
