"""How a run begins and ends, and what is said where it cannot."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sandbox_scene import Scene

from reviewbot.domain.isolation import SandboxJob
from reviewbot.errors import SandboxError
from reviewbot.sandbox.interpreting import own
from reviewbot.sandbox.orders import Bind, Limits, Order, dumps, loads
from reviewbot.sandbox.scratch import give, remove, scratch


@pytest.mark.parametrize(("argv", "folder"), [(("python",), "/"), ((), "/"), (("/bin/true",), "relative")])
def test_a_job_is_named_by_absolute_paths(scene: Scene, argv: tuple[str, ...], folder: str) -> None:
    with pytest.raises(SandboxError, match="absolute"):
        scene.sandbox.run(SandboxJob(argv=argv, folder=folder))


def test_a_program_that_is_not_there_is_an_error_and_no_result(scene: Scene) -> None:
    with scratch() as place, pytest.raises(SandboxError, match="No such file"):
        scene.run(SandboxJob(argv=("/nowhere/program",), folder=str(place)))


def test_the_sandboxs_own_program_is_missed_in_words(scene: Scene) -> None:
    with scratch() as place, pytest.raises(SandboxError, match="own program cannot be started"):
        replace(scene.sandbox, launcher=("/nowhere/python",)).run(scene.job(place, ""))


def test_a_keeper_that_says_nothing_is_an_error(scene: Scene) -> None:
    with scratch() as place, pytest.raises(SandboxError, match="without a word"):
        replace(scene.sandbox, launcher=(sys.executable, "-c", "")).run(scene.job(place, ""))


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        ('{"code": 0, "gone": false, "started": true, "fault": ""}', "could not be ended"),
        ('{"code": 0, "gone": true, "started": false, "fault": "a reason"}', "a reason"),
        ('{"code": 1, "gone": true, "started": false, "fault": ""}', "on standard error"),
    ],
)
def test_what_a_keeper_reports_is_judged(scene: Scene, answer: str, match: str) -> None:
    script = (
        f"import os, sys; print('on standard error', file=sys.stderr); os.write(int(sys.argv[-1]), {answer!r}.encode())"
    )
    with scratch() as place, pytest.raises(SandboxError, match=match):
        replace(scene.sandbox, launcher=(sys.executable, "-c", script)).run(scene.job(place, ""))


def test_a_root_that_hands_over_what_cannot_be_reached_is_told_so(scene: Scene) -> None:
    answer = '{"code": 0, "gone": true, "started": false, "fault": "[Errno 13] Permission denied: x"}'
    script = f"import os, sys; os.write(int(sys.argv[-1]), {answer!r}.encode())"
    with scratch() as place, pytest.raises(SandboxError) as caught:
        replace(scene.sandbox, launcher=(sys.executable, "-c", script)).run(scene.job(place, ""))
    assert (scene.sandbox.uid is not None) is ("who cannot reach it" in str(caught.value))


def test_a_folder_that_cannot_be_handed_over_is_an_error() -> None:
    with pytest.raises(SandboxError, match="could not be given"):
        give(Path("/nowhere"), 1)


def test_a_folder_that_cannot_be_deleted_is_an_error() -> None:
    with pytest.raises(SandboxError, match="could not be deleted"):
        remove(Path("/proc/version"))


def test_a_project_is_tested_and_measured_in_its_own_environment(scene: Scene) -> None:
    # Inside namespaces our own Python can be used wherever it lies, also below the home of root.
    python = scene.python if scene.sandbox.level == "landlock" else own()
    if python.missing:
        pytest.skip(f"{python.python} does not have {python.missing}")
    with scratch() as place:
        (place / "module.py").write_text("def double(x):\n    return 2 * x\n")
        (place / "test_module.py").write_text(
            "import module\ndef test_double(tmp_path):\n    assert module.double(2) == 4\n"
        )
        job = scene.job(place, "")
        argv = (python.python, "-m", "coverage", "run", "--data-file=data", "--branch", "-m", "pytest", "-q")
        result = scene.run(replace(job, argv=argv, readable=python.readable, environ={"PATH": "/usr/bin:/bin"}))
        assert (0, b"") == (result.exit_code, result.stderr), result.stdout
        assert (place / "data").stat().st_size > 0


def test_an_order_survives_its_way_into_the_child() -> None:
    order = Order(
        level="bubblewrap",
        argv=("/bin/python", "-c", "'ü\n"),
        environ=(("A", "1"),),
        folder="/f",
        root="/r",
        binds=(Bind(source="/a", target="/b", writable=True),),
        links=(("usr/bin", "/bin"),),
        limits=Limits(memory_bytes=1, file_bytes=2, files=3, cpu_s=4, processes=5),
        launcher=("python",),
        uid=7,
        unshare_user=False,
    )
    assert order == loads(dumps(order))
