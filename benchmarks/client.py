"""The request client against bare httpx in the same shards, against faults, and against its peers.

    python benchmarks/client.py faults [--plain]         500 requests, 50 at once, one key of three always refused
    python benchmarks/client.py throughput [--rounds 3]  100 at once, answers of 2 s with 300 streamed tokens
    python benchmarks/client.py many [--rounds 5]        400 at once, answers of 2 s in one JSON body each
    python benchmarks/client.py imports [--rounds 3]     import time and memory, in turns with httpx and pydantic
    python benchmarks/client.py soak [--requests 20000]  the same faults for long, with the memory in between
    python benchmarks/client.py peers --peers-python VENV/bin/python [faults throughput imports]

``faults`` draws 10 % 429, 5 % 500, 3 % dropped, 2 % hung and 2 % malformed answers, repeatably. Shares are of the
ceiling (connections / 2 s). ``peers`` runs openai-python and litellm's Router in turns with ours in the same run; they
come from an environment of their own: ``python -m venv VENV && VENV/bin/pip install openai litellm httpx``.
"""

import argparse
import shlex
import sys
from pathlib import Path

import client_peers
import client_soak
from client_runs import BAD, GOOD, Contender, face, race, server

_PEERS = ("faults", "throughput", "imports")


def _faults(seeds: int, *, plain: bool) -> None:
    with server() as port:
        for seed in range(1, seeds + 1):
            face(port, Contender(client="reviewbot", keys=BAD), seed, plain=plain)


def _race(connections: int, rounds: int, *, plain: bool) -> None:
    contenders = [Contender(client=client, keys=GOOD) for client in ("httpx", "reviewbot")]
    with server() as port:
        race(port, contenders, connections, rounds, plain=plain)


def _peers(what: list[str], python: str | None, seeds: int, rounds: int, connections: int) -> None:
    if python is None or not Path(python).exists():
        sys.exit("peers needs --peers-python: an interpreter that has openai and litellm")
    if "imports" in what:
        client_peers.at_import(python, 3 * rounds)
    if "throughput" in what:
        client_peers.at_once(python, rounds, connections)
    if "faults" in what:
        client_peers.under_faults(python, seeds)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("faults", "throughput", "many", "imports", "soak", "peers"))
    parser.add_argument("peers", nargs="*", metavar="PEERS' PART", help=f"of {', '.join(_PEERS)}; all by default")
    parser.add_argument("--plain", action="store_true", help="answers in one JSON body, not streamed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--peers-python", help="an interpreter that has openai and litellm")
    options = parser.parse_intermixed_args()
    print(f"$ python benchmarks/client.py {shlex.join(sys.argv[1:])}", flush=True)
    match options.what:
        case "faults":
            _faults(options.seeds, plain=options.plain)
        case "throughput":
            _race(options.connections or 100, options.rounds, plain=options.plain)
        case "many":
            _race(options.connections or 400, options.rounds, plain=True)
        case "imports":
            client_peers.at_import(options.peers_python, 3 * options.rounds)
        case "soak":
            client_soak.soak(options.requests)
        case _:
            part = options.peers or list(_PEERS)
            _peers(part, options.peers_python, options.seeds, options.rounds, options.connections or 100)


if __name__ == "__main__":
    main()
