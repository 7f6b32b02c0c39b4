"""How well a reviewer did on labelled cases: for the terminal, for programs and later runs, as a page."""

from importlib import import_module

from reviewbot.domain.evaluation import Assessment

FORMATS = ("text", "json", "html")


def render(assessment: Assessment, name: str) -> str:
    """Render in a format by its name; only that format's module is loaded."""
    text: str = import_module(f"reviewbot.outputs.evaluation.{name}").render(assessment)
    return text
