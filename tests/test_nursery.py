"""A forked process is to a program what a new one is."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from nursery import Nursery

BORN = {"PATH": os.defpath, "PYTHONHASHSEED": "7"}
TELLING = """
import os, signal, sys
print(__name__, sys.argv, sys.path[1:], os.getcwd(), sorted(os.environ.items()), hash("a"), sys.stdin.read())
print(os.getsid(0) == os.getpid(), signal.getsignal(signal.SIGINT), sys.stdout.isatty(), "json" in sys.modules)
print("said", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    made = Nursery(("json",), BORN)
    yield made
    made.close()


@pytest.mark.parametrize("argv", [("-m", "telling", "one", "two"), ("-c", TELLING.replace("sys.argv", "1"))])
def test_a_fork_finds_what_a_new_interpreter_finds(nursery: Nursery, tmp_path: Path, argv: tuple[str, ...]) -> None:
    (tmp_path / "telling.py").write_text("import json\n" + TELLING.replace("sys.argv", "sys.argv[1:]"))
    environ = {**BORN, "PYTHONPATH": str(tmp_path / "more"), "LC_CTYPE": "C.UTF-8", "OWN": "yes"}
    new = subprocess.run(
        [sys.executable, "-c", f"import json\n{argv[1]}"] if argv[0] == "-c" else [sys.executable, *argv],
        cwd=tmp_path, env=environ, stdin=subprocess.DEVNULL, capture_output=True, start_new_session=True, check=False,
    )  # fmt: skip
    assert (new.returncode, new.stdout, new.stderr) == nursery.start(argv, tmp_path, environ).ended(60)


def test_forks_know_nothing_of_each_other(nursery: Nursery, tmp_path: Path) -> None:
    first = nursery.start(("-c", "import json, os; json.x = 1; os.environ['X'] = '1'"), tmp_path, BORN)
    assert (0, b"", b"") == first.ended(60)
    second = nursery.start(("-c", "import json, os; print(hasattr(json, 'x'), 'X' in os.environ)"), tmp_path, BORN)
    assert (0, b"False False\n", b"") == second.ended(60)


def test_an_error_ends_as_in_every_interpreter(nursery: Nursery, tmp_path: Path) -> None:
    ended = nursery.start(("-c", "import atexit; atexit.register(print, 'bye'); 1 // 0"), tmp_path, BORN).ended(60)
    assert ended is not None
    assert (1, b"bye\n") == ended[:2]
    assert ended[2].endswith(b"ZeroDivisionError: integer division or modulo by zero\n")


def test_a_kill_ends_the_whole_group(nursery: Nursery, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "held")
    code = "import os, time; held = open('held', 'wb', 0); os.fork(); held.write(b'x'); time.sleep(600)"
    child = nursery.start(("-c", code), tmp_path, BORN)
    with (tmp_path / "held").open("rb", buffering=0) as held:
        assert b"xx" == held.read(1) + held.read(1)
        assert child.ended(0) is None
        child.kill()
        assert b"" == held.read(1), "both have let go"
    ended = child.ended(60)
    assert ended is not None
    assert -signal.SIGKILL == ended[0]
    child.kill()  # of one who is gone is no error
