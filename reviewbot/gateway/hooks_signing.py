"""Whether a webhook is the forge's: by its token, or by its signature over the bytes that came.

GitLab sends the secret itself, or signs as the Standard Webhooks specification has it (``webhook-signature``; its merge
request 230944): then the secret begins with ``whsec_``. GitHub signs the body. Every secret is compared, in constant
time; which one it was, and how near a wrong one came, does not show.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

from reviewbot.gateway.hooks_rules import GITHUB, Secret

SIGNING: Final = "whsec_"
_SIGNED_WITHIN_S: Final = 300
"""The specification's tolerance between the sender's clock and ours."""
_MOST_SIGNATURES: Final = 10
_LONGEST_ID: Final = 200
_LONGEST_TOKEN: Final = 1_000


def proven(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now_s: float) -> tuple[Secret, ...]:
    """Give the secrets of one forge that a webhook was sent with; nothing for a forged one.

    ``headers`` by their names in lower case, ``now_s`` in seconds since 1970.
    """
    return tuple([secret for secret in secrets if _holds(secret, headers, body, now_s)])


def signing_key(value: str) -> bytes | None:
    """Give the key of a GitLab signing token; None for one that is none."""
    try:
        key = base64.b64decode(value.removeprefix(SIGNING), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key or None


def _holds(secret: Secret, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    if secret.forge == GITHUB:
        return _github(secret.value, headers.get("x-hub-signature-256", ""), body)
    if secret.value.startswith(SIGNING):
        return _standard(secret.value, headers, body, now_s)
    given = headers.get("x-gitlab-token", "")[:_LONGEST_TOKEN]
    # Digests are of one length, so not even that of the secret shows.
    return hmac.compare_digest(_digest(given), _digest(secret.value)) and bool(given)


def _github(value: str, given: str, body: bytes) -> bool:
    expected = "sha256=" + hmac.new(value.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), given.encode())


def _standard(value: str, headers: Mapping[str, str], body: bytes, now_s: float) -> bool:
    key = signing_key(value)
    name, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if key is None or not 0 < len(name) <= _LONGEST_ID or not _recent(at, now_s):
        return False
    made = hmac.new(key, b"%b.%b.%b" % (name.encode(), at.encode(), body), hashlib.sha256).digest()
    expected = b"v1," + base64.b64encode(made)
    given = headers.get("webhook-signature", "").split(" ")[:_MOST_SIGNATURES]
    return any(hmac.compare_digest(expected, each.encode()) for each in given)


def _recent(at: str, now_s: float) -> bool:
    return at.isascii() and at.isdecimal() and len(at) <= 12 and abs(int(at) - now_s) <= _SIGNED_WITHIN_S  # noqa: PLR2004


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
