"""Who may ask the gateway, and by which rules: the operator's file, and REVIEWBOT_GATEWAY_TOKENS for a start.

    [gateway]
    concurrency = 200

    [tenant.shop]
    tokens_sha256 = ["..."]     # reviewbot gateway --hash-token
    requests_per_minute = 600
    budget_day_usd = 20

The variable adds tokens to the tenants of the file, by name, and tenants that the file does not have.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from reviewbot.domain.gateway import GatewayConfig, Rules
from reviewbot.domain.tenant import Tenant
from reviewbot.errors import UsageError
from reviewbot.gateway import tokens
from reviewbot.llm.prices import Prices
from reviewbot.settings import environment
from reviewbot.settings.layers import parsed
from reviewbot.settings.schema import Settings
from reviewbot.wiring import configuration, engines, operator
from reviewbot.wiring.gateway.affording import Means, affordable
from reviewbot.wiring.gateway.tables import GatewayTable, TenantTable, table

VARIABLE: Final = "REVIEWBOT_GATEWAY_TOKENS"
LOCAL: Final = Tenant(name="local", operator=True)
"""Whoever asks from this machine, where no token is configured at all."""
_NAME: Final = re.compile(r"(?!all$)[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
"""It stands in metrics, logs and Redis; a project's path is a good one. "all" names the budget of nobody's own."""
_SOURCES: Final = frozenset({"tokens_sha256", "tokens_env", "tokens_file"})
Read = Callable[[Path, str], str]
"""Reads a file's text; the second is what people call the file. Raises OSError, UnicodeDecodeError, or UsageError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayPlan:
    """What a gateway is to be, as far as files say so."""

    config: GatewayConfig
    operators: operator.Operator
    """Pools, prices and fallbacks of the same file."""
    settings: Settings


