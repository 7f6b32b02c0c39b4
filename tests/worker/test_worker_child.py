"""A review's process: on a leash, within its memory, heard."""

import os
import signal
from pathlib import Path

import gitrepo
import pytest
from worker_scene import PYTHON, SURROUNDINGS, forks

from reviewbot.worker import child
from reviewbot.worker.forks import Fork

MEMORY = 2_000_000_000


def leashed(folder: Path, *arguments: str) -> tuple[Fork, int]:
    """Start a command, and give it with its leash."""
    held, leash = os.pipe()
    environ = gitrepo.environment(**PYTHON)
    argv = (str(MEMORY), *arguments)
    process = forks().start("reviewbot.worker.leash:run", argv, folder, environ, streams=(held, 1, 2))
    os.close(held)
    return process, leash


def test_a_review_ends_with_whoever_holds_its_leash(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "never")
    process, leash = leashed(tmp_path, "plan", "--diff", "never")
    # Somebody reads it: so the command has begun, and waits.
    writing = os.open(tmp_path / "never", os.O_WRONLY)
    os.write(leash, b"nothing that is said ends it")
    assert process.wait(0) is None
    os.close(leash)
    assert -signal.SIGKILL == process.wait(30)
    os.close(writing)


def test_a_command_that_ends_by_itself_is_as_without_a_leash(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    process, leash = leashed(tmp_path, "--version")
    assert 0 == process.wait(30)
    os.close(leash)
    assert capfd.readouterr().out.startswith("reviewbot ")


def run(folder: Path, *arguments: str, halted: bool = False) -> tuple[int, list[str]]:
    heard: list[str] = []
    code = child.run(
        forks(),
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
