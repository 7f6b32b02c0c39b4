"""Runs jobs at one level of isolation: starts a keeper for each, listens to it, and keeps watch."""

import errno
import json
import os
import selectors
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Final

import reviewbot
from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.errors import SandboxError
from reviewbot.sandbox import viewing
from reviewbot.sandbox.interpreting import of_prefix
from reviewbot.sandbox.orders import BUBBLEWRAP, LANDLOCK, Limits, Order, dumps
from reviewbot.sandbox.scratch import give, scratch
from reviewbot.sandbox.watching import TIME, Watch

_START: Final = """
import importlib, sys
sys.path.append(sys.argv[1])
importlib.import_module("reviewbot.sandbox." + sys.argv[2]).main()
"""
_TICK_S: Final = 0.05
_GRACE_S: Final = 20.0
_CHUNK_BYTES: Final = 65536
_OPEN_FILES: Final = 1024
_SPARE_S: Final = 5
"""A process may compute for a little longer than the clock runs, so that it is the clock that ends it."""


def launcher(start: str = _START) -> tuple[str, ...]:
    """Give the command that runs a module of this package in a bare Python; the module's name comes next.

    ``-I -S``: no variable, no user's folder, no ``.pth`` file and no working directory has a say in what is imported.
    """
    return (os.path.realpath(sys.executable), "-I", "-S", "-c", start, str(_package().parent))


def own_code() -> tuple[str, ...]:
    """Give what the last steps inside bubblewrap need to see: the language, and the modules that take them."""
    prefixes = (Path(sys.base_prefix), Path(sys.base_exec_prefix), Path(sys.executable).resolve().parent.parent)
    language = (part for prefix in prefixes for part in of_prefix(prefix))
    return (str(_package() / "__init__.py"), str(_package() / "sandbox"), *language)


