"""Which models an endpoint has: the cheapest question that tells whether it takes a key."""

from dataclasses import dataclass

import httpx

from reviewbot.domain.endpoint import ApiKey, Endpoint
from reviewbot.errors import WireError

_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The answer to ``GET BASE/models``."""

    status: int
    models: tuple[str, ...]
    """Names; empty where it gives none, or in another form than OpenAI's."""


def ask(endpoint: Endpoint, key: ApiKey | None) -> Catalogue:
    """List the models. Raises WireError where the endpoint cannot be reached."""
    headers = {} if key is None else {"Authorization": f"Bearer {key.value}"}
    url = f"{endpoint.base_url.rstrip('/')}/models"
    try:
        # No redirects: the key goes to its own host alone.
        answer = httpx.get(url, headers=headers, timeout=_TIMEOUT_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        message = f"{endpoint.host} cannot be reached: {type(error).__name__} {error}".strip()
        raise WireError(message) from error
    return Catalogue(status=answer.status_code, models=_names(answer))


def _names(answer: httpx.Response) -> tuple[str, ...]:
    try:
        return tuple(str(row["id"]) for row in answer.json()["data"])
    except (ValueError, KeyError, TypeError):
        return ()
