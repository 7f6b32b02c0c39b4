"""States of keys, known to all processes that share a Redis: who is retired, rests, is offline or proves itself.

Nothing here is waited for by a request. Each process tells what happened to its keys as soon as something did, looks
twice a second what others told (`redis_pulse`), and goes on with what it knows while Redis is down. Failures are
counted over all processes, one sorted set for each key with the slices of the last minute, and judged in the same step.
Redis never sees a key: its short id is all that is told, and an account goes by a hash.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final
from weakref import WeakMethod

from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm import keyhealth
from reviewbot.llm.keynews import AccountNews, KeyLore, KeyNews, PoolLore, PoolNews
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.redis_pulse import Pulse

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SECOND_US: Final = 1_000_000
_CURRENT_S: Final = 3.0
"""For so long what was heard last is the word of all."""
_RULES: Final = {
    "window": 60 * _SECOND_US,
    "slice": 5 * _SECOND_US,
    "minimum": keyhealth.MINIMUM,
    "alert": keyhealth.ALERT,
    "offline": keyhealth.OFFLINE,
    "offline_for": round(keyhealth.OFFLINE_S * _SECOND_US),
    "proof": keyhealth.PROOF,
    "faults": keyhealth.FAULTS,
    # In milliseconds: a day. Then a retired key may be tried once more by a process that begins.
    "kept": 86_400_000,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Member:
    """A pool that shares what it knows."""

    place: str
    news: WeakMethod[Callable[[], PoolNews]]
    hear: WeakMethod[Callable[[PoolLore], None]]


class RedisKeyBoard:
    """Where the pools of this process meet those of others. For one event loop, on the pulse of its link."""

    def __init__(self, link: RedisLink, world: Surroundings, pulse: Pulse) -> None:
        self._link = link
        self._world = world
        self._pulse = pulse
        self._members: list[_Member] = []
        self._script = files(__package__).joinpath("redis_keys.lua").read_text()
        self._heard_s = float("-inf")
        pulse.add(self.exchange)

    @property
    def current(self) -> bool:
        """Whether what was heard last still is the word of all: then nobody judges by its own calls alone."""
        return self._world.monotonic() < self._heard_s + _CURRENT_S

    def join(self, place: str, news: Callable[[], PoolNews], hear: Callable[[PoolLore], None]) -> None:
        """Let a pool share what it knows with those of the same place, such as an endpoint, as long as it lives."""
        self._members.append(_Member(place=place, news=WeakMethod(news), hear=WeakMethod(hear)))

    def stir(self) -> None:
        """Tell the others soon: a state changed."""
        self._pulse.stir()

    async def exchange(self) -> None:
        """Tell what is new and hear what others told. Raises RedisDownError.

        What was counted for a telling that fails is not told again: it would be old by the time that it is heard.
        """
        self._members = [member for member in self._members if member.news() is not None]
        for member in tuple(self._members):
            tell, hear = member.news(), member.hear()
            if tell is None or hear is None:
                continue
            news = tell()
            if news.keys:
                hear(await self._exchanged(member.place, news))
                self._heard_s = self._world.monotonic()

    async def _exchanged(self, place: str, news: PoolNews) -> PoolLore:
        told = {
            "rules": _RULES,
            "keys": [_told_of_key(key) for key in news.keys],
            "accounts": [_told_of_account(account) for account in news.accounts],
        }
        names = list(_names(place, news))

        def call(redis: "Redis") -> Awaitable[bytes]:
            answer: Awaitable[bytes] = redis.register_script(self._script)(keys=names, args=[json.dumps(told)])
            return answer

        said = json.loads(await self._link.ask(call))
        return PoolLore(
            keys=tuple(_heard_of_key(key) for key in said["keys"]),
            accounts=tuple(_heard_of_account(*both) for both in zip(news.accounts, said["accounts"], strict=True))
            if news.accounts
            else (),
        )


def _names(place: str, news: PoolNews) -> Iterable[str]:
    # Hashed, because a configuration may call an account what it likes; one hash tag, so that a cluster keeps them
    # together.
    tag = f"{{{_hashed(place)}}}"
    for key in news.keys:
        hash_ = f"reviewbot:key:{tag}:{key.key_id}"
        yield from (hash_, f"{hash_}:calls", f"{hash_}:faults")
    for account in news.accounts:
        yield f"reviewbot:account:{tag}:{_hashed(account.account)}"


def _hashed(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]


def _told_of_key(key: KeyNews) -> dict[str, object]:
    return {
        "id": key.key_id,
        "retired": key.retired or "",
        "rest": _us(key.rest_s),
        "next": key.next_rest_s,
        "offline": _us(key.offline_s),
        "why": key.offline_reason,
        "unproven": key.unproven,
        "proofs": key.proofs,
        "calls": key.calls,
        "failures": key.failures,
        "faults": key.faults,
    }


def _told_of_account(account: AccountNews) -> dict[str, object]:
    return {"rest": _us(account.rest_s), "why": account.reason, "slowed": _us(account.slowed_s)}


def _heard_of_key(said: Mapping[str, object]) -> KeyLore:
    unproven = _number(said, "unproven")
    faults = said["faults"]
    return KeyLore(
        key_id=str(said["id"]),
        retired=str(said["retired"]) or None,
        rest_s=_number(said, "rest") / _SECOND_US,
        next_rest_s=_number(said, "next"),
        offline_s=_number(said, "offline") / _SECOND_US,
        offline_reason=str(said["why"]),
        unproven=None if unproven < 0 else int(unproven),
        calls=int(_number(said, "calls")),
        failures=int(_number(said, "failures")),
        # Lua knows no empty list, and spells it as an object.
        faults=tuple((str(kind), int(count)) for kind, count in sorted(faults)) if isinstance(faults, list) else (),
        alerting=bool(said["alerting"]),
    )


def _heard_of_account(news: AccountNews, said: Mapping[str, object]) -> AccountNews:
    return AccountNews(
        account=news.account,
        rest_s=_number(said, "rest") / _SECOND_US,
        reason=str(said["why"]),
        slowed_s=_number(said, "slowed") / _SECOND_US,
    )


def _number(said: Mapping[str, object], name: str) -> float:
    value = said[name]
    return value if isinstance(value, int | float) else 0.0


def _us(seconds: float) -> int:
    return round(seconds * _SECOND_US)
