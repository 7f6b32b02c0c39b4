"""The way from waiting tasks to working threads: as many processes at once as there are workers."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from reviewbot.domain.trial import PythonEnvironment, Ran, Trial
from reviewbot.proving.workbench import Yard

_T = TypeVar("_T")


class Lanes:
    """Runs trials in threads, in the order in which they are asked for."""

    def __init__(self, yard: Yard, executor: ThreadPoolExecutor, workers: int) -> None:
        self._yard = yard
        self._executor = executor
        self.candidates = asyncio.Semaphore(workers + 1)
        """Taken while a candidate is judged: what has been begun is finished before more is begun, and one more
        than there are workers keeps them busy while another waits for a model."""

    @property
    def left_s(self) -> float:
        """Time until everything has to be over."""
        return self._yard.left_s

    async def inquire(self) -> PythonEnvironment:
        """Ask the project's Python what it has. Raises SandboxError or TimeUp."""
        return await self._in_thread(self._yard.inquire)

    async def run(self, trial: Trial) -> Ran:
        """Run pytest. Raises SandboxError or TimeUp."""
        return await self._in_thread(lambda: self._yard.run(trial))

    async def formatted(self, files: Mapping[str, str]) -> Mapping[str, str]:
        """Format new files. Raises SandboxError or TimeUp."""
        return await self._in_thread(lambda: self._yard.formatted(files))

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)
