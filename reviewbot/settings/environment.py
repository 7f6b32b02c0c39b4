"""The environment's share: the endpoint and its keys, a layer of settings, and what a pipeline says."""

from collections.abc import Callable, Mapping
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
    "REVIEWBOT_BUDGET_RUN": "budget.run_usd",
}
_LASTING = ("REVIEWBOT_BUDGET_DAY", "REVIEWBOT_BUDGET_MONTH")
_TRUE = ("true", "1", "yes")


def layer(environ: Mapping[str, str]) -> Layer:
    """Read the settings that variables give. Raises UsageError for budgets that nothing could hold."""
    for name in _LASTING:
        if environ.get(name):
            message = (
                f"{name} needs a store that outlives the run, which this version does not have: unset it, "
                "and use REVIEWBOT_BUDGET_RUN"
            )
            raise UsageError(message)
    given = {key: environ[name] for name, key in _SETTINGS.items() if environ.get(name)}
    return Layer("environment", given)


def provider_layer(environ: Mapping[str, str]) -> Layer:
    """Give the default model of the provider that its own variable selects; the weakest layer."""
    if not _configured(environ):
        for name, _, model in _PROVIDERS:
            if environ.get(name) and model is not None:
                return Layer(f"provider chosen by {name}", {"model.name": model})
            if environ.get(name):
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
    url = environ.get("REVIEWBOT_BASE_URL", "").strip() or (operator_url or "")
    if url:
        _check_url(url)
        return Endpoint(base_url=url, keys=keys or _provider_keys(environ, url))
    if keys:
        return Endpoint(base_url=DEEPSEEK_URL, keys=keys)
    for name, address, _ in _PROVIDERS:
        if environ.get(name):
            return Endpoint(base_url=address, keys=(ApiKey(value=environ[name].strip()),))
    return None


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """Give the folder for what may outlive a run; None where nothing is to be kept."""
    folder = environ.get("REVIEWBOT_CACHE_DIR")
    return Path(folder) if folder else None


def in_pipeline(environ: Mapping[str, str]) -> bool:
    """Tell whether this is a CI job, where the change is not to be trusted."""
    return any(environ.get(name, "").lower() in _TRUE for name in ("GITLAB_CI", "GITHUB_ACTIONS"))


def pipeline_base(environ: Mapping[str, str]) -> str | None:
    """Give the base that a merge request's or pull request's pipeline names, or None."""
    if environ.get("GITLAB_CI"):
        branch = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_NAME")
        return f"origin/{branch}" if branch else environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA")
    if environ.get("GITHUB_ACTIONS") and environ.get("GITHUB_BASE_REF"):
        return f"origin/{environ['GITHUB_BASE_REF']}"
    return None


def _configured(environ: Mapping[str, str]) -> bool:
    names = ("REVIEWBOT_BASE_URL", "REVIEWBOT_API_KEY", "REVIEWBOT_API_KEYS", "REVIEWBOT_API_KEYS_FILE")
    return any(environ.get(name) for name in names)


def _own_keys(environ: Mapping[str, str], read: Callable[[Path], str]) -> tuple[ApiKey, ...]:
    path = environ.get("REVIEWBOT_API_KEYS_FILE")
    if path:
        try:
            lines = read(Path(path)).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            message = f"REVIEWBOT_API_KEYS_FILE: {path} cannot be read: {error}"
            raise UsageError(message) from error
        return tuple(_key(line) for line in lines if line.strip() and not line.lstrip().startswith("#"))
    several = environ.get("REVIEWBOT_API_KEYS")
    if several:
        return tuple(_key(part) for part in several.split(",") if part.strip())
    single = environ.get("REVIEWBOT_API_KEY", "").strip()
    return (ApiKey(value=single),) if single else ()


def _key(text: str) -> ApiKey:
    """Read ``key[=weight]``: the weight is what follows the last ``=`` if it is a number."""
    value, mark, weight = text.strip().rpartition("=")
    if mark and value:
        try:
            number = float(weight)
        except ValueError:
            return ApiKey(value=text.strip())
        if 0 < number < float("inf"):
            return ApiKey(value=value, weight=number)
    return ApiKey(value=text.strip())


def _provider_keys(environ: Mapping[str, str], url: str) -> tuple[ApiKey, ...]:
    host = urlsplit(url).hostname
    for name, address, _ in _PROVIDERS:
        if environ.get(name) and urlsplit(url).scheme == "https" and host == urlsplit(address).hostname:
            return (ApiKey(value=environ[name].strip()),)
    return ()


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        message = f"the endpoint '{url}' is no http(s) URL. Give it as to any OpenAI client, for example {DEEPSEEK_URL}"
        raise UsageError(message)
