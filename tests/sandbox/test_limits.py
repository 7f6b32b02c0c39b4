"""What a job may use, and that nothing of it is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

import pytest
from gitrepo import environment
from sandbox_scene import Scene

import reviewbot
from reviewbot.domain.isolation import SandboxResult
from reviewbot.sandbox.scratch import scratch

_MB = 1_000_000
_HOME = str(Path(reviewbot.__file__).parent.parent)


class Limited(TypedDict, total=False):
    timeout_s: float
    memory_bytes: int
    written_bytes: int
    disk_bytes: int
    processes: int
    output_bytes: int


def _limited(scene: Scene, script: str, *arguments: str, **limits: Unpack[Limited]) -> SandboxResult:
    with scratch() as place:
        return scene.run(replace(scene.job(place, script, *arguments), **limits))


def _alive(mark: str) -> list[str]:
    """Give the processes whose command line holds a mark, ourselves left out."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark.encode() in (process / "cmdline").read_bytes() and int(process.name) != os.getpid():
                found.append(process.name)
    return found


def test_a_job_ends_with_its_code_and_its_output(scene: Scene) -> None:
    result = scene.run_script("import sys; print('out'); print('err', file=sys.stderr); sys.exit(7)")
    assert (7, b"out\n", b"err\n") == (result.exit_code, result.stdout, result.stderr)
    assert (False, "") == (result.timed_out, result.exceeded)


def test_a_job_that_dies_of_a_signal_has_no_code(scene: Scene) -> None:
    result = scene.run_script("import os; os.abort()")
    assert (None, False, "") == (result.exit_code, result.timed_out, result.exceeded)


def test_a_job_reads_nothing_from_its_input(scene: Scene) -> None:
    assert b"b''" == scene.run_script("import sys; print(sys.stdin.buffer.read(), end='')").stdout


def test_a_job_sees_only_the_environment_that_it_is_given(scene: Scene) -> None:
    with scratch() as place:
        job = scene.job(place, "import os; print(*sorted(os.environ), os.environ['GIVEN'])")
        result = scene.run(replace(job, environ={"GIVEN": "value", "HOME": "/root", "LC_ALL": "C"}))
    # LC_CTYPE is what Python sets for itself: PEP 538
    assert "GIVEN HOME LC_ALL TMPDIR value" == result.stdout.decode().replace("LC_CTYPE ", "").strip()


def test_a_job_may_write_its_folder_its_home_and_its_temporary_folder(scene: Scene) -> None:
    script = """
import os, pathlib, tempfile
for folder in (os.getcwd(), pathlib.Path.home(), tempfile.mkdtemp()):
    os.mkdir(f"{folder}/new")
    with open(f"{folder}/new/file", "w") as file:
        file.write("x")
"""
    with scratch() as place:
        result = scene.run(scene.job(place, script))
        assert (0, b"") == (result.exit_code, result.stderr)
        assert "x" == (place / "new" / "file").read_text()


def test_programs_threads_and_pairs_of_sockets_work(scene: Scene) -> None:
    script = """
import asyncio, subprocess, sys, threading
threading.Thread(target=print, args=("thread",)).start()
subprocess.run([sys.executable, "-I", "-S", "-c", "print('program')"], check=True)
async def main():
    print("loop")
asyncio.run(main())
"""
    result = scene.run_script(script)
    assert ({b"thread", b"program", b"loop"}, b"") == (set(result.stdout.split()), result.stderr)


def test_loopback_works_where_the_level_says_so(scene: Scene) -> None:
    script = """
import socket
server = socket.create_server(("127.0.0.1", 0))
print(socket.create_connection(server.getsockname(), 2) is not None)
"""
    result = scene.run_script(script)
    assert (result.stdout == b"True\n") is scene.sandbox.isolation.loopback


def test_time_is_bounded(scene: Scene) -> None:
    started_s = time.monotonic()
    result = _limited(scene, "while True: pass", timeout_s=1)
    assert (None, True, "time") == (result.exit_code, result.timed_out, result.exceeded)
    assert 1 <= result.wall_s < time.monotonic() - started_s + 0.1 < 15


def test_who_ignores_signals_and_is_stopped_ends_all_the_same(scene: Scene) -> None:
    script = """
import contextlib, os, signal, time
for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)
with contextlib.suppress(PermissionError):  # before Landlock ABI 6
    os.kill(os.getpid(), signal.SIGSTOP)
time.sleep(60)
"""
    assert _limited(scene, script, timeout_s=1).timed_out


_DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        if sys.argv[2] == "silent":
            for n in range(3):
                os.close(n)
        time.sleep(60)
    os._exit(0)
os.wait()
if sys.argv[3] == "waiting":
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("daemon", "parent", "timeout_s"), [("silent", "ending", 60), ("loud", "ending", 60), ("silent", "waiting", 1)]
)
def test_a_daemon_does_not_outlive_its_job(scene: Scene, daemon: str, parent: str, timeout_s: float) -> None:
    mark = f"mark-of-{os.getpid()}-{daemon}-{parent}-{scene.sandbox.level}"
    result = _limited(scene, _DAEMON, mark, daemon, parent, timeout_s=timeout_s)
    assert (parent == "waiting") is result.timed_out
    assert [] == _alive(mark)


_HOPPING = """
import os, sys
sys.stdout.close()
for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        while True:
            try:
                if os.fork():
                    os._exit(0)
            except OSError:
                pass
while True:
    pass
"""


def test_who_forks_and_ends_again_and_again_is_caught(scene: Scene) -> None:
    mark = f"mark-of-{os.getpid()}-hopping-{scene.sandbox.level}"
    assert "time" == _limited(scene, _HOPPING, mark, timeout_s=1).exceeded
    assert [] == _alive(mark)


