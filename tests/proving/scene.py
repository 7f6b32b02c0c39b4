"""A small shop with changed lines that no test runs, and what it takes to prove tests of them."""

import ast
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import gitrepo
from _pytest.config import default_plugins
from nursery import Nursery

from reviewbot import templating
from reviewbot.domain.candidate import Gap
from reviewbot.domain.coverage import CoverageStatus, PatchCoverage, PatchFileCoverage
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import Usage
from reviewbot.proving import Drafting, Tree, Workbench
from reviewbot.steps import gapping
from reviewbot.steps.counting import tokens

_SECRETS = itertools.count(1)
_KILLED_S = 10.0


@dataclass(frozen=True, slots=True)
class PlainSandbox:
    """No isolation at all, but for time and the environment: for tests whose code we have written ourselves."""

    @property
    def isolation(self) -> Isolation:
        return Isolation(name="none", strong=False, loopback=True, detail="a plain process")

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process in a session of its own, and end the session when its time is up."""
        started = time.monotonic()
        run = _run_forked if job.argv[0] == sys.executable else _run_anew
        with tempfile.TemporaryDirectory() as home:
            code, stdout, stderr = run(replace(job, environ={**job.environ, "HOME": home, "TMPDIR": home}))
        return SandboxResult(
            exit_code=code,
            stdout=stdout[: job.output_bytes],
            stderr=stderr[: job.output_bytes],
            timed_out=code is None,
            wall_s=time.monotonic() - started,
        )


@cache
def _nursery(seed: str) -> Nursery:
    """Start an interpreter with what a run of pytest imports; its hashes are chosen, and those of its forks."""
    modules = ("pytest", *(f"_pytest.{name}" for name in default_plugins), "pdb", "coverage")
    return Nursery(modules, {"PATH": os.defpath, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"})


def _run_forked(job: SandboxJob) -> tuple[int | None, bytes, bytes]:
    process = _nursery(job.environ["PYTHONHASHSEED"]).start(job.argv[1:], job.folder, job.environ)
    ended = process.ended(job.timeout_s)
    if ended is not None:
        return ended
    process.kill()
    _, stdout, stderr = process.ended(_KILLED_S) or (None, b"", b"")
    return None, stdout, stderr


def _run_anew(job: SandboxJob) -> tuple[int | None, bytes, bytes]:
    """Run another Python than ours."""
    process = subprocess.run(
        job.argv,
        cwd=job.folder,
        env=dict(job.environ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=job.timeout_s,
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


@dataclass(slots=True)
class ScriptedModel:
    """A `reviewbot.ports.Model` that answers by a script, and keeps what it was asked."""

    script: Callable[[Prompt], str | Completion | Exception]
    asked: list[Prompt] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    fit: list[bool] = field(default_factory=list)
    """Of each answer, whether it may be kept for the next run."""

    async def complete(
        self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
    ) -> Completion:
        """Answer at once."""
        del options
        self.asked.append(prompt)
        answer = self.script(prompt)
        if isinstance(answer, Exception):
            raise answer
        made = answer if isinstance(answer, Completion) else Completion(text=answer, finish_reason="stop", model="m")
        if check is not None:
            self.fit.append(check(made))
        return made

    @property
    def users(self) -> list[str]:
        """The user messages so far."""
        return [prompt.messages[1].content for prompt in self.asked]


def drafting(model: ScriptedModel, seen: list[Progress] | None = None, **more: int | str) -> Drafting:
    """Say how the scripted model is asked."""
    options = ModelOptions(name="scripted")
    heard = [] if seen is None else seen
    made = Drafting(
        model=model,
        options=options,
        verify=options,
        templates=templating.environment(),
        count=tokens,
        observe=heard.append,
    )
    return replace(made, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A repository with a base and a head, each laid out in a folder of its own."""

    head: Tree
    base: Tree
    scratch: Path

    def bench(self, **more: object) -> Workbench:
        """Say how its tests are run."""
        made = Workbench(
            sandbox=PlainSandbox(),
            python=sys.executable,
            head=self.head,
            base=self.base,
            scratch=self.scratch,
            environ={"PATH": os.defpath, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            clock=time.monotonic,
            secret=lambda: f"{next(_SECRETS):032x}",
        )
        return replace(made, **more)  # type: ignore[arg-type]

    def gaps(
        self, missing: Mapping[str, Sequence[str]], partial: Mapping[str, Sequence[int]] | None = None
    ) -> tuple[Gap, ...]:
        """Give gaps: by path, the functions of which no line is covered; ``partial`` names lines."""
        texts = {path: (self.head.folder / path).read_text() for path in {*missing, *(partial or {})}}
        files = tuple(
            PatchFileCoverage(
                path=path,
                covered=(),
                missing=lines_of(text, missing.get(path, ())),
                partial=tuple((partial or {}).get(path, ())),
                by_statement=True,
            )
            for path, text in sorted(texts.items())
        )
        return gapping.gaps(coverage(*files), texts)


def coverage(*files: PatchFileCoverage) -> PatchCoverage:
    """Make a gate's answer of files."""
    return PatchCoverage(status=CoverageStatus.FAILED, patch_percent=None, project_percent=None, files=files)


def lines_of(text: str, functions: Sequence[str]) -> tuple[int, ...]:
    """Give the first lines of all statements in the bodies of functions and methods."""
    found = [
        inner.lineno
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.name in functions
        for statement in node.body
        for inner in ast.walk(statement)
        if isinstance(inner, ast.stmt) and not _is_docstring(inner)
    ]
    return tuple(sorted(set(found)))


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def project(folder: Path, base: Mapping[str, str], head: Mapping[str, str]) -> Project:
    """Commit a base and a head on top of it, and lay out both."""
    repo = gitrepo.init(folder / "repo")
    first = repo.commit(base)
    second = repo.commit(head)
    scratch = folder / "scratch"
    scratch.mkdir()
    return Project(head=_tree(repo, second, folder / "head"), base=_tree(repo, first, folder / "base"), scratch=scratch)


def _tree(repo: gitrepo.Repo, commit: str, folder: Path) -> Tree:
    repo.clone(folder)
    gitrepo.Repo(folder, repo.environ).git("checkout", "--quiet", commit)
    names = gitrepo.Repo(folder, repo.environ).git("ls-files").split("\n")
    shutil.rmtree(folder / ".git")
    return Tree(folder=folder, names=tuple(names))
