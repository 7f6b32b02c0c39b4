"""The plugin, in a session of pytest within this process: what it reports, and in which order tests run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reviewbot.proving.probe import Probe, begin

SECRET = "0" * 31 + "7"


def reported(
    folder: Path, files: Mapping[str, str], *, measured: tuple[str, ...] = (), **orders: object
) -> dict[str, Any]:
    """Run tests of a folder with a probe, and give what it wrote."""
    for name, text in files.items():
        (folder / name).write_text(text)
    said: list[bytes] = []
    given = {"secret": SECRET, "measured": measured, "seed": 0, "first": [], "last": [], "place": str(folder), **orders}
    probe = Probe(given, said.append)
    probe.measure()
    arguments = ["-q", "--rootdir=.", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-c=x.ini"]
    pytest.main(arguments, plugins=[probe])
    (line,) = [line for line in b"".join(said).split(b"\n") if line]
    secret, _, text = line.decode().partition(" ")
    assert SECRET == secret
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "x.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    return tmp_path


MIXED = """
import pytest

def test_good(): pass
def test_wrong(): assert 1 == 2, "told"
def test_not_raised():
    with pytest.raises(KeyError): pass
def test_crash(): {}["x"]
def test_skipped(): pytest.skip("later")
@pytest.mark.xfail
def test_expected(): assert 0
@pytest.mark.xfail
def test_unexpected(): pass
@pytest.fixture
def broken(): assert 0
def test_setup(broken): pass
@pytest.fixture
def breaking():
    yield
    assert 0
def test_teardown(breaking): pass
def check(): assert 3 == 4
def test_by_helper(): check()
"""


def test_every_end_of_a_test_is_told_apart(folder: Path) -> None:
    said = reported(folder, {"test_probed_mixed.py": MIXED})
    own = {failure["id"].rpartition("::")[2]: failure["own"] for failure in said["failures"]}
    assert (10, 1, 3) == (said["collected"], said["passed"], said["skipped"])
    assert {
        "test_wrong": True,
        "test_not_raised": True,
        "test_crash": False,
        "test_setup": False,
        "test_teardown": False,
        "test_by_helper": True,
    } == own
    wrong = said["failures"][0]
    assert wrong["message"].startswith("AssertionError: told\nassert 1 == 2")
    assert 'assert 1 == 2, "told"' in wrong["text"]


def test_an_assertion_of_the_code_under_test_is_not_the_tests_own(folder: Path) -> None:
    test = "from probed_code import f\n\ndef test_f(): f()\n"
    code = "def f(): assert 1 == 2\n"
    said = reported(folder, {"test_probed_code.py": test, "probed_code.py": code})
    assert [False] == [failure["own"] for failure in said["failures"]]


def test_a_file_that_cannot_be_collected_is_an_error(folder: Path) -> None:
    said = reported(
        folder, {"test_probed_broken.py": "import no_such_module\n", "test_probed_good.py": "def test_a(): pass\n"}
    )
    assert (1, 1) == (said["collected"], said["passed"])
    (error,) = said["errors"]
    assert ("test_probed_broken.py", False) == (error["id"], error["own"])
    assert "No module named 'no_such_module'" in error["message"]


ORDERED = "def test_1(log): log.append(1)\ndef test_2(log): log.append(2)\ndef test_3(log): log.append(3)\n"
LOG = """
import pytest
LINES = []

@pytest.fixture
def log(request):
    yield LINES
    open("order.txt", "a").write(request.node.nodeid + "\\n")
"""


def order(folder: Path, seed: int = 0, first: tuple[str, ...] = (), last: tuple[str, ...] = ()) -> list[str]:
    files = {f"test_probed_{name}.py": ORDERED for name in "abc"}
    reported(folder, {**files, "conftest.py": LOG}, seed=seed, first=first, last=last)
    text = (folder / "order.txt").read_text()
    (folder / "order.txt").unlink()
    return [line.removeprefix("test_probed_").replace(".py::test_", "") for line in text.split()]


def test_tests_run_in_the_order_that_is_asked_for(folder: Path) -> None:
    plain = ["a1", "a2", "a3", "b1", "b2", "b3", "c1", "c2", "c3"]
    assert plain == order(folder)
    assert ["c1", "c2", "c3", *plain[:6]] == order(folder, first=("test_probed_c.py",))
    assert [*plain[3:], *plain[:3]] == order(folder, last=("test_probed_a.py",))


def test_a_seed_gives_another_order_and_always_the_same(folder: Path) -> None:
    orders = [order(folder, seed=seed) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    assert sorted(orders[0]) not in orders


CODE = "def f(a):\n    if a:\n        return 1\n    return 2\n\n\ndef g():\n    return 3\n"


def test_lines_and_branches_of_the_named_files_are_measured(folder: Path) -> None:
    test = "from probed_measured import f\n\ndef test_f(): assert f(1) == 1\n"
    files = {"probed_measured.py": CODE, "test_probed_measured.py": test}
    said = reported(folder, files, measured=("probed_measured.py", "never_imported.py"))
    assert {
        "probed_measured.py": {"lines": [1, 2, 3, 7], "taken": [[2, 3]], "untaken": [[2, 4]]},
    } == said["measured"]


def test_where_nothing_is_imported_nothing_is_measured(folder: Path) -> None:
    said = reported(folder, {"test_probed_none.py": "def test_a(): pass\n"}, measured=("never_imported.py",))
    assert {} == said["measured"]


def test_a_process_reports_on_what_was_its_standard_output_at_first(capfd: pytest.CaptureFixture[str]) -> None:
    probe = begin({"secret": SECRET, "measured": [], "seed": 0, "first": [], "last": [], "place": "."})
    probe.pytest_sessionfinish()
    said = json.loads(capfd.readouterr().out.strip().removeprefix(f"{SECRET} "))
    assert {"collected": 0, "passed": 0, "skipped": 0, "failures": [], "errors": [], "measured": {}} == said
