"""A review's process: on a leash, within its memory, heard."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import gitrepo
from jobs import ROOT
from worker_scene import PYTHON, SURROUNDINGS

from reviewbot.worker import child

MEMORY = 2_000_000_000


def leashed(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """Start a command that waits for a pipe that nobody writes to."""
    os.mkfifo(folder / "never")
    argv = [sys.executable, "-P", "-m", "reviewbot.worker.leash", str(MEMORY), *arguments]
    environ = gitrepo.environment(PYTHONPATH=str(ROOT))
    return subprocess.Popen(argv, cwd=folder, env=environ, stdin=-1, stderr=-1, start_new_session=True)


def test_a_review_ends_with_whoever_holds_its_leash(tmp_path: Path) -> None:
    process = leashed(tmp_path, "plan", "--diff", "never")
    # Somebody reads it: so the command has begun, and waits.
    writing = os.open(tmp_path / "never", os.O_WRONLY)
    assert process.stdin is not None
    process.stdin.write(b"nothing that is said ends it")
    process.stdin.flush()
    assert process.poll() is None
    process.stdin.close()
    assert -signal.SIGKILL == process.wait(30)
    os.close(writing)
    assert process.stderr is not None
    process.stderr.close()


def test_outside_of_a_group_of_its_own_it_ends_alone(tmp_path: Path) -> None:
    """Else it would end the shell that somebody tries it in."""
    script = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL).returncode + 100)"
    os.mkfifo(tmp_path / "never")
    leash = [sys.executable, "-P", "-m", "reviewbot.worker.leash", str(MEMORY), "plan", "--diff", "never"]
    environ = gitrepo.environment(PYTHONPATH=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", script, *leash], cwd=tmp_path, env=environ, start_new_session=True, check=False
    )
    assert 100 - signal.SIGKILL == done.returncode


def test_a_command_that_ends_by_itself_is_as_without_a_leash(tmp_path: Path) -> None:
    leash = [sys.executable, "-P", "-m", "reviewbot.worker.leash", str(MEMORY), "--version"]
    environ = gitrepo.environment(PYTHONPATH=str(ROOT))
    with subprocess.Popen(leash, cwd=tmp_path, env=environ, stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        assert b"reviewbot " in process.stdout.read()
    assert 0 == process.returncode


def run(folder: Path, *arguments: str, halted: bool = False) -> tuple[int, list[str]]:
    heard: list[str] = []
    code = child.run(
        arguments,
        folder,
        {**SURROUNDINGS, **PYTHON},
        memory_bytes=MEMORY,
        halted=lambda: halted,
        hear=heard.append,
    )
    return code, heard


def test_a_command_is_heard_and_its_exit_code_told(tmp_path: Path) -> None:
    code, heard = run(tmp_path, "plan", "--diff", "nowhere.diff")
    assert (2, ["reviewbot: --diff nowhere.diff cannot be read: No such file or directory"]) == (code, heard)


def test_standard_input_is_not_the_leash(tmp_path: Path) -> None:
    code, heard = run(tmp_path, "plan", "--diff", "-")
    assert 0 == code, heard


def test_a_command_that_is_not_wanted_any_more_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    assert (-signal.SIGKILL, []) == run(tmp_path, "plan", "--diff", "never", halted=True)
