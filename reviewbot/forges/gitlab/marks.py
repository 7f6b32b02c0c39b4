"""Finds the hidden marks that say which finding a comment is, without believing anything else in them.

The contract with who renders comments: every body of a finding holds
``<!-- reviewbot:v1 ... fp=HEX ... -->``, and the summary's ``<!-- reviewbot:v1 summary ... -->``.
"""

import re

SUMMARY = "summary"
"""The key of the summary; a finding's key is its fingerprint."""

_MARK = re.compile(r"<!-- reviewbot:v1 ([^>]*)-->")
_FINGERPRINT = re.compile(r"(?:^|\s)fp=([0-9a-f]+)(?=\s|$)")


def key(body: str) -> str | None:
    """Say what a comment is by its first mark; None for a comment that has none."""
    mark = _MARK.search(body)
    if mark is None:
        return None
    if mark[1].split(maxsplit=1)[:1] == [SUMMARY]:
        return SUMMARY
    found = _FINGERPRINT.search(mark[1])
    return found[1] if found else None
