"""How long twenty gaps take against a model that answers after two seconds, against the ideal schedule.

``python benchmarks/prove_tests.py [WORKERS]``: the scripted sixty candidates of the tests (twenty good), plain
processes without a sandbox. The ideal schedule is the model's answer and then all processes, spread evenly over the
workers; the target is 1.5 times as long at most.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "tests"), str(HERE.parent)]

from proving import sixty
from proving.scene import ScriptedModel, drafting, project
from proving.test_sixty import script

from reviewbot.domain.candidate import CandidateStatus
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.proving import prove

ANSWER_S = 2.0


@dataclass(slots=True)
class SlowModel(ScriptedModel):
    """Answers after a while."""

    async def complete(
        self, prompt: Prompt, options: ModelOptions, check: Callable[[Completion], bool] | None = None
    ) -> Completion:
        """Wait, then answer."""
        await asyncio.sleep(ANSWER_S)
        return await ScriptedModel.complete(self, prompt, options, check)


def main(workers: int) -> None:
    """Prove the sixty, and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        shop = project(Path(folder), sixty.base(), sixty.head())
        seen: list[Progress] = []
        asking = drafting(SlowModel(script), seen)
        started = time.monotonic()
        found = asyncio.run(
            prove(asking, shop.gaps(sixty.missing()), shop.bench(workers=workers, test_s=10.0), time_s=1_800.0)
        )
        wall_s = time.monotonic() - started
    kept = sum(judged.status is CandidateStatus.PROVEN for judged in found.tests)
    ideal_s = ANSWER_S + found.processes_s / workers
    print(f"{len(found.tests)} candidates, {kept} kept, {found.processes} processes, {found.processes_s:.1f} s in all")
    print(f"wall {wall_s:.1f} s, ideal {ideal_s:.1f} s with {workers} workers: {wall_s / ideal_s:.2f} times")
    print(f"progress was told {len(seen)} times")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
