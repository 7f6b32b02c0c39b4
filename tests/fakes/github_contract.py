"""GitHub's own description of its API, held against what clients send and what the fake answers.

The extract is MIT-licensed (github/rest-api-description by way of @octokit/openapi; see its ``info``).
Operations that it lacks have a schema of ours here; where it is loose, it is tightened: no unknown field
in a request, and sides are an enumeration in a review as they are in a single comment.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

Json = dict[str, Any]

_EXTRACT = Path(__file__).parent.parent / "data" / "contracts" / "github-openapi-extract.json"
_SIDE = {"type": "string", "enum": ["LEFT", "RIGHT"]}
_BODY: Json = {"type": "object", "properties": {"body": {"type": "string"}}, "required": ["body"]}
_EVENT = {"type": "string", "enum": ["APPROVE", "REQUEST_CHANGES", "COMMENT"]}
_REPO = "/repos/{owner}/{repo}"
_PULL = f"{_REPO}/pulls/{{pull_number}}"
_OWN: Mapping[tuple[str, str], Json] = {
    ("put", f"{_PULL}/reviews/{{review_id}}"): _BODY,
    ("post", f"{_PULL}/comments/{{comment_id}}/replies"): _BODY,
    ("post", f"{_REPO}/issues"): {
        "type": "object",
        "properties": {"title": {"type": "string"}, "body": {"type": "string"}},
        "required": ["title"],
    },
    ("patch", f"{_REPO}/issues/{{one_number}}"): {
        "type": "object",
        "properties": {"body": {"type": "string"}, "state": {"type": "string", "enum": ["open", "closed"]}},
    },
    ("post", f"{_PULL}/reviews/{{review_id}}/events"): {
        "type": "object",
        "properties": {"body": {"type": "string"}, "event": _EVENT},
        "required": ["event"],
    },
}


@cache
def _extract() -> Json:
    document: Json = _nullable(json.loads(_EXTRACT.read_text("utf-8")))
    review = document["paths"][f"{_PULL}/reviews"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    comment = review["properties"]["comments"]["items"]["properties"]
    comment |= {"side": _SIDE, "start_side": _SIDE}
    _amend(document["components"]["schemas"])
    return document


def _amend(schemas: Json) -> None:
    """Add what GitHub answers though its description does not say so [forges.md 2.1, 2.6]."""
    for name in ("validation-error", "validation-error-simple"):
        schemas[name]["properties"]["status"] = {"type": "string"}
    schemas["basic-error"]["properties"]["errors"] = {"type": "array"}  # of a diff that is too large
    head = schemas["pull-request"]["properties"]["head"]["properties"]
    head["repo"] = {"anyOf": [head["repo"], {"type": "null"}]}  # null where the fork is gone
    comment = schemas["pull-request-review-comment"]["properties"]
    for name in ("line", "original_line", "position", "original_position"):
        comment[name] = {"type": ["integer", "null"]}  # null once outdated, and on a file


def _nullable(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Write OpenAPI 3.0's ``nullable`` as JSON Schema does."""
    if isinstance(part, list):
        return [_nullable(item) for item in part]
    if not isinstance(part, dict):
        return part
    schema = {key: _nullable(value) for key, value in part.items()}
    if schema.pop("nullable", False) is True:
        return {"anyOf": [schema, {"type": "null"}]}
    return schema


def _closed(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """Forbid fields that a schema does not name."""
    if isinstance(part, list):
        return [_closed(item) for item in part]
    if not isinstance(part, dict):
        return part
    schema = {key: _closed(value) for key, value in part.items()}
    if schema.get("type") == "object" and isinstance(schema.get("properties"), dict):
        schema.setdefault("additionalProperties", False)
    return schema


@cache
def _request(method: str, template: str) -> Draft202012Validator | None:
    schema = _OWN.get((method, template))
    if schema is None:
        operation = _extract()["paths"].get(template, {}).get(method, {})
        schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    return None if schema is None else Draft202012Validator(_closed(schema))


@cache
def _answer(method: str, template: str, status: int) -> Draft202012Validator | None:
    found = _extract()["paths"].get(template, {}).get(method, {}).get("responses", {}).get(str(status))
    if found is None:
        return None
    if "$ref" in found:
        found = _extract()["components"]["responses"][found["$ref"].rpartition("/")[2]]
    schema = found.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    return Draft202012Validator(_closed({**schema, "components": _extract()["components"]}))


def request_faults(method: str, template: str, body: Json) -> tuple[str, ...]:
    """Say what is wrong with a request's body; an operation without a known body takes none."""
    validator = _request(method.lower(), template)
    if validator is None:
        return ("no body is known here",) if body else ()
    return tuple(f"{error.json_path}: {error.message}" for error in validator.iter_errors(body))


def answer_faults(method: str, template: str, status: int, body: object) -> tuple[str, ...]:
    """Say where an answer is not as GitHub describes it; nothing where the extract does not reach."""
    validator = _answer(method.lower(), template, status)
    if validator is None:
        return ()
    where = f"{method} {template} {status}"
    return tuple(f"{where} {error.json_path}: {error.message[:300]}" for error in validator.iter_errors(body))


def covers(method: str, template: str, status: int) -> bool:
    """Whether the extract describes that answer."""
    return _answer(method.lower(), template, status) is not None