def located(config: Path | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Give the environment in which ``--config`` names the operator's file, if it was given."""
    return environ if config is None else {**environ, "REVIEWBOT_CONFIG": str(config)}


def hashed(text: str) -> str:
    """Give the digest of a token, as it stands in ``tokens_sha256``. Raises UsageError for what can be none."""
    return _digest(text.strip(), "standard input")


def load(environ: Mapping[str, str], now: datetime, read: Read = operator.text_of) -> GatewayPlan:
    """Read all that a gateway is to be; the file is the one that REVIEWBOT_CONFIG names.

    Raises UsageError for anything that is not valid, or that could not be kept, as a budget without a price.
    """
    origin = environ.get("REVIEWBOT_CONFIG", "")
    text = read(Path(origin), "configuration file") if origin else ""
    operators = operator.parse(text, origin, environ)
    found = parse(text, origin, environ, read)
    for tenant in found.tenants:
        _check_pool(tenant, [pool.name for pool in operators.pools])
    settings = configuration.effective({}, environ, trust=None, git=None, config=None).settings
    models = found.rules.models or (engines.model(settings).name,)
    means = Means(
        prices=Prices.load(operators.prices),
        now=now,
        offered=models,
        fallbacks=tuple(fallback.model for fallback in operators.fallbacks),
        stores=environment.stores(environ),
        own=settings.budget,
    )
    config = replace(found, tenants=affordable(found.tenants, means), rules=replace(found.rules, models=models))
    return GatewayPlan(config=config, operators=operators, settings=settings)


def parse(text: str, origin: str, environ: Mapping[str, str], read: Read = operator.text_of) -> GatewayConfig:
    """Check the gateway's tables of a file, and the variable. Raises UsageError, in which no token shows."""
    document = parsed(text, origin)
    rules = _given(table(GatewayTable, document.get("gateway", {}), f"{origin}: [gateway]"))
    tables = document.get("tenant", {})
    if not isinstance(tables, dict):
        message = f"{origin}: tenant is a table of tables: write [tenant.NAME], and in it tokens_sha256"
        raise UsageError(message)
    tenants = [_tenant(name, values, origin, environ, read) for name, values in tables.items()]
    tenants = list(_joined(tenants, _among(environ.get(VARIABLE, ""))))
    _check_tokens(tenants, origin)
    return GatewayConfig(
        tenants=tuple(tenants) or (LOCAL,),
        rules=replace(Rules(), **rules),
        open_loopback=not tenants,
    )


def _tenant(name: str, values: object, origin: str, environ: Mapping[str, str], read: Read) -> Tenant:
    place = f"{origin}: [tenant.{name}]"
    if not _NAME.fullmatch(name):
        message = (
            f"{place}: a tenant's name has up to 100 letters, digits, dots, dashes, underscores and slashes, and is "
            "not 'all'"
        )
        raise UsageError(message)
    found = table(TenantTable, values, place)
    digests = [known.lower() for known in found.tokens_sha256]
    if found.tokens_env is not None:
        there = environ.get(found.tokens_env, "").split(",")
        digests += _digests(there, f"{place}: the variable {found.tokens_env}")
    if found.file is not None:
        there = [line for line in _text(found.file, place, read).splitlines() if not line.lstrip().startswith("#")]
        digests += _digests(there, f"{place}: the file {found.file}")
    given = {key: value for key, value in _given(found).items() if key not in _SOURCES}
    return replace(Tenant(name=name, token_digests=tuple(dict.fromkeys(digests))), **given)


def _given(found: GatewayTable | TenantTable) -> dict[str, Any]:
    """Give what was set, so that the rest keeps its default."""
    return {key: getattr(found, key) for key in found.model_fields_set}


def _text(path: Path, place: str, read: Read) -> str:
    try:
        return read(path, "file of tokens")
    except UsageError as error:
        message = f"{place}: tokens_file: {error}"
        raise UsageError(message) from error


def _digests(found: Iterable[str], origin: str) -> list[str]:
    """Give the digests of tokens. Raises UsageError where there are none."""
    digests = [_digest(token.strip(), origin) for token in found if token.strip()]
    if not digests:
        message = f"{origin} holds no token: put one there, or take the key out"
        raise UsageError(message)
    return digests


def _digest(token: str, origin: str) -> str:
    if not tokens.well_formed(token):
        message = (
            f"{origin} holds what can be no token: a token is one word of at most {tokens.LONGEST} ASCII characters. "
            "Make one with: openssl rand -hex 32"
        )
        raise UsageError(message)
    return tokens.digest(token)


def _among(text: str) -> Iterator[tuple[str, str]]:
    """Read ``tenant=token`` pairs, each with its token's digest."""
    for number, pair in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, mark, token = (part.strip() for part in pair.partition("="))
        if not mark or not _NAME.fullmatch(name):
            # Not shown: it may be a token.
            message = f"{VARIABLE}: entry {number} is no tenant=token: write for example shop=$(openssl rand -hex 32)"
            raise UsageError(message)
        yield name, _digest(token, f"{VARIABLE}: entry {number}")


def _joined(tenants: Iterable[Tenant], pairs: Iterable[tuple[str, str]]) -> Iterator[Tenant]:
    """Add tokens to the tenants of their names, and tenants that are not there yet."""
    by_name = {tenant.name: tenant for tenant in tenants}
    for name, digest in pairs:
        tenant = by_name.get(name) or Tenant(name=name)
        by_name[name] = replace(tenant, token_digests=tuple(dict.fromkeys((*tenant.token_digests, digest))))
    yield from by_name.values()


def _check_tokens(tenants: Iterable[Tenant], origin: str) -> None:
    owners: dict[str, str] = {}
    for tenant in tenants:
        if not tenant.token_digests:
            message = (
                f"{origin}: [tenant.{tenant.name}] has no token, so nobody could ask as it: give tokens_sha256, "
                f"tokens_env or tokens_file, or name it in {VARIABLE}"
            )
            raise UsageError(message)
        for digest in tenant.token_digests:
            other = owners.setdefault(digest, tenant.name)
            if other != tenant.name:
                message = f"tenants '{other}' and '{tenant.name}' have a token in common: give each its own"
                raise UsageError(message)


def _check_pool(tenant: Tenant, there: list[str]) -> None:
    if tenant.pool is not None and tenant.pool not in there:
        has = f"it has {', '.join(there)}" if there else "it has none"
        message = (
            f"[tenant.{tenant.name}] asks under the pool '{tenant.pool}', which the file does not have ({has}): "
            f"correct the name, or add [pool.{tenant.pool}]"
        )
        raise UsageError(message)
