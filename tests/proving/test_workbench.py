"""Copies and processes: what a test may do to its own copy, and that it reaches no other."""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from proving.scene import PlainSandbox, Project, project

from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.domain.trial import Measured, Ran, Trial
from reviewbot.errors import SandboxError
from reviewbot.proving.copies import PLACE
from reviewbot.proving.workbench import TimeUp, Yard

FILES = {
    "src/pkg/__init__.py": "",
    "src/pkg/m.py": "def f(a):\n    return a + 1\n",
    "tests/test_m.py": "from pkg.m import f\n\n\ndef test_f():\n    assert f(1) == 2\n",
    "data/x.txt": "x",
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n[tool.ruff]\nindent-width = 8\n",
}
GOOD = "from pkg.m import f\n\n\ndef test_g():\n    assert f(2) == 3\n"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return project(tmp_path_factory.mktemp("bench"), {"base.txt": ""}, FILES)


@pytest.fixture
def yard(made: Project, tmp_path: Path) -> Yard:
    return Yard(made.bench(scratch=tmp_path), time.monotonic() + 600, ["src"])


def run(yard: Yard, code: str, **more: object) -> Ran:
    trial = Trial(files={"tests/test_new.py": code}, select=("tests/test_new.py",))
    return yard.run(replace(trial, **more))  # type: ignore[arg-type]


def copies(scratch: Path) -> list[str]:
    """List all files of all copies, without the names of the copies."""
    return sorted(
        str(path.relative_to(place)) for place in scratch.iterdir() for path in place.rglob("*") if path.is_file()
    )


def test_a_new_test_runs_beside_the_project_and_is_gone_afterwards(yard: Yard, tmp_path: Path) -> None:
    ran = run(yard, GOOD, measured=("src/pkg/m.py",))
    assert ran.passes
    assert ran.attested is not None
    assert {"src/pkg/m.py": Measured(lines=frozenset({1, 2}))} == ran.attested.measured
    assert sorted([*FILES, "base.txt"]) == copies(tmp_path)
    assert (1, ran.wall_s) == (yard.processes, yard.processes_s)


def test_the_whole_suite_runs_where_nothing_is_selected(yard: Yard) -> None:
    ran = yard.run(Trial(files={}))
    assert ran.attested is not None
    assert (1, True) == (ran.attested.collected, ran.passes)


def test_a_source_is_replaced_for_one_run_only(yard: Yard) -> None:
    mutant = {"tests/test_new.py": GOOD, "src/pkg/m.py": "def f(a):\n    return None\n"}
    assert not run(yard, GOOD, files=mutant).passes
    assert run(yard, GOOD).passes


def test_a_source_of_the_same_length_is_not_mistaken_for_the_old_one(yard: Yard) -> None:
    for sign in "-+-+":
        files = {"tests/test_new.py": GOOD, "src/pkg/m.py": f"def f(a):\n    return a {sign} 1\n"}
        assert (sign == "+") is run(yard, GOOD, files=files).passes


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("Path('new.txt').touch()", ("new.txt",)),
        ("Path('data/x.txt').unlink()", ("data/x.txt",)),
        ("Path('data/x.txt').write_text('y!')", ("data/x.txt",)),
        ("Path('data').chmod(0o700)", ("data",)),
        ("Path('link').symlink_to('/')", ("link",)),
    ],
)
def test_a_copy_that_was_altered_is_replaced(yard: Yard, line: str, left: tuple[str, ...]) -> None:
    altering = f"from pathlib import Path\n\n\ndef test_a():\n    {line}\n    assert Path('data').exists()\n"
    ran = run(yard, altering)
    assert (True, left) == (ran.passes, ran.left)
    check = "from pathlib import Path\n\n\ndef test_a():\n    assert Path('data/x.txt').read_text() == 'x'\n"
    assert (True, ()) == (run(yard, check).passes, run(yard, check).left)


@pytest.mark.parametrize("folder", [".hypothesis/examples", "tests/__pycache__", ".pytest_cache"])
def test_what_tools_of_tests_keep_for_themselves_is_thrown_away_and_not_told(yard: Yard, folder: str) -> None:
    code = f"from pathlib import Path\n\n\ndef test_a():\n    assert not Path('{folder}').mkdir(parents=True)\n"
    assert [(True, ()), (True, ())] == [(ran.passes, ran.left) for ran in (run(yard, code), run(yard, code))]


def test_a_hidden_folder_that_became_a_link_leads_nowhere(yard: Yard, tmp_path: Path) -> None:
    victim = tmp_path.parent / "victim"
    victim.mkdir()
    (victim / "kept.txt").touch()
    code = (
        f"import shutil\nfrom pathlib import Path\n\n\ndef test_a():\n    shutil.rmtree('{PLACE}')\n"
        f"    Path('{PLACE}').symlink_to('{victim}')\n    assert Path('{PLACE}').is_symlink()\n"
    )
    assert run(yard, code).passes
    assert run(yard, GOOD).passes
    assert (victim / "kept.txt").exists()


def test_what_is_not_reported_is_not_believed(yard: Yard) -> None:
    ran = run(yard, "import os\n\n\ndef test_a():\n    os._exit(0)\n")
    assert (None, 0, False) == (ran.attested, ran.exit_code, ran.passes)


