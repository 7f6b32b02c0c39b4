"""What goes wrong on purpose between a client and the fake GitLab, and what was asked of it."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fakes.gitlab_routes import Answer

KINDS = ("status", "hang", "reset", "partial", "limit")
_LIMITED = {"message": {"error": "This endpoint has been requested too many times. Try again later."}}
_GATEWAY = "<html><head><title>GitLab is not responding ({0})</title></head><body><h1>{0}</h1></body></html>"


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong, for the requests that match.

    ``status`` answers with an error; ``hang`` keeps the connection open and never answers; ``reset`` breaks it;
    ``limit`` answers 429; ``partial`` publishes so many drafts, then answers 500 and keeps every draft.
    """

    method: str
    path: re.Pattern[str]
    """Searched in the path, which has no query."""
    kind: str
    status: int = HTTPStatus.BAD_GATEWAY
    after_store: bool = False
    """Whether what was asked is done all the same."""
    published: int = 0
    """For ``partial``."""
    retry_after: str | None = None
    """For ``limit``: the header's value; None for none."""
    skip: int = 0
    """How many matching requests go well before."""
    times: int = 1
    """How many go wrong."""

    def answer(self) -> Answer:
        if self.kind == "limit":
            headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
            return Answer(status=HTTPStatus.TOO_MANY_REQUESTS, body=_LIMITED, headers=headers)
        if self.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return Answer(status=self.status, body={"message": "500 Internal Server Error"})
        return Answer(status=self.status, body=_GATEWAY.format(int(self.status)), headers={"Content-Type": "text/html"})


class Faults:
    """The queue; the first fault that matches a request takes it."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def add(self, method: str, path: str, kind: str, **more: Any) -> None:  # noqa: ANN401 - Fault's own fields
        """Let requests of a method to paths that match go wrong; see `Fault`."""
        assert kind in KINDS, kind
        self.waiting.append(Fault(method=method, path=re.compile(path), kind=kind, **more))

    def take(self, method: str, path: str) -> Fault | None:
        """Use up one fault for a request, if one is meant for it."""
        for fault in self.waiting:
            if fault.method != method or not fault.path.search(path):
                continue
            if fault.skip:
                fault.skip -= 1
                continue
            fault.times -= 1
            if not fault.times:
                self.waiting.remove(fault)
            return fault
        return None


class Curtain:
    """Falls after so many writes: from then on nothing is answered, and nothing is done."""

    def __init__(self) -> None:
        self.fallen = False
        self.reached = threading.Event()
        """Set when it has fallen, and the last answer, if there is one, is out."""
        self.era = 0
        """Each connection belongs to the era in which it was opened."""
        self.over: set[int] = set()
        """Eras whose connections are done for: a killed client's last bytes may arrive after the curtain has risen."""
        self._left: int | None = None
        self._answered = True

    def after(self, writes: int, *, answered: bool) -> None:
        """Let so many more writes through, the last of them with its answer or without."""
        self.era += 1
        self._left, self._answered = writes, answered
        self.fallen = writes == 0
        self.reached.clear()
        if self.fallen:
            self.reached.set()

    def lift(self) -> None:
        self.over.add(self.era)
        self.era += 1
        self._left, self.fallen = None, False
        self.reached.clear()

    def stored(self) -> bool:
        """Count a write that is done; tell whether its answer is to be withheld."""
        if self._left is None:
            return False
        self._left -= 1
        self.fallen = self._left == 0
        if self.fallen and not self._answered:
            self.reached.set()
            return True
        return False

    def sent(self) -> None:
        """Hear that a write's answer is out."""
        if self.fallen:
            self.reached.set()


@dataclass(slots=True, kw_only=True)
class Logged:
    """A request, and what became of it."""

    number: int
    """From 1 on."""
    method: str
    path: str
    """Behind ``/api/v4``, with percent signs."""
    params: Mapping[str, Any]
    user: str | None
    """None for a token that is not known."""
    status: int | None = None
    """None where nothing was answered."""

    @property
    def write(self) -> bool:
        return self.method != "GET" and self.path != "/api/graphql"  # which this server takes no changes by
