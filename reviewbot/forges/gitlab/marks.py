"""Finds the hidden marks that say which finding a comment is, without believing anything else in them.

The contract with who renders comments: every body of a finding holds
``<!-- reviewbot:v1 ... fp=HEX ... -->``, the summary's ``<!-- reviewbot:v1 summary ... -->``, and a reply's
``<!-- reviewbot:v1 reply to=NOTE ... -->``.
"""

import re

SUMMARY = "summary"
"""The key of the summary; a finding's key is its fingerprint, a reply's what `reply` gives."""

REPLY = "reply to "
"""What the keys of replies begin with."""

_MARK = re.compile(r"<!-- reviewbot:v1 ([^>]*)-->")
_FINGERPRINT = re.compile(r"(?:^|\s)fp=([0-9a-f]+)(?=\s|$)")
_REPLY = re.compile(r"reply to=(\w+)(?=\s|$)")


def reply(note_id: str) -> str:
    """Give the key of the reply to a note."""
    return f"{REPLY}{note_id}"


def key(body: str) -> str | None:
    """Say what a comment is by its first mark; None for a comment that has none."""
    mark = _MARK.search(body)
    if mark is None:
        return None
    if mark[1].split(maxsplit=1)[:1] == [SUMMARY]:
        return SUMMARY
    answered = _REPLY.match(mark[1])
    if answered is not None:
        return reply(answered[1])
    found = _FINGERPRINT.search(mark[1])
    return found[1] if found else None
