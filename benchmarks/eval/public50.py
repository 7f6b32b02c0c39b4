"""Review the 50 changes of the public code-review benchmark, and have its own judge score the comments.

    python benchmarks/eval/public50.py CLONE [--judge]

CLONE is a clone of github.com/withmartian/code-review-benchmark. The golden comments are in it, the changes are not:
their diffs are downloaded from the addresses that it names, once, into ``CLONE/offline/results/diffs``. The reviewer's
endpoint, model and key come from the environment, as for ``reviewbot review``. What comes out is
``CLONE/offline/results/benchmark_data.json`` with our comments under the tool ``reviewbot``, beside what others have
there. ``--judge`` then runs the benchmark's steps 2, 2.5 and 3, which need ``uv`` and a model as a judge
(``MARTIAN_API_KEY``, ``MARTIAN_BASE_URL``, ``MARTIAN_MODEL``), and prints precision, recall and F1 as they are printed
there: over all changes together. Name the judge beside the figure: with another one F1 moves by up to nine points.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

TOOL = "reviewbot"
STEPS = (
    ("step2_extract_comments", ()),
    ("step2_5_dedup_candidates", ()),
    ("step3_judge_comments", ("--dedup-groups", "results/{judge}/dedup_groups.json")),
)
Fetch = Callable[[str], bytes]


def main(arguments: Sequence[str]) -> int:
    """Run the protocol."""
    parser = argparse.ArgumentParser(description="Review the public benchmark's changes.")
    parser.add_argument("clone", type=Path)
    parser.add_argument("--limit", type=int, default=None, help="only so many changes, to try it out")
    parser.add_argument("--judge", action="store_true", help="also run the benchmark's judge")
    options = parser.parse_args(arguments)
    offline = options.clone / "offline"
    changes = golden(offline)[: options.limit]
    comments = sum(len(change["comments"]) for change in changes)
    print(f"{len(changes)} changes with {comments} golden comments", file=sys.stderr)
    failed = reviewed(changes, offline / "results", download)
    if failed:
        print(f"{failed} changes could not be reviewed: there are no figures without them", file=sys.stderr)
        return 1
    if options.judge:
        model = os.environ["MARTIAN_MODEL"]  # noqa: TID251 - a script of its own
        judge(offline, model.strip().replace("/", "_"))
        print(
            told(json.loads((offline / "results" / model.strip().replace("/", "_") / "evaluations.json").read_text()))
        )
    return 0


def golden(offline: Path) -> list[dict[str, Any]]:
    """Give all changes with their golden comments, in the order of the files."""
    return [change for path in sorted((offline / "golden_comments").glob("*.json")) for change in _named(path)]


def _named(path: Path) -> Iterator[dict[str, Any]]:
    for change in json.loads(path.read_text("utf-8")):
        yield {**change, "source_repo": path.stem}


def reviewed(changes: Sequence[Mapping[str, Any]], results: Path, fetch: Fetch) -> int:
    """Review changes and write what the judge reads, after each of them; gives how many could not be reviewed."""
    target, failed = results / "benchmark_data.json", 0
    data: dict[str, Any] = json.loads(target.read_text("utf-8")) if target.exists() else {}
    for change in changes:
        report = review(diff_of(change["url"], results / "diffs", fetch))
        if report is None:
            failed += 1
            print(f"failed: {change['url']}", file=sys.stderr)
            continue
        entry = data.setdefault(change["url"], _entry(change))
        others = [each for each in entry["reviews"] if each["tool"] != TOOL]
        entry["reviews"] = [*others, _review(change["url"], report)]
        target.write_text(json.dumps(data, indent=2), "utf-8")
    return failed


def diff_of(url: str, folder: Path, fetch: Fetch) -> Path:
    """Give a change's diff as a file, downloaded if it is not there yet."""
    path = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.diff"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fetch(f"{url}.diff"))
    return path


def download(url: str) -> bytes:
    """Get a file over HTTP; raises httpx.HTTPError."""
    return httpx.get(url, follow_redirects=True, timeout=60).raise_for_status().content


def review(diff: Path) -> Mapping[str, Any] | None:
    """Review a diff in a process of its own; None where that failed or was incomplete."""
    command = [sys.executable, "-m", "reviewbot", "review", "--diff", str(diff), "--engine", "llm", "--no-post"]
    done = subprocess.run([*command, "--format", "json", "--quiet"], stdout=subprocess.PIPE, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def _entry(change: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "pr_title": change["pr_title"],
        "original_url": change.get("original_url"),
        "source_repo": change["source_repo"],
        "golden_comments": change["comments"],
        "reviews": [],
    }


def _review(url: str, report: Mapping[str, Any]) -> dict[str, Any]:
    """Give the comments that an author would see: those in line."""
    shown = [finding for finding in report["findings"] if finding["placement"] == "inline"]
    comments = [
        {"path": each["path"], "line": each["line"], "body": f"{each['title']}\n\n{each['body']}", "created_at": None}
        for each in shown
    ]
    return {"tool": TOOL, "repo_name": TOOL, "pr_url": url, "review_comments": comments}


def judge(offline: Path, name: str) -> None:
    """Run the benchmark's own steps on our comments."""
    for step, more in STEPS:
        rest = [argument.format(judge=name) for argument in more]
        command = ["uv", "run", "python", "-m", f"code_review_benchmark.{step}", "--tool", TOOL, *rest]
        subprocess.run(command, cwd=offline, check=True)


def told(evaluations: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> str:
    """Give precision, recall and F1 over all changes together."""
    ours = [tools[TOOL] for tools in evaluations.values() if TOOL in tools]
    right, false, missed = (sum(each[name] for each in ours) for name in ("tp", "fp", "fn"))
    shares = {
        "precision": (right, right + false),
        "recall": (right, right + missed),
        "F1": (2 * right, 2 * right + false + missed),
    }
    figures = [f"{name} {part / whole:.1%}" if whole else f"{name} -" for name, (part, whole) in shares.items()]
    return f"{len(ours)} changes: {', '.join(figures)}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
