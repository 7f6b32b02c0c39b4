"""Who asks: bearer tokens, known by their digests alone.

A plain SHA-256 is enough here, other than for passwords: a token is random and long, so nobody finds it by trying, and
every request pays for the hash.
"""

import hashlib
import hmac
from collections.abc import Iterable
from typing import Final

from reviewbot.domain.tenant import Tenant

LONGEST: Final = 512
"""Characters of a token: what is longer is none of ours, and not worth a hash."""
_SCHEME: Final = "bearer"
_BLANKS: Final = " \t"


def digest(token: str) -> str:
    """Give the SHA-256 of a token, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def well_formed(token: str) -> bool:
    """Tell whether this can be a token: it has to fit into a header, in one word."""
    return 0 < len(token) <= LONGEST and token.isascii() and token.isprintable() and " " not in token


class Directory:
    """All tenants by their tokens. Never changed: a new one takes its place when the configuration changes."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._rows = tuple((bytes.fromhex(known), tenant) for tenant in tenants for known in tenant.token_digests)

    def find(self, authorization: str | None) -> Tenant | None:
        """Give whose token an Authorization header holds; None for anything else.

        Takes the same time whichever token it is, and whether it is one: all are compared.
        """
        token = _bearer(authorization or "")
        if token is None:
            return None
        asked = hashlib.sha256(token.encode()).digest()
        found: Tenant | None = None
        for known, tenant in self._rows:
            if hmac.compare_digest(asked, known):
                found = tenant
        return found


def _bearer(authorization: str) -> str | None:
    """Give the token of a header's value (RFC 6750, section 2.1); the scheme's name is in any case (RFC 9110, 11.1)."""
    if len(authorization) > 2 * LONGEST:
        return None
    scheme, _, rest = authorization.strip(_BLANKS).partition(" ")
    token = rest.strip(_BLANKS)
    return token if scheme.lower() == _SCHEME and well_formed(token) else None
