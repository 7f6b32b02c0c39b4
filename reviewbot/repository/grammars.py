"""Source text of many languages → its outline, by the grammars that ast-grep brings along.

    python -I grammars.py BYTES    {"0": ["go", "package p…"]} on stdin; on stdout a JSON line for each text

Run as a program, and never imported by the product: a few kilobytes of hostile text make tree-sitter's
Java, C# and Kotlin grammars take gigabytes, and then it aborts its whole process. This one may die: it
holds no key, and what it wrote before stands. So it imports nothing of reviewbot.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ast_grep_py import SgNode

_MOST_CPU_S: Final = 10
_TAIL: Final = 160
"""Characters that are read back from the end of what is called; a chain of calls may be long."""
_LONGEST_HEADER: Final = 1_000

_CLASSES_JS = ("class_declaration", "method_definition", "function_declaration", "generator_function_declaration")
_TYPES_TS = (
    "abstract_class_declaration", "interface_declaration", "enum_declaration", "method_signature",
    "function_signature", "abstract_method_signature",
)  # fmt: skip
_ASSIGNED = "variable_declarator"
_FUNCTIONS = {"arrow_function", "function_expression", "generator_function"}
_BRACED = ("struct_specifier", "union_specifier", "enum_specifier", "class_specifier")

_DEFINITIONS: Final = {
    "javascript": (*_CLASSES_JS, _ASSIGNED),
    "typescript": (*_CLASSES_JS, *_TYPES_TS, _ASSIGNED),
    "tsx": (*_CLASSES_JS, *_TYPES_TS, _ASSIGNED),
    "go": ("function_declaration", "method_declaration", "type_spec"),
    "java": (
        "class_declaration", "interface_declaration", "enum_declaration", "record_declaration",
        "method_declaration", "constructor_declaration",
    ),
    "rust": (
        "function_item", "function_signature_item", "struct_item", "enum_item", "trait_item", "impl_item", "mod_item",
    ),
    "c": ("function_definition", *_BRACED[:3]),
    "cpp": ("function_definition", "namespace_definition", *_BRACED),
    "csharp": (
        "class_declaration", "struct_declaration", "interface_declaration", "record_declaration",
        "method_declaration", "constructor_declaration", "local_function_statement",
    ),
    "ruby": ("module", "class", "method", "singleton_method"),
    "php": (
        "class_declaration", "interface_declaration", "trait_declaration", "enum_declaration",
        "method_declaration", "function_definition",
    ),
    "kotlin": ("class_declaration", "object_declaration", "companion_object", "function_declaration"),
}  # fmt: skip
"""Kinds of nodes by grammar, as their authors name them."""
_CALLED: Final = {
    "javascript": {"call_expression": "function", "new_expression": "constructor"},
    "typescript": {"call_expression": "function", "new_expression": "constructor"},
    "tsx": {"call_expression": "function", "new_expression": "constructor"},
    "go": {"call_expression": "function"},
    "java": {"method_invocation": "name", "object_creation_expression": "type"},
    "rust": {"call_expression": "function"},
    "c": {"call_expression": "function"},
    "cpp": {"call_expression": "function", "new_expression": "type"},
    "csharp": {"invocation_expression": "function", "object_creation_expression": "type"},
    "ruby": {"call": "method"},
    "php": {
        "function_call_expression": "function", "member_call_expression": "name", "scoped_call_expression": "name",
        "object_creation_expression": "name",
    },
    "kotlin": {"call_expression": "function"},
}  # fmt: skip
"""Kinds of calls, each with the field that holds what is called."""
_NAMES: Final = {"identifier", "simple_identifier", "type_identifier", "name", "qualified_name"}
_BODIES: Final = {"function_body", "class_body", "enum_class_body"}
_CALLEE = re.compile(
    r"(?:(?P<receiver>[\w$@]+|[)\]}>])[?!]*\s*(?:\.|->|::|\?\.)\s*)?(?P<name>[\w$]+)[?!]?\s*(?:::\s*)?(?:<[^()]*>)?$"
)
_LAST_NAME = re.compile(r"[~\w$]+(?=[^\w$]*$)")

Row = list[str | int]


def outline(language: str, text: str) -> dict[str, list[Row]]:
    """Give definitions (name, first line, last line, header) and calls (name, line, receiver) of a text."""
    from ast_grep_py import SgRoot

    root = SgRoot(text, language).root()
    definitions = root.find_all(any=[{"kind": kind} for kind in _DEFINITIONS[language]])
    calls = root.find_all(any=[{"kind": kind} for kind in _CALLED[language]])
    return {
        "definitions": [row for node in definitions for row in _definition(node, text)],
        "calls": [row for node in calls for row in _call(node, _CALLED[language][node.kind()], text)],
    }


def _definition(node: "SgNode", text: str) -> Iterator[Row]:
    name = _name(node)
    value = node.field("value") if node.kind() == _ASSIGNED else node
    if not name or value is None or (value is not node and value.kind() not in _FUNCTIONS):
        return
    body = value.field("body") or next((child for child in value.children() if child.kind() in _BODIES), None)
    if body is None and node.kind() in _BRACED:
        return  # the mention of a type, and no definition
    span = node.range()
    end = span.end.index if body is None else body.range().start.index
    header = text[span.start.index : min(end, span.start.index + _LONGEST_HEADER)]
    # Ruby begins a body at its first statement, and a type without a body of its own shows its first line.
    yield [name, span.start.line + 1, span.end.line + 1, header if body else header.partition("\n")[0]]


def _name(node: "SgNode") -> str:
    """Give the name; C buries it in declarators, and Kotlin's grammar names no fields."""
    found = node.field("name")
    if found is None and node.kind() == "impl_item":
        found = node.field("type")
    inner = node
    while found is None and (deeper := inner.field("declarator")) is not None:
        inner = deeper
    if found is None and inner is not node:
        found = inner
    if found is None:
        found = next((child for child in node.children() if child.kind() in _NAMES), None)
    match = None if found is None else _LAST_NAME.search(_plain(found.text()))
    return match[0] if match else ""


def _plain(text: str) -> str:
    """Drop what a name is parametrised with."""
    return text.partition("<")[0][-_TAIL:]


def _call(node: "SgNode", field: str, text: str) -> Iterator[Row]:
    target = node.field(field) or _unnamed_target(node)
    if target is None:
        return
    end = target.range().end
    start = max(node.range().start.index, end.index - _TAIL)
    match = _CALLEE.search(text[start : end.index])
    if match:
        receiver = match["receiver"] or ""
        yield [match["name"], end.line + 1, receiver if receiver.strip(")]}>") else "?" if receiver else ""]


def _unnamed_target(node: "SgNode") -> "SgNode | None":
    """Find what is called where the grammar gives it no field: Kotlin's first child, PHP's name behind new."""
    named = [child for child in node.children() if child.is_named()]
    if node.kind() == "object_creation_expression":
        named = [child for child in named if child.kind() in _NAMES]
    return named[0] if named else None


def _limit(memory_bytes: int) -> None:
    """Make the kernel end this process before the machine suffers; where there is no such call, time alone does."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (_MOST_CPU_S, _MOST_CPU_S))
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def main(arguments: Sequence[str]) -> None:
    """Answer for each text on stdin, in its order; the argument is the most memory that it may take, in bytes."""
    for most in arguments:
        _limit(int(most))
    for number, (language, text) in json.load(sys.stdin).items():
        sys.stdout.write(json.dumps([int(number), outline(language, text)]) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
