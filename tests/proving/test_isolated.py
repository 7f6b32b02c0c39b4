"""The same journey in the strongest sandbox that this machine allows, and what hostile tests find there."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from proving.scene import Project, ScriptedModel, drafting, project

from reviewbot.domain.candidate import CandidateStatus, Filter, by_path
from reviewbot.proving import Workbench, prove
from reviewbot.sandbox.choosing import choose
from reviewbot.sandbox.environing import scrubbed
from reviewbot.sandbox.interpreting import interpreter
from reviewbot.sandbox.scratch import scratch

KEY = "REVIEWBOT_" + "API_KEY"
BASE = {"m.py": "def a():\n    return 1\n", "tests/test_m.py": "import m\n\n\ndef test_a():\n    assert m.a() == 1\n"}
PRODUCT = """

def read(path):
    with open(path) as file:
        return file.read()


def connect(port):
    import socket

    return socket.create_connection(("127.0.0.1", port), timeout=3).fileno()
"""
HEAD = {**BASE, "m.py": BASE["m.py"] + PRODUCT}
GOOD = (
    "import m\n\n\ndef test_read(tmp_path):\n    (tmp_path / 'a').write_text('x')\n"
    "    assert m.read(tmp_path/'a') == 'x'\n"
)


@pytest.fixture(scope="module")
def isolated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Workbench]]:
    sandbox, isolation = choose()
    if sandbox is None:
        pytest.skip(f"no level of isolation works here: {isolation.detail}")
    made = project(tmp_path_factory.mktemp("isolated"), BASE, HEAD)
    prefix = Path(sys.executable).parent
    environ = {"PATH": f"{prefix}{os.pathsep}{os.defpath}", KEY: "made-up"}
    found = interpreter(made.head.folder, environ)
    assert () == found.missing
    with scratch() as place:
        bench = made.bench(
            sandbox=sandbox, python=found.python, readable=found.readable, scratch=place, environ=scrubbed(environ)
        )
        yield made, bench


def answer(*codes: str) -> str:
    return json.dumps({"tests": [{"path": f"tests/test_{at}.py", "code": code} for at, code in enumerate(codes)]})


def test_a_good_test_is_proven_formatted_and_named(isolated: tuple[Project, Workbench]) -> None:
    made, bench = isolated
    model = ScriptedModel(lambda _: answer(GOOD))
    found = asyncio.run(prove(drafting(model), made.gaps({"m.py": ["read"]}), bench, 300.0))
    assert {"m.py": (6, 7)} == by_path(found.covered)
    (file,) = found.files
    assert "tests/test_m_gaps.py" == file.path
    assert 'assert m.read(tmp_path / "a") == "x"' in file.code


def test_what_code_under_test_can_be_made_to_do_ends_in_the_sandbox(isolated: tuple[Project, Workbench]) -> None:
    """These get past reading, since it is the project's own code that reaches out for them."""
    made, bench = isolated
    parent = f"import m\n\n\ndef test_key():\n    assert 'made-up' in m.read('/' + 'proc/{os.getpid()}/environ')\n"
    secret = made.head.folder / "m.py"
    outside = f"import m\n\n\ndef test_file():\n    assert 'return' in m.read({str(secret)!r})\n"
    model = ScriptedModel(lambda _: answer(parent, outside))
    found = asyncio.run(prove(drafting(model, attempts=1), made.gaps({"m.py": ["read"]}), bench, 300.0))
    assert [Filter.PASSES, Filter.PASSES] == [judged.filter for judged in found.tests]
    assert all("No such file" in (judged.reason or "") or "denied" in (judged.reason or "") for judged in found.tests)


def test_a_server_of_this_machine_is_out_of_reach(isolated: tuple[Project, Workbench]) -> None:
    import socket

    made, bench = isolated
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import m\n\n\ndef test_net():\n    assert m.connect({port}) > 0\n"
        model = ScriptedModel(lambda _: answer(code))
        found = asyncio.run(prove(drafting(model, attempts=1), made.gaps({"m.py": ["connect"]}), bench, 300.0))
    assert [CandidateStatus.REJECTED] == [judged.status for judged in found.tests]
    assert Filter.PASSES is found.tests[0].filter
