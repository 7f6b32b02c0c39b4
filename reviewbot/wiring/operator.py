"""What the operator's file may say besides settings: where models are, under which keys, what they cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reviewbot.domain.endpoint import ApiKey, Endpoint, Fallback
from reviewbot.errors import UsageError
from reviewbot.settings.environment import check_url
from reviewbot.settings.layers import parsed
from reviewbot.wiring import pools
from reviewbot.wiring.pools import Pool

TABLES = ("endpoint", "fallback", "gateway", "pool", "price", "tenant", "webhooks")
"""The tables that are not settings of the project. The gateway's are ``gateway``, ``tenant`` and ``webhooks``."""
_FALLBACK_KEYS = frozenset({"base_url", "model", "key_env"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """The tables, checked."""

    base_url: str | None = None
    fallbacks: tuple[Fallback, ...] = ()
    prices: tuple[Mapping[str, object], ...] = ()
    """Rows of the price table, laid over our own."""
    pools: tuple[Pool, ...] = ()


def read(environ: Mapping[str, str]) -> Operator:
    """Read the file that REVIEWBOT_CONFIG names; nothing without one. Raises UsageError for what is not valid."""
    name = environ.get("REVIEWBOT_CONFIG")
    if not name:
        return Operator()
    return parse(text_of(Path(name)), name, environ)


def text_of(path: Path, what: str = "the configuration file") -> str:
    """Read a configuration file, or what else it is called. Raises UsageError."""
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        message = f"{what} {path} cannot be read: {error.strerror or error}"
        raise UsageError(message) from error
    except UnicodeDecodeError as error:
        message = f"{what} {path} cannot be read: it is no UTF-8 text"
        raise UsageError(message) from error


def parse(text: str, origin: str, environ: Mapping[str, str]) -> Operator:
    """Check the tables of a file."""
    document = parsed(text, origin)
    return Operator(
        base_url=_base_url(document.get("endpoint", {}), origin),
        fallbacks=tuple(_fallback(row, origin, environ) for row in _rows(document, "fallback", origin)),
        prices=tuple(_rows(document, "price", origin)),
        pools=pools.parse(document.get("pool", {}), origin),
    )


def _rows(document: Mapping[str, object], name: str, origin: str) -> Sequence[Mapping[str, object]]:
    rows = document.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        message = f"{origin}: {name} is a list of tables: write [[{name}]]"
        raise UsageError(message)
    return rows


def _base_url(endpoint: object, origin: str) -> str | None:
    if not isinstance(endpoint, dict):
        message = f"{origin}: endpoint is a table: write [endpoint], and in it base_url"
        raise UsageError(message)
    unknown = endpoint.keys() - {"base_url"}
    if unknown:
        message = f"{origin}: [endpoint] knows base_url alone, not {', '.join(sorted(unknown))}"
        raise UsageError(message)
    url = endpoint.get("base_url")
    if url is not None and not isinstance(url, str):
        message = f"{origin}: endpoint.base_url is no text, but {url!r}"
        raise UsageError(message)
    return url


def _fallback(row: Mapping[str, object], origin: str, environ: Mapping[str, str]) -> Fallback:
    unknown = row.keys() - _FALLBACK_KEYS
    url, model, variable = row.get("base_url"), row.get("model"), row.get("key_env")
    if unknown or not isinstance(url, str) or not isinstance(model, str) or not isinstance(variable, str | None):
        message = f"{origin}: a [[fallback]] has base_url, model and, for its key, key_env: the name of a variable"
        raise UsageError(message)
    if variable and not pools.is_variable(variable):
        message = f"{origin}: key_env of the fallback to {model} is no name of a variable: the key belongs into one"
        raise UsageError(message)
    check_url(url)
    key = environ.get(variable, "").strip() if variable else ""
    if variable and not key:
        message = f"{origin}: the fallback to {model} wants its key from {variable}, which is not set"
        raise UsageError(message)
    return Fallback(endpoint=Endpoint(base_url=url, keys=(ApiKey(value=key),) if key else ()), model=model)
