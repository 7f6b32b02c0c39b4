"""The gate's answer in a comment of its own."""

from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_markup import paragraphs
from reviewbot.domain.outcome import Comparison


def render(coverage: PatchCoverage, comparison: Comparison) -> str:
    """Render the answer."""
    del comparison  # a comment stands at its change
    return "\n\n".join(paragraphs(coverage)) + "\n"
