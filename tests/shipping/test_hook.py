"""The hook for pre-commit: its manifest, and its very command on a staged change."""

import shlex
from typing import Any

import gitrepo
import pytest
import yaml
from cli.conftest import Ran, Reviewbot, process, repo
from shipping.shipped import ROOT

__all__ = ["process", "repo"]
MANIFEST = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))


@pytest.fixture
def hook() -> dict[str, Any]:
    (hook,) = MANIFEST
    given: dict[str, Any] = hook
    return given


def run(hook: dict[str, Any], process: Reviewbot, **environ: str) -> Ran:
    program, *arguments = shlex.split(hook["entry"])
    assert "reviewbot" == program
    return process(*arguments, *hook["args"], **environ)


def test_the_hook_is_installed_by_pip_and_gets_no_file_names(hook: dict[str, Any]) -> None:
    assert ("reviewbot", "python", False) == (hook["id"], hook["language"], hook["pass_filenames"])
    assert ["pre-commit", "manual"] == hook["stages"]


def test_a_staged_secret_stops_the_commit(hook: dict[str, Any], process: Reviewbot, repo: gitrepo.Repo) -> None:
    secret = "ghp" + "_" + "Zx81LmQ0" * 4 + "aB3d"
    repo.write("settings.py", f'TOKEN = "{secret}"\n')
    repo.git("add", "--all")
    ran = run(hook, process)
    assert 1 == ran.code
    assert "settings.py" in ran.out


def test_what_is_not_staged_does_not_count(hook: dict[str, Any], process: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write("good.py", "print()\n")
    repo.git("add", "good.py")
    repo.write("bad.py", "<<<<<<< ours\n=======\n>>>>>>> theirs\n")
    assert 0 == run(hook, process).code


def test_a_hook_asks_no_model_even_with_a_key(hook: dict[str, Any], process: Reviewbot, repo: gitrepo.Repo) -> None:
    repo.write("good.py", "print()\n")
    repo.git("add", "--all")
    ran = run(hook, process, REVIEWBOT_BASE_URL="http://127.0.0.1:9/v1", REVIEWBOT_API_KEY="made-up")
    assert 0 == ran.code
    assert "static" in ran.out.splitlines()[0]
