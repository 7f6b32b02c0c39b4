"""Bytes → a checked request. What is not known passes: the provider knows more parameters than we do."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NoReturn

from reviewbot.domain.call import TASK, Call
from reviewbot.domain.prompt import Task
from reviewbot.gateway.refusing import reject

_MOST_MESSAGES: Final = 10_000
_DEEPEST: Final = 100
"""Of objects and lists in each other. Schemas of tools nest by tens."""
_LONGEST_MODEL: Final = 200
_ANSWER_TOKENS: Final = 16_000
"""Set aside for an answer that sets itself no limit: more than most models write by default."""
_MOST_TOKENS: Final = 10_000_000
_MEDIA_TOKENS: Final = 1_000
"""For an image or a sound: about what providers count for one of usual size."""
_NAMELESS: Final = frozenset({"user", "metadata"})
"""Who asks, and labels: they shape no answer."""
_RECORDED: Final = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "n", "seed", "reasoning_effort")
_TASKS: Final = frozenset(task.value for task in Task)


def read(body: bytes, headers: Mapping[str, str], count: Callable[[str], int]) -> Call:
    """Read a request; ``headers`` by their names in lower case, ``count`` estimates the tokens of a text.

    Raises Refused for what is none.
    """
    fields = _object(body)
    model = _model(fields)
    messages = _messages(fields)
    streamed = _flag(fields, "stream")
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        reject("'stream_options' is an object", "stream_options")
    task = headers.get("x-reviewbot-task", "")
    return Call(
        body=body,
        shape=_shape(fields),
        model=model,
        streamed=streamed,
        choices=_number(fields, "n") or 1,
        usage=bool(options and options.get("include_usage")),
        prompt_tokens=sum(_tokens(message, count) for message in messages) + _extra_tokens(fields, count),
        max_tokens=_max_tokens(fields),
        parameters=tuple((name, str(fields[name])[:40]) for name in _RECORDED if fields.get(name) is not None),
        task=task if task in _TASKS else TASK,
        headers=tuple(_passed_on(headers)),
        shared=headers.get("x-reviewbot-cache", "").strip().lower() != "no",
    )


def _object(body: bytes) -> Mapping[str, object]:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        reject(f"the body is no UTF-8 text: byte {error.start} cannot be read")
    try:
        fields = json.loads(text, object_pairs_hook=_unambiguous, parse_constant=_no_number)
    except RecursionError:
        reject("the body is nested too deeply")
    except ValueError as error:
        reject(f"the body is no valid JSON: {error}")
    if not isinstance(fields, dict):
        reject('the body is no JSON object such as {"model": "…", "messages": [...]}')
    if _depth(fields) > _DEEPEST:
        reject(f"the body is nested more than {_DEEPEST} levels deep")
    return fields


def _unambiguous(pairs: Sequence[tuple[str, object]]) -> Mapping[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        # Of two models, we could check the one and the provider take the other.
        twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
        message = f"'{twice[:100]}' is given twice"
        raise ValueError(message)
    return found


def _no_number(name: str) -> NoReturn:
    message = f"{name} is no number that JSON has"
    raise ValueError(message)


def _depth(value: object) -> int:
    """Give how deep objects and lists are nested, level by level, since recursion has limits of its own."""
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [inner for outer in level for inner in _inner(outer)]
    return depth


def _inner(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from (each for each in value.values() if isinstance(each, dict | list))
    elif isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict | list))


def _model(fields: Mapping[str, object]) -> str:
    model = fields.get("model")
    if model is None:
        reject("you must provide a model", "model")
    if not isinstance(model, str) or not model.strip() or len(model) > _LONGEST_MODEL or not model.isprintable():
        reject(f"'model' is a name of at most {_LONGEST_MODEL} printable characters", "model")
    return model


def _messages(fields: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    messages = fields.get("messages")
    if messages is None and "prompt" in fields:
        reject(
            'this is a chat endpoint: give \'messages\', such as [{"role": "user", "content": "…"}], '
            "where you give 'prompt'",
            "messages",
            "prompt_instead_of_messages",
        )
    if messages is None:
        reject("'messages' is missing", "messages")
    if not isinstance(messages, list) or not messages:
        reject("'messages' is a list with at least one message", "messages")
    if len(messages) > _MOST_MESSAGES:
        reject(f"'messages' has {len(messages):,} messages, and {_MOST_MESSAGES:,} are the most", "messages")
    for number, message in enumerate(messages):
        _check_message(message, f"messages[{number}]")
    return messages


def _check_message(message: object, place: str) -> None:
    if not isinstance(message, dict):
        reject(f"'{place}' is an object with role and content", place)
    role, content = message.get("role"), message.get("content")
    if not isinstance(role, str) or not role:
        reject(f"'{place}.role' is a text such as system, user or assistant", f"{place}.role")
    if content is None:
        # An assistant that called a tool, refused or spoke has said something else than text.
        if role != "assistant" and not any(message.get(name) for name in ("tool_calls", "function_call")):
            reject(f"'{place}' has no content", f"{place}.content")
    elif not isinstance(content, str) and not (
        isinstance(content, list) and all(isinstance(part, dict) for part in content)
    ):
        reject(f"'{place}.content' is a text, or a list of parts that are objects", f"{place}.content")


def _flag(fields: Mapping[str, object], name: str) -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        reject(f"'{name}' is true or false", name)
    return bool(value)


def _shape(fields: Mapping[str, object]) -> str:
    """Digest what shapes the answer, whatever the order and the spelling of it."""
    known = {name: value for name, value in fields.items() if name not in _NAMELESS}
    return hashlib.sha256(json.dumps(known, sort_keys=True, separators=(",", ":")).encode("ascii")).hexdigest()


def _max_tokens(fields: Mapping[str, object]) -> int:
    """Give the most that the answer may have, all its choices together."""
    choices = _number(fields, "n") or 1
    limit = _number(fields, "max_completion_tokens") or _number(fields, "max_tokens") or _ANSWER_TOKENS
    return min(choices * limit, _MOST_TOKENS)


def _number(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        reject(f"'{name}' is a whole number above 0", name)
    return value


def _tokens(message: Mapping[str, object], count: Callable[[str], int]) -> int:
    """Estimate a message. Its images are not counted by their base64."""
    content = message.get("content")
    total = 0
    for part in content if isinstance(content, list) else (content,):
        text = part.get("text") if isinstance(part, dict) else part
        total += count(text) if isinstance(text, str) else _MEDIA_TOKENS if isinstance(part, dict) else 0
    called = message.get("tool_calls")
    return total + (count(json.dumps(called)) if called else 0)


def _extra_tokens(fields: Mapping[str, object], count: Callable[[str], int]) -> int:
    """Estimate what a prompt has besides its messages: tools, and the schema of the answer."""
    return sum(
        count(json.dumps(fields[name])) for name in ("tools", "functions", "response_format") if fields.get(name)
    )


def _passed_on(headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Give the headers that the provider may see. A gateway behind this one accounts by them."""
    if headers.get("x-reviewbot-task") in _TASKS:
        yield "x-reviewbot-task", headers["x-reviewbot-task"]
        if headers.get("x-reviewbot-repair") == "1":
            yield "x-reviewbot-repair", "1"
