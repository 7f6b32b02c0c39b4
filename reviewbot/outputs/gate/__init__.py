"""The coverage gate's answer: for the terminal, for programs, for a comment."""

from importlib import import_module

from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.outcome import Comparison

FORMATS = ("text", "json", "markdown")


def render(coverage: PatchCoverage, comparison: Comparison, name: str) -> str:
    """Render in a format by its name; only that format's module is loaded."""
    text: str = import_module(f"reviewbot.outputs.gate.{name}").render(coverage, comparison)
    return text
