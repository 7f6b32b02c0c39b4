"""The fork server: starts when it is needed, ends when it is not, and tells the truth of its forks."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_scene import PYTHON, SURROUNDINGS

from reviewbot.worker.forks import Fork, ForkServer


@pytest.fixture
def server() -> Iterator[ForkServer]:
    measured = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}  # noqa: TID251
    surroundings = {**SURROUNDINGS, **PYTHON, **measured, "SECRET_OF_THE_SERVER": "yes"}
    made = ForkServer(("json",), surroundings, idle_s=0.1)
    yield made
    made.close()


def started(server: ForkServer, entry: str, folder: Path, argv: tuple[str, ...] = (), **environ: str) -> Fork:
    (folder / "entries.py").write_text(
        "import os, sys, time\n"
        "def parent(argv): sys.exit(os.getppid() % 100)\n"
        "def sleep(argv): open(argv[0], 'w').close(); time.sleep(600)\n"
        "def known(argv): sys.exit(len(os.environ) * 10 + ('json' in sys.modules))\n"
        "def wrong(argv): raise KeyError(argv)\n"
    )
    with (folder / "err").open("ab") as err, Path(os.devnull).open("rb+") as nothing:
        streams = (nothing.fileno(), nothing.fileno(), err.fileno())
        return server.start(f"entries:{entry}", argv, folder, environ, streams=streams)


@pytest.fixture(autouse=True)
def _entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PYTHON, "PYTHONPATH", os.pathsep.join((str(tmp_path), PYTHON["PYTHONPATH"])))


def test_forks_have_its_imports_and_none_of_its_environment(server: ForkServer, tmp_path: Path) -> None:
    assert 21 == started(server, "known", tmp_path, ONE="1", TWO="2").wait(30)


def test_an_error_is_an_exit_code_and_a_traceback(server: ForkServer, tmp_path: Path) -> None:
    assert 1 == started(server, "wrong", tmp_path, ("it",)).wait(30)
    assert "KeyError: ['it']" in (tmp_path / "err").read_text()


def test_one_that_was_idle_for_long_has_ended_and_the_next_order_starts_another(
    server: ForkServer, tmp_path: Path
) -> None:
    first = started(server, "parent", tmp_path)
    assert first.wait(30) is not None
    idle = server._process
    assert idle is not None
    idle.wait(30)
    assert 0 == idle.returncode
    assert started(server, "parent", tmp_path).wait(30) == server._process.pid % 100  # type: ignore[union-attr]


def test_it_does_not_end_while_a_fork_runs(server: ForkServer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    fork = started(server, "sleep", tmp_path, (str(tmp_path / "begun"),))
    (tmp_path / "begun").open("rb").close()
    assert fork.wait(0.5) is None, "five times as long as it may be idle"
    assert server._process is not None
    assert server._process.poll() is None
    fork.kill()
    assert -signal.SIGKILL == fork.wait(30)
    assert -signal.SIGKILL == fork.wait(30), "as often as it is asked"


def test_the_forks_of_a_killed_server_are_killed_with_it(server: ForkServer, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "begun")
    fork = started(server, "sleep", tmp_path, (str(tmp_path / "begun"),))
    (tmp_path / "begun").open("rb").close()
    assert server._process is not None
    server._process.kill()
    assert -signal.SIGKILL == fork.wait(30)
    assert started(server, "known", tmp_path).wait(30) == 1, "and the next order finds another server"


def test_orders_that_are_too_long_and_servers_that_do_not_start_are_errors(tmp_path: Path) -> None:
    broken = ForkServer(("no_such_module",), {**SURROUNDINGS, **PYTHON})
    with pytest.raises(OSError, match="of 150000 at most"):
        started(broken, "known", tmp_path, LONG="x" * 150_000)
    with pytest.raises(OSError, match="cannot be forked"):
        started(broken, "known", tmp_path)
    broken.close()


def test_an_order_of_a_worker_that_was_killed_meanwhile_is_left_without_a_word(
    server: ForkServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert 1 == started(server, "known", tmp_path).wait(30)
    told, tell = os.pipe()
    os.close(told)
    order = json.dumps({"entry": "entries:wrong", "argv": [], "folder": str(tmp_path), "environ": {}})
    server._send(order.encode(), [0, 1, 2, tell])
    os.close(tell)
    assert 1 == started(server, "known", tmp_path).wait(30)
    server.close()
    assert "" == capfd.readouterr().err
