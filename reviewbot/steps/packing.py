"""Text ↔ the few letters that it may take in a hidden mark: base64 of zlib.

The last two letters of the alphabet are ``.`` and ``_``: with the usual ``-`` it could hold ``--``, which ends an HTML
comment for some parsers.
"""

import binascii
import zlib
from base64 import b64decode, b64encode
from typing import Final

LONGEST_UNPACKED: Final = 2_000_000
"""Bytes that a mark's data may become."""
_LONGEST_READ: Final = 60_000
"""Characters of data that are looked at."""


def packed(text: str) -> str:
    """Give text as a mark's data."""
    return b64encode(zlib.compress(text.encode(), 9), b"._").decode().rstrip("=")


def unpacked(data: str) -> bytes | None:
    """Undo `packed`; None where it was never packed like that. A small bomb cannot become a large text."""
    if len(data) > _LONGEST_READ:
        return None
    try:
        data_bytes = b64decode(data + "=" * (-len(data) % 4), b"._", validate=True)
        return zlib.decompressobj().decompress(data_bytes, LONGEST_UNPACKED)
    except (binascii.Error, ValueError, zlib.error):
        return None
