"""Layers of settings, the strongest first: flags, environment, files, defaults; each value keeps its origin."""

import difflib
import reprlib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from reviewbot.errors import UsageError
from reviewbot.settings.schema import Settings

DEFAULT = "default"
_OUTSIDE_ONLY = {
    "api_key": "REVIEWBOT_API_KEY", "api_keys": "REVIEWBOT_API_KEYS", "base_url": "REVIEWBOT_BASE_URL",
    "endpoint": "REVIEWBOT_BASE_URL", "redis_url": "REVIEWBOT_REDIS_URL", "token": "GITLAB_TOKEN or GITHUB_TOKEN",
    "gitlab_token": "GITLAB_TOKEN", "github_token": "GITHUB_TOKEN", "deepseek_api_key": "DEEPSEEK_API_KEY",
    "openai_api_key": "OPENAI_API_KEY",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Layer:
    """Values by dotted key, and where they come from."""

    origin: str
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force, and the origin of each by dotted key."""

    settings: Settings
    origins: Mapping[str, str]


def from_toml(text: str, origin: str, table: str | None = None, skip: Sequence[str] = ()) -> Layer | None:
    """Read a file's layer; ``table`` names a sub-table such as ``tool.reviewbot``, None if it is absent.

    ``skip`` names top-level keys that somebody else reads.

    Raises UsageError for text that is no TOML, and for keys that do not exist.
    """
    document: Any = parsed(text, origin)
    for part in table.split(".") if table else ():
        document = document.get(part) if isinstance(document, dict) else None
    if document is None:
        return None
    if not isinstance(document, dict):
        message = f"{origin}: [{table}] is no table"
        raise UsageError(message)
    kept = {key: value for key, value in document.items() if key not in skip}
    return Layer(origin, dict(_flatten(kept, Settings, origin, "")))


def parsed(text: str, origin: str) -> dict[str, Any]:
    """Parse a file. Raises UsageError for text that is no TOML."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        message = f"{origin} is no valid TOML: {error}"
        raise UsageError(message) from error


def _flatten(
    table: Mapping[str, Any], model: type[BaseModel], origin: str, prefix: str
) -> Iterator[tuple[str, object]]:
    for key, value in table.items():
        dotted = f"{prefix}{key}"
        known = model.model_fields.get(key)
        if known is None:
            raise UsageError(_unknown(key, dotted, model, origin))
        section = known.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            if not isinstance(value, dict):
                message = f"{origin}: {dotted} is a table: write [{dotted}]"
                raise UsageError(message)
            yield from _flatten(value, section, origin, f"{dotted}.")
        else:
            yield dotted, value


def _unknown(key: str, dotted: str, model: type[BaseModel], origin: str) -> str:
    outside = _OUTSIDE_ONLY.get(key.lower().replace("-", "_"))
    if outside is not None:
        return (
            f"{origin}: '{dotted}' is never read from a project's configuration, since whoever changes the "
            f"repository could send the keys elsewhere: set {outside} in the environment"
        )
    near = difflib.get_close_matches(key, model.model_fields, n=1, cutoff=0.5)
    every = list(keys(Settings))
    elsewhere = [path for path in every if path.rpartition(".")[2] == key]
    parent = dotted.rpartition(".")[0]
    if near:
        hint = f"did you mean '{parent}.{near[0]}'?" if parent else f"did you mean '{near[0]}'?"
    elif elsewhere:
        hint = f"did you mean '{elsewhere[0]}'?"
    else:
        hint = f"known here: {', '.join(sorted(model.model_fields))}"
    return f"{origin}: there is no setting '{dotted}'; {hint}"


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield every setting's dotted key."""
    for name, info in model.model_fields.items():
        section = info.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield from keys(section, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def combine(layers: Sequence[Layer]) -> Effective:
    """Lay the layers over each other, the strongest first, and validate what results.

    Raises UsageError that names the key, the value's origin and what is wrong.
    """
    chosen: dict[str, object] = {}
    origins: dict[str, str] = {}
    for layer in layers:
        for key, value in layer.values.items():
            if key not in chosen:
                chosen[key] = value
                origins[key] = layer.origin
    try:
        settings = Settings.model_validate(_nested(chosen))
    except ValidationError as error:
        raise UsageError(_faults(error, origins)) from error
    return Effective(settings, {key: origins.get(key, DEFAULT) for key in keys(Settings)})


def _nested(flat: Mapping[str, object]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for dotted, value in flat.items():
        *parents, last = dotted.split(".")
        table = root
        for parent in parents:
            table = table.setdefault(parent, {})
        table[last] = value
    return root


def _faults(error: ValidationError, origins: Mapping[str, str]) -> str:
    lines = []
    for fault in error.errors(include_url=False):
        key = ".".join(str(part) for part in fault["loc"] if not isinstance(part, int))
        origin = origins.get(key, "the configuration")
        given = reprlib.repr(fault["input"])
        # pydantic speaks of Python's tuples where TOML has lists.
        lines.append(f"{origin}: {key} = {given} is not valid: {fault['msg'].replace('tuple', 'list')}")
    return "\n".join(lines)


def value_of(settings: Settings, dotted: str) -> object:
    """Give one setting by its dotted key."""
    value: object = settings
    for part in dotted.split("."):
        value = getattr(value, part)
    return value
