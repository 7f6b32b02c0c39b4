"""Write the comments' golden files anew: ``python tests/steps/update_golden_comments.py``, then read the diff."""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Render what `documents` gives, with exact newlines on every system: the tests compare bytes."""
    from steps.comments import documents

    for old in folder.glob("*.md"):
        old.unlink()
    for name, text in documents().items():
        folder.joinpath(name).write_bytes(text.encode())


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
    main(HERE / "golden_comments")
