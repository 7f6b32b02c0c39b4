"""The form that OpenAI gave and most servers speak: what providers share of it."""

import json
from collections.abc import Mapping, Sequence

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.prompt import Completion, Prompt, Task
from reviewbot.domain.usage import TokenUsage
from reviewbot.llm.forms import Form

_MOST_TOKENS = 1_000_000_000
"""Of one request; a provider that counts more has lost count."""
_FINDING = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path", "line", "quote", "side", "severity", "category", "title", "body", "suggestion"],
    "properties": {
        "path": {"type": "string"},
        "line": {"type": ["integer", "null"]},
        "quote": {"type": "string"},
        "side": {"type": "string", "enum": ["RIGHT", "LEFT"]},
        "severity": {"type": "string", "enum": ["low", "medium", "high", "critical"]},
        "category": {"type": "string", "enum": ["bug", "security", "performance", "test", "maintainability"]},
        "title": {"type": "string"},
        "body": {"type": "string"},
        "suggestion": {"type": ["string", "null"]},
    },
}
_REVIEW_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["findings"],
    "properties": {"findings": {"type": "array", "items": _FINDING}},
}
_TEST = {
    "type": "object",
    "additionalProperties": False,
    "required": ["path", "code", "targets", "why"],
    "properties": {
        "path": {"type": "string"},
        "code": {"type": "string"},
        "targets": {"type": "array", "items": {"type": "string"}},
        "why": {"type": "string"},
    },
}
_TESTS_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["tests"],
    "properties": {"tests": {"type": "array", "items": _TEST}},
}
_VERIFY_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["accept", "reason", "evidence"],
    "properties": {
        "accept": {"type": "boolean"},
        "reason": {"type": "string"},
        "evidence": {"type": ["string", "null"]},
    },
}


_REPLY_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["reply", "resolved"],
    "properties": {"reply": {"type": "string"}, "resolved": {"type": "boolean"}},
}


_SUMMARY_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["summary", "risk"],
    "properties": {"summary": {"type": "string"}, "risk": {"type": "string", "enum": ["low", "medium", "high"]}},
}


_SCHEMAS: Mapping[Task, Mapping[str, object]] = {
    Task.REVIEW: _REVIEW_SCHEMA,
    Task.TESTS: _TESTS_SCHEMA,
    Task.VERIFY: _VERIFY_SCHEMA,
    Task.REPLY: _REPLY_SCHEMA,
    Task.SUMMARY: _SUMMARY_SCHEMA,
}
"""What an answer must look like, by task."""


def chat_body(prompt: Prompt, options: ModelOptions, form: Form) -> dict[str, object]:
    """Spell a request. Every answer is streamed: a stalled one is then seen at once."""
    request: dict[str, object] = {
        "model": options.name,
        "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        "stream": True,
    }
    if form.usage:
        request["stream_options"] = {"include_usage": True}
    schema = _SCHEMAS.get(prompt.task)
    if schema is not None and form.answer == "json_schema":
        named = {"name": prompt.task.value, "strict": True, "schema": schema}
        request["response_format"] = {"type": "json_schema", "json_schema": named}
    elif schema is not None and form.answer == "json_object":
        request["response_format"] = {"type": "json_object"}
    return request


def read_completion(data: bytes) -> Completion:
    """Read an answer. Raises ValueError where it is none."""
    said_all = _parsed(data)
    answer: Mapping[str, object] = said_all if isinstance(said_all, Mapping) else {}
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, Sequence) and choices else None
    said = first.get("message") if isinstance(first, Mapping) else None
    if not isinstance(first, Mapping) or not isinstance(said, Mapping):
        message = "the answer has no choices[0].message"
        raise ValueError(message)  # noqa: TRY004 - callers know one error for every answer that is none
    content, reason, model = said.get("content"), first.get("finish_reason"), answer.get("model")
    return Completion(
        text=content if isinstance(content, str) else "",
        finish_reason=reason if isinstance(reason, str) else None,
        model=model if isinstance(model, str) else None,
        usage=read_usage(answer.get("usage")),
    )


def read_error(data: bytes) -> str:
    """Give the provider's own words from an error's body, or its first characters."""
    try:
        answer = _parsed(data)
    except ValueError:
        return " ".join(data[:200].decode("utf-8", "replace").split())
    error = answer.get("error", answer) if isinstance(answer, Mapping) else answer
    return _words(error) or " ".join(str(answer)[:300].split())


def read_code(data: bytes) -> str:
    """Give the code of an error's body, or nothing."""
    try:
        answer = _parsed(data)
    except ValueError:
        return ""
    error = answer.get("error") if isinstance(answer, Mapping) else None
    return str(error.get("code") or "") if isinstance(error, Mapping) else ""


def error_in(event: Mapping[str, object]) -> str | None:
    """Give the provider's words where an event of a stream, or a body with status 200, tells of an error."""
    error = event.get("error")
    return None if error is None else _words(error) or "an error without words"


def _words(error: object) -> str:
    said = error.get("message") or error.get("detail") if isinstance(error, Mapping) else error
    return " ".join(str(said or "")[:300].split())


def read_usage(said: object) -> TokenUsage:
    """Read token counts; what is missing counts as nothing."""
    if not isinstance(said, Mapping):
        return TokenUsage()
    details = said.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    # DeepSeek names the tokens of its prefix cache at the top.
    hit = said.get("prompt_cache_hit_tokens", cached)
    prompt_tokens = _count(said.get("prompt_tokens"))
    return TokenUsage(
        prompt_tokens=prompt_tokens,
        # More cached than sent would be a negative price.
        cached_tokens=min(_count(hit), prompt_tokens),
        completion_tokens=_count(said.get("completion_tokens")),
    )


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except RecursionError as error:
        message = "the answer is nested too deeply"
        raise ValueError(message) from error


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST_TOKENS else 0
