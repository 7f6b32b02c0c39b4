"""Three replicas with 50 requests each at once spend a budget of $0.05 over one Redis, under trouble: never too much.

    python benchmarks/shared_budget.py --runs 20
    python benchmarks/shared_budget.py --runs 20 --trouble restarted --forgetful --fail-open

Prints what the provider billed in each run, in micro-dollars, and how many runs were above the limit.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / "tests")]

from budget_fleet import LIMIT, TROUBLES, BudgetFleet
from redis_server import running_redis

_SECONDS = 40.0


def billed(trouble: str, runs: int, *, lasting: bool, fail_open: bool) -> Iterator[int]:
    """Yield what each run cost."""
    for seed in range(runs):
        for server in running_redis(lasting=lasting):
            yield BudgetFleet(server, fail_open=fail_open, seconds=_SECONDS).run(seed, TROUBLES[trouble])


def main() -> None:
    """Run as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--trouble", choices=[*TROUBLES, "each"], default="each")
    parser.add_argument("--forgetful", action="store_true", help="Redis keeps nothing on disk")
    parser.add_argument("--fail-open", action="store_true")
    wanted = parser.parse_args()
    for trouble in TROUBLES if wanted.trouble == "each" else [wanted.trouble]:
        costs = list(billed(trouble, wanted.runs, lasting=not wanted.forgetful, fail_open=wanted.fail_open))
        over = [cost for cost in costs if cost > LIMIT]
        used = f"median {statistics.median(costs) / LIMIT:.1%}, {min(costs) / LIMIT:.1%} to {max(costs) / LIMIT:.1%}"
        print(f"{trouble:<12} {wanted.runs} runs, used: {used}; above the limit: {len(over)} {over}", flush=True)


if __name__ == "__main__":
    main()
