"""Levels are tried, and the strongest that holds is taken."""

import os
import tempfile
from pathlib import Path

import pytest
from sandbox_scene import Scene

from reviewbot.errors import SandboxError
from reviewbot.sandbox.choosing import choose, open_level
from reviewbot.sandbox.interpreting import Interpreter
from reviewbot.sandbox.orders import LEVELS
from reviewbot.sandbox.scratch import scratch

_NOWHERE = Interpreter(python="/nowhere/python", readable=(), missing=())


def test_a_level_says_what_it_can_do(scene: Scene) -> None:
    isolation = scene.sandbox.isolation
    assert scene.sandbox.level == isolation.name
    assert (isolation.name != "landlock", isolation.name != "landlock") == (isolation.strong, isolation.loopback)


def test_the_first_level_that_works_is_chosen(scene: Scene) -> None:
    sandbox, isolation = choose([scene.sandbox.level], python=scene.python)
    assert sandbox is not None
    assert scene.sandbox.isolation == isolation == sandbox.isolation


def test_where_nothing_works_there_is_no_sandbox_and_every_reason() -> None:
    sandbox, isolation = choose(python=_NOWHERE)
    assert (None, "none", False, False) == (sandbox, isolation.name, isolation.strong, isolation.loopback)
    assert all(f"Not {level}: " in isolation.detail for level in LEVELS)


def test_a_program_named_bwrap_on_the_path_is_not_trusted(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="bwrap is not installed in"):
        open_level("bubblewrap", programs=str(tmp_path))


def test_a_python_that_is_not_there_is_named(scene: Scene) -> None:
    with pytest.raises(SandboxError, match="/nowhere/python"):
        open_level(scene.sandbox.level, python=_NOWHERE)


def test_root_runs_jobs_as_an_ordinary_user(scene: Scene) -> None:
    if os.geteuid() != 0:
        pytest.skip("the tests do not run as root")
    result = scene.run_script("import os; print(os.getresuid(), os.getresgid(), os.getgroups())")
    uid = scene.sandbox.uid
    assert uid not in {None, 0}
    assert f"({uid}, {uid}, {uid}) ({uid}, {uid}, {uid}) []\n" == result.stdout.decode()


def test_no_capability_is_left(scene: Scene) -> None:
    if scene.sandbox.level == "landlock":
        pytest.skip("/proc is closed there; a capability would do nothing against Landlock")
    told = scene.run_script("print(*(line for line in open('/proc/self/status') if line.startswith('Cap')))").stdout
    sets = dict(line.split(":") for line in told.decode().split("\n") if ":" in line)
    assert {"0"} == {sets[name].strip().lstrip("0") or "0" for name in sets if "Bnd" not in name}


def test_nothing_is_left_behind_by_trying(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    with scratch() as place:
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        open_level(scene.sandbox.level, python=scene.python)
        assert [] == list(place.iterdir())
