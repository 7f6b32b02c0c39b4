"""Heads and bodies of requests to the other addresses than that of completions, and how those are refused."""

from collections.abc import Iterable, Mapping

from starlette.requests import Request

from reviewbot.gateway.completing import read_body
from reviewbot.gateway.identifying import headers_of
from reviewbot.gateway.refusing import Refusal, Refused


def headers_once(request: Request, names: Iterable[str]) -> Mapping[str, str]:
    """Give the headers by their names in lower case. Raises Refused where one of ``names`` is given twice.

    Somebody before us may have read the other one.
    """
    found = headers_of(request.scope)
    for name in names:
        if len(request.headers.getlist(name)) > 1:
            raise refused(400, None, f"the header '{name}' is given twice")
    return found


async def body_of(request: Request, headers: Mapping[str, str], limit: int, within_s: float) -> bytes:
    """Read a body of JSON. Raises Refused where it is none, too long or too slow, and Left where it ends early."""
    if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise refused(415, "unsupported_media", "the body is to be sent as JSON, with the type application/json")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise refused(415, "unsupported_media", "compressed bodies are not taken: send it as it is")
    return await read_body(request.receive, headers.get("content-length", ""), limit, within_s)


def refused(status: int, code: str | None, message: str, headers: Mapping[str, str] | None = None) -> Refused:
    """Make a refusal."""
    return Refused(Refusal(status=status, message=message, code=code, headers=headers or {}))
