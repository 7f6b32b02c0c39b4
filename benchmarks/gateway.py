"""What the gateway adds, against calling upstream directly and against a bare pass-through proxy, in the same run.

    python benchmarks/gateway.py [--scenario NAME] [--rounds N] [--litellm PYTHON]

Each server is a process of its own, the load another one. Direct, bare and ours take turns within every round, so that
a busy machine is busy for all; the figures are medians over the rounds. ``--litellm`` names a Python that has litellm's
proxy.
"""

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Thread
from urllib.request import ProxyHandler, build_opener

HERE = Path(__file__).parent
_TOKEN = "team-token"  # noqa: S105 - made up
_START_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A load on an endpoint."""

    name: str
    profile: str
    """Of the fake upstream."""
    at_once: int
    """On average, where there is a rate."""
    rate: float = 0.0
    """Requests a second, as they come from many people; none for each asking again as soon as it has its answer."""
    count: int = 1_000_000
    seconds: float = 1_000.0
    tokens: int = 0
    stream: bool = True
    same: bool = False


SCENARIOS = (
    Scenario(
        name="100 streams x 300", profile="ttft=600,total=2000,tok=300", at_once=100, rate=50, count=300, tokens=300
    ),
    Scenario(name="10 streams x 50", profile="ttft=200,total=600,tok=50", at_once=10, rate=16, count=100, tokens=50),
    Scenario(name="cache hits", profile="tok=50", at_once=16, seconds=4.0, stream=False, same=True),
    Scenario(name="sustained", profile="ttft=600,total=2000,tok=100", at_once=50, seconds=20.0, tokens=100),
    Scenario(
        name="500 open streams x 100",
        profile="ttft=2000,total=8000,tok=100",
        at_once=500,
        rate=62.5,
        count=1_000,
        tokens=100,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What came of a load on one server."""

    wall_s: float
    ok: int
    bad: Mapping[str, int]
    took_s: Sequence[float]
    ttft_s: Sequence[float]
    cpu_s: float = 0.0
    """Of the server."""
    peak_mb: float = 0.0
    """Most memory of the server that was seen."""

    def took(self, share: float) -> float:
        """Give a quantile of the whole time, in seconds."""
        return _quantile(self.took_s, share)

    def ttft(self, share: float) -> float:
        """Give a quantile of the time to the first content, in seconds."""
        return _quantile(self.ttft_s, share)


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")


