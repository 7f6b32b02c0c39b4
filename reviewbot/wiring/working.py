"""The environment of a worker → what it works with, and how little of it each review is told."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from reviewbot.domain.job import ReviewJob
from reviewbot.errors import UsageError
from reviewbot.settings import environment
from reviewbot.wiring import operator

_SURROUNDINGS: Final = frozenset({
    "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "PYTHONPATH", "PYTHONWARNINGS",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
    "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy",
})  # fmt: skip
"""Where programs, certificates and proxies are: for git and for reviews."""
_PROVIDERS: Final = frozenset({"DEEPSEEK_API_KEY", "OPENAI_API_KEY"})
_OWN: Final = "REVIEWBOT_"
_OTHERS: Final = ("REVIEWBOT_GATEWAY", "REVIEWBOT_WEBHOOK", "REVIEWBOT_GITHUB_APP")
"""Of our own variables, those that a review has no use for, secrets among them."""
_NAMING: Final = ("key_env", "keys_env")
"""What names a variable in the operator's file."""
_SECRET: Final = ("KEY", "TOKEN", "SECRET", "PASSWORD")
_SERVERS: Final = {
    "gitlab": ("REVIEWBOT_GITLAB_URL", "https://gitlab.com"),
    "github": ("REVIEWBOT_GITHUB_API_URL", "https://api.github.com"),
}
_LIKE: Final = {"gitlab": "https://gitlab.example", "github": "https://api.github.com or https://HOST/api/v3"}
_TOKENS: Final = {"gitlab": "GITLAB_TOKEN", "github": "GITHUB_TOKEN"}

Tokens = Callable[[ReviewJob], str]
"""Gives the forge's token for a job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """What a worker works with. Holds secrets."""

    redis_url: str = field(repr=False)
    folder: Path
    """Of the stores."""
    surroundings: Mapping[str, str] = field(repr=False)
    """For git."""
    review: Mapping[str, str] = field(repr=False)
    """For each review, besides what its job says."""
    token: Tokens
    forges: tuple[str, ...]
    """Those that it has tokens for."""
    secrets: tuple[str, ...] = field(repr=False)
    """What must not show in a log."""


def working(environ: Mapping[str, str], folder: Path | None, app: Tokens | None = None) -> Working:
    """Read a worker's environment; ``app`` gives tokens of a GitHub App, where there is one.

    Raises UsageError for what is missing or not valid: a token of one forge at least is needed, and each token file
    that is named has to be there.
    """
    return Working(
        redis_url=redis_url(environ),
        folder=folder or _folder(environ),
        surroundings={name: environ[name] for name in _SURROUNDINGS if name in environ},
        review=review_environ(environ),
        forges=_forges(environ, app),
        token=_tokens(environ, app),
        secrets=tuple(_secrets(environ)),
    )


def servers(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Give the address of each forge's server, which workers and webhooks have in common.

    Raises UsageError for what is no URL.
    """
    return {forge: _server(environ, forge) for forge in _SERVERS}


def _server(environ: Mapping[str, str], forge: str) -> str:
    name, usual = _SERVERS[forge]
    url = environ.get(name, "").strip() or usual
    try:
        environment.check_url(url)
    except UsageError:  # which speaks of a model's endpoint
        message = f"{name} is '{url}', which is no http(s) URL: write it such as {_LIKE[forge]}"
        raise UsageError(message) from None
    return url


def redis_url(environ: Mapping[str, str]) -> str:
    """Give the address of the queue's Redis. Raises UsageError where there is none."""
    url = environment.stores(environ).redis_url
    if url is None:
        message = (
            "REVIEWBOT_REDIS_URL is not set: a worker takes its reviews from a queue in Redis. Set it to the Redis of "
            "the gateway that takes the webhooks, such as redis://redis:6379/0"
        )
        raise UsageError(message)
    return url


def review_environ(environ: Mapping[str, str]) -> Mapping[str, str]:
    """Choose what a review is told: the model's share of our variables, and those that the operator's file names."""
    named = frozenset(_named(environ))
    return {
        name: value
        for name, value in environ.items()
        if name in _SURROUNDINGS | _PROVIDERS | named or (name.startswith(_OWN) and not name.startswith(_OTHERS))
    }


