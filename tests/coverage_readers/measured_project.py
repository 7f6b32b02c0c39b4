"""A small project that coverage.py really measures, in two runs that take different branches."""

import subprocess
import sys
from pathlib import Path

CART = '''"""A cart."""

from collections.abc import Iterable


def total(
    prices: Iterable[int],
    *,
    discount: int = 0,
) -> int:
    """Add the prices up."""
    result = 0
    for price in prices:
        if price < 0:
            raise ValueError(
                "negative"
            )
        result += price
    if discount:
        result -= discount
    return result


def debug(value: object) -> None:  # pragma: no cover
    print(value)


def kind(count: int) -> str:
    match count:
        case 0:
            return "none"
        case 1:
            return "one"
        case _:
            return "many"


def wait(limit: int) -> int:
    while True:
        limit -= 1
        if limit < 0: break
    with open(__file__) as file:
        file.read()
    return limit


def first(prices: list[int]) -> int:
    if (
        prices
        and prices[0]
    ):
        (
            prices.pop()
        )
    return len(prices)
'''
RUN = """import sys
from shop.cart import first, kind, total, wait
if sys.argv[1] == "first":
    total([1, 2])
    kind(0)
else:
    total([1], discount=1)
    wait(2)
    first([1])
    try:
        total([-1])
    except ValueError:
        pass
"""


class Project:
    """The project in a folder. Nothing of the surroundings' own measuring reaches it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "shop").mkdir()
        (folder / "shop" / "__init__.py").touch()
        (folder / "shop" / "cart.py").write_text(CART)
        (folder / "run.py").write_text(RUN)
        (folder / "rc").write_text("[run]\nsource = shop\nrelative_files = true\n")

    def measure(self, half: str, *options: str) -> Path:
        """Run one half under coverage.py; give its data file."""
        data = self.folder / f"{half}.{len(options)}.data"
        self._coverage("run", f"--data-file={data}", *options, "run.py", half)
        return data

    def report(self, data: Path, kind: str) -> Path:
        """Write the tool's own report of a data file: ``json``, ``xml`` or ``lcov``."""
        path = data.with_suffix(f".{kind}")
        self._coverage(kind, f"--data-file={data}", "-o", str(path))
        return path

    def text(self, path: str) -> bytes | None:
        """Give the text of a file of the project."""
        file = self.folder / path
        return file.read_bytes() if file.is_file() else None

    def _coverage(self, command: str, *arguments: str) -> None:
        subprocess.run(
            [sys.executable, "-m", "coverage", command, "--rcfile=rc", *arguments],
            cwd=self.folder,
            env={},
            check=True,
            capture_output=True,
        )
