"""Which tenant a request is from, and the id under which it is told of."""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.types import Scope

from reviewbot.domain.tenant import Tenant
from reviewbot.gateway.house import Tenancy
from reviewbot.gateway.refusing import reject, unknown_token

_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_SINGLE: Final = frozenset({"authorization", "content-length", "content-type", "host", "x-request-id"})
"""Headers that are refused when they come twice: somebody before us may have read the other one."""
_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def headers_of(scope: Scope) -> Mapping[str, str]:
    """Give the headers by their names in lower case, of several the last. Raises Refused for what is ambiguous."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in found and name in _SINGLE:
            reject(f"the header '{name}' is given twice")
        found[name] = raw_value.decode("latin-1")
    return found


def request_id(scope: Scope, new_id: Callable[[], str]) -> str:
    """Give the id that a request brings, if it is one that can stand in a log; else a new one."""
    given = next((value for name, value in scope["headers"] if name.lower() == b"x-request-id"), b"").decode("latin-1")
    return given if _SANE_ID.fullmatch(given) else new_id()


def identify(scope: Scope, headers: Mapping[str, str], tenancy: Tenancy) -> Tenant:
    """Tell whose request this is. Raises Refused for somebody who is nobody's."""
    found = tenancy.directory.find(headers.get("authorization"))
    if found is not None:
        return found
    if tenancy.anybody is None:
        raise unknown_token()
    if not (_from_here(scope) and _meant_for_here(headers)):
        reject("without tokens, this gateway serves programs on its own machine alone", None, "not_local", 403)
    return tenancy.anybody


def _from_here(scope: Scope) -> bool:
    client = scope.get("client")
    try:
        return client is not None and ip_address(client[0]).is_loopback
    except ValueError:
        return False


def _meant_for_here(headers: Mapping[str, str]) -> bool:
    """Tell requests that a web page of a stranger sends under the stranger's name: DNS may say that this is here."""
    return urlsplit(f"//{headers.get('host', 'localhost')}").hostname in _HERE