@dataclass(slots=True, kw_only=True)
class Server:
    """A process that answers."""

    name: str
    base: str
    process: subprocess.Popen[bytes] | None = None
    rounds: list[Figures] = field(default_factory=list)

    @property
    def cpu_s(self) -> float:
        """CPU seconds used so far."""
        if self.process is None:
            return 0.0
        fields = Path(f"/proc/{self.process.pid}/stat").read_text("ascii").rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory_mb(self) -> float:
        """Memory in use right now."""
        if self.process is None:
            return 0.0
        lines = Path(f"/proc/{self.process.pid}/status").read_text("ascii").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def free_port() -> int:
    """Give a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: Sequence[str], environ: Mapping[str, str], ready: str | None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the length of a block; ``ready`` is a URL that answers when it serves."""
    said: deque[bytes] = deque(maxlen=20)
    # What it logs goes through a pipe, as in a container.
    process = subprocess.Popen(command, env={**os.environ, **environ}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: TID251 - a script
    assert process.stderr is not None
    Thread(target=said.extend, args=(process.stderr,), daemon=True).start()
    try:
        if ready is not None:
            _await(ready, process, said)
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _await(url: str, process: subprocess.Popen[bytes], said: Iterable[bytes]) -> None:
    opener, until = build_opener(ProxyHandler({})), time.monotonic() + _START_S
    while time.monotonic() < until and process.poll() is None:
        try:
            opener.open(url, timeout=2).read()
        except OSError as error:
            if hasattr(error, "code"):
                return  # an HTTP error is an answer
            time.sleep(0.1)  # noqa: TID251 - a script
        else:
            return
    message = f"{url} does not answer: {b''.join(said).decode('utf-8', 'replace')}"
    raise SystemExit(message)


def loaded(server: Server, scenario: Scenario, number: int) -> Figures:
    """Put a scenario on a server."""
    flags = [f"--{name}" for name in ("stream", "same") if getattr(scenario, name)]
    command = [
        sys.executable, str(HERE / "gateway_load.py"), f"--url={server.base}", f"--token={_TOKEN}",
        f"--text=round {number}",
        f"--count={scenario.count}", f"--seconds={scenario.seconds}", f"--at-once={scenario.at_once}",
        f"--rate={scenario.rate}", f"--tokens={scenario.tokens}", *flags,
    ]  # fmt: skip
    before_s, peak_mb = server.cpu_s, 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as load:
        assert load.stdout is not None
        if scenario.at_once >= 500:
            while load.poll() is None:
                peak_mb = max(peak_mb, server.memory_mb)
                time.sleep(0.05)  # noqa: TID251 - a script
        said = json.loads(load.stdout.read())
    outcomes = said["outcomes"]
    return Figures(
        wall_s=said["wall_s"],
        ok=outcomes.pop("ok", 0),
        bad=outcomes,
        took_s=said["took_s"],
        ttft_s=said["ttft_s"],
        cpu_s=server.cpu_s - before_s,
        peak_mb=peak_mb,
    )


@contextmanager
def servers(scenario: Scenario, upstream_port: int, litellm: str | None) -> Iterator[list[Server]]:
    """Run what is measured, each with the scenario's upstream behind it."""
    upstream = f"http://127.0.0.1:{upstream_port}/p/{scenario.profile}/v1"
    with ExitStack() as stack:

        def start(name: str, command: Sequence[str], environ: Mapping[str, str], port: int, ready: str) -> Server:
            base = f"http://127.0.0.1:{port}"
            process = stack.enter_context(started(command, environ, f"{base}{ready}"))
            return Server(name=name, base=f"{base}/v1", process=process)

        found = [Server(name="direct", base=upstream)]
        port = free_port()
        bare = [sys.executable, str(HERE / "gateway_bare.py"), f"--port={port}", f"--upstream={upstream}"]
        found.append(start("bare", bare, {}, port, "/"))
        port = free_port()
        ours = [sys.executable, "-m", "reviewbot", "gateway", f"--port={port}"]
        environ = {
            "PYTHONPATH": str(HERE.parent),
            "REVIEWBOT_BASE_URL": upstream,
            "REVIEWBOT_API_KEY": "sk-" + "up",
            "REVIEWBOT_GATEWAY_TOKENS": f"team={_TOKEN}",
            "REVIEWBOT_CONFIG": str(stack.enter_context(_configuration())),
        }
        found.append(start("ours", ours, environ, port, "/healthz"))
        if litellm is not None:
            found.append(_litellm(stack, litellm, upstream, start))
        yield found


@contextmanager
def _configuration() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.toml"
        path.write_text("[gateway]\nconcurrency = 1000\n", "utf-8")
        yield path


def _litellm(
    stack: ExitStack,
    python: str,
    upstream: str,
    start: Callable[[str, Sequence[str], Mapping[str, str], int, str], Server],
) -> Server:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    model = {"model": "openai/fake", "api_base": upstream, "api_key": "sk-" + "up"}
    rows = {"model_list": [{"model_name": "fake", "litellm_params": model}]}
    (folder / "config.yaml").write_text(json.dumps(rows), "utf-8")  # JSON is YAML
    port = free_port()
    environ = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    command = [str(Path(python).with_name("litellm")), "--config", str(folder / "config.yaml"), "--port", str(port)]
    return start("litellm", command, environ, port, "/health/liveliness")


def measured(scenario: Scenario, upstream_port: int, rounds: int, litellm: str | None) -> list[Server]:
    """Run a scenario."""
    with servers(scenario, upstream_port, litellm) as found:
        for number in range(-1, rounds):
            for server in found:
                figures = loaded(server, scenario, number)
                if number >= 0:  # the first is for warming up
                    server.rounds.append(figures)
    return found


def told(scenario: Scenario, found: Sequence[Server]) -> Iterator[str]:
    """Say what came of a scenario, a line for each server."""
    direct = found[0]
    yield f"{scenario.name} ({scenario.profile}, {scenario.at_once} at once)"
    for server in found:
        middle = partial(_middle, server.rounds)
        parts = [f"{middle(lambda each: each.ok / each.wall_s):9.1f} answers/s"]
        if scenario.stream and server is not direct:
            pairs = list(zip(server.rounds, direct.rounds, strict=True))
            parts.append(f"+{_ms(pairs, lambda each: each.took(0.5)):7.1f} ms p50")
            parts.append(f"+{_ms(pairs, lambda each: each.took(0.95)):7.1f} ms p95")
            parts.append(f"+{_ms(pairs, lambda each: each.ttft(0.95)):7.1f} ms TTFT p95")
        if server is not direct:
            parts.append(f"{middle(lambda each: 1_000 * each.cpu_s / max(each.ok, 1)):6.2f} ms CPU each")
        peak_mb = max(each.peak_mb for each in server.rounds)
        parts += [f"{peak_mb:6.1f} MB"] if peak_mb else []
        bad = sum((Counter(each.bad) for each in server.rounds), Counter[str]())
        parts += [f"not ok: {dict(bad)}"] if bad else []
        yield f"  {server.name:8}" + " · ".join(parts)


def _middle(rounds: Sequence[Figures], figure: Callable[[Figures], float]) -> float:
    return statistics.median(figure(each) for each in rounds)


def _ms(pairs: Sequence[tuple[Figures, Figures]], figure: Callable[[Figures], float]) -> float:
    """Give what was added to a figure of the direct way, in milliseconds: the median over the rounds."""
    return 1_000 * statistics.median(figure(through) - figure(direct) for through, direct in pairs)


def main() -> None:
    """Run the scenarios, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--scenario", action="append", choices=[each.name for each in SCENARIOS], default=[])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--litellm", metavar="PYTHON", help="of an environment with litellm's proxy")
    wanted = parser.parse_args()
    command = [sys.executable, str(HERE / "fast_server.py"), "--seconds=7200"]
    with started(command, {}, None) as upstream:
        assert upstream.stdout is not None
        port = int(upstream.stdout.readline())
        for scenario in SCENARIOS:
            if not wanted.scenario or scenario.name in wanted.scenario:
                found = measured(scenario, port, wanted.rounds, wanted.litellm)
                print("\n".join(told(scenario, found)), flush=True)
    print(f"repeat: python benchmarks/gateway.py {' '.join(sys.argv[1:])}")


if __name__ == "__main__":
    main()
