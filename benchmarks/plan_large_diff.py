"""``reviewbot plan --diff`` on 50 MB (18,000 files), against unidiff parsing the same text in the same run.

    python benchmarks/plan_large_diff.py [--rounds 3]

Prints CPU time and peak memory of both, and the ratios. The diff is made up, the same every time.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from measure import median, python, run

FILES = 18_000
BYTES = 50_000_000
_WORDS = (
    "value",
    "index",
    "result",
    "request",
    "self",
    "return",
    "if",
    "None",
    "response",
    "load",
    "parse",
    "items",
)
_UNIDIFF = "import sys, unidiff; print(len(unidiff.PatchSet(open(sys.argv[1], encoding='utf-8', newline=chr(10)))))"


def _line(rng: random.Random) -> str:
    words = " ".join(rng.choices(_WORDS, k=rng.randint(2, 7)))
    return f"{'    ' * rng.randint(0, 4)}{words}({rng.randint(0, 9999)})"


def write(path: Path) -> None:
    """Write the diff: modified files with a few hunks each, and now and then an added one."""
    rng = random.Random(1)  # noqa: S311 - made-up text, not a secret
    pool = [_line(rng) for _ in range(20_000)]
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for number in range(FILES):
            name = f"src/package_{number % 400}/module_{number}.py"
            out.write(_added(name, pool, rng) if number % 20 == 0 else _modified(name, pool, rng))


def _added(name: str, pool: list[str], rng: random.Random) -> str:
    rows = [f"+{rng.choice(pool)}" for _ in range(BYTES // FILES // 40)]
    head = f"diff --git a/{name} b/{name}\nnew file mode 100644\nindex 0000000..{rng.getrandbits(28):07x}\n"
    return f"{head}--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{len(rows)} @@\n" + "\n".join(rows) + "\n"


def _modified(name: str, pool: list[str], rng: random.Random) -> str:
    head = f"diff --git a/{name} b/{name}\nindex {rng.getrandbits(28):07x}..{rng.getrandbits(28):07x} 100644\n"
    parts = [f"{head}--- a/{name}\n+++ b/{name}\n"]
    old = new = rng.randint(1, 50)
    for _ in range(5):
        kinds = "   " + "".join(rng.choices("+-", weights=(3, 1), k=rng.randint(2, 11))) + "   "
        removed, added = kinds.count("-"), kinds.count("+")
        parts.append(f"@@ -{old},{removed + 6} +{new},{added + 6} @@ def {rng.choice(_WORDS)}():\n")
        parts += [f"{kind}{rng.choice(pool)}\n" for kind in kinds]
        old, new = old + removed + 40, new + added + 40
    return "".join(parts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        diff = Path(folder) / "large.diff"
        write(diff)
        ours, theirs = [], []
        for _ in range(rounds):
            theirs.append(run(python("-c", _UNIDIFF, str(diff))))
            ours.append(run(python("-m", "reviewbot", "plan", "--diff", str(diff), "--format", "json")))
        size = diff.stat().st_size / 1e6
    we, they = median(ours), median(theirs)
    assert we.code == 0, "reviewbot failed"
    assert they.code == 0, "unidiff failed"
    print(f"{size:.1f} MB, {FILES:,} files, median of {rounds}")
    print(f"unidiff          {they.cpu_s:6.2f} s CPU  {they.peak_mb:6.0f} MB")
    print(f"reviewbot plan   {we.cpu_s:6.2f} s CPU  {we.peak_mb:6.0f} MB")
    print(f"ratio            {we.cpu_s / they.cpu_s:6.2f}        {we.peak_mb / they.peak_mb:6.2f}")


if __name__ == "__main__":
    main()
