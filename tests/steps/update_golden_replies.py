"""Write the golden reply prompts anew: ``python tests/steps/update_golden_replies.py``, then read the diff."""

import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(folder: Path) -> None:
    """Render what `documents` gives, with exact newlines on every system."""
    from steps.conversations import documents

    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.txt"):
        old.unlink()
    for name, text in documents().items():
        folder.joinpath(name).write_bytes(text.encode())


if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]
    main(HERE / "golden_replies")
