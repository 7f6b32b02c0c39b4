"""As much of GraphQL as a bot's requests need: a parser, and a check against a table of types."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fakes.github_refusals import Json

_TOKEN = re.compile(
    r'(?P<token>\.\.\.|[{}()\[\]:!$=@|&]|"(?:[^"\\\n]|\\.)*"|-?\d+|[A-Za-z_]\w*)|[\s,]+|#[^\n]*|(?P<bad>.)'
)


class BadQuery(Exception):  # noqa: N818 - becomes an answer
    """A request that GitHub would not run; ``extra`` goes into the error beside the message."""

    def __init__(self, *, message: str, **extra: object) -> None:
        super().__init__(message)
        self.error: Json = {"message": message, **extra}


@dataclass(frozen=True, slots=True)
class Variable:
    """A value that comes from beside the query."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """A field with its own selections; with ``on`` set it is an inline fragment."""

    name: str = ""
    alias: str = ""
    arguments: Mapping[str, object]
    inside: "tuple[Select, ...]"
    on: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A query or a mutation."""

    kind: str
    declared: frozenset[str]
    selections: tuple[Select, ...]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = list(_split(text))
        self._at = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _take(self, wanted: str | None = None) -> str:
        token = self._next
        if not token or (wanted is not None and token != wanted):
            raise BadQuery(message=f"Parse error on {token or 'the end'!r}: expected {wanted or 'more'}")
        self._at += 1
        return token

    def operation(self) -> Operation:
        kind, declared = "query", list[str]()
        if self._next != "{":
            kind = self._take()
            if kind not in {"query", "mutation"}:
                raise BadQuery(message=f"Parse error on {kind!r}: this server knows queries and mutations")
            if self._next not in {"(", "{"}:
                self._take()
            if self._next == "(":
                declared = list(self._variables())
        selections = self._selections()
        if self._next:
            raise BadQuery(
                message=f"Parse error on {self._next!r}: this server takes one operation without named fragments"
            )
        return Operation(kind=kind, declared=frozenset(declared), selections=selections)

    def _variables(self) -> Iterator[str]:
        self._take("(")
        while self._next != ")":
            self._take("$")
            yield self._take()
            self._take(":")
            while self._next not in {"$", ")", "="}:
                self._take()
            if self._next == "=":
                self._take()
                self._value()
        self._take(")")

    def _selections(self) -> tuple[Select, ...]:
        self._take("{")
        found = list[Select]()
        while self._next != "}":
            found.append(self._selection())
        self._take("}")
        if not found:
            raise BadQuery(message="Parse error on '}': expected a field")
        return tuple(found)

    def _selection(self) -> Select:
        if self._next == "...":
            self._take("...")
            self._take("on")
            return Select(on=self._take(), arguments={}, inside=self._selections())
        name = alias = self._take()
        if self._next == ":":
            self._take(":")
            name = self._take()
        arguments = dict(self._pairs("(", ")")) if self._next == "(" else {}
        inside = self._selections() if self._next == "{" else ()
        return Select(name=name, alias=alias, arguments=arguments, inside=inside)

    def _pairs(self, start: str, end: str) -> Iterator[tuple[str, object]]:
        self._take(start)
        while self._next != end:
            name = self._take()
            self._take(":")
            yield name, self._value()
        self._take(end)

    def _value(self) -> object:
        if self._next == "$":
            self._take("$")
            return Variable(self._take())
        if self._next == "{":
            return dict(self._pairs("{", "}"))
        token = self._take()
        if token[0] == '"' or re.fullmatch(r"-?\d+", token):
            value: object = json.loads(token)
            return value
        return {"true": True, "false": False, "null": None}.get(token, token)


def _split(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        if match["bad"]:
            raise BadQuery(message=f"Parse error on {match[0]!r}")
        if match["token"]:
            yield match[0]


def parse(text: str) -> Operation:
    """Read a request; raises BadQuery."""
    return _Parser(text).operation()


def filled(value: object, operation: Operation, variables: Mapping[str, object]) -> object:
    """Put the variables in."""
    if isinstance(value, Variable):
        if value.name not in operation.declared:
            raise BadQuery(
                message=f"Variable ${value.name} is used but not declared", extensions={"code": "variableNotDefined"}
            )
        return variables.get(value.name)
    if isinstance(value, dict):
        return {name: filled(part, operation, variables) for name, part in value.items()}
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a type in the table."""

    type: str = ""
    """What it leads to; empty for a plain value."""
    arguments: frozenset[str] = frozenset()


def check(table: Mapping[str, Mapping[str, Field]], type_name: str, selections: tuple[Select, ...]) -> None:
    """Raise BadQuery at the first field, argument or type that the table does not have."""
    for each in selections:
        if each.on is not None:
            if each.on not in table:
                raise BadQuery(message=f"No such type {each.on}, so it can't be a fragment condition")
            check(table, each.on, each.inside)
            continue
        if each.name == "__typename":
            continue
        known = table[type_name].get(each.name)
        if known is None:
            extensions = {"code": "undefinedField", "typeName": type_name, "fieldName": each.name}
            raise BadQuery(message=f"Field '{each.name}' doesn't exist on type '{type_name}'", extensions=extensions)
        _check_shape(each, known)
        if known.type:
            check(table, known.type, each.inside)


def _check_shape(each: Select, known: Field) -> None:
    for name in each.arguments:
        if name not in known.arguments:
            raise BadQuery(message=f"Field '{each.name}' doesn't accept argument '{name}'")
    if bool(known.type) != bool(each.inside):
        raise BadQuery(message=f"Field '{each.name}' {'must have' if known.type else 'has no'} selections")
