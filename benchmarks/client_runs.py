"""Runs loads against one fake server, each in a process of its own, and puts what they cost side by side."""

import json
import statistics
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from load import Figures, Load

_HERE = Path(__file__).parent
_OK_SHARE = 0.78
"""Of the calls of the fault mix: so many calls are unavoidable for each answer."""
GOOD = ("sk-a", "sk-b", "sk-c")
BAD = ("sk-a", "sk-b", "sk-bad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A client under load."""

    client: str
    keys: Sequence[str]
    python: str = sys.executable

    @property
    def name(self) -> str:
        """How it is shown."""
        return self.client if "sk-bad" not in self.keys else f"{self.client} + bad key"

    def run(self, load: Load) -> Figures:
        """Put a load on it in a new process."""
        script = "load_own.py" if self.client in {"reviewbot", "httpx"} else "load_peers.py"
        command = [self.python, str(_HERE / script), *load.arguments()]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
        if done.returncode != 0:
            sys.exit(f"{self.client} did not run: {done.stderr[-2_000:]}")
        return Figures(**json.loads(done.stdout.splitlines()[-1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Faced:
    """What came of the fault mix."""

    figures: Figures
    calls: int
    """Without those that the refused key had."""
    refused: int

    @property
    def ratio(self) -> float:
        """Calls by those that are unavoidable."""
        return self.calls / max(self.figures.ok / _OK_SHARE, 1.0)


@contextmanager
def server() -> Iterator[int]:
    """Run the fake server, for its port."""
    command = [sys.executable, str(_HERE / "fast_server.py"), "--seconds", "3600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def url(port: int, profile: str) -> str:
    """Give the base URL where the server behaves so."""
    return f"http://127.0.0.1:{port}/p/{profile}/v1"


def face(port: int, contender: Contender, seed: int, *, plain: bool) -> Faced:
    """Send 500 requests, 50 at once, into the fault mix, and print what came of them."""
    by = contender.name.replace(" ", "")
    profile = f"fault=mix,seed={seed},ttft=60,total=200,tok=50,ra=1,plain={plain:d},by={by}"
    figures = contender.run(
        Load(
            client=contender.client,
            url=url(port, profile),
            keys=contender.keys,
            count=500,
            at_once=50,
            tokens=50,
            plain=plain,
            warm=False,
        )
    )
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats") as response:
        stats = json.load(response)[profile]
    refused = stats.get("401", 0)
    faced = Faced(figures=figures, calls=stats["calls"] - refused, refused=refused)
    print(
        f"seed {seed} {'plain' if plain else 'streamed':<8} {contender.name:<25} {faced.figures.wall_s:5.1f} s, "
        f"{faced.calls} calls ({faced.ratio:.2f} x the unavoidable), {refused} refused; {figures.outcomes}",
        flush=True,
    )
    return faced


def race(port: int, contenders: Sequence[Contender], at_once: int, rounds: int, *, plain: bool) -> None:
    """Send answers of 2 s with 300 tokens at once, in turns, and print the medians against the ceiling."""
    found: dict[str, list[Figures]] = {contender.name: [] for contender in contenders}
    for number in range(rounds):
        for contender in contenders:
            profile = f"ttft=600,total=2000,tok=300,plain={plain:d},n={number}{contender.client}"
            load = Load(
                client=contender.client,
                url=url(port, profile),
                keys=contender.keys,
                count=3 * at_once,
                at_once=at_once,
                tokens=300,
                plain=plain,
                warm=True,
            )
            figures = contender.run(load)
            if figures.ok != load.count:
                print(f"{contender.name}: not all whole, {figures.outcomes}", flush=True)
            found[contender.name].append(figures)
    _print_race(found, at_once)


def _print_race(found: Mapping[str, Sequence[Figures]], at_once: int) -> None:
    def of(figures: Figures) -> tuple[float, ...]:
        share = figures.ok / figures.wall_s / (at_once / 2.0)
        return share, figures.p95_s, 1_000 * figures.cpu_s / max(figures.ok, 1), figures.peak_mb

    rows = {name: [of(figures) for figures in all_of_it] for name, all_of_it in found.items()}
    medians = {name: [statistics.median(column) for column in zip(*each, strict=True)] for name, each in rows.items()}
    for name, (share, p95_s, cpu_ms, peak_mb) in medians.items():
        print(f"{name:<12} {share:6.1%} of the ceiling, p95 {p95_s:.2f} s, {cpu_ms:6.2f} ms CPU each, {peak_mb:.0f} MB")
    # Each round's ratio for itself: what disturbs the machine disturbs neighbours alike.
    pairs = list(zip(rows["reviewbot"], rows["httpx"], strict=True))
    shares = [ours[0] / bare[0] for ours, bare in pairs]
    p95s = [ours[1] / bare[1] for ours, bare in pairs]
    print(
        f"reviewbot / httpx, median of rounds: throughput {statistics.median(shares):.3f} "
        f"({min(shares):.3f} to {max(shares):.3f}), p95 {statistics.median(p95s):.3f}, "
        f"{medians['reviewbot'][2] - medians['httpx'][2]:+.2f} ms CPU each"
    )
