"""Parameters as GitLab's API declares them (Grape): what is missing, of the wrong type, or not among the values."""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fakes.gitlab_notes import RefusedError
from fakes.gitlab_positions import Position, misshapen, position
from fakes.gitlab_state import Json, Rules

_SHAS = ("base_sha", "start_sha", "head_sha")
_FILE_POSITIONS = (16, 4)


def declared(params: Mapping[str, Any], rules: Rules, *required: str) -> None:
    """Check required texts and the position's form. Raises RefusedError with all complaints in one sentence."""
    complaints = [f"{name} is missing" for name in required if name not in params]
    complaints += [f"{name} is invalid" for name in required if isinstance(params.get(name), dict | list)]
    if params.get("position") is not None:
        complaints += _position_complaints(params["position"], rules)
    if complaints:
        raise RefusedError(HTTPStatus.BAD_REQUEST, {"error": ", ".join(complaints)})


def _position_complaints(sent: object, rules: Rules) -> Iterator[str]:
    if not isinstance(sent, dict):
        yield "position is invalid"
        return
    for name in (*_SHAS, "position_type"):
        if name not in sent:
            yield f"position[{name}] is missing"
    kinds = ("text", "image", "file") if rules.version >= _FILE_POSITIONS else ("text", "image")
    if "position_type" in sent and sent["position_type"] not in kinds:
        yield "position[position_type] does not have a valid value"
    for name in ("old_line", "new_line"):
        if _number(sent.get(name)) is ...:
            yield f"position[{name}] is invalid"


def _number(sent: object) -> int | Any | None:  # noqa: ANN401 - Ellipsis for what is no number
    if sent is None or sent == "":
        return None
    if isinstance(sent, int) and not isinstance(sent, bool):
        return sent
    return int(sent) if isinstance(sent, str) and sent.isdecimal() else ...


def placed(params: Mapping[str, Any], rules: Rules) -> tuple[Position | None, bool]:
    """Read the declared position, and tell whether the schema refuses it."""
    sent = params.get("position")
    if sent is None:
        return None, False
    sent = sent | {name: _number(sent[name]) for name in ("old_line", "new_line") if name in sent}
    return position(sent), misshapen(sent, rules.version)


def truth(params: Mapping[str, Any], name: str) -> bool | None:
    """Read a boolean; None where it is not given. Raises RefusedError."""
    words: Json = {"true": True, "false": False, "1": True, "0": False}
    if params.get(name) is None:
        return None
    word = str(params[name]).lower()
    if word not in words:
        raise RefusedError(HTTPStatus.BAD_REQUEST, {"error": f"{name} is invalid"})
    return bool(words[word])
