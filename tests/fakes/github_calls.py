"""A request on its way through the fake GitHub, and its answer."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

from fakes import github_refusals as words
from fakes.github_refusals import Json
from fakes.github_shapes import Shapes
from fakes.github_world import Account, Token, World

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer; ``body`` is JSON, or the text of a diff."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that is let in: its token is known, its body is as the contract wants it."""

    world: World
    shapes: Shapes
    token: Token
    path: str
    query: Mapping[str, str]
    accept: str
    body: Json
    names: Mapping[str, str]
    """What stands in the path's variable places."""

    @property
    def user(self) -> Account:
        return self.token.account

    def number(self, name: str) -> int:
        return int(self.names[name])

    def needs(self, *permissions: str) -> None:
        """Refuse unless the token has one of the permissions."""
        if not any(getattr(self.token, name) for name in permissions):
            raise words.not_accessible(self.token.kind)


def page(call: Call, items: Sequence[T], shape: Callable[[T], Json]) -> Reply:
    """Answer one page of a list, with links to the others by this server's own address."""
    size = max(1, min(int(call.query.get("per_page", 30)), 100))
    number, last = max(1, int(call.query.get("page", 1))), max(1, math.ceil(len(items) / size))
    near = {"prev": number - 1, "next": number + 1, "last": last, "first": 1}
    wanted = [name for name in near if (number > 1 if name in {"prev", "first"} else number < last)]
    links = [f'<{_address(call, near[name])}>; rel="{name}"' for name in wanted]
    found = [shape(item) for item in items[(number - 1) * size : number * size]]
    return Reply(body=found, headers={"Link": ", ".join(links)} if links else {})


def _address(call: Call, number: int) -> str:
    return f"{call.shapes.api}{call.path}?{urlencode({**call.query, 'page': number})}"


def one(items: Iterable[T], wanted: Callable[[T], bool]) -> T:
    """Give the item that is meant, or refuse."""
    for item in items:
        if wanted(item):
            return item
    raise words.not_found()
