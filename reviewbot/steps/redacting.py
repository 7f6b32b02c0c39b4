"""Secrets in what is sent → placeholders; placeholders in answers → the secrets again."""

import re
from collections.abc import Mapping

from reviewbot.domain import secret

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
