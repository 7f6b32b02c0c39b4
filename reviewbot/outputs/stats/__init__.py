"""What the ledger's requests were, cost and took: for the terminal, for programs, as a page."""

from importlib import import_module

from reviewbot.outputs.stats.figures import Stats

FORMATS = ("text", "json", "html")


def render(stats: Stats, name: str) -> str:
    """Render in a format by its name; only that format's module is loaded."""
    text: str = import_module(f"reviewbot.outputs.stats.{name}").render(stats)
    return text
