"""Reads a large Cobertura report for a change, beside diff-cover.

    python -m venv peer && peer/bin/pip install diff_cover
    python benchmarks/read_coverage.py --peer-python peer/bin/python

The report has 3,000 files of 300 lines (32.5 MB); the changes, in a real repository, have 5 lines and 10,000. Both
programs run in turn. Ours is `reviewbot cover` where this version has it, else the reading alone, which asks git for
nothing. Prints CPU time and peak memory of the processes, and whether both count the same lines.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "tests")]

from gitrepo import Repo, init
from measure import Cost, median, python, run

_FILES = 3_000
_LINES = 300
_CHANGES = {"small": (1, 5), "large": (1_000, 10)}
"""Files, and changed lines in each."""
_UNCOVERED_EVERY = 5


def _path(number: int) -> str:
    return f"pkg/part{number % 50}/module{number}.py"


def _report() -> Iterator[str]:
    yield '<?xml version="1.0" ?>\n<coverage version="7.17.3" timestamp="1767322800000" line-rate="0.8">\n'
    yield "\t<sources>\n\t\t<source>.</source>\n\t</sources>\n\t<packages>\n"
    yield '\t\t<package name="pkg" line-rate="0.8" branch-rate="0" complexity="0">\n\t\t\t<classes>\n'
    for number in range(_FILES):
        name = f'name="module{number}.py" filename="{_path(number)}" complexity="0" line-rate="0.8" branch-rate="0"'
        yield f"\t\t\t\t<class {name}>\n\t\t\t\t\t<methods/>\n\t\t\t\t\t<lines>\n"
        for line in range(1, _LINES + 1):
            yield f'\t\t\t\t\t\t<line number="{line}" hits="{int(line % _UNCOVERED_EVERY > 0)}"/>\n'
        yield "\t\t\t\t\t</lines>\n\t\t\t\t</class>\n"
    yield "\t\t\t</classes>\n\t\t</package>\n\t</packages>\n</coverage>\n"


def _text(changed: int = 0) -> str:
    return "".join(f"value{line} = {line}{' + 1' * (line <= changed)}\n" for line in range(1, _LINES + 1))


def make(folder: Path) -> None:
    """Make the repository, with a branch for each change, the report, and lists of the changed files."""
    repo = init(folder / "repo")
    repo.commit({_path(number): _text() for number in range(_FILES)})
    for size, (files, lines) in _CHANGES.items():
        repo.branch(size, "main")
        repo.commit({_path(number): _text(lines) for number in range(files)})
        (folder / size).write_text("".join(f"{_path(number)}\n" for number in range(files)))
    with (folder / "coverage.xml").open("w") as file:
        file.writelines(_report())


def read(report: Path, wanted: Path, lines: int) -> tuple[int, int]:
    """Read the report for the files of a list; count what is measured and covered of their first lines."""
    from reviewbot.coverage import finding
    from reviewbot.domain.coverage import mask

    paths = frozenset(wanted.read_text().splitlines())
    changed = [file for file in finding.read(report, paths.__contains__).files if file.path in paths]
    bits = mask(range(1, lines + 1))
    measured = sum((file.measured & bits).bit_count() for file in changed)
    return measured, sum((file.covered & bits).bit_count() for file in changed)


def _gate_is_there() -> bool:
    return run(python("-m", "reviewbot", "cover", "--help")).code == 0


def _ours(folder: Path, size: str, *, gate: bool) -> list[str]:
    report = str(folder / "coverage.xml")
    if gate:
        sides = ["--repo", str(folder / "repo"), "--base", "main", "--head", size]
        return python("-m", "reviewbot", "cover", *sides, "--coverage", report, "--format", "json")
    return python(__file__, "--read", report, str(folder / size), str(_CHANGES[size][1]))


def _peer(folder: Path, executable: str) -> list[str]:
    command = ["-m", "diff_cover.diff_cover_tool", str(folder / "coverage.xml"), "--compare-branch", "main"]
    return python(*command, "--format", f"json:{folder / 'peer.json'}", "--quiet", executable=executable)


def _counted(command: Sequence[str]) -> tuple[int, int]:
    """Run ours once more, for what it says: changed lines that are measured, and covered."""
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    if isinstance(found, list):
        return found[0], found[1]
    covered = sum(len(file["covered"]) for file in found["files"])
    return covered + sum(len(file["missing"]) for file in found["files"]), covered


def _peer_counted(folder: Path) -> tuple[int, int]:
    found = json.loads((folder / "peer.json").read_text())
    return found["total_num_lines"], found["total_num_lines"] - found["total_num_violations"]


def _compare(folder: Path, size: str, executable: str, rounds: int) -> None:
    gate = _gate_is_there()
    Repo(folder / "repo").git("checkout", "--quiet", size)
    ours, theirs = _ours(folder, size, gate=gate), _peer(folder, executable)
    costs: list[tuple[Cost, Cost]] = [(run(ours), run(theirs, cwd=folder / "repo")) for _ in range(rounds)]
    own, other = (median(column) for column in zip(*costs, strict=True))
    files, lines = _CHANGES[size]
    print(f"{files * lines:,} changed lines in {files:,} files, median of {rounds}")
    for name, cost in ("reviewbot cover" if gate else "our reader", own), ("diff-cover", other):
        print(f"    {name:16} {cost.cpu_s:.2f} s CPU, {cost.wall_s:.2f} s wall, {cost.peak_mb:.0f} MB")
    print(f"    {'ratio':16} {own.cpu_s / other.cpu_s:.2f} of its CPU, {own.peak_mb / other.peak_mb:.2f} of its memory")
    for name, counts in ("ours", _counted(ours)), ("diff-cover", _peer_counted(folder)):
        print(f"    {name:16} counts {counts[0]:,} changed lines measured, {counts[1]:,} covered")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer-python", default=sys.executable, help="of an environment with diff_cover")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--make", type=Path, metavar="FOLDER", help="only make what is measured")
    parser.add_argument("--read", nargs=3, metavar=("REPORT", "LIST", "LINES"), help="only read, and count")
    options = parser.parse_args()
    if options.read:
        report, wanted, lines = options.read
        print(json.dumps(read(Path(report), Path(wanted), int(lines))))
    elif options.make:
        make(options.make)
    else:
        with tempfile.TemporaryDirectory() as name:
            # By another process: children start with their parent's peak memory on their account.
            subprocess.run(python(__file__, "--make", name), check=True)
            size = (Path(name) / "coverage.xml").stat().st_size
            print(f"Cobertura of {size / 1e6:.1f} MB: {_FILES:,} files of {_LINES} lines")
            for change in _CHANGES:
                _compare(Path(name), change, options.peer_python, options.rounds)
        print(f"again: python {' '.join(sys.argv)}")


if __name__ == "__main__":
    main()
