"""Tries whether a level of isolation holds, by running a small attack in it."""

import os
import socket
import tempfile
from pathlib import Path
from typing import Final

from reviewbot.domain.isolation import SandboxJob
from reviewbot.errors import SandboxError
from reviewbot.ports import Sandbox
from reviewbot.sandbox.interpreting import Interpreter
from reviewbot.sandbox.scratch import scratch

_TIMEOUT_S: Final = 20.0
_HELD: Final = b"held\n"
_ATTACK: Final = """
import os, socket, sys
secret, port, pid = sys.argv[1:]
def read_file(): open(secret).read()
def write_file(): open(os.path.join(os.path.dirname(secret), "written"), "w").close()
def read_environment(): open(f"/proc/{pid}/environ", "rb").read()
def connect(): socket.create_connection(("127.0.0.1", int(port)), 2).close()
def signal_parent(): os.kill(int(pid), 0)
def become_root(): os.setuid(0)
broken = []
for attempt in (read_file, write_file, read_environment, connect, signal_parent, become_root):
    try: attempt()
    except OSError: continue
    broken.append(attempt.__name__)
open("written", "w").close()
open(os.path.join(os.environ["TMPDIR"], "written"), "w").close()
print(*broken or ["held"])
"""


def probe(sandbox: Sandbox, python: Interpreter) -> None:
    """Run the attack. Raises SandboxError that says what does not work, or does not hold."""
    with scratch() as place, tempfile.TemporaryDirectory(prefix="reviewbot-probe-") as outside:
        secret = Path(outside) / "secret"
        secret.write_text("secret", encoding="utf-8")
        folder = place / "copy"
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as server:
            argv = (str(secret), str(server.getsockname()[1]), str(os.getpid()))
            job = SandboxJob(
                argv=(python.python, "-I", "-S", "-c", _ATTACK, *argv),
                folder=str(folder),
                readable=python.readable,
                timeout_s=_TIMEOUT_S,
            )
            result = sandbox.run(job)
    if result.timed_out or result.exit_code != 0:
        said = result.stderr.decode("utf-8", "replace").strip()[-300:]
        message = f"a trial ended with {'a timeout' if result.timed_out else result.exit_code}: {said}"
        raise SandboxError(message)
    if result.stdout != _HELD:
        message = f"it does not hold: {result.stdout.decode('utf-8', 'replace').strip()}"
        raise SandboxError(message)
