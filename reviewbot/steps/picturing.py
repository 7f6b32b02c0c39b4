"""A file's change → a short digest of it: whether anybody has touched it since a comment was posted.

Over the changed lines alone: neither line numbers nor what is around them, which the target branch may move.
"""

import hashlib

from reviewbot.domain.patch import FilePatch


def of(file: FilePatch | None) -> str:
    """Give the digest as 16 hex digits; empty where there is no diff to go by."""
    if file is None or file.defect is not None or not file.hunks:
        return ""
    rows = (f"{line.kind}{line.text}" for hunk in file.hunks for line in hunk.lines() if line.kind != " ")
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogatepass")).hexdigest()[:16]
