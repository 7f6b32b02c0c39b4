"""Copies of a project, and processes of pytest in them; everything that touches a disk or a sandbox stands here."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final

from reviewbot.domain.isolation import SandboxJob, SandboxResult
from reviewbot.domain.trial import PythonEnvironment, Ran, Trial
from reviewbot.errors import SandboxError
from reviewbot.ports import Sandbox
from reviewbot.proving.copies import PLACE, clear, differing, put, stamps, write
from reviewbot.sandbox.copying import copy_tree, read_back
from reviewbot.sandbox.scratch import remove
from reviewbot.steps.attesting import attested

_PROBE: Final = "reviewbot_probe"
_INQUIRY: Final = Path(__file__).with_name("inquiry.py")
_SAID: Final = 1_500
_LONGEST_FILE: Final = 200_000
_FORMAT_S: Final = 30.0
_OUTPUT_BYTES: Final = 8_000_000
"""Of one process: the report of a large suite is behind all that the suite prints."""
_CACHES: Final = frozenset({".hypothesis", ".pytest_cache", "__pycache__"})
"""Folders that tools of tests write to for themselves: what is in them is thrown away, and held against nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Files of a project at one commit, or of its work tree."""

    folder: Path
    names: tuple[str, ...]
    """Those that are copied, relative and POSIX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbench:
    """How a project's tests are run."""

    sandbox: Sandbox
    python: str
    """The project's own; absolute."""
    head: Tree
    base: Tree | None
    scratch: Path
    """Where copies are made: a folder that is thrown away, outside of any project."""
    environ: Mapping[str, str]
    """Of all processes; holds no key."""
    readable: tuple[str, ...] = ()
    """What the project's Python needs to read."""
    options: tuple[str, ...] = ()
    """More options for pytest."""
    workers: int = 2
    """Processes at once."""
    test_s: float = 60.0
    """Longest run of a single test file."""
    clock: Callable[[], float]
    """Seconds that only grow."""
    secret: Callable[[], str]
    """A new secret that nobody can guess; hexadecimal."""


class TimeUp(Exception):  # noqa: N818 - no error: what was to be expected of a bounded run
    """The time for proving is over."""


