"""The environment's share: the endpoint and its keys, a layer of settings, and what a pipeline says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from reviewbot.domain.endpoint import ApiKey, Endpoint
from reviewbot.errors import UsageError
from reviewbot.settings.layers import Layer

DEEPSEEK_URL = "https://api.deepseek.com"
_PROVIDERS = (
    ("DEEPSEEK_API_KEY", DEEPSEEK_URL, None),
    ("OPENAI_API_KEY", "https://api.openai.com/v1", "gpt-5-mini"),
)
_SETTINGS = {
    "REVIEWBOT_MODEL": "model.name",
    "REVIEWBOT_CONCURRENCY": "client.concurrency",
    "REVIEWBOT_REQUESTS_PER_MINUTE": "client.requests_per_minute",
    "REVIEWBOT_TOKENS_PER_MINUTE": "client.tokens_per_minute",
    "REVIEWBOT_BUDGET_RUN": "budget.run_usd",
    "REVIEWBOT_BUDGET_DAY": "budget.day_usd",
    "REVIEWBOT_BUDGET_MONTH": "budget.month_usd",
}
_TRUE = ("true", "1", "yes")


def layer(environ: Mapping[str, str]) -> Layer:
    """Read the settings that variables give."""
    given = {key: environ[name] for name, key in _SETTINGS.items() if environ.get(name)}
    return Layer("environment", given)


def provider_layer(environ: Mapping[str, str]) -> Layer:
    """Give the default model of the provider that its own variable selects; the weakest layer."""
    if not _configured(environ):
        for name, _, model in _PROVIDERS:
            if _given(environ, name) and model is not None:
                return Layer(f"provider chosen by {name}", {"model.name": model})
            if _given(environ, name):
                break
    return Layer("provider", {})


def endpoint(
    environ: Mapping[str, str], operator_url: str | None = None, read: Callable[[Path], str] = Path.read_text
) -> Endpoint | None:
    """Find the endpoint, or None where neither a key nor an endpoint is set.

    ``operator_url`` is that of the operator's file; the environment wins over it.

    A provider's own variable is sent to that provider's host and to no other. Raises UsageError for a
    URL or a key file that cannot be used.
    """
    keys = _own_keys(environ, read)
    url = address(environ, operator_url)
    if url:
        return Endpoint(base_url=url, keys=keys or _provider_keys(environ, url))
    if keys:
        return Endpoint(base_url=DEEPSEEK_URL, keys=keys)
    for name, theirs, _ in _PROVIDERS:
        if _given(environ, name):
            return Endpoint(base_url=theirs, keys=(_sendable(_given(environ, name), name),))
    return None


def address(environ: Mapping[str, str], operator_url: str | None = None) -> str | None:
    """Give the endpoint's URL where one is configured. Raises UsageError for what is none."""
    url = _given(environ, "REVIEWBOT_BASE_URL") or (operator_url or "").strip()
    if url:
        check_url(url)
    return url or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where a run may leave something for the next, or share it with others. Holds secrets."""

    folder: Path | None = None
    redis_url: str | None = field(default=None, repr=False)
    cache_secret: str | None = field(default=None, repr=False)
    ledger: Path | None = None
    metrics: Path | None = None
    """OpenMetrics text at the end of a run."""
    pushgateway: str | None = None
    keys_file: Path | None = None


def stores(environ: Mapping[str, str]) -> Stores:
    """Read where things are kept."""
    ledger, metrics = _given(environ, "REVIEWBOT_LEDGER"), _given(environ, "REVIEWBOT_METRICS")
    keys_file = _given(environ, "REVIEWBOT_API_KEYS_FILE")
    return Stores(
        folder=cache_folder(environ),
        redis_url=_given(environ, "REVIEWBOT_REDIS_URL") or None,
        cache_secret=_given(environ, "REVIEWBOT_CACHE_SECRET") or None,
        ledger=Path(ledger) if ledger else None,
        metrics=Path(metrics) if metrics else None,
        pushgateway=_given(environ, "REVIEWBOT_PUSHGATEWAY") or None,
        keys_file=Path(keys_file) if keys_file else None,
    )


def keys_in(text: str, origin: str) -> tuple[ApiKey, ...]:
    """Read the text of a keys file: one ``key[=weight]`` a line. Raises UsageError where it holds none."""
    return keys_among([line for line in text.splitlines() if not line.lstrip().startswith("#")], origin)


def keys_among(parts: Sequence[str], origin: str) -> tuple[ApiKey, ...]:
    """Read keys, each ``key[=weight]``. Raises UsageError where there are none."""
    keys = tuple(_key(part.strip(), origin) for part in parts if part.strip())
    if not keys:
        message = f"{origin} holds no key: give at least one, or unset it"
        raise UsageError(message)
    return keys


def keys_of_file(path: Path, origin: str, read: Callable[[Path], str] = Path.read_text) -> tuple[ApiKey, ...]:
    """Read a keys file that ``origin`` names. Raises UsageError."""
    try:
        text = read(path)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{origin}: {path} cannot be read: {_why(error)}"
        raise UsageError(message) from error
    return keys_in(text, f"{origin} {path}")


def project(environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Give the project that a pipeline runs for: the variable that says so, and the path; None elsewhere."""
    for name in ("CI_PROJECT_PATH", "GITHUB_REPOSITORY"):
        if _given(environ, name):
            return name, _given(environ, name)
    return None


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Give the folder for what may outlive a run; None where nothing is to be kept."""
    folder = environ.get("REVIEWBOT_CACHE_DIR")
    return Path(folder) if folder else None


def in_pipeline(environ: Mapping[str, str]) -> bool:
    """Tell whether this is a CI job, where the change is not to be trusted."""
    return is_true(environ, "GITLAB_CI") or is_true(environ, "GITHUB_ACTIONS")


def pipeline_base(environ: Mapping[str, str]) -> str | None:
    """Give the base that a merge request's or pull request's pipeline names, or None."""
    if is_true(environ, "GITLAB_CI"):
        branch = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
        return f"origin/{branch}" if branch else environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
    if is_true(environ, "GITHUB_ACTIONS") and environ.get("GITHUB_BASE_REF"):
        return f"origin/{environ['GITHUB_BASE_REF']}"
    return None


def _configured(environ: Mapping[str, str]) -> bool:
    names = ("REVIEWBOT_BASE_URL", "REVIEWBOT_API_KEY", "REVIEWBOT_API_KEYS", "REVIEWBOT_API_KEYS_FILE")
    return any(_given(environ, name) for name in names)


def is_true(environ: Mapping[str, str], name: str) -> bool:
    """Tell whether a variable says yes."""
    return environ.get(name, "").lower() in _TRUE


def _given(environ: Mapping[str, str], name: str) -> str:
    """Give a variable without white space around it; CI sets what is not there to nothing."""
    return environ.get(name, "").strip()


def _own_keys(environ: Mapping[str, str], read: Callable[[Path], str]) -> tuple[ApiKey, ...]:
    path, several = _given(environ, "REVIEWBOT_API_KEYS_FILE"), _given(environ, "REVIEWBOT_API_KEYS")
    if path:
        return keys_of_file(Path(path), "REVIEWBOT_API_KEYS_FILE", read)
    if several:
        return keys_among(several.split(","), "REVIEWBOT_API_KEYS")
    single = _given(environ, "REVIEWBOT_API_KEY")
    return (_sendable(single, "REVIEWBOT_API_KEY"),) if single else ()


def _why(error: OSError | UnicodeDecodeError) -> str:
    # The text of a UnicodeDecodeError shows a byte of the file.
    return error.strerror or str(error) if isinstance(error, OSError) else "it is no UTF-8 text"


def _key(text: str, origin: str) -> ApiKey:
    """Read ``key[=weight]``: the weight is what follows the last ``=`` if it is a number."""
    value, mark, weight = text.rpartition("=")
    if mark and value:
        try:
            number = float(weight)
        except ValueError:
            return _sendable(text, origin)
        if 0 < number < float("inf"):
            return _sendable(value.rstrip(), origin, number)
    return _sendable(text, origin)


def _sendable(value: str, origin: str, weight: float = 1.0) -> ApiKey:
    """Refuse what cannot stand in a header, such as the dots of an example; the key itself is not shown."""
    if not (value.isascii() and value.isprintable() and " " not in value):
        message = f"{origin} holds characters that no key has, such as spaces or letters beyond ASCII"
        raise UsageError(message)
    return ApiKey(value=value, weight=weight)


def _provider_keys(environ: Mapping[str, str], url: str) -> tuple[ApiKey, ...]:
    host = urlsplit(url).hostname
    for name, address, _ in _PROVIDERS:
        if _given(environ, name) and urlsplit(url).scheme == "https" and host == urlsplit(address).hostname:
            return (_sendable(_given(environ, name), name),)
    return ()


def check_url(url: str) -> None:
    """Refuse what is no http(s) URL. Raises UsageError."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        message = f"the endpoint '{url}' is no http(s) URL. Give it as to any OpenAI client, for example {DEEPSEEK_URL}"
        raise UsageError(message)
