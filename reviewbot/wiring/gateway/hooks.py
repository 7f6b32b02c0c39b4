"""Whose webhooks are taken: the ``[webhooks]`` table of the operator's file, and two variables.

    [webhooks]
    secrets_file = "/run/secrets/webhooks"   # gitlab=..., github=..., gitlab:shop/*=..., one a line
    ignore_projects = ["sandbox/*"]

    [webhooks.gitlab]
    accounts = ["review-bot"]

REVIEWBOT_WEBHOOK_SECRETS holds entries as in such a file, comma-separated; REVIEWBOT_WEBHOOK_SECRETS_FILE names one.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from reviewbot.errors import UsageError
from reviewbot.gateway.hooks_rules import GITHUB, GITLAB, Choice, Forge, Rules, Secret
from reviewbot.gateway.hooks_signing import SIGNING, signing_key
from reviewbot.settings import environment
from reviewbot.settings.layers import parsed
from reviewbot.wiring import operator, pools
from reviewbot.wiring.gateway.tables import table
from reviewbot.wiring.gateway.tenants import Read
from reviewbot.wiring.working import servers

SECRETS: Final = "REVIEWBOT_WEBHOOK_SECRETS"
_FILE: Final = f"{SECRETS}_FILE"
_SHORTEST: Final = 16
"""Characters of a secret: whoever sees a signed body can try short ones at leisure."""


def _lowered(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


_Globs = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(strict=False), AfterValidator(_lowered)
]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class _ForgeTable(_Table):
    """``[webhooks.gitlab]`` and ``[webhooks.github]``."""

    accounts: _Globs = ()
    shown_url: str | None = None


class _HooksTable(_Table):
    """``[webhooks]``. What is left out keeps the default of `Rules` and `Choice`."""

    secrets_env: str | None = None
    secrets_file: str | None = None
    max_body_bytes: Annotated[int, Field(gt=0, le=25_000_000)] | None = None
    max_age_h: Annotated[float, Field(gt=0, allow_inf_nan=False, strict=False)] | None = None
    drafts: bool | None = None
    bots: bool | None = None
    ignore_projects: _Globs | None = None
    ignore_branches: _Globs | None = None
    ignore_labels: _Globs | None = None
    ask_labels: _Globs | None = None
    gitlab: object = None
    github: object = None


_CHOICE: Final = ("drafts", "bots", "ignore_projects", "ignore_branches", "ignore_labels", "ask_labels")


def load(environ: Mapping[str, str], read: Read = operator.text_of) -> Rules:
    """Read by which rules webhooks are taken. Raises UsageError, in which no secret shows."""
    origin = environ.get("REVIEWBOT_CONFIG", "")
    document = parsed(read(Path(origin), "configuration file"), origin) if origin else {}
    found = table(_HooksTable, document.get("webhooks", {}), f"{origin}: [webhooks]")
    secrets = tuple(dict.fromkeys(_secrets(found, environ, read)))
    if secrets and environment.stores(environ).redis_url is None:
        message = f"webhooks need a queue to put reviews into: set REVIEWBOT_REDIS_URL, or take {SECRETS} away"
        raise UsageError(message)
    limits = Rules(forges={})
    given = {name: getattr(found, name) for name in _CHOICE if getattr(found, name) is not None}
    return Rules(
        secrets=secrets,
        forges={
            forge: _forge(forge, getattr(found, forge), environ, f"{origin}: [webhooks.{forge}]")
            for forge in (GITLAB, GITHUB)
        },
        choice=Choice(**given),
        max_body_bytes=found.max_body_bytes or limits.max_body_bytes,
        max_age_s=found.max_age_h * 3_600 if found.max_age_h else limits.max_age_s,
    )


def _forge(forge: str, values: object, environ: Mapping[str, str], place: str) -> Forge:
    found = table(_ForgeTable, {} if values is None else values, place)
    url = servers(environ)[forge].rstrip("/")
    if forge == GITHUB:
        return Forge(api_url=url, shown_url=found.shown_url or url, accounts=frozenset(found.accounts))
    web = url.removesuffix("/api/v4")
    return Forge(api_url=f"{web}/api/v4", shown_url=found.shown_url or web, accounts=frozenset(found.accounts))


def _secrets(found: _HooksTable, environ: Mapping[str, str], read: Read) -> Iterator[Secret]:
    yield from _parsed(environ.get(SECRETS, "").split(","), f"the variable {SECRETS}")
    if found.secrets_env is not None:
        # Not shown: it may be a secret.
        if not pools.is_variable(found.secrets_env) or not environ.get(found.secrets_env):
            message = "secrets_env of [webhooks] names no variable that is set: the secrets belong into one"
            raise UsageError(message)
        yield from _parsed(environ[found.secrets_env].split(","), f"the variable {found.secrets_env}")
    for path in filter(None, (environ.get(_FILE, ""), found.secrets_file)):
        lines = read(Path(path), "file of secrets").splitlines()
        yield from _parsed((line for line in lines if not line.lstrip().startswith("#")), f"the file {path}")


def _parsed(entries: Iterable[str], origin: str) -> Iterator[Secret]:
    for number, entry in enumerate(filter(None, map(str.strip, entries)), 1):
        scope, mark, value = (part.strip() for part in entry.partition("="))
        forge, _, projects = scope.partition(":")
        # Not shown: it may be a secret.
        if not mark or forge not in {GITLAB, GITHUB}:
            message = (
                f"{origin}: entry {number} does not begin with gitlab= or github=: write for example "
                "gitlab=SECRET, or gitlab:group/*=SECRET for some projects alone"
            )
            raise UsageError(message)
        if len(value) < _SHORTEST or not (value.isascii() and value.isprintable()) or " " in value:
            message = (
                f"{origin}: entry {number} is no secret of at least {_SHORTEST} printable ASCII characters: make one "
                "with openssl rand -hex 32"
            )
            raise UsageError(message)
        if forge == GITLAB and value.startswith(SIGNING) and signing_key(value) is None:
            message = f"{origin}: entry {number} begins like a signing token of GitLab's, and is none: copy it again"
            raise UsageError(message)
        yield Secret(forge=forge, value=value, projects=projects.lower() or "*")
