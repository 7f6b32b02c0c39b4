"""Where a request can go: endpoints and models in order, each with its keys and its breaker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from reviewbot.domain.endpoint import ModelOptions
from reviewbot.llm.breaker import Breaker, BreakerState
from reviewbot.llm.exchange import Exchange
from reviewbot.llm.faults import Fault, FaultKind
from reviewbot.llm.keyfile import KeysFile
from reviewbot.llm.keypool import KeyPool

_MOST_MODELS: Final = 100
"""With a breaker of their own; whoever invents names beyond that shares the endpoint's."""


@dataclass(slots=True, kw_only=True)
class Target:
    """An endpoint with its keys and a breaker; a fallback has a model of its own."""

    exchange: Exchange
    keys: KeyPool
    breaker: Breaker
    keys_file: KeysFile | None = None
    """Where its keys come from, if they may change while the program runs."""
    model: str | None = None
    """Asked for instead of the task's model; None for the task's own."""
    breaker_of: Callable[[str], Breaker] | None = None
    """Makes the breaker of one model, where whoever asks chooses it; None where one does for all."""
    by_model: dict[str, "Target"] = field(default_factory=dict)
    """Those made so far: the same endpoint and keys."""

    def asked_for(self, model: str) -> "Target":
        """Give the target for a model: one that fails must not have the others left alone."""
        if self.breaker_of is None or self.model is not None:
            return self
        found = self.by_model.get(model)
        if found is None:
            if len(self.by_model) >= _MOST_MODELS:
                return self
            found = replace(self, breaker=self.breaker_of(model), breaker_of=None, by_model={})
            self.by_model[model] = found
        return found

    def refresh(self) -> None:
        """Take the keys of a file that changed."""
        changed = self.keys_file.changed() if self.keys_file is not None else None
        if changed is not None:
            self.keys.reload(changed)

    def options(self, wanted: ModelOptions) -> ModelOptions:
        """Give the parameters of a request to this target."""
        return wanted if self.model is None else replace(wanted, name=self.model)


@dataclass(slots=True)
class Route:
    """One request's way through the targets: what it has left behind for good."""

    targets: Sequence[Target]
    left: int = 0
    last: Fault | None = None
    """The fault of the attempt before."""
    ended: bool = False
    """Whether another attempt makes no sense."""
    _probed: Breaker | None = None
    _admitted: Breaker | None = None

    def next(self) -> tuple[Target | None, float]:
        """Give the first target that takes a request now, or None and the seconds until one may.

        Raises Fault where none is left at all.
        """
        waits = []
        for target in self.targets[self.left :]:
            wait_s = target.breaker.admit()
            if wait_s is None:
                self._admitted = target.breaker
                self._probed = target.breaker if target.breaker.state is BreakerState.HALF_OPEN else None
                return target, 0.0
            waits.append(wait_s)
        if not waits:
            raise Fault(FaultKind.KEY, "no endpoint is left to ask")
        return None, min(waits)

    def lost(self) -> Sequence[Target]:
        """Give those targets that are left alone because there was no connection to them."""
        return [target for target in self.targets[self.left :] if target.breaker.lost]

    def give_back(self) -> None:
        """Tell the breaker that the attempt it let through told nothing of the endpoint's health."""
        if self._probed is not None:
            self._probed.abandon()
        elif self._admitted is not None:
            self._admitted.forget()
        self._probed = self._admitted = None

    def leave(self, target: Target) -> bool:
        """Leave a target behind, if there is another one; tell whether there is."""
        place = self.targets.index(target)
        if place + 1 >= len(self.targets):
            return False
        self.left = max(self.left, place + 1)
        return True