def _folder(environ: Mapping[str, str]) -> Path:
    cache, home = environment.cache_folder(environ), environ.get("XDG_CACHE_HOME") or environ.get("HOME")
    if cache is None and not home:
        message = "there is no place for the stores: name a folder with --store DIR, or set REVIEWBOT_CACHE_DIR"
        raise UsageError(message)
    if cache is None:
        cache = Path(environ.get("XDG_CACHE_HOME") or Path(str(home)) / ".cache") / "reviewbot"
    return cache.absolute() / "stores"


def _tokens(environ: Mapping[str, str], app: Tokens | None) -> Tokens:
    known = servers(environ)

    def token(job: ReviewJob) -> str:
        if _bare(job.server) != _bare(known[job.forge]):
            name = _SERVERS[job.forge][0]
            message = (
                f"the job is of {job.server}, and this worker's token of {known[job.forge]}: a token is sent to no "
                f"other server than its own. Correct {name}"
            )
            raise UsageError(message)
        if job.forge == "github" and app is not None:
            return app(job)
        return _given(environ, _TOKENS[job.forge])

    return token


def _bare(server: str) -> str:
    return server.rstrip("/").removesuffix("/api/v4").lower()


def _forges(environ: Mapping[str, str], app: Tokens | None) -> tuple[str, ...]:
    """Give the forges that have a token.

    Raises UsageError, now and not with the first job, where none has, or where one cannot be read.
    """
    named = {
        forge: name
        for forge, name in _TOKENS.items()
        if environ.get(name, "").strip() or environ.get(f"{name}_FILE", "").strip()
    }
    if not named and app is None:
        message = (
            "no forge has a token, and without one nothing can be fetched or posted: set GITLAB_TOKEN or GITHUB_TOKEN, "
            "or name a file that holds it in GITLAB_TOKEN_FILE or GITHUB_TOKEN_FILE, or set up a GitHub App "
            "(REVIEWBOT_GITHUB_APP_ID and REVIEWBOT_GITHUB_APP_KEY_FILE)"
        )
        raise UsageError(message)
    for name in named.values():
        _given(environ, name)
    return tuple(forge for forge in _TOKENS if forge in named or (forge == "github" and app is not None))


def _given(environ: Mapping[str, str], name: str) -> str:
    """Read a token from its variable, or from the file that a variable names: again each time, since it may change."""
    value, path = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if not value and path:
        return _in_file(Path(path), f"{name}_FILE")
    if not value:
        message = (
            f"this worker has no token for it: {name} is not set, nor {name}_FILE. Set one of them, and start the "
            "worker again"
        )
        raise UsageError(message)
    return value


def _in_file(path: Path, name: str) -> str:
    try:
        value = operator.text_of(path, "token file").strip()
    except UsageError as error:
        message = f"{error}. {name} names it: mount it where the worker may read it, or correct the variable"
        raise UsageError(message) from error
    if not value:
        message = f"the token file {path} is empty. {name} names it: write the token into it"
        raise UsageError(message)
    return value


def _named(environ: Mapping[str, str]) -> Iterator[str]:
    """Find the variables that the operator's file names. Raises UsageError for a file that cannot be read."""
    path = environ.get("REVIEWBOT_CONFIG", "")
    if not path:
        return
    try:
        document = tomllib.loads(operator.text_of(Path(path)))
    except tomllib.TOMLDecodeError as error:
        message = f"{path} is no valid TOML: {error}"
        raise UsageError(message) from error
    yield from _names_in(document)


def _names_in(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (text for key, text in value.items() if key in _NAMING and isinstance(text, str))
        for part in value.values():
            yield from _names_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from _names_in(part)


def _secrets(environ: Mapping[str, str]) -> Iterator[str]:
    named = frozenset(_named(environ))
    for name, value in environ.items():
        if name in named or any(word in name for word in _SECRET):
            yield value
            # Several keys, each perhaps with its weight.
            yield from (part.strip().rpartition("=")[0] or part.strip() for part in value.split(","))
    yield urlsplit(environ.get("REVIEWBOT_REDIS_URL", "")).password or ""
