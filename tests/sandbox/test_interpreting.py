"""Which Python runs a project's tests, and what it needs to be able to read."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from reviewbot.sandbox.interpreting import describe, interpreter, of_prefix


@pytest.fixture
def work_tree(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    (folder / ".git").mkdir(parents=True)
    return folder


def _environment(folder: Path, *packages: str) -> Path:
    venv.create(folder, symlinks=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    for package in packages:
        (site / package).mkdir()
    return site


def test_the_environment_in_the_work_tree_is_used(work_tree: Path) -> None:
    _environment(work_tree / ".venv", "pytest", "coverage")
    found = interpreter(work_tree, {"PATH": ""})
    assert (str(work_tree / ".venv/bin/python"), ()) == (found.python, found.missing)
    assert str(work_tree / ".venv/lib") in found.readable
    assert str(work_tree) not in found.readable


def test_the_active_environment_goes_first(work_tree: Path, tmp_path: Path) -> None:
    _environment(work_tree / ".venv", "pytest", "coverage")
    _environment(tmp_path / "active", "pytest", "coverage")
    found = interpreter(work_tree, {"VIRTUAL_ENV": str(tmp_path / "active"), "PATH": ""})
    assert str(tmp_path / "active/bin/python") == found.python


def test_an_environment_without_pytest_gives_way_to_one_with_it(work_tree: Path, tmp_path: Path) -> None:
    _environment(tmp_path / "active", "coverage")
    _environment(work_tree / "venv", "pytest", "coverage")
    found = interpreter(work_tree, {"VIRTUAL_ENV": str(tmp_path / "active"), "PATH": ""})
    assert str(work_tree / "venv/bin/python") == found.python


def test_a_python_on_the_path_is_found(work_tree: Path, tmp_path: Path) -> None:
    _environment(tmp_path / "other", "pytest", "coverage")
    found = interpreter(work_tree, {"PATH": str(tmp_path / "other/bin")})
    assert str(tmp_path / "other/bin") == str(Path(found.python).parent)


def test_what_is_missing_is_said(work_tree: Path) -> None:
    _environment(work_tree / ".venv", "coverage")
    assert ("pytest",) == describe(work_tree / ".venv/bin/python", work_tree).missing


def test_packages_of_the_system_count_where_the_environment_lets_them_in(work_tree: Path, tmp_path: Path) -> None:
    _environment(tmp_path / "home", "pytest", "coverage")
    _environment(work_tree / ".venv")
    settings = work_tree / ".venv" / "pyvenv.cfg"
    found = []
    for let_in in ("true", "false"):
        settings.write_text(f"home = {tmp_path}/home/bin\ninclude-system-site-packages = {let_in}\n")
        found.append(describe(work_tree / ".venv/bin/python", work_tree).missing)
    assert [(), ("pytest", "coverage")] == found


def test_our_own_python_is_the_last_resort(work_tree: Path) -> None:
    assert sys.executable == interpreter(work_tree, {"PATH": ""}).python


def test_what_is_found_is_enough_to_run_it_and_its_packages(work_tree: Path) -> None:
    site = _environment(work_tree / ".venv", "pytest", "coverage")
    (site / "pytest" / "__init__.py").write_text("")
    found = interpreter(work_tree, {"PATH": ""})
    script = "import sys, pytest, json; print(*{m.__file__ for m in (json, pytest)}, sys.executable)"
    used = subprocess.run([found.python, "-I", "-c", script], capture_output=True, check=True).stdout.decode().split()
    assert all(any(path.startswith(folder) for folder in found.readable) for path in used)


def test_folders_of_editable_packages_are_readable_but_no_clones(work_tree: Path, tmp_path: Path) -> None:
    site = _environment(work_tree / ".venv", "pytest", "coverage")
    for name in ("library/src", "clone/.git", "work/src"):
        (tmp_path / name).mkdir(parents=True)
    lines = ["# a comment", "import os", *map(str, (tmp_path / name for name in ("library/src", "clone", "work/src")))]
    (site / "editable.pth").write_text("\n".join([*lines, str(tmp_path), str(tmp_path / "gone"), ""]))
    found = interpreter(work_tree, {"PATH": ""})
    assert str(tmp_path / "library/src") in found.readable
    assert not {str(tmp_path), str(tmp_path / "clone"), str(tmp_path / "work/src")} & set(found.readable)


def test_every_link_to_the_program_is_readable(work_tree: Path, tmp_path: Path) -> None:
    _environment(work_tree / ".venv", "pytest", "coverage")
    hop = tmp_path / "hop"
    hop.symlink_to(os.path.realpath(sys.executable))
    python = work_tree / ".venv/bin/python"
    python.unlink()
    python.symlink_to(hop)
    assert str(hop) in interpreter(work_tree, {"PATH": ""}).readable


def test_of_a_prefix_only_what_python_needs_is_readable(tmp_path: Path) -> None:
    for name in ("bin", "lib", ".ssh", "secrets"):
        (tmp_path / name).mkdir()
    assert (str(tmp_path / "bin"), str(tmp_path / "lib")) == of_prefix(tmp_path)
