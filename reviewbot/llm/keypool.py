"""Several keys for one endpoint: who is asked next, who rests, who is out, and what is left when all are."""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence

from reviewbot.domain.endpoint import ApiKey
from reviewbot.domain.events import Event, KeyChanged
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import ProviderError
from reviewbot.llm import pooledkey
from reviewbot.llm.accounthealth import AccountHealth
from reviewbot.llm.faults import Fault, KeyEffect
from reviewbot.llm.keychoice import choose
from reviewbot.llm.keyhealth import NEVER, USABLE, KeyHealth, KeyState, KeyStatus
from reviewbot.llm.keynews import PoolLore, PoolNews
from reviewbot.llm.limiting import LimitWait
from reviewbot.llm.pooledkey import PooledKey
from reviewbot.llm.ports import KeyBoard, Limiter

_ID_DIGITS = 8


def key_id(key: str) -> str:
    """Give the short id of a key, under which it is known wherever anybody can see it."""
    return hashlib.sha256(key.encode()).hexdigest()[:_ID_DIGITS]


class KeysExhausted(ProviderError):  # noqa: N818 - says what happened
    """No key can be used, or none in time."""

    def __init__(self, message: str, wait_s: float | None) -> None:
        super().__init__(message)
        self.wait_s = wait_s
        """Seconds until the first returns, None for never."""


class Lease:
    """A key for one attempt. Say how it ended; what is never said stays counted as used."""

    def __init__(self, pool: "KeyPool", key: PooledKey | None, account: str, tokens: int, began_s: float) -> None:
        self._pool, self._key, self._tokens, self._began_s = pool, key, tokens, began_s
        self._ended = False
        self.account = account

    def __repr__(self) -> str:
        return f"Lease({self.key_id})"

    @property
    def key(self) -> str | None:
        """The key itself, for the header alone; None where the endpoint wants none."""
        return None if self._key is None else self._key.value

    @property
    def key_id(self) -> str | None:
        """Its short id."""
        return None if self._key is None else self._key.key_id

    async def succeeded(self, used_tokens: int | None) -> None:
        """Take an answer, with the tokens that it really used; None where it does not tell, and the estimate stands."""
        if self._end():
            self._pool.succeeded(self._key)
            if used_tokens is not None:
                await self._pool.limiter.settle(self.account, self._tokens, used_tokens)

    async def failed(self, fault: Fault, *, counts: bool = True) -> None:
        """Take a fault, with all that follows from it for the key and its account, where it counts."""
        if self._end():
            if counts:
                self._pool.failed(self._key, self.account, fault, self._began_s)
            if fault.unspent:
                await self._pool.limiter.settle(self.account, self._tokens, 0)

    async def unused(self) -> None:
        """Give the lease back: nothing was sent."""
        if self._end():
            await self._pool.limiter.settle(self.account, self._tokens, 0)

    def _end(self) -> bool:
        first, self._ended = not self._ended, True
        return first


