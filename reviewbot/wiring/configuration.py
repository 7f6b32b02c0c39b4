"""Layers of settings for one run: flags, environment, the operator's file, the project's file."""

from collections.abc import Mapping
from pathlib import Path

from reviewbot.errors import UsageError
from reviewbot.repository.git import Git
from reviewbot.repository.revisions import inside
from reviewbot.repository.sources import TargetTrust, Trust
from reviewbot.settings import environment
from reviewbot.settings.layers import Effective, Layer, combine, from_toml
from reviewbot.wiring import operator, pools

PROJECT_FILE = ".reviewbot.toml"
_PYPROJECT = "pyproject.toml"
_TABLE = "tool.reviewbot"


def effective(
    flags: Mapping[str, object],
    environ: Mapping[str, str],
    *,
    trust: Trust | None,
    git: Git | None,
    config: Path | None,
) -> Effective:
    """Combine all layers. Raises UsageError for anything in them that is not valid.

    In a pipeline the project's file is read from the target of the change, and so is a ``config`` file
    that lies in the repository.
    """
    layers = [Layer("command line", flags), environment.layer(environ)]
    path = environ.get("REVIEWBOT_CONFIG")
    own = _operator(Path(path), git) if path else None
    operators = operator.read(environ)
    chosen = pools.choose(operators.pools, environ)
    if chosen is not None:
        limits = {f"client.{name}": value for name, value in chosen.pool.limits.items()}
        layers.append(Layer(chosen.origin, limits))
    layers += [own] if own is not None else []
    layers += [_given(config, trust, git)] if config is not None else _project(trust)
    if operators.base_url is None and chosen is None:
        layers.append(environment.provider_layer(environ))
    return combine(layers)


def _operator(path: Path, git: Git | None) -> Layer:
    if git is not None and inside(git, path) is not None:
        message = (
            f"REVIEWBOT_CONFIG names {path}, inside the repository under review: whoever changes the repository "
            "could steer where keys go. Put the operator's file elsewhere"
        )
        raise UsageError(message)
    layer = from_toml(operator.text_of(path), str(path), skip=operator.TABLES)
    return layer or Layer(str(path), {})


def _given(path: Path, trust: Trust | None, git: Git | None) -> Layer:
    within = inside(git, path) if git is not None else None
    if within is not None and isinstance(trust, TargetTrust):
        data = trust.read(within)
        if data is None:
            message = (
                f"--config {path}: the target of the change has no such file, and in a pipeline the change's own "
                "copy is not trusted"
            )
            raise UsageError(message)
        origin, text = f"{within} (target branch)", _decoded(data, str(path))
    else:
        origin, text = str(path), operator.text_of(path)
    table = _TABLE if path.name == _PYPROJECT else None
    return from_toml(text, origin, table) or Layer(origin, {})


def _project(trust: Trust | None) -> list[Layer]:
    if trust is None:
        return []
    side = " (target branch)" if isinstance(trust, TargetTrust) else ""
    layers = []
    for name, table in ((PROJECT_FILE, None), (_PYPROJECT, _TABLE)):
        data = trust.read(name)
        if data is None or (table and b"reviewbot" not in data):
            continue
        layer = from_toml(_decoded(data, name), f"{name}{side}", table)
        if layer is not None:
            layers.append(layer)
    return layers


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"{name} is no UTF-8 text: {error}"
        raise UsageError(message) from error