def test_the_secret_is_in_no_file_argument_or_variable_when_tests_run(made: Project, tmp_path: Path) -> None:
    secrets = iter(["copy", "5ecret"])
    yard = Yard(made.bench(scratch=tmp_path, secret=secrets.__next__), time.monotonic() + 600, ["src"])
    ran = run(
        yard,
        "import os, sys\nfrom pathlib import Path\n\n\ndef test_a():\n"
        "    texts = [path.read_text() for path in Path('.').rglob('*') if path.is_file()]\n"
        "    texts += [*sys.argv, *os.environ.values(), Path('/proc/self/environ').read_text()]\n"
        "    texts.append(Path('/proc/self/cmdline').read_text())\n"
        "    assert 10 < len(texts)\n"
        "    assert [] == [text for text in texts if '5' + 'ecret' in text]\n",
    )
    assert ran.passes
    assert None is next(secrets, None)


def test_a_test_that_runs_on_is_ended(yard: Yard) -> None:
    ran = run(yard, "def test_a():\n    while True:\n        pass\n", timeout_s=2.0)
    assert (True, None) == (ran.timed_out, ran.attested)


def test_seeds_are_those_of_the_trial(yard: Yard) -> None:
    code = "import os\n\n\ndef test_a():\n    assert os.environ['PYTHONHASHSEED'] == '7'\n"
    assert run(yard, code, seed=7).passes
    assert not run(yard, code).passes


def test_new_files_are_formatted_by_the_projects_own_rules(yard: Yard, tmp_path: Path) -> None:
    yard.inquire()
    code = "def test_a( ):\n  assert 1==1\n"
    assert {"tests/test_x.py": "def test_a():\n        assert 1 == 1\n"} == yard.formatted({"tests/test_x.py": code})
    assert "tests/test_x.py" not in copies(tmp_path)


def test_what_cannot_be_formatted_stays_as_it_is(yard: Yard) -> None:
    yard.inquire()
    assert {"tests/test_x.py": "def ("} == yard.formatted({"tests/test_x.py": "def ("})
    assert {} == yard.formatted({})


def test_the_projects_python_says_what_it_has(yard: Yard) -> None:
    environment = yard.inquire()
    assert {"pytest", "coverage", "os", "sys", "pkg"} <= environment.modules
    assert "no_such_module" not in environment.modules
    assert ((), True) == (environment.missing, environment.formats)


def test_other_plugins_that_measure_or_spread_tests_are_switched_off(made: Project, tmp_path: Path) -> None:
    bench = made.bench(scratch=tmp_path, environ={"PATH": "/usr/bin:/bin"})
    yard = Yard(bench, time.monotonic() + 600, ["src"])
    assert ("--no-cov", "-n0") == yard.inquire().options
    assert run(yard, GOOD).passes


def test_a_python_that_does_not_work_is_told(made: Project, tmp_path: Path) -> None:
    yard = Yard(made.bench(scratch=tmp_path, python="/bin/false"), time.monotonic() + 600, [])
    with pytest.raises(SandboxError, match="/bin/false, does not work in the sandbox: it ended without a word"):
        yard.inquire()


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path) -> None:
    names = {"m.py": "", "tests/test_m.py": "def test_a():\n    assert 1\n"}
    made = project(tmp_path, {"base.txt": ""}, names)
    outside = tmp_path / "outside"
    outside.mkdir()
    yard = Yard(made.bench(), time.monotonic() + 600, [])
    yard.run(Trial(files={}))
    (place,) = made.scratch.iterdir()
    (place / "linked").symlink_to(outside)
    with pytest.raises(SandboxError, match=r"outside of the copy: linked/test_x\.py"):
        yard.run(Trial(files={"linked/test_x.py": GOOD}))
    assert [] == list(outside.iterdir())


def test_without_a_base_nothing_runs_on_it(made: Project, tmp_path: Path) -> None:
    yard = Yard(made.bench(scratch=tmp_path, base=None), time.monotonic() + 600, [])
    with pytest.raises(SandboxError, match="no base"):
        yard.run(Trial(files={}, on_base=True))


@dataclass
class Clock:
    """A clock that a process moves on."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Slow:
    """A sandbox whose processes take long, by the clock alone."""

    clock: Clock
    takes_s: float
    asked: list[float] = field(default_factory=list)

    @property
    def isolation(self) -> Isolation:
        return PlainSandbox().isolation

    def run(self, job: SandboxJob) -> SandboxResult:
        """Let time pass."""
        self.asked.append(job.timeout_s)
        took = min(self.takes_s, job.timeout_s)
        self.clock.now += took
        return SandboxResult(exit_code=0, stdout=b"", stderr=b"", timed_out=took < self.takes_s, wall_s=took)


def test_no_process_outlives_the_time_for_all(made: Project, tmp_path: Path) -> None:
    clock = Clock()
    slow = Slow(clock, takes_s=50.0)
    yard = Yard(made.bench(scratch=tmp_path, sandbox=slow, clock=clock), 100.0, [])
    assert 50.0 == yard.run(Trial(files={})).wall_s
    with yard.sooner(30.0), pytest.raises(TimeUp):
        yard.run(Trial(files={}))
    assert 30.0 == yard.left_s
    with pytest.raises(TimeUp):
        yard.run(Trial(files={}))
    with pytest.raises(TimeUp):
        yard.run(Trial(files={}))
    assert [60.0, 20.0, 30.0] == slow.asked


def test_a_test_that_is_too_slow_by_itself_is_no_end_of_all(made: Project, tmp_path: Path) -> None:
    clock = Clock()
    yard = Yard(made.bench(scratch=tmp_path, sandbox=Slow(clock, 90.0), clock=clock), 600.0, [])
    assert yard.run(Trial(files={})).timed_out