_BOMB = """
import os, sys, time
count = 0
while True:
    try:
        if os.fork() == 0:
            time.sleep(60)
        count += 1
    except OSError:
        break
print(count, flush=True)
os._exit(0)
"""


def test_a_fork_bomb_is_bounded(scene: Scene) -> None:
    mark = f"mark-of-{os.getpid()}-bomb-{scene.sandbox.level}"
    result = _limited(scene, _BOMB, mark, processes=20, timeout_s=30, memory_bytes=4000 * _MB)
    others = 0 if scene.sandbox.uid is not None else 1000
    assert 10 < int(result.stdout) <= 20 + others
    assert [] == _alive(mark)


def test_memory_of_one_process_is_bounded(scene: Scene) -> None:
    result = _limited(scene, "x = bytearray(600_000_000)", memory_bytes=300 * _MB)
    assert (1, True) == (result.exit_code, b"MemoryError" in result.stderr)


def test_memory_of_all_processes_together_is_bounded(scene: Scene) -> None:
    script = """
import os, time
for _ in range(10):
    if os.fork() == 0:
        break
x = bytearray(b"x") * 100_000_000
time.sleep(60)
"""
    assert "memory" == _limited(scene, script, memory_bytes=300 * _MB).exceeded


def test_the_longest_file_is_bounded(scene: Scene) -> None:
    script = """
import os, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with open("big", "wb") as file:
    for _ in range(100):
        file.write(bytes(1_000_000))
"""
    assert b"File too large" in _limited(scene, script, written_bytes=10 * _MB).stderr


@pytest.mark.parametrize("where", ["os.getcwd()", "os.environ['HOME']", "os.environ['TMPDIR']"])
def test_the_disk_is_bounded_over_many_files(scene: Scene, where: str) -> None:
    script = f"""
import itertools, os
for number in itertools.count():
    with open(f"{{{where}}}/{{number}}", "wb") as file:
        file.write(os.urandom(1_000_000))
"""
    assert "disk" == _limited(scene, script, disk_bytes=30 * _MB).exceeded


def test_the_disk_is_bounded_over_deleted_and_hidden_files(scene: Scene) -> None:
    script = """
import itertools, os
os.mkdir("hidden")
open_files = []
for number in itertools.count():
    open_files.append(open(f"hidden/{number}", "wb"))
    open_files[-1].write(os.urandom(1_000_000))
    os.unlink(f"hidden/{number}")
"""
    result = _limited(scene, script, disk_bytes=20 * _MB, timeout_s=30)
    assert (None, "disk") == (result.exit_code, result.exceeded)


def test_a_flood_of_empty_files_is_bounded(scene: Scene) -> None:
    script = """
import itertools
for number in itertools.count():
    open(str(number), "wb").close()
"""
    assert "disk" == _limited(scene, script, disk_bytes=3 * _MB).exceeded


def test_open_files_are_bounded(scene: Scene) -> None:
    script = "x = [open('/dev/null') for _ in range(100_000)]"
    assert b"Too many open files" in scene.run_script(script).stderr


def test_a_flood_of_output_is_cut_off_and_does_no_harm(scene: Scene) -> None:
    script = "import sys\nfor _ in range(200): sys.stdout.write('x' * 1_000_000)\nprint('end', file=sys.stderr)"
    result = _limited(scene, script, output_bytes=1000)
    assert (0, 1000, b"end\n") == (result.exit_code, len(result.stdout), result.stderr)


def test_a_tree_that_is_too_deep_for_paths_is_deleted(scene: Scene) -> None:
    script = """
import os
for _ in range(40):
    os.mkdir("deep" * 50)
    os.chdir("deep" * 50)

"""
    with scratch() as place:
        assert 0 == scene.run(scene.job(place, script)).exit_code
    assert not place.exists()


def test_a_tree_without_rights_is_deleted(scene: Scene) -> None:
    with scratch() as place:
        script = "import os; os.makedirs('a/b'); os.umask(0o777); os.mkdir('a/b/closed')"
        assert 0 == scene.run(scene.job(place, script)).exit_code
    assert not place.exists()


_KILLED = """
import sys
from pathlib import Path
from typing import TypedDict, Unpack
from reviewbot.domain.isolation import SandboxJob
from reviewbot.sandbox.choosing import open_level
from reviewbot.sandbox.interpreting import describe
level, mark, python, folder = sys.argv[1:]
found = describe(Path(python), Path("/dev/null"))
script = "import time; print('running', flush=True); open('started', 'w').close(); time.sleep(60)"
argv = (python, "-I", "-S", "-c", script, mark)
open_level(level, python=found).run(SandboxJob(argv=argv, folder=folder, readable=found.readable))
"""


def test_the_job_ends_when_reviewbot_is_killed(scene: Scene) -> None:
    mark = f"mark-of-{os.getpid()}-killed-{scene.sandbox.level}"
    with scratch() as place:
        argv = [sys.executable, "-c", _KILLED, scene.sandbox.level, mark, scene.python.python, str(place)]
        # What it leaves behind when it is killed lies in our folder.
        with subprocess.Popen(argv, env={**environment(), "TMPDIR": str(place), "PYTHONPATH": _HOME}) as process:
            _until(lambda: (place / "started").exists() or process.poll() is not None)
            assert len(_alive(mark)) > 1
            process.send_signal(signal.SIGKILL)
        _until(lambda: not _alive(mark))
        assert [] == _alive(mark)


def _until(reached: Callable[[], bool], most_s: float = 15.0) -> None:
    end_s = time.monotonic() + most_s
    while not reached() and time.monotonic() < end_s:
        signal.sigtimedwait([], 0.02)
