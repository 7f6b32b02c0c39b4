"""The request client and its peers, in turns against the same server: under faults, at 100 streams, and at import."""

import os
import statistics
import subprocess
import sys
from collections.abc import Sequence

from client_runs import BAD, GOOD, Contender, Faced, face, race, server

_IMPORT = """
import resource, time
wall, cpu = time.perf_counter(), time.process_time()
import {modules}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(time.perf_counter() - wall, time.process_time() - cpu, peak)
"""
_BASE, _OURS = "httpx, pydantic", "reviewbot.wiring.clients"


def under_faults(python: str, seeds: int) -> None:
    """Put all of them through the fault mix: ours with a refused key of three, peers with it and without."""
    names = ("openai", "litellm", "litellm-steady")
    peers = [Contender(client=name, keys=keys, python=python) for name in names for keys in (GOOD, BAD)]
    contenders = [Contender(client="reviewbot", keys=BAD), *peers]
    found: dict[tuple[bool, str], list[Faced]] = {}
    with server() as port:
        for seed in range(1, seeds + 1):
            for plain in (True, False):
                for contender in contenders:
                    faced = face(port, contender, seed, plain=plain)
                    found.setdefault((plain, contender.name), []).append(faced)
    for (plain, name), all_faced in sorted(found.items(), reverse=True):
        success = sum(faced.figures.ok for faced in all_faced) / (500 * len(all_faced))
        wall_s = statistics.median(faced.figures.wall_s for faced in all_faced)
        ratio = statistics.median(faced.ratio for faced in all_faced)
        shown = f"{name:<25} {success:6.1%}, {wall_s:5.1f} s, {ratio:.2f} x the unavoidable calls"
        print(f"{'plain' if plain else 'streamed':<8} {shown}")


def at_once(python: str, rounds: int, connections: int) -> None:
    """Race them with streams of 2 s."""
    own = [Contender(client=client, keys=GOOD) for client in ("httpx", "reviewbot")]
    peers = [Contender(client=client, keys=GOOD, python=python) for client in ("openai", "litellm-steady")]
    with server() as port:
        race(port, [*own, *peers], connections, rounds, plain=False)


def at_import(python: str | None, rounds: int) -> None:
    """Import each in a new process, in turns; medians of time and of the process's memory."""
    asked = [(sys.executable, _BASE), (sys.executable, _OURS), (sys.executable, f"{_BASE}, {_OURS}")]
    if python is not None:
        asked += [(python, "openai"), (python, "litellm")]
    found: dict[str, list[Sequence[float]]] = {modules: [] for _, modules in asked}
    for _ in range(rounds):
        for interpreter, modules in asked:
            found[modules].append(_imported(interpreter, modules))
    base_ms = 0.0
    for modules, each in found.items():
        wall_ms, cpu_ms, peak_mb = (statistics.median(column) for column in zip(*each, strict=True))
        base_ms = base_ms or cpu_ms
        shown = f"{wall_ms:6.0f} ms, {cpu_ms:6.0f} ms CPU ({cpu_ms / base_ms:.2f} x), {peak_mb:.0f} MB"
        print(f"import {modules:<42} {shown}")


def _imported(interpreter: str, modules: str) -> Sequence[float]:
    # Without the first litellm fetches its price map from the network; without the second what was edited last is
    # compiled anew each time.
    settings = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "PYTHONDONTWRITEBYTECODE": ""}
    environ = {**os.environ, **settings}  # noqa: TID251
    command = [interpreter, "-c", _IMPORT.format(modules=modules)]
    said = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True, env=environ).stdout
    wall_s, cpu_s, peak_mb = (float(part) for part in said.splitlines()[-1].split())
    return 1_000 * wall_s, 1_000 * cpu_s, peak_mb
