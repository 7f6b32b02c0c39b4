"""Identical requests in flight cost one upstream call, among all processes that share a Redis.

One process takes a lock and calls; the others watch the lock. In one step the holder publishes its outcome and
lets go, so that whoever sees the lock gone without an outcome knows: the holder died, and it is theirs to call.
"""

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final

from reviewbot.domain.prompt import Completion
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import ProviderError
from reviewbot.llm.caching import Seal, to_completion
from reviewbot.llm.coalescing import Coalescer
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.ports import Cache, Listen
from reviewbot.llm.redis_link import RedisDownError, RedisLink
from reviewbot.llm.tape import Tape

if TYPE_CHECKING:
    from redis.asyncio import Redis

_LOCK_S: Final = 10.0
"""After which a process that does not renew its lock counts as dead."""
_RENEWALS: Final = 3
"""Within the life of a lock."""
_FIRST_LOOK_S, _LAST_LOOK_S = 0.02, 0.25
"""How often waiters look, at first and in the end. Polling, because each subscription would need a connection."""
_OUTCOME_S: Final = 60
"""How long an outcome is there for those who waited; nobody else can read it, for its name holds the token."""
_OWN: Final = frozenset({FaultKind.KEY, FaultKind.BALANCE})
"""Faults of this process's keys: another's may be better."""
_RENEW: Final = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""
_PUBLISH: Final = """
if ARGV[2] ~= '' then redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3]) end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisCoalescer:
    """Shares calls by key, among the tasks of this process and then among processes.

    Shared are answers, and errors of the provider. What concerns one process alone (its budget, its being
    cancelled, a bug) is not: then another process calls. While Redis is down, each process calls for itself.
    """

    def __init__(
        self, link: RedisLink, cache: Cache | None, secret: Seal, world: Surroundings, *, lock_s: float = _LOCK_S
    ) -> None:
        """Take the shared cache too: it is looked into again by whoever gets the lock.

        ``make`` puts a good answer there before it returns; so nobody calls again who comes just too late.
        """
        self._link = link
        self._cache = cache
        self._seal = secret
        self._world = world
        self._lock_s = lock_s
        self._local: Coalescer[tuple[Completion, bool]] = Coalescer()

    async def share(
        self, key: str, make: Callable[[Tape], Awaitable[Completion]], listen: Listen | None = None
    ) -> tuple[Completion, bool]:
        """Give the answer of ``make``, or of a call for the same key that is in flight; then True.

        Raises what the call raises; what another process's call raised as ProviderError or Fault. Another process's
        answer is heard whole: nothing of it comes on the tape that ``listen`` is given.
        """
        (completion, elsewhere), joined = await self._local.share(
            key, lambda tape: self._among_processes(key, make, tape), listen
        )
        return completion, joined or elsewhere

    async def _among_processes(
        self, key: str, make: Callable[[Tape], Awaitable[Completion]], tape: Tape
    ) -> tuple[Completion, bool]:
        # Named by secret: nobody waits for an answer that they could not open.
        call = _Call(place=self._seal.sign("call", key)[:32], token=secrets.token_hex(16))
        try:
            found = await self._joined(call)
            alone = False
        except RedisDownError:
            found, alone = None, True
        if found is not None:
            return found, True
        return (await make(tape), False) if alone else await self._held(call, key, make, tape)

    async def _joined(self, call: "_Call") -> Completion | None:
        """Give another process's answer, or None when the lock is ours. Raises another process's error."""
        while not await self._locked(call):
            found = await self._watched(call)
            if found is not None:
                return found
        return None

    async def _locked(self, call: "_Call") -> bool:
        """Take the lock, if nobody has it."""
        milliseconds = round(self._lock_s * 1_000)
        return bool(await self._link.ask(lambda redis: redis.set(call.lock, call.token, nx=True, px=milliseconds)))

    async def _watched(self, call: "_Call") -> Completion | None:
        """Wait for the outcome of the lock's holder. None when there is no holder any more. Raises its error."""
        token = _text(await self._link.ask(lambda redis: redis.get(call.lock)))
        if token is None:
            return None
        theirs = replace(call, token=token)
        look_s = _FIRST_LOOK_S
        while True:
            holder, outcome = await self._link.ask(lambda redis: redis.mget(theirs.names))
            found = self._read(theirs, _text(outcome) or "")
            if found is not None or _text(holder) != token:
                return found
            await self._world.sleep(look_s * (1 + self._world.chance()) / 2)
            look_s = min(1.5 * look_s, _LAST_LOOK_S)

    async def _held(
        self, call: "_Call", key: str, make: Callable[[Tape], Awaitable[Completion]], tape: Tape
    ) -> tuple[Completion, bool]:
        """Call under the lock, then publish and let go."""
        outcome = ""
        try:
            async with self._renewed(call):
                found = await self._cache.get(key) if self._cache is not None else None
                completion = found or await make(tape)
            outcome = self._spelt(call, {"completion": asdict(completion)})
        except ProviderError as error:
            # What broke off in the middle was heard here; the others have heard nothing, and may call anew.
            if not (tape.begun or (isinstance(error, Fault) and error.kind in _OWN)):
                outcome = self._spelt(call, _error_fields(error))
            raise
        finally:
            await self._publish(call, outcome)
        return completion, found is not None

    @contextlib.asynccontextmanager
    async def _renewed(self, call: "_Call") -> AsyncIterator[None]:
        """Keep the lock alive for the length of the block."""
        renewing = asyncio.create_task(self._renew(call))
        try:
            yield
        finally:
            renewing.cancel()

    async def _renew(self, call: "_Call") -> None:
        arguments = (call.token, round(self._lock_s * 1_000))

        def renew(redis: "Redis") -> Awaitable[object]:
            return redis.register_script(_RENEW)(keys=[call.lock], args=arguments)

        while True:
            await self._world.sleep(self._lock_s / _RENEWALS)
            # A lock that is lost costs a second call at worst.
            with contextlib.suppress(RedisDownError):
                await self._link.ask(renew)

    async def _publish(self, call: "_Call", outcome: str) -> None:
        """Publish an outcome, if there is one to share, and let go of the lock."""

        def publish(redis: "Redis") -> Awaitable[object]:
            return redis.register_script(_PUBLISH)(keys=call.names, args=(call.token, outcome, _OUTCOME_S))

        with contextlib.suppress(RedisDownError):  # then the lock runs out by itself
            await self._link.ask(publish)

    def _spelt(self, call: "_Call", fields: dict[str, object]) -> str:
        return self._seal.sign(call.outcome, json.dumps(fields, separators=(",", ":")))

    def _read(self, call: "_Call", signed: str) -> Completion | None:
        """Read an outcome; None if it is foreign. Raises the error that it tells of."""
        text = self._seal.opened(call.outcome, signed)
        if text is None:
            return None
        fields = json.loads(text)
        if "completion" in fields:
            return to_completion(fields["completion"])
        if fields["kind"] is None:
            raise ProviderError(fields["message"])
        raise Fault(FaultKind(fields["kind"]), fields["message"], wait_s=fields["wait_s"], status=fields["status"])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """The names of a call in Redis. One hash tag, so that a cluster keeps them together."""

    place: str
    token: str
    """Of the process that makes it."""

    @property
    def lock(self) -> str:
        return f"reviewbot:call:{{{self.place}}}"

    @property
    def outcome(self) -> str:
        return f"{self.lock}:{self.token}"

    @property
    def names(self) -> list[str]:
        return [self.lock, self.outcome]


def _text(value: object) -> str | None:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else None if value is None else str(value)


def _error_fields(error: ProviderError) -> dict[str, object]:
    kind, wait_s, status = None, None, None
    if isinstance(error, Fault):
        kind, wait_s, status = error.kind.value, error.wait_s, error.status
    return {"message": str(error), "kind": kind, "wait_s": wait_s, "status": status}
