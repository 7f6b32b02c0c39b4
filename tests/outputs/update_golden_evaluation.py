"""Write the golden files of ``reviewbot eval`` anew, then read the diff.

PYTHONPATH=.:tests python tests/outputs/update_golden_evaluation.py
"""

from pathlib import Path

GOLDEN = Path(__file__).parent / "golden_evaluation"
NAMES = {"eval.txt": "text", "eval.json": "json", "eval.html": "html"}


def rendered() -> dict[str, str]:
    """Give the text of every golden file by its name."""
    from evaluation_example import assessment

    from reviewbot.outputs import evaluation

    return {name: evaluation.render(assessment(), form) for name, form in NAMES.items()}


if __name__ == "__main__":
    for name, text in rendered().items():
        (GOLDEN / name).write_bytes(text.encode())
