"""Several keys, each with its share of the requests; one that the provider refuses is retired."""

from collections.abc import Sequence

from reviewbot.domain.endpoint import ApiKey


class KeyPool:
    """Hands out keys by weight, evenly spread (smooth weighted round-robin)."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._needs_key = bool(keys)
        self._credit = {key.value: 0.0 for key in keys}
        self._weight = {key.value: key.weight for key in keys}

    def __repr__(self) -> str:
        return f"KeyPool({len(self._credit)} keys)"

    @property
    def exhausted(self) -> bool:
        """Whether the endpoint wants a key and all were refused."""
        return self._needs_key and not self._credit

    def take(self) -> str | None:
        """Give the key whose turn it is; None where the endpoint needs none."""
        if not self._credit:
            return None
        for key in self._credit:
            self._credit[key] += self._weight[key]
        chosen = max(self._credit, key=self._credit.__getitem__)
        self._credit[chosen] -= sum(self._weight[key] for key in self._credit)
        return chosen

    def retire(self, key: str | None) -> None:
        """Never hand out this key again."""
        if key is not None:
            self._credit.pop(key, None)
