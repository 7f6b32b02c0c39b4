"""What every store of answers shares: the key of a request, the form of an entry, and its seal.

An entry is authenticated, because a cache may be filled by others: a CI job of a fork, another project on
the same runner or Redis. Whoever lacks the secret cannot write an entry that is read; such an entry misses.
"""

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from reviewbot.domain.call import Call
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import TokenUsage

_LABEL: Final = b"reviewbot cache entries, version 1"
"""Fixed: keeps the derived key apart from any other use of the same secret."""
_MAC_DIGITS: Final = 64


def cache_key(
    *,
    base_url: str,
    prompt: Prompt,
    options: ModelOptions,
    answer_format: str,
    prompt_version: str,
    scope: str = "",
) -> str:
    """Give the SHA-256, in hexadecimal, of everything that shapes an answer; never of an API key.

    ``scope`` keeps those apart who must not share answers, as the gateway's tenants.
    """
    digest = hashlib.sha256(_shape(base_url, prompt.task.value, options, answer_format, prompt_version, scope))
    # Not as JSON: spelling a long prompt costs several times its hash. With lengths, no two lists give the same bytes.
    for message in prompt.messages:
        for text in (message.role, message.content):
            data = text.encode("utf-8", "surrogatepass")  # source may be undecodable
            digest.update(b"\n%d:" % len(data))
            digest.update(data)
    return digest.hexdigest()


def call_key(*, base_url: str, call: Call, scope: str) -> str:
    """Give the key of a call that is passed on; as above, its shape being all that it asks for."""
    digest = hashlib.sha256(_shape(base_url, "call", scope))
    digest.update(b"\n" + call.shape.encode("ascii"))
    return digest.hexdigest()


@lru_cache(maxsize=64)
def _shape(*shape: str | ModelOptions) -> bytes:
    """Spell what many requests have in common, the base URL first; it ends without a line break."""
    base_url, *others = shape
    known = [_without_login(str(base_url)), *others]
    return json.dumps(known, separators=(",", ":"), default=asdict).encode("ascii")


def _without_login(base_url: str) -> str:
    """Drop ``user:password@``: a credential like an API key."""
    parts = urlsplit(base_url.rstrip("/"))
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class Seal:
    """Signs texts under a name, and opens what was signed by one of the same secrets."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        self._keys = tuple(hmac.digest(secret, _LABEL, "sha256") for secret in secrets)

    @classmethod
    def of(cls, secret: str | None, api_keys: Iterable[str]) -> "Seal | None":
        """Make the seal from ``REVIEWBOT_CACHE_SECRET``, or else from the API keys.

        The first key signs; any of them opens, so that the order of a pool does not matter. None where there
        is neither: what anybody can sign is not worth reading, and then nothing is to be kept.
        """
        secrets = [secret] if secret else [key for key in api_keys if key]
        return cls(one.encode() for one in secrets) if secrets else None

    def sign(self, name: str, text: str) -> str:
        """Put the signature, 64 hexadecimal digits, in front of the text."""
        return self._mac(self._keys[0], name, text) + text

    def opened(self, name: str, signed: str) -> str | None:
        """Give the text if it was signed under this name, else None."""
        mac, text = signed[:_MAC_DIGITS], signed[_MAC_DIGITS:]
        if not mac.isascii() or not any(hmac.compare_digest(mac, self._mac(key, name, text)) for key in self._keys):
            return None
        return text

    @staticmethod
    def _mac(key: bytes, name: str, text: str) -> str:
        # Names hold no line break, so that no other name and text give the same bytes.
        return hmac.digest(key, f"{name}\n{text}".encode("utf-8", "surrogatepass"), "sha256").hex()


def sealed_entry(seal: Seal, key: str, completion: Completion, now: datetime) -> str:
    """Spell an answer for a store."""
    entry = {"completion": asdict(completion), "created_at": now.astimezone(UTC).isoformat()}
    return seal.sign(key, json.dumps(entry, separators=(",", ":")))


def opened_entry(seal: Seal, key: str, signed: str, now: datetime, ttl_s: float) -> Completion | None:
    """Read an entry; None if it is foreign, too old, or of another version.

    The age is judged by what was signed: whoever can write to the store cannot make an entry younger.
    """
    text = seal.opened(key, signed)
    if text is None:
        return None
    try:
        entry = json.loads(text)
        age_s = (now - datetime.fromisoformat(entry["created_at"])).total_seconds()
        # An entry from the future was written by a clock that was wrong.
        return to_completion(entry["completion"]) if abs(age_s) < ttl_s else None
    except (ValueError, TypeError, KeyError):
        return None


def to_completion(fields: dict[str, object]) -> Completion:
    """Read what ``asdict`` made of an answer. Raises TypeError or KeyError for another version's."""
    usage = fields.pop("usage")
    if not isinstance(usage, dict):
        message = "usage is no object"
        raise TypeError(message)
    return Completion(**fields, usage=TokenUsage(**usage))  # type: ignore[arg-type] # signed by ourselves