class Yard:
    """The copies that tests run in: at most one of a kind for each worker, made when it is first needed.

    A process may alter its own copy only. Afterwards what it left is noted, and a copy that is not as it was is
    replaced by a new one. All methods are for several threads.
    """

    def __init__(self, bench: Workbench, deadline_at: float, roots: Sequence[str]) -> None:
        self._bench = bench
        self._deadline_at = deadline_at
        self._roots = tuple(dict.fromkeys(("", *roots)))
        self._free: dict[bool, SimpleQueue[Path]] = {False: SimpleQueue(), True: SimpleQueue()}
        self._walls: list[float] = []
        self._environment = PythonEnvironment(modules=frozenset())

    @property
    def processes(self) -> int:
        """How many were run."""
        return len(self._walls)

    @property
    def processes_s(self) -> float:
        """Their wall time, summed up."""
        return sum(self._walls)

    @property
    def left_s(self) -> float:
        """Time until everything has to be over."""
        return self._deadline_at - self._bench.clock()

    @contextmanager
    def sooner(self, reserve_s: float) -> Iterator[None]:
        """Have everything over sooner for the length of a block: what runs in a thread cannot be called back."""
        self._deadline_at -= reserve_s
        try:
            yield
        finally:
            self._deadline_at += reserve_s

    def inquire(self) -> PythonEnvironment:
        """Ask the project's Python what it has. Raises SandboxError, or TimeUp."""
        place = self._taken(on_base=False)
        # As text: the sandbox shows nothing of reviewbot's own folder to the project's Python.
        result = self._start(place, ("-c", _INQUIRY.read_text("utf-8")), 0, self._bench.test_s)
        self._free[False].put(place)
        try:
            said = json.loads(b"{" + result.stdout.rpartition(b"\n{")[2])
            self._environment = PythonEnvironment(
                modules=frozenset(map(str, said["modules"])),
                missing=tuple(map(str, said["missing"])),
                options=tuple(map(str, said["options"])),
                formats=bool(said["formats"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            message = f"the project's Python, {self._bench.python}, does not work in the sandbox: {_end(result)}"
            raise SandboxError(message) from error
        return self._environment

    def run(self, trial: Trial) -> Ran:
        """Run pytest in a copy. Raises SandboxError, or TimeUp."""
        place = self._taken(on_base=trial.on_base)
        before = put(place, trial.files)
        were = stamps(place)
        secret = self._bench.secret()
        orders = _orders(place, trial, secret)
        probe = write(place, f"{PLACE}/{_PROBE}.py", orders)
        argv = ("-m", "pytest", *self._arguments(trial))
        result = self._start(place, argv, trial.seed, trial.timeout_s or self._bench.test_s)
        left = differing(were, stamps(place))
        loaded = not probe.exists()
        self._put_back(place, before, on_base=trial.on_base, clean=not left)
        return Ran(
            attested=attested(result.stdout, secret) if loaded else None,
            exit_code=result.exit_code,
            timed_out=result.timed_out,
            wall_s=result.wall_s,
            left=tuple(name for name in left if not _CACHES & set(Path(name).parts)),
            said=_end(result),
        )

    def formatted(self, files: Mapping[str, str]) -> Mapping[str, str]:
        """Format new files by the project's own ruff and rules, where it has them."""
        if not self._environment.formats or not files:
            return files
        place = self._taken(on_base=False)
        before = put(place, files)
        self._start(place, ("-m", "ruff", "format", "--no-cache", "--quiet", "--", *files), 0, _FORMAT_S)
        found = {path: read_back(place, path, _LONGEST_FILE) for path in files}
        self._put_back(place, before, on_base=False, clean=True)
        return {path: text.decode("utf-8", "replace") if text else files[path] for path, text in found.items()}

    def _start(self, place: Path, argv: Sequence[str], seed: int, timeout_s: float) -> SandboxResult:
        left_s = self.left_s
        if left_s <= 0:
            raise TimeUp
        path = os.pathsep.join([str(place / PLACE), *(str(place / root) for root in self._roots)])
        result = self._bench.sandbox.run(
            SandboxJob(
                argv=(self._bench.python, *argv),
                folder=str(place),
                environ={
                    **self._bench.environ,
                    "PYTHONHASHSEED": str(seed),
                    "PYTHONDONTWRITEBYTECODE": "1",
                    "PYTHONPATH": path,
                },
                readable=self._bench.readable,
                timeout_s=min(timeout_s, left_s),
                output_bytes=_OUTPUT_BYTES,
            )
        )
        self._walls.append(result.wall_s)
        if result.timed_out and left_s < timeout_s:
            raise TimeUp
        return result

    def _arguments(self, trial: Trial) -> tuple[str, ...]:
        return (
            "-q", "-p", _PROBE, "--rootdir=.", "-o", f"cache_dir={PLACE}/cache", "-p", "no:randomly", "--capture=fd",
            "--tb=short", *self._environment.options, *self._bench.options,
            *(() if trial.select else ("--continue-on-collection-errors",)), *trial.select,
        )  # fmt: skip

    def _taken(self, *, on_base: bool) -> Path:
        try:
            return self._free[on_base].get_nowait()
        except Empty:
            tree = self._bench.base if on_base else self._bench.head
            if tree is None:
                message = "there is no base to run tests on"
                raise SandboxError(message) from None
            place = self._bench.scratch / self._bench.secret()
            place.mkdir()
            copy_tree(tree.folder, place, tree.names)
            return place

    def _put_back(self, place: Path, before: Mapping[str, bytes | None], *, on_base: bool, clean: bool) -> None:
        """Restore a copy, or throw it away where a process has altered it."""
        if not clean:
            remove(place)
            return
        clear(place)
        for name, data in before.items():
            if data is None:
                (place / name).unlink()
            else:
                (place / name).write_bytes(data)
        self._free[on_base].put(place)


def _orders(place: Path, trial: Trial, secret: str) -> str:
    """Write the probe with its orders; it deletes this file as soon as it has read them."""
    said = {
        "secret": secret,
        "measured": trial.measured,
        "seed": trial.seed,
        "first": trial.first,
        "last": trial.last,
        "place": str(place / PLACE),
    }
    code = Path(__file__).with_name("probe.py").read_text("utf-8")
    return (
        f"{code}\n\nos.unlink(__file__)\n\n\n"
        f"def pytest_configure(config, probes=[begin(json.loads({json.dumps(said)!r}))]):\n"
        "    config.pluginmanager.register(probes.pop())\n"
    )


def _end(result: SandboxResult) -> str:
    """Give the end of what a process printed, its secret line aside."""
    text = (result.stdout + b"\n" + result.stderr).decode("utf-8", "replace").strip()
    return text[-_SAID:] or f"it ended without a word, exit code {result.exit_code}"
