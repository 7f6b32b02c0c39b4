"""What `/status` and the metrics show of endpoints."""

from talking import World, plan_for

from reviewbot.gateway.view import endpoints_of
from reviewbot.llm.limiting import MemoryLimiter
from reviewbot.llm.wires.httpx_shards import HttpxWire
from reviewbot.wiring.clients import open_targets


def test_breakers_are_shown_of_configured_models_and_of_whatever_is_left_alone() -> None:
    world = World().surroundings
    plan = plan_for("http://127.0.0.1:9/v1", ("key",))
    (target,) = open_targets(plan, HttpxWire(1), MemoryLimiter(None, None, world), world, lambda _: None, None)
    for model in ("listed", "well", "ill"):
        target.asked_for(model)
    for _ in range(10):
        target.asked_for("ill").breaker.record(ok=False)
    shown = {each.model: each.breaker for each in endpoints_of({None: (target,)}, {"listed"})}
    assert {None: "closed", "listed": "closed", "ill": "open"} == shown
