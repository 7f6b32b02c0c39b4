"""What may go wrong between a client and the fake GitHub, and the log of what was asked."""

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fakes.github_refusals import Json, Refused, primary_limit, refused, secondary_limit

Kind = int | str | Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A request as it came in, with the status of its answer; 0 where none was given."""

    method: str
    path: str
    """Without the base path and the query."""
    query: Mapping[str, str]
    body: Json
    user: str | None
    status: int = 0

    @property
    def write(self) -> bool:
        """Whether it changes something: a GraphQL query is a POST and changes nothing."""
        if self.path == "/graphql":
            return str(self.body.get("query", "")).lstrip().startswith("mutation")
        return self.method != "GET"


_NAMED = frozenset({"hang", "reset", "secondary", "primary"})
_WORDS: Mapping[int, str] = MappingProxyType({500: "Server Error", 502: "Server Error", 503: "Service unavailable"})


@dataclass(slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong."""

    method: str
    path: re.Pattern[str]
    kind: Kind
    """A status; ``hang`` (until the server stops); ``reset``; ``secondary`` or ``primary`` (rate limits);
    or something to call, after which the request goes on as usual."""
    after_store: bool = False
    """Whether the request has its effect all the same."""
    times: int = 1
    status: int = 403
    """Of a secondary limit: 403 or 429."""
    retry_after: int | None = None
    when: Callable[[Logged], bool] = field(default=lambda _: True)

    def refusal(self) -> Refused:
        """Give the answer that it makes, for the kinds that answer."""
        if self.kind == "secondary":
            return secondary_limit(self.status, self.retry_after)
        if self.kind == "primary":
            return primary_limit(4_000_000_000)
        assert isinstance(self.kind, int)
        answer = refused(self.kind, _WORDS.get(self.kind, "An error"))
        answer.headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """An interruption at one request, to kill a client there."""

    at: int
    """Number of the request, counted from 1 since the cut was set."""
    do: Callable[[], object]
    answered: bool
    """Whether the request still gets its answer."""


class Faults:
    """The queue of faults, and at most one cut."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._cut: Cut | None = None
        self._seen = 0
        self._lock = threading.Lock()
        self._open = threading.Event()
        self._open.set()

    def add(self, method: str, path: str, kind: Kind, **more: object) -> None:
        """Let the next request with that method (``*`` for any) whose path matches go wrong; see `Fault`."""
        # A misspelt fault would never come about, and its test would prove nothing.
        assert not isinstance(kind, str) or kind in _NAMED, kind
        fault = Fault(method=method, path=re.compile(path), kind=kind, **more)  # type: ignore[arg-type]
        with self._lock:
            self._faults.append(fault)

    def cut(self, at: int, do: Callable[[], object] = lambda: None, *, answered: bool = True) -> None:
        """Call ``do`` once the ``at``-th request from now took effect, and hold all that come later.

        What is held never has an effect: `clear` drops it.
        """
        with self._lock:
            self._cut, self._seen = Cut(at=at, do=do, answered=answered), 0

    def clear(self) -> None:
        """Forget all faults, and let requests in again."""
        with self._lock:
            self._faults.clear()
            self._cut = None
        self._open.set()

    @property
    def left(self) -> int:
        """How many faults have not come about yet."""
        with self._lock:
            return sum(fault.times for fault in self._faults)

    def enter(self) -> Cut | None:
        """Let a request in; give the cut if it is the one, raise if all are held."""
        with self._lock:
            if not self._open.is_set():
                raise Held
            self._seen += 1
            if self._cut is None or self._seen != self._cut.at:
                return None
            self._open.clear()
            return self._cut

    def take(self, logged: Logged) -> Fault | None:
        """Give the fault that meets a request, and count it."""
        with self._lock:
            for fault in self._faults:
                meant = fault.method in {"*", logged.method} and fault.path.search(logged.path)
                if meant and fault.times > 0 and fault.when(logged):
                    fault.times -= 1
                    return fault
        return None

    def wait(self) -> None:
        """Hold a request until `clear`."""
        self._open.wait()


class Held(Exception):  # noqa: N818 - a state, not an error
    """All requests are held."""
