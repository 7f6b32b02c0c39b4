"""The tables ``[gateway]`` and ``[tenant.NAME]`` of the operator's file: which keys they have, and of what kind."""

import difflib
import re
import reprlib
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from reviewbot.errors import UsageError
from reviewbot.wiring import pools

_TOKENS_THEMSELVES: Final = frozenset({"token", "tokens", "key", "keys", "api_key", "secret", "password", "bearer"})
_SECRET: Final = frozenset({"tokens_sha256", "tokens_env", "tokens_file"})
"""Keys whose values do not show: where a digest or a name belongs, somebody may have put the token."""
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")
_TableT = TypeVar("_TableT", bound=BaseModel)


def _usd(value: object) -> object:
    """Read money: a number, or a string where every digit counts."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return value
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return value


def _variable(name: str) -> str:
    if not pools.is_variable(name):
        message = "it is no name of a variable. Write the name there, and the tokens into the variable"
        raise ValueError(message)
    return name


def _digest(text: str) -> str:
    if not _SHA256.fullmatch(text):
        # The value is not shown: it may be the token.
        message = (
            "a token stands there as its SHA-256 digest, which has 64 hexadecimal digits: "
            "reviewbot gateway --hash-token < token.txt makes it"
        )
        raise ValueError(message)
    return text


_Names = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(strict=False)]
_Digest = Annotated[str, AfterValidator(_digest)]
_Count = Annotated[int, Field(gt=0)]
_Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_Money = Annotated[Decimal, BeforeValidator(_usd), Field(ge=0, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class GatewayTable(_Table):
    """``[gateway]``. What is left out keeps the default of `reviewbot.domain.gateway.Rules`."""

    concurrency: _Count | None = None
    waiting: Annotated[int, Field(ge=0)] | None = None
    max_body_bytes: _Count | None = None
    header_s: _Seconds | None = None
    body_s: _Seconds | None = None
    drain_s: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    cache: bool | None = None
    cache_ttl_s: _Seconds | None = None
    fail_open: bool | None = None
    metrics: Literal["open", "operator"] | None = None
    audit: Annotated[str, Field(min_length=1)] | None = None
    audit_days: _Count | None = None
    models: Annotated[_Names, Field(min_length=1)] | None = None


class TenantTable(_Table):
    """``[tenant.NAME]``. What is left out keeps the default of `reviewbot.domain.tenant.Tenant`."""

    tokens_sha256: Annotated[tuple[_Digest, ...], Field(strict=False)] = ()
    tokens_env: Annotated[str, AfterValidator(_variable)] | None = None
    tokens_file: Annotated[str, Field(min_length=1)] | None = None
    pool: str | None = None
    models: Annotated[_Names, Field(min_length=1)] | None = None
    requests_per_minute: _Count | None = None
    tokens_per_minute: _Count | None = None
    concurrency: _Count | None = None
    weight: Annotated[float, Field(gt=0, le=1_000, allow_inf_nan=False)] | None = None
    budget_day_usd: _Money | None = None
    budget_month_usd: _Money | None = None
    answers: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    operator: bool | None = None

    @property
    def file(self) -> Path | None:
        """Where tokens are mounted."""
        return None if self.tokens_file is None else Path(self.tokens_file)


def table(kind: type[_TableT], values: object, place: str) -> _TableT:
    """Check a table of the file; ``place`` names it for people. Raises UsageError, in which no token shows."""
    if not isinstance(values, dict):
        message = f"{place} is a table, and what stands there is none"
        raise UsageError(message)
    for key in values:
        if key not in kind.model_fields:
            raise UsageError(_unknown(key, kind, place))
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise UsageError("\n".join(_faults(error, values, place))) from None  # its own text shows what was given


def _unknown(key: str, kind: type[BaseModel], place: str) -> str:
    if key.lower() in _TOKENS_THEMSELVES and kind is TenantTable:
        return (
            f"{place} has {key}: tokens are never written into this file. Put their SHA-256 into tokens_sha256 "
            "(reviewbot gateway --hash-token tells it), or the tokens into a variable or a mounted file, and name that "
            "with tokens_env or tokens_file"
        )
    near = difflib.get_close_matches(key, kind.model_fields, n=1, cutoff=0.6)
    hint = f"did you mean {near[0]}?" if near else f"it knows {', '.join(kind.model_fields)}"
    return f"{place} has no key {key}: {hint}"


def _faults(error: ValidationError, values: Mapping[str, object], place: str) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        key = str(fault["loc"][0])
        given = "" if key in _SECRET else f" = {reprlib.repr(values[key])}"
        # pydantic speaks of Python's tuples where TOML has lists, and puts its own words before ours.
        why = fault["msg"].replace("tuple", "list").replace("Tuple", "List").removeprefix("Value error, ")
        yield f"{place}: {key}{given} is not valid: {why}"
