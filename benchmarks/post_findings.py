"""Posts generated findings on real commits to both fake forges, through the real adapters and client libraries.

    git clone --bare https://github.com/psf/requests
    python benchmarks/post_findings.py requests.git [--diffs 50] [--findings 1000] [--seed 1]

Each commit becomes a change request. Its findings stand on added, removed and unchanged lines, one to four at
once. A range of the old side with an unchanged end, and a file that the forge does not show, is planned at the
file. Prints how many were refused or are not where they were planned, how many stand on exactly the lines that
they quote, what a second run writes, and the time of a request with 30 findings with all pauses.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

import gitrepo
from posting.volume import FORGES, Tally, patch_between, posted, scatter

REPLAYED = 30
"""Findings of the request that is timed."""


def _commits(repo: gitrepo.Repo, seed: int) -> Iterator[str]:
    found = repo.git("rev-list", "--no-merges", "--min-parents=1", "HEAD").split()
    random.Random(seed).shuffle(found)  # noqa: S311 - a fixed choice, not a secret
    yield from found


def _usable(repo: gitrepo.Repo, commit: str, count: int) -> bool:
    """Make the branches of a commit, if there is room for so many findings in it."""
    repo.git("update-ref", "refs/heads/main", f"{commit}^")
    repo.git("update-ref", "refs/heads/feature", commit)
    patch = patch_between(repo, "main", "feature")
    chance = random.Random(0)  # noqa: S311 - only to see whether there is room
    return len(patch.files) <= 300 and len(scatter(patch, count, chance)) == count


def _measure(repo: gitrepo.Repo, diffs: int, findings: int, seed: int) -> None:
    totals = {forge: Tally() for forge in FORGES}
    chosen: list[str] = []
    share = findings // diffs
    for commit in _commits(repo, seed):
        if len(chosen) == diffs:
            break
        if not _usable(repo, commit, share):
            continue
        chosen.append(commit)
        for forge, total in totals.items():
            total.add(posted(forge, repo, share, len(chosen), lambda _: None))
    for forge, total in totals.items():
        _print(forge, len(chosen), total)
    _replay(repo, seed)


def _print(forge: str, diffs: int, total: Tally) -> None:
    share = 100 * total.exact / total.inline if total.inline else 0.0
    print(f"{forge}: {total.findings:,} findings over {diffs} diffs in {total.seconds:.1f} s")
    print(f"    {total.inline:,} at their lines, {share:.1f} % of them on exactly the quoted text")
    print(f"    {total.filed:,} at their file as planned")
    print(f"    {total.refused} writes refused, {len(total.astray)} findings vanished, doubled or in another place")
    print(f"    {total.again} writes by a second run, {total.mails / max(diffs, 1):.1f} e-mails a request")
    for place in total.astray[:10]:
        print(f"    astray: {place}")


def _replay(repo: gitrepo.Repo, seed: int) -> None:
    """Time the posting of one request, with the pauses that it really makes."""
    commit = next(commit for commit in _commits(repo, seed) if _usable(repo, commit, REPLAYED))
    for forge in FORGES:
        tally = posted(forge, repo, REPLAYED, seed, time.sleep)  # noqa: TID251 - what is timed
        print(f"{forge}: {REPLAYED} findings on {commit[:9]} posted in {tally.seconds:.2f} s")


def main() -> None:
    """Post and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repo", type=Path)
    parser.add_argument("--diffs", type=int, default=50)
    parser.add_argument("--findings", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        # Branches are made for each commit: in a clone, so that the given repository stays as it is.
        command = ["git", "clone", "--quiet", "--bare", "--shared", str(options.repo), folder]
        subprocess.run(command, check=True)
        repo = gitrepo.Repo(Path(folder))
        _measure(repo, options.diffs, options.findings, options.seed)


if __name__ == "__main__":
    main()
