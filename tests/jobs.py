"""CI jobs as tests run them: ``python -m reviewbot`` in a process of its own, before a model that knows its answers.

The model finds what is marked: an added line with ``wrong NAME`` is a finding "Wrong NAME here", whatever else
the change holds. So a test knows what a review has to find, and what it had to ask for.
"""

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import gitrepo
from fakes.model_server import Answer, Asked, findings
from nursery import Nursery

ROOT = Path(__file__).parents[1]
HURRIED = ROOT / "tests" / "posting" / "hurried"
KEY = "made-up-" + "model-key"
_BORN = {"PYTHONPATH": os.pathsep.join(map(str, (HURRIED, ROOT))), "PYTHONWARNINGS": "error"}
_IMPORTED = (
    "reviewbot.cli.review", "reviewbot.cli.doctor", "reviewbot.analyzers.ruff",
    "reviewbot.llm.client", "reviewbot.llm.providers", "reviewbot.forges.github", "reviewbot.forges.gitlab",
    "gitlab.v4.objects", "httpx", "httpcore", "anyio._backends._asyncio",
)  # fmt: skip
"""What most jobs import; what a list lacks takes a job a moment longer, and nothing else."""
_MARKED = re.compile(r"wrong (\w+)")
_TITLE = re.compile(r"Wrong (\w+) here")
_HEADING = re.compile(r"@@ -(\d+),\d+ \+(\d+),\d+ @@")
_RENAMED = re.compile(r" \((?:added|deleted|renamed from .*)\)$")


@dataclass(frozen=True, slots=True)
class Ran:
    """What a job left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the command prints
        """Standard output as a value."""
        return json.loads(self.out)

    @property
    def names(self) -> list[str]:
        """What the report on standard output, as JSON, says is wrong."""
        return sorted(_TITLE.findall("\n".join(finding["title"] for finding in self.json["findings"])))


@cache
def _nursery(**hurry: str) -> Nursery:
    return Nursery(_IMPORTED, gitrepo.environment(**_BORN, **hurry))


class Job:
    """A started job, with everything that it starts."""

    def __init__(self, argv: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> None:
        nursery = _nursery(**{name: value for name, value in environ.items() if name == "HURRIED_TIMEOUTS"})
        surroundings = gitrepo.environment(**_BORN, **environ)
        self._process = nursery.start(("-m", "reviewbot", *argv), folder, surroundings)

    def kill(self) -> None:
        """Kill the whole group, as a runner does that is out of patience."""
        self._process.kill()

    def ran(self) -> Ran:
        """Wait for its end."""
        ended = self._process.ended(timeout_s=120)
        if ended is None:
            self.kill()
        assert ended is not None, "the job does not end"
        code, out, err = ended
        return Ran(code, out.decode(), err.decode())


def run(argv: tuple[str, ...], folder: Path, environ: Mapping[str, str]) -> Ran:
    """Run a command to its end."""
    return Job(argv, folder, environ).ran()


@dataclass(frozen=True, slots=True)
class Row:
    """A line that a model was shown."""

    path: str
    kind: str
    old: int
    new: int
    text: str


def rows(asked: Asked) -> Iterator[Row]:
    """Read the diff in a request."""
    path, old, new = "", 0, 0
    for line in asked.user.split("\n"):
        heading = _HEADING.match(line)
        if line.startswith("### "):
            path = _RENAMED.sub("", line.removeprefix("### "))
        elif heading:
            old, new = int(heading[1]), int(heading[2])
        elif line[:1] in {" ", "+", "-"} and path:
            yield Row(path, line[0], old, new, line[1:])
            old, new = old + (line[0] != "+"), new + (line[0] != "-")


def hunks(asked: Asked) -> Iterator[tuple[str, str]]:
    """Give the hunks in a request: path, and all lines with their signs."""
    path = ""
    for part in re.split(r"^(?=### |@@ )", asked.user, flags=re.MULTILINE):
        if part.startswith("### "):
            path = _RENAMED.sub("", part.removeprefix("### ").rstrip("\n"))
        elif part.startswith("@@ "):
            body = part.partition("\n")[2].partition("\n</diff")[0].rstrip("\n")
            yield path, body


def attentive(**more: object) -> Callable[[Asked], Answer]:
    """Make a model that reports every marked line that was added; ``more`` goes into each finding."""

    def script(asked: Asked) -> Answer:
        found = [(row, name) for row in rows(asked) if row.kind == "+" for name in _MARKED.findall(row.text)]
        return findings(*(claim(row, name) | more for row, name in found))

    return script


def claim(row: Row, name: str) -> dict[str, object]:
    """Write a finding as a model does."""
    return {
        "path": row.path,
        "line": row.new,
        "quote": row.text,
        "severity": "high",
        "category": "bug",
        "title": f"Wrong {name} here",
        "body": f"It goes wrong with {name}.",
        "suggestion": None,
    }


def silent(_: Asked) -> Answer:
    """Answer that nothing is wrong."""
    return findings()


def named(body: str) -> list[str]:
    """Give the names that a text of the bot's speaks of."""
    return _TITLE.findall(body)


def numbered(count: int, /, **changed: str) -> str:
    """Write a file of numbered lines; ``l7="..."`` replaces the seventh, and an empty text removes it."""
    lines = {number: f"line {number}" for number in range(1, count + 1)}
    lines |= {int(name.removeprefix("l")): text for name, text in changed.items()}
    return "".join(f"{text}\n" for text in lines.values() if text)
