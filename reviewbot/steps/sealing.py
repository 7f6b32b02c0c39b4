"""Saved reports, signed: a later job believes more of a report that was written by one that held a secret.

An unsigned report is not refused: it can add comments, and no more.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

_KEY = "signatures"
_PURPOSE = b"reviewbot report v1\0"


def seal(text: str, secrets: Iterable[bytes], binding: str) -> str:
    """Add a signature under each secret to a JSON report; ``binding`` names the request that it speaks of."""
    document: dict[str, Any] = json.loads(text)
    signatures = sorted({_signature(document, secret, binding) for secret in secrets})
    if not signatures:
        return text
    return f"{text.rstrip().removesuffix('}').rstrip()},\n  {json.dumps(_KEY)}: {json.dumps(signatures)}\n}}\n"


def is_sealed(text: str | bytes, secrets: Iterable[bytes], binding: str) -> bool:
    """Tell whether one of the secrets has signed exactly this report for exactly this request."""
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return False
    given = document.pop(_KEY, None) if isinstance(document, dict) else None
    if not isinstance(given, list):
        return False
    signatures = [entry for entry in given if isinstance(entry, str) and entry.isascii()]
    expected = [_signature(document, secret, binding) for secret in secrets]
    return any(hmac.compare_digest(one, other) for one in signatures for other in expected)


def _signature(document: Mapping[str, object], secret: bytes, binding: str) -> str:
    # Over the content rather than the layout: a job may have passed the file through a tool that formats JSON.
    content = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    key = hmac.digest(secret, _PURPOSE, hashlib.sha256)
    return hmac.digest(key, binding.encode("utf-8", "surrogatepass") + b"\0" + content, hashlib.sha256).hex()
