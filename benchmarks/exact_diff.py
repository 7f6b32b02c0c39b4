"""Parses real commits and checks every file against an independent truth.

    python benchmarks/exact_diff.py REPO... [--commits 290]

The truth is taken from git and the blobs alone: the list from ``--raw``, the counts from ``--numstat``, and for
every line the blob's own text; added and removed lines must turn the old text into the new one, and what is shown
must be the changed lines and three lines around them. The same text is parsed
without the list too. Prints the defects and their number.
"""

import argparse
import os
import random
import subprocess
import time
from pathlib import Path

from reviewbot.domain.patch import FilePatch
from reviewbot.repository import changes
from reviewbot.repository.blobs import Blobs
from reviewbot.repository.git import Git, GitError, locate
from reviewbot.steps import diffing, listing

_CONTEXT = 3


def _commits(repo: Path, count: int) -> list[str]:
    command = ["git", "-C", str(repo), "rev-list", "--no-merges", "--min-parents=1", "HEAD"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    random.Random(1).shuffle(found)  # noqa: S311 - a fixed choice, not a secret
    return found[:count]


def _lines(text: bytes) -> list[bytes]:
    """Split after each newline, and nowhere else."""
    *whole, rest = text.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _shown(added: set[int], removed: set[int], old_count: int, new_count: int) -> set[tuple[str, int, int]]:
    """Say which lines a diff with three lines of context must show."""
    rows: list[tuple[str, int, int]] = []
    old = new = 1
    while old <= old_count or new <= new_count:
        if old in removed:
            rows.append(("-", old, 0))
            old += 1
        elif new in added:
            rows.append(("+", 0, new))
            new += 1
        else:
            rows.append((" ", old, new))
            old, new = old + 1, new + 1
    keep = set()
    for at, row in enumerate(rows):
        if row[0] == " ":
            continue
        keep.add(row)
        for step in (-1, 1):
            left, near = _CONTEXT, at + step
            while 0 <= near < len(rows) and left and rows[near][0] == " ":
                keep.add(rows[near])
                near, left = near + step, left - 1
    return keep


def _defect(file: FilePatch, blobs: Blobs) -> str | None:  # noqa: PLR0911 - one answer for each kind of defect
    if file.defect is not None:
        return f"not read: {file.defect}"
    if file.binary or file.is_submodule:
        return "lines in a binary" if file.binary and file.hunks else None
    old = _lines((blobs.read(file.old_blob) or b"") if file.old_blob else b"")
    new = _lines((blobs.read(file.new_blob) or b"") if file.new_blob else b"")
    shown = set()
    for hunk in file.hunks:
        for line in hunk.lines():
            text = line.text.encode("utf-8", "surrogateescape")
            if line.old and old[line.old - 1].removesuffix(b"\n") != text:
                return f"old line {line.old} differs from the blob"
            if line.new and new[line.new - 1].removesuffix(b"\n") != text:
                return f"new line {line.new} differs from the blob"
            shown.add((line.kind, line.old or 0, line.new or 0))
    added, removed = set(file.added), set(file.removed)
    kept_old = [line for at, line in enumerate(old, 1) if at not in removed]
    kept_new = [line for at, line in enumerate(new, 1) if at not in added]
    if kept_old != kept_new:
        return "added and removed lines do not turn the old text into the new one"
    if shown != _shown(added, removed, len(old), len(new)):
        return "other lines are shown than the changed ones and their context"
    return None


def _check(git: Git, commit: str, blobs: Blobs) -> tuple[int, int, list[str]]:
    text = changes.between(git, f"{commit}^", commit, {})
    entries = listing.entries(text.listing)
    patch = diffing.listed(entries, text.text)
    faults = [f"{commit[:9]} {file.path}: {fault}" for file in patch.files if (fault := _defect(file, blobs))]
    for file, entry in zip(patch.files, entries, strict=True):
        counts = (len(file.added), len(file.removed))
        if entry.counts is not None and counts != entry.counts:
            faults.append(f"{commit[:9]} {file.path}: {counts} lines, git counts {entry.counts}")
    for file, alone in zip(patch.files, diffing.bare(text.text).files, strict=True):
        if (file.path, file.old_path, file.status, file.hunks) != (
            alone.path,
            alone.old_path,
            alone.status,
            alone.hunks,
        ):
            faults.append(f"{commit[:9]} {file.path}: read otherwise without git's list, as {alone.path}")
    return len(patch.files), sum(file.changed_count for file in patch.files), faults


def main() -> None:
    """Check and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repos", nargs="+", type=Path)
    parser.add_argument("--commits", type=int, default=290)
    options = parser.parse_args()
    total = defects = 0
    for repo in options.repos:
        git = locate(repo, dict(os.environ))  # noqa: TID251 - a script
        started, files, lines, unreadable = time.monotonic(), 0, 0, 0
        commits = _commits(repo, options.commits)
        with Blobs(git, {}) as blobs:
            for commit in commits:
                try:
                    count, changed, faults = _check(git, commit, blobs)
                except GitError:
                    unreadable += 1
                    continue
                files, lines, defects = files + count, lines + changed, defects + len(faults)
                print(*faults, sep="\n", end="\n" if faults else "")
        total += len(commits) - unreadable
        seconds = time.monotonic() - started
        print(f"{repo}: {len(commits)} commits, {unreadable} unreadable")
        print(f"    {files:,} files, {lines:,} changed lines, {seconds:.0f} s")
    print(f"{total:,} commits, {defects} defects")


if __name__ == "__main__":
    main()
