"""Secrets in what is sent → placeholders; placeholders in answers → the secrets again."""

import re
from collections.abc import Mapping
from dataclasses import replace

from reviewbot.domain import secret
from reviewbot.domain.patch import FilePatch, Patch

_KEY_FILE = re.compile(r"(\.(pem|key|p8|ppk|asc|gpg|jks|keystore)|(^|/)id_(rsa|dsa|ecdsa|ed25519))$", re.IGNORECASE)
_KEY_MATERIAL = re.compile(r"[A-Za-z0-9+/=]{32,}")
_PLACEHOLDER = re.compile(r"\[REDACTED:[a-z-]+:[0-9]+\]")


class Redactions:
    """The placeholders of one run: the same secret gets the same one everywhere."""

    def __init__(self) -> None:
        self._by_secret: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"Redactions({len(self._by_secret)} hidden)"

    def __len__(self) -> int:
        return len(self._by_secret)

    def hide(self, text: str) -> str:
        """Replace each secret by its placeholder."""
        return secret.redact(text, self._placeholder)

    def hide_rows(self, body: str) -> str:
        """Replace the secrets in a hunk's body, read without the diff's marks: with them a key is no key."""
        rows = body.split("\n")
        hidden = self.hide("\n".join(row[1:] for row in rows)).split("\n")
        return "\n".join(row[:1] + text for row, text in zip(rows, hidden, strict=True))

    def hide_key_material(self, body: str) -> str:
        """Replace what looks like the inside of a key, in a file that by its name holds keys and little else."""
        return _KEY_MATERIAL.sub(lambda match: self._placeholder("key-material", match[0]), body)

    def restore(self, text: str) -> str:
        """Replace each placeholder by its secret; only for code that must match the file again."""
        secrets = {placeholder: value for value, placeholder in self._by_secret.items()}
        return _PLACEHOLDER.sub(lambda match: secrets.get(match[0], match[0]), text)

    @property
    def placeholders(self) -> Mapping[str, str]:
        """Placeholders by secret."""
        return dict(self._by_secret)

    def _placeholder(self, kind: str, value: str) -> str:
        return self._by_secret.setdefault(value, f"[REDACTED:{kind}:{len(self._by_secret) + 1}]")


def patch(whole: Patch, redactions: Redactions) -> Patch:
    """Hide the secrets of a change, hunk by hunk; lines and their numbers stay as they are."""
    return Patch(files=tuple(_file(file, redactions) for file in whole.files))


def _file(file: FilePatch, redactions: Redactions) -> FilePatch:
    bodies = [redactions.hide_rows(hunk.body) for hunk in file.hunks]
    if _KEY_FILE.search(file.path):
        bodies = [redactions.hide_key_material(body) for body in bodies]
    if all(body == hunk.body for body, hunk in zip(bodies, file.hunks, strict=True)):
        return file
    hunks = tuple(replace(hunk, body=body) for body, hunk in zip(bodies, file.hunks, strict=True))
    return replace(file, hunks=hunks)
