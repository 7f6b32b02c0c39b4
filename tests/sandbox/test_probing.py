"""The trial of a level: it must see where a level does not hold."""

import subprocess
from dataclasses import dataclass

import pytest
from sandbox_scene import Scene

from reviewbot.domain.isolation import Isolation, SandboxJob, SandboxResult
from reviewbot.errors import SandboxError
from reviewbot.sandbox.interpreting import own
from reviewbot.sandbox.probing import probe

_NONE = Isolation(name="none", strong=False, loopback=True, detail="")


@dataclass(frozen=True)
class _Open:
    """Runs jobs without any isolation."""

    isolation: Isolation = _NONE

    def run(self, job: SandboxJob) -> SandboxResult:
        environ = {**job.environ, "TMPDIR": job.folder}
        done = subprocess.run(job.argv, cwd=job.folder, env=environ, capture_output=True, check=False)
        return SandboxResult(
            exit_code=done.returncode, stdout=done.stdout, stderr=done.stderr, timed_out=False, wall_s=0
        )


@dataclass(frozen=True)
class _Answering:
    """Gives one answer to every job."""

    answer: SandboxResult
    isolation: Isolation = _NONE

    def run(self, _: SandboxJob) -> SandboxResult:
        return self.answer


def test_where_nothing_is_isolated_every_attack_is_seen() -> None:
    with pytest.raises(SandboxError, match=r"does not hold: read_file write_file .*connect signal_parent"):
        probe(_Open(), own())


@pytest.mark.parametrize(
    ("exit_code", "timed_out", "match"), [(3, False, "a trial ended with 3: a fault"), (None, True, "with a timeout")]
)
def test_a_trial_that_does_not_end_well_is_told(exit_code: int | None, match: str, *, timed_out: bool) -> None:
    answer = SandboxResult(exit_code=exit_code, stdout=b"", stderr=b"a fault\n", timed_out=timed_out, wall_s=1)
    with pytest.raises(SandboxError, match=match):
        probe(_Answering(answer), own())


def test_a_level_that_works_holds(scene: Scene) -> None:
    probe(scene.sandbox, scene.python)
