"""Named pools of keys in the operator's file: which project asks under which keys, and within which limits.

    [pool.shop]
    projects = ["shop/*"]
    keys_env = "SHOP_KEYS"

Keys stand in a variable or a mounted file, never in the operator's file. Which pool is chosen is a matter of order and
not of defence: who may change a job's variables may name another pool, so give each job its own pool's keys alone.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from reviewbot.domain.endpoint import ApiKey
from reviewbot.errors import UsageError
from reviewbot.settings import environment

_LIMITS = ("requests_per_minute", "tokens_per_minute")
_KNOWN = ("projects", "keys_env", "keys_file", "account", *_LIMITS)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""What a variable's name looks like, and few providers' keys: most have dashes."""
_KEYS_THEMSELVES = frozenset({"key", "keys", "api_key", "api_keys", "token", "tokens"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Keys under a name. Which keys these are is read when they are used."""

    name: str
    projects: tuple[str, ...] = ()
    """Globs of project paths; none for a pool that is only chosen by REVIEWBOT_POOL."""
    keys_env: str | None = None
    """Variable with comma-separated ``key[=weight]``. A pool has either this or ``keys_file``."""
    keys_file: Path | None = None
    """Mounted file with one ``key[=weight]`` a line, read again when it changes."""
    account: str | None = None
    """Provider's account that all these keys belong to; None where each is one of its own."""
    limits: Mapping[str, int]
    """``requests_per_minute`` and ``tokens_per_minute`` of each account, as far as they are given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The pool in force, and why."""

    pool: Pool
    reason: str

    @property
    def origin(self) -> str:
        """Where keys and limits come from, for people."""
        return f"pool '{self.pool.name}' ({self.reason})"


def parse(tables: object, origin: str) -> tuple[Pool, ...]:
    """Check the ``[pool.NAME]`` tables of a file, in their order. Raises UsageError."""
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        message = (
            f"{origin}: pool is a table of tables: write [pool.NAME], and in it projects, and keys_env or keys_file"
        )
        raise UsageError(message)
    return tuple(_pool(name, table, f"{origin}: [pool.{name}]") for name, table in tables.items())


def choose(pools: Sequence[Pool], environ: Mapping[str, str]) -> Chosen | None:
    """Choose the pool that REVIEWBOT_POOL names, else the first that takes the project; None for the default keys.

    Raises UsageError where REVIEWBOT_POOL names a pool that is not there.
    """
    wanted = environ.get("REVIEWBOT_POOL", "").strip()
    if wanted:
        return Chosen(pool=_named(wanted, pools), reason="named by REVIEWBOT_POOL")
    found = environment.project(environ)
    if found is None:
        return None
    variable, project = found
    for pool in pools:
        for glob in pool.projects:
            if fnmatchcase(project.lower(), glob.lower()):
                return Chosen(pool=pool, reason=f"'{glob}' takes {variable} {project}")
    return None


def is_variable(name: str) -> bool:
    """Tell whether this may name a variable. What does not may be a key in its place, which must not show."""
    return _VARIABLE.fullmatch(name) is not None


def keys(pool: Pool, environ: Mapping[str, str], host: str) -> tuple[ApiKey, ...]:
    """Read a pool's keys for an endpoint's host. Raises UsageError where there are none."""
    if pool.keys_file is not None:
        origin = f"the keys file of pool '{pool.name}'"
        return labelled(environment.keys_of_file(pool.keys_file, origin), pool, host)
    text = environ.get(pool.keys_env or "", "").strip()
    if not text:
        message = (
            f"pool '{pool.name}' wants its keys from {pool.keys_env}, which is not set: set it for this project's "
            "jobs, or take the project out of the pool's projects"
        )
        raise UsageError(message)
    return labelled(environment.keys_among(text.split(","), str(pool.keys_env)), pool, host)


def labelled(found: Sequence[ApiKey], pool: Pool, host: str) -> tuple[ApiKey, ...]:
    """Put keys on their pool's account. Its label counts within one provider: others may have the same."""
    if pool.account is None:
        return tuple(found)
    return tuple(replace(key, account=f"{host}/{pool.account}") for key in found)


def _named(wanted: str, pools: Sequence[Pool]) -> Pool:
    for pool in pools:
        if pool.name == wanted:
            return pool
    there = f"it has {', '.join(pool.name for pool in pools)}" if pools else "there is none"
    message = (
        f"REVIEWBOT_POOL names the pool '{wanted}', which the operator's file does not have ({there}): correct the "
        f"name, unset it, or add [pool.{wanted}] to the file that REVIEWBOT_CONFIG names"
    )
    raise UsageError(message)


def _pool(name: str, table: Mapping[str, object], place: str) -> Pool:
    written = sorted(_KEYS_THEMSELVES & table.keys())
    if written:
        # Its value is not shown, for it is a secret.
        message = (
            f"{place} has {written[0]}: keys are never written into this file. Put them into a variable and name it "
            "with keys_env, or into a mounted file and name that with keys_file"
        )
        raise UsageError(message)
    unknown = sorted(table.keys() - set(_KNOWN))
    if unknown:
        message = f"{place} knows {', '.join(_KNOWN)}, not {', '.join(unknown)}"
        raise UsageError(message)
    variable, file = _text(table, "keys_env", place), _text(table, "keys_file", place)
    if variable is not None and not is_variable(variable):
        # Not shown: it may be a key.
        message = f"{place}: keys_env is no name of a variable. Write the name there, and the keys into the variable"
        raise UsageError(message)
    if (variable is None) == (file is None):
        message = f"{place} wants either keys_env, the name of a variable, or keys_file, the path of a mounted file"
        raise UsageError(message)
    return Pool(
        name=name,
        projects=_globs(table.get("projects", []), place),
        keys_env=variable,
        keys_file=None if file is None else Path(file),
        account=_text(table, "account", place),
        limits={key: _limit(table[key], key, place) for key in _LIMITS if key in table},
    )


def _text(table: Mapping[str, object], key: str, place: str) -> str | None:
    value = table.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    message = f"{place}: {key} is no text"
    raise UsageError(message)


def _globs(value: object, place: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(glob, str) and glob for glob in value):
        return tuple(value)
    message = f'{place}: projects is a list of globs such as ["group/*"]'
    raise UsageError(message)


def _limit(value: object, key: str, place: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        return value
    message = f"{place}: {key} is a whole number above 0, not {value!r}"
    raise UsageError(message)
