"""The limits of accounts in Redis, as one process sees them: asked, told again after a loss, leased in advance."""

import logging
from typing import Final

from reviewbot.domain.surroundings import Surroundings
from reviewbot.llm import rates
from reviewbot.llm.limit_account import LimitAccount
from reviewbot.llm.limiting import Ask, LimitsOf
from reviewbot.llm.outage import Outage
from reviewbot.llm.redis_pulse import GONE_S, SETTLING_S, Pulse
from reviewbot.llm.redis_script import SECOND_US, LimitScript, ScriptAnswer
from reviewbot.llm.slices import SliceLease

_LOG = logging.getLogger("reviewbot")
_AWAY_S = 1.0  # how long a Redis that is down is left alone
POLLS: Final = 60
"""Looks in each window while waiting: other processes give tokens back without telling."""


class RedisLimits:
    """Asks the script, and keeps what it said in the accounts."""

    def __init__(  # noqa: PLR0913 - what the limits are, and whom they are shared with
        self,
        script: LimitScript,
        world: Surroundings,
        limits_of: LimitsOf,
        *,
        process: str,
        fail_open: bool,
        pulse: Pulse | None,
        window_s: float,
        timeout_s: float,
    ) -> None:
        self._script = script
        self._world = world
        self._limits_of = limits_of
        self._process = process
        self._fail_open = fail_open
        self._pulse = pulse
        self._window_s = window_s
        self._timeout_s = timeout_s
        self._accounts: list[LimitAccount] = []
        self.outage = Outage(world.monotonic)

    @property
    def place(self) -> str:
        """Host and port, to show."""
        return self._script.place

    def add(self, known: LimitAccount) -> None:
        """Take an account in."""
        self._accounts.append(known)
        known.behind = self._fail_open and self.outage.down

    async def aclose(self) -> None:
        """Close the connections."""
        await self._script.aclose()

    async def acquire(self, known: LimitAccount, own: rates.Rates, ask: Ask) -> float | None:
        """Let through (0) or give the seconds to wait; None where Redis is down."""
        if self.outage.resting:
            return None
        self.outage.trying(self._timeout_s)
        try:
            wait_s = await self._asked(known, own, ask)
        except self._script.errors as error:
            known.doubtful[ask.name] = ask.tokens
            self._note_down(error)
            return None
        self._note_up()
        return wait_s

    async def renew(self, known: LimitAccount, own: rates.Rates) -> None:
        """Have a slice of an account's limits set aside for this process, for when Redis is lost."""
        if self.outage.resting or self._limits_of(known.name) == (None, None):
            return
        self.outage.trying(self._timeout_s)
        try:
            await self._renewed(known, own)
        except self._script.errors as error:
            self._note_down(error)
        else:
            self._note_up()

    async def tell(self, known: LimitAccount, **what: object) -> None:
        """Tell Redis of tokens or requests, if it is there."""
        if self.outage.resting:
            return
        try:
            await self._run(known, **what)
        except self._script.errors as error:
            self._note_down(error)

    async def _asked(self, known: LimitAccount, own: rates.Rates, ask: Ask) -> float:
        refused = known.refused
        await self._made_good(known, own)
        said = await self._ask_for(known, ask, refused)
        if said.wait_us < 0:
            await self._restore(known, own)
            said = await self._ask_for(known, ask, refused)
        known.refused = max(known.refused - refused, 0)  # others may have told of them too: it is a step at most
        # Lost again at once: nothing is certain, so a moment later.
        wait_s = said.wait_us / SECOND_US if said.wait_us >= 0 else self._window_s / POLLS
        known.next_s = self._world.monotonic() + wait_s
        if wait_s == 0:
            known.reserved.note(said.bucket, ask.tokens)
        return wait_s

    async def _ask_for(self, known: LimitAccount, ask: Ask, refused: int) -> ScriptAnswer:
        last = known.last(self._world.monotonic())
        told = {"refused": refused, "gap": round(known.gap_s * SECOND_US), "process": self._process}
        return await self._run(known, operation="acquire", tokens=ask.tokens, member=ask.name, last=last, **told)

    async def _renewed(self, known: LimitAccount, own: rates.Rates) -> None:
        await self._made_good(known, own)
        now_s = self._world.monotonic()
        replicas = 1 if self._pulse is None else self._pulse.replicas or 1
        has = [known.lease.requests, known.lease.tokens]
        terms = {"process": self._process, "replicas": replicas, "until": round(GONE_S * SECOND_US), "has": has}
        said = await self._run(known, operation="lease", last=known.last(now_s), **terms)
        if said.wait_us < 0:
            await self._restore(known, own)
        else:
            known.lease, known.leased_s = SliceLease(requests=said.requests, tokens=said.tokens), now_s

    async def _made_good(self, known: LimitAccount, own: rates.Rates) -> None:
        """Let Redis know what became of requests while it was away."""
        if known.behind:
            await self._restore(known, own)
        for name, tokens in tuple(known.doubtful.items()):
            await self._run(known, operation="undo", member=name, tokens=tokens)
            known.doubtful.pop(name, None)

    async def _restore(self, known: LimitAccount, own: rates.Rates) -> None:
        """Tell Redis what this process did in the last window, and let it wait for the others to do so too."""
        now_s = self._world.monotonic()
        entries = [[round(age_s * SECOND_US), member] for age_s, member in known.mine(now_s)]
        hold_s = self._hold_s(known)
        if not known.behind:
            then = "each process tells it again"
            if hold_s:
                then = f"all wait until {'each has told it again' if self._fail_open else 'the window is past'}"
            _LOG.warning("Redis at %s has lost the last requests (flushed?): %s", self.place, then)
        tokens = {"used": own.tokens.used(now_s), "alone": known.used_alone(own, now_s)}
        await self._run(known, operation="restore", entries=entries, hold=round(hold_s * SECOND_US), **tokens)
        known.behind, known.slice = False, None

    def _hold_s(self, known: LimitAccount) -> float:
        if self._limits_of(known.name) == (None, None) or (self._fail_open and self._pulse is None):
            return 0.0
        return SETTLING_S if self._fail_open else self._window_s * (1 + rates.GUARD)

    async def _run(self, known: LimitAccount, **what: object) -> ScriptAnswer:
        said = await self._script.run(known.keys, self._limits_of(known.name), **what)
        if said.wait_us >= 0:
            known.left, known.left_s = said.left, self._world.monotonic()
        return said

    def _note_down(self, error: Exception) -> None:
        if not self.outage.failed(_AWAY_S):
            return
        alone = "keeps the limits on its own" if self._pulse is None else "goes on within its slice of the limits"
        then = f"each process {alone}" if self._fail_open else "requests under a limit fail"
        _LOG.warning("Redis at %s is down (%s): until it is back, %s", self.place, type(error).__name__, then)
        for known in self._accounts:
            # What others let through from now on, Redis does not know when it is back.
            known.behind = known.behind or self._fail_open

    def _note_up(self) -> None:
        if self.outage.answered():
            _LOG.warning("Redis at %s is back: the limits are shared again", self.place)
