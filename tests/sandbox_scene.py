"""A machine with secrets for sandboxed jobs to go after, and a way to run jobs at one level.

The secrets belong to the very user that jobs run as, and lie in files that everybody may read and write: what keeps a
job away from them is the sandbox, and nothing else. Where tests run as root, jobs and secrets belong to the ordinary
user that root becomes.
"""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NoReturn

import coverage
import pytest

from reviewbot.domain.isolation import SandboxJob, SandboxResult
from reviewbot.errors import SandboxError
from reviewbot.sandbox import kernel
from reviewbot.sandbox.choosing import choose, open_level
from reviewbot.sandbox.interpreting import Interpreter, describe, own
from reviewbot.sandbox.running import LeveledSandbox, launcher, own_code
from reviewbot.sandbox.scratch import remove, scratch

SECRET: Final = f"key-of-the-victim-{os.getpid()}"
"""A job must find it in the victim: no file of the repository holds it."""

_VICTIM: Final = """
import json, os, socket, sys, threading
folder = sys.argv[1]
tcp = socket.create_server(("127.0.0.1", 0))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 0))
named = socket.socket(socket.AF_UNIX)
named.bind(folder + "/socket")
os.chmod(folder + "/socket", 0o777)
nameless = socket.socket(socket.AF_UNIX)
nameless.bind("\\0victim-" + str(os.getpid()))
for server in (named, nameless):
    server.listen()
def echo():
    while True:
        data, sender = udp.recvfrom(100)
        udp.sendto(data, sender)
threading.Thread(target=echo, daemon=True).start()
opened = open(folder + "/secret.txt")
print(json.dumps({"tcp": tcp.getsockname()[1], "udp": udp.getsockname()[1], "pid": os.getpid()}), flush=True)
sys.stdin.read()
"""

_MEASURED: Final = """
import importlib, json, os, sys
sys.path += [sys.argv[1], {site!r}]
import coverage
folder = next(json.loads(text)["folder"] for text in sys.argv if text.startswith("{{"))
measuring = coverage.Coverage(
    data_file=folder + "/.coverage", data_suffix=True, branch=True, source_pkgs=["reviewbot.sandbox"], config_file=False
)
def last(call):
    def measured(*arguments):
        measuring.stop()
        measuring.save()
        return call(*arguments)
    return measured
os.execv, os.execve, os._exit = map(last, (os.execv, os.execve, os._exit))
measuring.start()
importlib.import_module("reviewbot.sandbox." + sys.argv[2]).main()
last(int)()
"""
"""The sandbox's own program with coverage measured up to the moment in which the job takes over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an attacker may know."""

    outside: str
    """A folder that everybody may write: ``secret.txt``, ``open.txt``, ``site/``, ``work/.git/config``, ``socket``."""
    secret: str
    pid: int
    """Of the victim, which has the secret in its environment, arguments and open files."""
    tcp: int
    udp: int
    tests: int
    """The process of the tests, as which reviewbot runs."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A level of isolation that works here, with a Python that its jobs can use."""

    sandbox: LeveledSandbox
    python: Interpreter

    @property
    def uid(self) -> int:
        """The user of jobs."""
        return os.geteuid() if self.sandbox.uid is None else self.sandbox.uid

    def job(self, folder: Path, script: str, *arguments: str) -> SandboxJob:
        """Make a job of a script, with little time and memory."""
        argv = (self.python.python, "-I", "-S", "-c", script, *arguments)
        return SandboxJob(
            argv=argv, folder=str(folder), readable=self.python.readable, timeout_s=20, memory_bytes=400_000_000
        )

    def run(self, job: SandboxJob) -> SandboxResult:
        """Run a job, and keep what was measured of the sandbox's own program."""
        measuring = coverage.Coverage.current()
        if measuring is None:
            return self.sandbox.run(job)
        package = Path(coverage.__file__).parent
        measured = replace(
            self.sandbox,
            launcher=launcher(_MEASURED.format(site=str(package.parent))),
            seen=(*own_code(), str(package)),
        )
        try:
            return measured.run(job)
        finally:
            for found in Path(job.folder).glob(".coverage.*"):
                shutil.move(found, Path(str(measuring.get_option("run:data_file"))).absolute().parent / found.name)

    def run_script(self, script: str, *arguments: str) -> SandboxResult:
        """Run a script in a folder of its own."""
        with scratch() as place:
            return self.run(self.job(place, script, *arguments))

    def run_freely(self, script: str, folder: Path, *arguments: str) -> bytes:
        """Run a script outside the sandbox, as the user that jobs run as: shows that it can succeed."""
        argv = [self.python.python, "-I", "-S", "-c", script, *arguments]
        return subprocess.run(
            argv, cwd=folder, capture_output=True, check=True, timeout=60, user=self.sandbox.uid, group=self.sandbox.uid
        ).stdout

    @contextmanager
    def victim(self) -> Iterator[Facts]:
        """Let a process with secrets run for the length of a block."""
        outside = Path(tempfile.mkdtemp(prefix="sandbox-outside-"))
        _fill(outside, self.uid)
        process = subprocess.Popen(
            [self.python.python, "-I", "-S", "-c", _VICTIM, str(outside), SECRET],
            env={"VICTIM_KEY": SECRET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            user=self.sandbox.uid,
            group=self.sandbox.uid,
        )
        try:
            with process:
                assert process.stdout is not None
                told = json.loads(process.stdout.readline())
                yield Facts(outside=str(outside), secret=SECRET, tests=os.getpid(), **told)
        finally:
            remove(outside)
        assert process.returncode == 0, "something has killed the victim"


def _fill(outside: Path, uid: int) -> None:
    (outside / "work" / ".git").mkdir(parents=True)
    (outside / "site").mkdir()
    for name in ("secret.txt", "open.txt", "work/.git/config", "work/module.py"):
        (outside / name).write_text(SECRET, encoding="utf-8")
    for path in (outside, *outside.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
        os.chown(path, uid, -1)


def _reachable_python() -> Interpreter:
    """Give our own Python, or the system's where an ordinary user cannot reach ours."""
    ours = Path(sys.executable).resolve()
    passable = all(folder.stat().st_mode & stat.S_IXOTH for folder in (ours, *ours.parents))
    return own() if os.geteuid() != 0 or passable else describe(Path("/usr/bin/python3"), Path(os.devnull))


def _give_up(reason: str, *, in_ci: bool) -> NoReturn:
    """Skip; fail where ``in_ci`` says that CI must have it."""
    if in_ci and os.environ.get("CI") == "true":  # noqa: TID251 - whether this is CI
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def open_scene(level: str) -> Iterator[Scene]:
    """Open a level, or skip with the reason: a kernel or a container that forbids it. CI must have bubblewrap."""
    try:
        found = Scene(open_level(level, python=_reachable_python()), _reachable_python())
    except SandboxError as error:
        _give_up(f"{level} does not work here: {error}", in_ci="is not installed" in str(error))
    try:
        yield found
    finally:
        kernel.set_dumpable(dumpable=True)


@contextmanager
def open_first_scene() -> Iterator[Scene]:
    """Open the strongest level that works here, or skip with the reason: a container may forbid them all."""
    sandbox, isolation = choose(python=_reachable_python())
    if sandbox is None:
        _give_up(isolation.detail, in_ci=False)
    yield Scene(sandbox, _reachable_python())
