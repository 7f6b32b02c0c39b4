"""The gate's answer for programs: the report's ``coverage`` object, with the verdict."""

from reviewbot.domain.contract import document
from reviewbot.domain.coverage import PatchCoverage
from reviewbot.domain.coverage_view import entry
from reviewbot.domain.outcome import Comparison


def render(coverage: PatchCoverage, comparison: Comparison) -> str:
    """Render the object, keys in the order of the contract."""
    verdict = {"passed": not coverage.blocks, "exit_code": int(coverage.blocks), "reasons": coverage.reasons}
    return document(
        {
            "schema": 1,
            "base": comparison.base_sha,
            "head": comparison.head_sha,
            **entry(coverage),
            "verdict": verdict,
        }
    )
