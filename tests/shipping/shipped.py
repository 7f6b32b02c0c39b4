"""Pipeline files as they are shipped, or written by ``init``: read, filled in, and run."""

import json
import re
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gitrepo
import yaml

from reviewbot.wiring.starting import PLACEHOLDER, starters

ROOT = Path(__file__).parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
COMPONENT = ROOT / "templates" / "review" / "template.yml"
_INPUT = re.compile(r"\$\[\[ inputs\.([\w-]+) \]\]")
_STUB = """#!{python}
import json, os, sys
from pathlib import Path
call = {{"argv": sys.argv, "environ": dict(os.environ), "cwd": os.getcwd()}}
call["read"] = {{arg: Path(arg, "marker").read_text() for arg in sys.argv[1:] if Path(arg, "marker").is_file()}}
with open({calls!r}, "a") as file:
    file.write(json.dumps(call) + chr(10))
for option in sys.argv[1:]:
    name, _, path = option.partition("=")
    if name in ("markdown", "annotations"):
        Path(path).write_text(name + " of the review" + chr(10))
print(os.environ.get("STUB_SAYS", ""))
sys.exit(int(os.environ.get("STUB_EXITS", "0")) if Path(sys.argv[0]).name in ("reviewbot", "python") else 0)
"""


def generated(ci: str) -> dict[str, str]:
    """Give the pipeline files that ``init`` writes, by path."""
    return {file.path: file.text for file in starters(ci, PLACEHOLDER) if file.path.endswith(".yml")}


def workflows() -> dict[str, str]:
    """Give every GitHub workflow by path: ours and those that ``init`` writes."""
    own = sorted((ROOT / ".github" / "workflows").iterdir())
    return {f".github/workflows/{path.name}": path.read_text("utf-8") for path in own} | generated("github")


def workflow(text: str) -> dict[str, Any]:
    """Parse a workflow; YAML 1.1 takes its key ``on`` for a truth value."""
    document: dict[Any, Any] = yaml.safe_load(text)
    return {"on" if key is True else key: value for key, value in document.items()}


def steps(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every step with its job's name."""
    for name, job in document["jobs"].items():
        for step in job["steps"]:
            yield name, step


def component(**inputs: object) -> dict[str, Any]:
    """Fill in the component's inputs as GitLab does: text for text, whole values for lists."""
    header, body = COMPONENT.read_text("utf-8").split("\n---\n")
    spec = yaml.safe_load(header)["spec"]["inputs"]
    given = {name: inputs.pop(name.replace("-", "_"), input_.get("default")) for name, input_ in spec.items()}
    assert {} == inputs, "the component has no such input"
    assert None not in given.values(), "an input without a default has to be given"
    document: dict[str, Any] = yaml.safe_load(_INPUT.sub(lambda found: _shown(given[found[1]]), body))
    return document


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


@dataclass(frozen=True, slots=True)
class Call:
    """How a script called a program."""

    argv: tuple[str, ...]
    environ: Mapping[str, str]
    cwd: str
    read: Mapping[str, str]
    """What stood in the file ``marker`` of each folder that was an argument."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A folder of programs that only take note of how they are called."""

    folder: Path

    def add(self, name: str) -> Path:
        """Put a program there."""
        stub = self.folder / name
        stub.parent.mkdir(parents=True, exist_ok=True)
        stub.write_text(_STUB.format(python=sys.executable, calls=str(self.folder / "calls")))
        stub.chmod(stub.stat().st_mode | stat.S_IXUSR)
        return stub

    def calls(self, name: str) -> list[Call]:
        """Give the calls of a program, oldest first."""
        log = self.folder / "calls"
        lines = log.read_text().splitlines() if log.exists() else []
        records = [json.loads(line) for line in lines]
        return [
            Call(tuple(record["argv"][1:]), record["environ"], record["cwd"], record["read"])
            for record in records
            if Path(record["argv"][0]).name == name
        ]

    def run(
        self, shell: Sequence[str], script: str, cwd: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run a script; the programs of this folder come first."""
        known = gitrepo.environment()
        return subprocess.run(
            [*shell, script],
            cwd=cwd,
            env={**known, **environ, "PATH": f"{self.folder}:{known['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