class KeyPool:
    """The keys of one endpoint, and for one project where pools are named. For one event loop at a time."""

    def __init__(
        self,
        keys: Sequence[ApiKey],
        world: Surroundings,
        limiter: Limiter,
        observe: Callable[[Event], None],
        name: str = "default",
        board: KeyBoard | None = None,
    ) -> None:
        """Take the keys, none for an endpoint that wants none. Accounts are told apart by name within the limiter.

        Over a ``board``, what happens to a key is known to all pools of the same name, in other processes too.
        """
        self.limiter = limiter
        self._world = world
        self._observe = observe
        self._name = name
        self._accounts: dict[str, AccountHealth] = {}
        self._keys: dict[str, PooledKey] = {}
        self._retired: dict[str, PooledKey] = {}
        self._wants_keys = False
        self._changed: asyncio.Future[None] | None = None
        self._board = board
        self.reload(keys)
        if board is not None:
            board.join(name, self.news, self.hear)

    def __repr__(self) -> str:
        return f"KeyPool({self._name}, {len(self._keys)} keys)"

    def reload(self, keys: Sequence[ApiKey]) -> None:
        """Take the keys of a file that changed: new ones prove themselves first, retired ones stay retired."""
        canary = self._wants_keys
        self._wants_keys = canary or bool(keys)
        kept: dict[str, PooledKey] = {}
        self._retired.update((value, key) for value, key in self._keys.items() if key.health.retired is not None)
        for key in keys:
            short = key_id(key.value)
            account = self._accounts.setdefault(key.account or short, AccountHealth(key.account or short))
            known = self._keys.get(key.value) or self._retired.get(key.value)
            if known is None:
                known = PooledKey(key.value, short, key.weight, KeyHealth(account, canary=canary))
            known.weight, known.health.account = key.weight, account
            kept[key.value] = known
        self._keys = kept
        self._tell_changes()
        self._wake()

    def status(self) -> tuple[KeyStatus, ...]:
        """Give every key with its state and the reason for it."""
        self._tell_changes()
        return tuple(pooledkey.status(key, self._world.monotonic()) for key in self._keys.values())

    async def lease(self, tokens: int, deadline_at: float) -> Lease:
        """Give a key that may be used, once the limits of its account leave room for so many tokens.

        ``deadline_at`` is in seconds of ``world.monotonic``. When all keys rest, waits for the first to return.
        Raises KeysExhausted where none returns in time, LimitWait where the limits leave no room in time.
        """
        if not self._wants_keys:
            if not self.limiter.admit(self._name, tokens):
                await self.limiter.acquire(self._name, tokens, deadline_at)
            return Lease(self, None, self._name, tokens, self._world.monotonic())
        full: dict[str, LimitWait] = {}
        while True:
            key = self._choose(full)
            if key is None:
                await self._wait_for_return(full, deadline_at)
                continue
            try:
                if self.limiter.admit(key.account, tokens) or await self._acquired(key, tokens, deadline_at):
                    return Lease(self, key, key.account, tokens, self._world.monotonic())
            except LimitWait as wait:
                full[key.account] = wait

    def news(self) -> PoolNews:
        """Tell others what happened to these keys, for the board."""
        now_s, accounts = self._world.monotonic(), {key.account: key.health.account for key in self._keys.values()}
        return PoolNews(
            keys=tuple(key.health.news(key.key_id, now_s) for key in self._keys.values()),
            accounts=tuple(account.news(now_s) for account in accounts.values()),
        )

    def hear(self, lore: PoolLore) -> None:
        """Take what all know of these keys, from the board."""
        now_s = self._world.monotonic()
        for account in lore.accounts:
            self._accounts[account.account].hear(account, now_s)
        heard = {key.key_id: key for key in lore.keys}
        for key in self._keys.values():
            known = heard.get(key.key_id)
            if known is not None and key.health.hear(known, now_s):
                self._tell(key, "alert", known.told)
        self._tell_changes()

    def succeeded(self, key: PooledKey | None) -> None:
        """Take a success with a key; for `Lease`."""
        if key is not None:
            now_s = self._world.monotonic()
            key.health.succeeded(now_s)
            self._judge(key, now_s)
            self._note_state(key, now_s)  # of the others it tells nothing

    def failed(self, key: PooledKey | None, account: str, fault: Fault, began_s: float) -> None:
        """Take a fault of a call that began then; for `Lease`."""
        now_s = self._world.monotonic()
        if fault.treatment.key is KeyEffect.SLOW:
            self.limiter.slow_down(account, fault.wait_s)
        if key is None:
            return
        pooledkey.treat(key, fault, now_s, began_s)
        self._judge(key, now_s)
        self._tell_changes()

    def _judge(self, key: PooledKey, now_s: float) -> None:
        """See whether a key fails too often after a call, where nobody judges by the calls of all processes."""
        if self._board is not None and self._board.current:
            return
        health = key.health
        if health.crossed_alert(now_s):
            self._tell(key, "alert", health.told_counts(now_s))
        # Who is not even above the line of the alert is not above that of going offline.
        if health.alerting and health.fails_too_often(now_s) and self._spares(key, now_s):
            health.go_offline(now_s)

    def _spares(self, key: PooledKey, now_s: float) -> bool:
        """Tell whether others are left. The last one stays: leaving an endpoint alone is the breaker's decision."""
        gone = {KeyState.OFFLINE, KeyState.RETIRED}
        return any(other.health.state(now_s) not in gone for other in self._keys.values() if other is not key)

    def _may_use(self, key: PooledKey) -> bool:
        return self._keys.get(key.value) is key and key.health.usable(self._world.monotonic())

    def _choose(self, full: Collection[str]) -> PooledKey | None:
        now_s = self._world.monotonic()
        usable = [key for key in self._keys.values() if self._note_state(key, now_s) in USABLE]
        if full:
            usable = [key for key in usable if key.account not in full]
        return choose(usable, self.limiter, now_s)

    async def _acquired(self, key: PooledKey, tokens: int, deadline_at: float) -> bool:
        """Wait for the limits of the key's account; False when the key may not be used any more meanwhile."""
        acquiring = asyncio.ensure_future(self.limiter.acquire(key.account, tokens, deadline_at))
        try:
            await asyncio.sleep(0)  # mostly all it takes
            while not acquiring.done():
                await self._wait_for_change(acquiring)
                if not self._may_use(key):
                    break
        finally:
            if acquiring.cancel():
                await asyncio.wait([acquiring])
        if acquiring.cancelled():
            return False
        acquiring.result()
        if self._may_use(key):
            return True
        await self.limiter.settle(key.account, tokens, 0)
        return False

    async def _wait_for_return(self, full: Mapping[str, LimitWait], deadline_at: float) -> None:
        """Wait until the first key may be used again, or something changes. Raises where that is too late."""
        now_s = self._world.monotonic()
        returns = [key.health.returns_s(now_s) for key in self._keys.values() if key.account not in full]
        first_s = min(returns, default=NEVER)
        if first_s <= deadline_at and first_s != NEVER:
            await self._wait_for_change(asyncio.ensure_future(self._world.sleep(first_s - now_s)), cancel=True)
        elif full:
            raise min(full.values(), key=lambda wait: wait.wait_s)
        else:
            raise KeysExhausted(self._told(first_s - now_s), None if first_s == NEVER else first_s - now_s)

    async def _wait_for_change(self, until: asyncio.Future[None], *, cancel: bool = False) -> None:
        """Wait until something is done or the state of any key changes."""
        loop = asyncio.get_running_loop()
        if self._changed is None or self._changed.get_loop() is not loop:
            self._changed = loop.create_future()
        try:
            await asyncio.wait([until, self._changed], return_when=asyncio.FIRST_COMPLETED)
        finally:
            if cancel:
                until.cancel()

    def _told(self, wait_s: float) -> str:
        keys = "; ".join(f"{key.key_id} {key.state}: {key.reason}" for key in self.status()) or "it holds none"
        then = "None will return" if wait_s == NEVER else f"The first returns in {wait_s:.0f} s, after the deadline"
        return f"no key of the pool '{self._name}' can be used ({keys}). {then}: check the keys and the account"

    def _tell_changes(self) -> None:
        """Tell observers, and who waits, of every key whose state is another than they know."""
        now_s = self._world.monotonic()
        for key in self._keys.values():
            self._note_state(key, now_s)

    def _note_state(self, key: PooledKey, now_s: float) -> KeyState:
        """Give a key's state, and tell of it where it is another than they know."""
        state = key.health.state(now_s)
        if state is not key.told:
            key.told = state
            self._tell(key, state.value, key.health.reason(now_s))
            self._wake()
            if self._board is not None:
                self._board.stir()
        return state

    def _wake(self) -> None:
        changed, self._changed = self._changed, None
        if changed is not None and not changed.get_loop().is_closed():
            changed.set_result(None)

    def _tell(self, key: PooledKey, state: str, reason: str) -> None:
        self._observe(KeyChanged(key_id=key.key_id, account=key.account, state=state, reason=reason))