def _package() -> Path:
    return Path(reviewbot.__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class LeveledSandbox:
    """A `reviewbot.ports.Sandbox` of one level; safe to use from several threads."""

    level: str
    isolation: Isolation
    clock: Callable[[], float]
    """Seconds that only grow."""
    program: str = ""
    """Path of ``bwrap``, where the level needs it."""
    uid: int | None = None
    """The ordinary user that root becomes."""
    unshare_user: bool = True
    launcher: tuple[str, ...] = field(default_factory=launcher)
    seen: tuple[str, ...] = field(default_factory=own_code)
    """What a job can read inside bubblewrap besides the system and what it asks for."""

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a process tree to its end; nothing of it survives. Raises SandboxError where it cannot be started."""
        with scratch() as place:
            order = self._order(job, place)
            for folder in _made(place):
                self._hand_over(folder)
            self._hand_over(Path(job.folder))
            return _Run(job, order, Watch(job, (Path(job.folder), place), self.clock)).result()

    def _hand_over(self, folder: Path) -> None:
        if self.uid is not None:
            give(folder, self.uid)

    def _order(self, job: SandboxJob, place: Path) -> Order:
        if not job.argv or not all(map(os.path.isabs, (job.argv[0], job.folder))):
            message = f"a sandboxed program and its folder are named by absolute paths: {job.argv[:1]}, {job.folder}"
            raise SandboxError(message)
        home, temporary = str(place / "home"), str(place / "tmp")
        seen = self.seen if self.level == BUBBLEWRAP else ()
        environ = {**job.environ, "HOME": home, "TMPDIR": temporary}
        return Order(
            level=self.level,
            argv=job.argv,
            environ=tuple(environ.items()),
            folder=job.folder,
            root=str(place / "root"),
            binds=viewing.binds(self.level, (*seen, *job.readable), (job.folder, home, temporary), place),
            links=viewing.links(),
            limits=_limits(job, self.uid),
            launcher=self.launcher,
            program=self.program,
            uid=self.uid,
            unshare_user=self.unshare_user or self.level == LANDLOCK,
        )


def _made(place: Path) -> tuple[Path, ...]:
    folders = tuple(place / name for name in ("home", "tmp", "shm", "root"))
    for folder in folders:
        folder.mkdir(mode=0o711)  # passable: below /tmp inside can lie what our own program needs
    return folders


def _limits(job: SandboxJob, uid: int | None) -> Limits:
    """Give the limits of single processes.

    That of processes counts all of a user: where it is our own user, those that run already are added.
    """
    others = 0 if uid is not None else _tasks_of(os.geteuid())
    return Limits(
        memory_bytes=job.memory_bytes,
        file_bytes=job.written_bytes,
        files=_OPEN_FILES,
        cpu_s=int(job.timeout_s) + _SPARE_S,
        processes=job.processes + others,
    )


def _tasks_of(uid: int) -> int:
    """Count the threads of a user, as the kernel does for RLIMIT_NPROC."""
    total = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid == uid:
                total += sum(1 for _ in (process / "task").iterdir())
    return total


class _Run:
    """One run: a keeper, and what has come from it so far."""

    def __init__(self, job: SandboxJob, order: Order, watch: Watch) -> None:
        self._job = job
        self._uid = order.uid
        self._watch = watch
        report, told = os.pipe()
        self._report: IO[bytes] = os.fdopen(report, "rb", buffering=0)
        try:
            self._keeper = subprocess.Popen(
                [*order.launcher, "keeping", dumps(order), str(told)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[told],
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self._report.close()
            message = f"the sandbox's own program cannot be started: {error}"
            raise SandboxError(message) from error
        finally:
            os.close(told)

    def result(self) -> SandboxResult:
        """Listen until everything has ended. Raises SandboxError."""
        with selectors.DefaultSelector() as selector:
            report, stdout, stderr = (self._heard(selector, stream) for stream in self._streams())
            try:
                exceeded = self._listen(selector)
            finally:
                self._end()
        result = SandboxResult(
            exit_code=None,
            stdout=bytes(stdout),
            stderr=bytes(stderr),
            timed_out=exceeded == TIME,
            wall_s=self._watch.wall_s,
            exceeded=exceeded,
        )
        return self._judged(report, result)

    def _streams(self) -> Iterator[IO[bytes]]:
        yield self._report
        for stream in (self._keeper.stdout, self._keeper.stderr):
            if stream is not None:
                yield stream

    @staticmethod
    def _heard(selector: selectors.BaseSelector, stream: IO[bytes]) -> bytearray:
        text = bytearray()
        selector.register(stream, selectors.EVENT_READ, text)
        return text

    def _listen(self, selector: selectors.BaseSelector) -> str:
        """Read all streams to their ends, and give the limit for which the job had to be ended."""
        exceeded = ""
        while selector.get_map() and self._watch.wall_s < self._job.timeout_s + _GRACE_S:
            for key, _ in selector.select(_TICK_S):
                piece = os.read(key.fd, _CHUNK_BYTES)
                if not piece:
                    selector.unregister(key.fileobj)
                key.data.extend(piece[: max(0, self._job.output_bytes - len(key.data))])
            if not exceeded and (exceeded := self._watch.exceeded(self._keeper.pid)):
                self._stop()
        return exceeded

    def _stop(self) -> None:
        if self._keeper.stdin is not None:
            self._keeper.stdin.close()

    def _end(self) -> None:
        """Let the keeper end everything, also where we are interrupted; then let go of it."""
        self._stop()
        try:
            self._keeper.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._keeper.kill()
            self._keeper.wait()
        for stream in self._streams():
            stream.close()

    def _judged(self, said: bytearray, result: SandboxResult) -> SandboxResult:
        try:
            answer = json.loads(said)
        except ValueError as error:
            raise SandboxError(_broken(result.stderr, "its keeper ended without a word")) from error
        if not answer["gone"]:
            message = "some processes of a generated test could not be ended: end them, and look at what they did"
            raise SandboxError(message)
        if not answer["started"] and not result.exceeded:
            raise SandboxError(_broken(result.stderr, answer["fault"]) + self._hint(answer["fault"]))
        return replace(result, exit_code=None if result.exceeded else answer["code"])

    def _hint(self, fault: str) -> str:
        denied = self._uid is not None and os.strerror(errno.EACCES) in fault
        return " (root gives it to an ordinary user, who cannot reach it there: move it)" if denied else ""


def _broken(stderr: bytes, fault: str) -> str:
    said = fault or stderr.decode("utf-8", "replace").strip()[-500:]
    return f"the sandbox could not start its program: {said or 'no reason was given'}"
