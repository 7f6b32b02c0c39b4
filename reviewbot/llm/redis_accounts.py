"""The accounts of budgets in Redis, as one process sees them: every step is one script, and what Redis loses is mended.

Redis counts the steps, and a process knows how many there were when it last asked. Where there are fewer, Redis was
flushed or began with older data: then every living process tells it what was spent, what it has set aside, and what it
has leased, and nobody spends until all have had time to.
"""

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from reviewbot.domain.claim import Cap, Claim, Standing
from reviewbot.llm.redis_link import RedisDownError, RedisLink
from reviewbot.llm.redis_pulse import SETTLING_S

if TYPE_CHECKING:
    from redis.asyncio import Redis

_log = logging.getLogger(__name__)
_PREFIX: Final = "reviewbot:budget:{money}:"
"""One hash tag, so that a cluster keeps the accounts of a claim together."""
_KEPT_S: Final = 62 * 86_400
"""Longer than any month."""
_LEASE_S: Final = 900
"""After which a lease that is not renewed belonged to a process that died."""
_PRESSED_S: Final = 10
"""For so long nothing is leased after a request had to wait for what was leased."""
_REMEMBERED_S: Final = 900
"""How long a settled claim is known as such: longer than anybody tells it again."""
_OF_EACH: Final = 4
UNLIMITED: Final = 2**53
"""More micro-dollars than anybody has, which Lua still counts exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a step found."""

    fits: bool
    standings: tuple[Standing, ...]
    leased: Mapping[str, int]
    """What this process may lease, in micro-dollars by account."""


class RedisAccounts:
    """Asks Redis, and remembers what it would have to be told again."""

    def __init__(self, link: RedisLink) -> None:
        self.open: dict[str, Claim] = {}
        """What this process has set aside and not settled yet."""
        self.leased: dict[str, int] = {}
        """What is leased to it, in micro-dollars by account."""
        self.caps: dict[str, Cap] = {}
        """Every account that it has used."""
        self._link = link
        self._process = secrets.token_hex(8)
        self._script = files(__package__).joinpath("redis_budget.lua").read_text()
        self._seen: dict[str, int] = {}
        """What was spent of each account when last asked, what dead processes had set aside included."""
        self._epoch = ""
        self._steps = 0
        self._restoring = asyncio.Lock()

    async def greet(self) -> None:
        """Find out before the first request whether Redis is empty. Raises RedisDownError."""
        if not self._epoch:
            await self._step("lease", (), has=(), replicas=1, leasing=False, id="", at=0)

    def spent(self, account: str) -> int:
        """Give what was spent of an account when Redis was last asked, in micro-dollars."""
        return self._seen.get(account, 0)

    async def reserve(self, claim: Claim) -> Answer:
        """Set money aside if it fits. Raises RedisDownError."""
        told = {"id": claim.id, "micros": claim.micros, "at": claim.at_s, "until": claim.until_s}
        answer = await self._step("reserve", claim.caps, **told)
        if answer.fits:
            self.open[claim.id] = claim
        return answer

    async def settle(self, claim: Claim, micros: int) -> Answer:
        """Book what a request did cost; a second time nothing happens. Raises RedisDownError."""
        answer = await self._step("settle", claim.caps, id=claim.id, micros=micros, at=claim.at_s)
        self.open.pop(claim.id, None)
        return answer

    async def lease(self, caps: Sequence[Cap], at_s: float, uses: Sequence[int], replicas: int | None) -> None:
        """Look at accounts, and have a part of each set aside; ``replicas`` None to give it back instead.

        ``uses`` is what is used of each already. What is to be given back is used no more first, and told with the
        next look: so Redis never knows of less than may be used. Raises RedisDownError.
        """
        has = [max(self.leased.get(cap.account, 0), used) for cap, used in zip(caps, uses, strict=True)]
        terms = {"has": has, "replicas": replicas or 1, "leasing": replicas is not None}
        answer = await self._step("lease", caps, id="", at=at_s, **terms)
        self.leased.update(answer.leased)

    async def _step(self, operation: str, caps: Sequence[Cap], **told: object) -> Answer:
        self.caps.update((cap.account, cap) for cap in caps)
        limits = [UNLIMITED if cap.limit is None else cap.limit for cap in caps]
        accounts, epoch = [cap.account for cap in caps], self._epoch
        said = await self._run(operation, accounts, caps=limits, **told)
        if said is None:
            await self._restore(epoch)
            said = await self._run(operation, accounts, caps=limits, **told)
        if said is None:
            message = "Redis loses the budgets again and again"
            raise RedisDownError(message)
        return self._answer(caps, said)

    async def _restore(self, epoch: str) -> None:
        """Tell Redis all that this process knows, unless another step has done so since that epoch."""
        async with self._restoring:
            if epoch == self._epoch:
                await self._told_again()

    async def _told_again(self) -> None:
        _log.warning("Redis has lost the budgets' last movements (flushed?): each process tells it what it knows")
        accounts, told = list(self.caps), None
        while told != (known := [self._known(account) for account in accounts]):
            # Again where an answer from before the loss came in meanwhile.
            await self._run("restore", accounts, accounts=known, caps=[])
            told = known

    def _known(self, account: str) -> Mapping[str, object]:
        open_ = [claim for claim in self.open.values() if any(cap.account == account for cap in claim.caps)]
        return {
            "spent": self._seen.get(account, 0),
            "open": [(claim.id, f"{claim.micros} {claim.until_s}") for claim in open_],
            "leased": self.leased.get(account, 0),
        }

    async def _run(self, operation: str, of: Sequence[str], **told: object) -> list[int] | None:
        """Run the script; None where Redis has lost what this process has seen."""
        epoch_before = self._epoch
        asked = {
            "operation": operation,
            "process": self._process,
            "epoch": self._epoch,
            "steps": self._steps,
            "fresh": secrets.token_hex(8),
            "settling": SETTLING_S,
            "lease_for": _LEASE_S,
            "pressed_for": _PRESSED_S,
            "remembered": _REMEMBERED_S,
            "kept": _KEPT_S,
            **told,
        }
        names = [f"{_PREFIX}clock", f"{_PREFIX}settled"]
        for account in of:
            names += [f"{_PREFIX}{account}", f"{_PREFIX}{account}:open", f"{_PREFIX}{account}:leases"]

        def call(redis: "Redis") -> Awaitable[list[bytes | int]]:
            said: Awaitable[list[bytes | int]] = redis.register_script(self._script)(
                keys=names, args=[json.dumps(asked)]
            )
            return said

        epoch, *numbers = await self._link.ask(call)
        if not numbers:
            return None
        now = epoch.decode() if isinstance(epoch, bytes) else str(epoch)
        if now == epoch_before != self._epoch:
            # Done before a loss, and heard of after it has been mended: so it is lost too.
            return await self._run(operation, of, **told)
        steps, *rest = (int(number) for number in numbers)
        self._epoch, self._steps = now, steps
        return rest

    def _answer(self, caps: Sequence[Cap], said: list[int]) -> Answer:
        fits, *numbers = said
        rows = [numbers[at : at + _OF_EACH] for at in range(0, len(numbers), _OF_EACH)]
        for cap, (spent, lost, _, _) in zip(caps, rows, strict=True):
            self._seen[cap.account] = max(spent + lost, self._seen.get(cap.account, 0))
        return Answer(
            fits=bool(fits),
            standings=tuple(
                Standing(cap=cap, spent=spent + lost, held=held)
                for cap, (spent, lost, held, _) in zip(caps, rows, strict=True)
            ),
            leased={cap.account: leased for cap, (*_, leased) in zip(caps, rows, strict=True)},
        )
