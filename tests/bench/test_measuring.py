"""What is measured of a scripted model, in a world whose clock moves only while everybody sleeps."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal

import pytest
from telling_events import ATTEMPT, request
from world import VirtualWorld

from reviewbot.bench.measuring import Bench, Heard, SyncBaseline, measure
from reviewbot.bench.rows import Measured
from reviewbot.bench.scenarios import SCENARIOS, Scenario
from reviewbot.domain.endpoint import ModelOptions
from reviewbot.domain.events import Progress
from reviewbot.domain.prompt import Completion, Prompt
from reviewbot.domain.usage import Usage
from reviewbot.errors import BudgetExceeded, ProviderError
from reviewbot.llm.faults import Fault, FaultKind

REVIEW = SCENARIOS[2]
GOOD = Completion(text="{}", finish_reason="stop", model="m")
CUT_OFF = Completion(text="{", finish_reason="length", model="m")


async def no_baseline(_: Scenario) -> float | None:
    return None


@dataclass(kw_only=True)
class Scripted:
    """A model that answers after two seconds; ``say`` decides by the number of the request what."""

    world: VirtualWorld
    heard: Heard
    say: Callable[[int], Completion | Exception] = lambda _: GOOD
    latency_s: float = 2.0
    cost_usd: Decimal | None = Decimal("0.001")
    usage: Usage = field(default_factory=Usage)
    asked: list[tuple[Prompt, ModelOptions]] = field(default_factory=list)
    now: int = 0
    most_at_once: int = 0

    async def complete(
        self,
        prompt: Prompt,
        options: ModelOptions,
        check: Callable[[Completion], bool] | None = None,  # noqa: ARG002 - nothing is kept here
    ) -> Completion:
        self.asked.append((prompt, options))
        said = self.say(len(self.asked))
        self.now += 1
        self.most_at_once = max(self.most_at_once, self.now)
        await self.world.surroundings.sleep(self.latency_s)
        self.now -= 1
        if isinstance(said, Exception):
            self.heard(request(outcome="rate", ttft_s=9.0))
            raise said
        self.heard(ATTEMPT)
        self.heard(request(ttft_s=0.5))
        total = self.usage.cost_usd
        cost = None if total is None or self.cost_usd is None else total + self.cost_usd
        self.usage = replace(self.usage, cost_usd=cost)
        return said


def measured(
    say: Callable[[int], Completion | Exception] = lambda _: GOOD,
    *,
    requests: int = 20,
    connections: int = 5,
    sync: SyncBaseline = no_baseline,
    progress: Callable[[str, Progress], None] = lambda _, __: None,
    cost_usd: Decimal | None = Decimal("0.001"),
) -> tuple[Measured, Scripted]:
    world, heard = VirtualWorld(), Heard()
    model = Scripted(world=world, heard=heard, say=say, cost_usd=cost_usd)
    bench = Bench(
        client=model,
        heard=heard,
        model=ModelOptions(name="m"),
        requests=requests,
        connections=connections,
        run="run 1",
        clock=world.monotonic,
        sync=sync,
        progress=progress,
    )
    return asyncio.run(measure(bench, REVIEW)), model


def test_all_connections_are_busy_to_the_end() -> None:
    row, model = measured()
    assert (row.ok, row.wall_s, row.lone_s) == (20, 8.0, 2.0)
    assert (row.per_minute, row.ceiling_share) == (150.0, 1.0)
    assert model.most_at_once == 5


def test_lone_requests_come_first_and_do_not_count() -> None:
    row, model = measured()
    assert len(model.asked) == 23
    assert row.cost_usd == Decimal("0.020")
    assert row.cost_per_call_usd == Decimal("0.001")
    assert len(row.ttfts_s) == 20


def test_no_two_requests_are_the_same_and_all_begin_alike() -> None:
    _, model = measured()
    users = [prompt.messages[-1].content for prompt, _ in model.asked]
    assert len(set(users)) == 23
    assert {REVIEW.question} == {user.rpartition("\n\n(request ")[0] for user in users}
    assert {REVIEW.max_tokens} == {options.max_tokens for _, options in model.asked}


def test_failures_are_counted_by_their_kind_and_are_no_latencies() -> None:
    errors = {
        5: Fault(FaultKind.TIMEOUT, "stalled"),
        6: ProviderError("all keys are retired"),
        7: BudgetExceeded("spent"),
        8: Fault(FaultKind.TIMEOUT, "stalled"),
    }
    row, _ = measured(lambda number: errors.get(number, GOOD))
    assert row.errors == {"ProviderError": 1, "budget": 1, "timeout": 2}
    assert (row.ok, len(row.ttfts_s)) == (16, 16)


def test_an_answer_that_was_cut_off_is_none() -> None:
    row, _ = measured(lambda number: CUT_OFF if number == 4 else GOOD)
    assert (row.ok, row.errors) == (19, {"finish reason length": 1})


def test_a_first_request_that_fails_is_left_out_of_the_lone_ones() -> None:
    row, _ = measured(lambda number: ProviderError("not yet") if number == 1 else GOOD)
    assert row.lone_s == 2.0
    assert row.ok == 20


@pytest.mark.parametrize("error", [ProviderError("no such key"), BudgetExceeded("spent")])
def test_where_nothing_is_answered_nothing_is_measured(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)):
        measured(lambda _: error)


def test_a_scenario_may_end_without_an_answer_after_the_lone_ones() -> None:
    row, _ = measured(lambda number: GOOD if number <= 3 else ProviderError("down"))
    assert (row.ok, row.mean_s, row.p50_s, row.p95_s, row.ttft_p50_s) == (0, None, None, None, None)
    assert (row.per_minute, row.cost_per_call_usd) == (0.0, None)


def test_an_unknown_price_makes_an_unknown_cost() -> None:
    row, _ = measured(cost_usd=None)
    assert row.cost_usd is None
    assert row.cost_per_call_usd is None


def test_a_blocking_client_is_compared_with() -> None:
    async def sync(scenario: Scenario) -> float | None:
        assert scenario is REVIEW
        return 30.0

    row, _ = measured(sync=sync)
    assert row.speedup == 5.0
    assert measured()[0].speedup is None


def test_progress_goes_up_to_the_last_request() -> None:
    told: list[tuple[str, Progress]] = []
    measured(
        lambda number: ProviderError("x") if number == 9 else GOOD,
        progress=lambda scenario, progress: told.append((scenario, progress)),
    )
    assert [progress.done for _, progress in told] == list(range(21))
    assert told[-1] == ("review", Progress(done=20, total=20, failed=1))


def test_fewer_requests_than_connections_is_no_harm() -> None:
    row, model = measured(requests=2, connections=50)
    assert (row.ok, model.most_at_once) == (2, 2)


def row(**changes: object) -> Measured:
    values: dict[str, object] = {
        "scenario": "review", "requests": 4, "connections": 2, "latencies_s": (1.0, 2.0, 3.0, 6.0), "ttfts_s": (0.5,),
        "wall_s": 6.0, "lone_s": 1.5, "sync_per_minute": 20.0, "cost_usd": Decimal("0.002"), "errors": {},
    }  # fmt: skip
    return Measured(**(values | changes))  # type: ignore[arg-type]


def test_figures_are_those_of_the_latencies() -> None:
    found = row()
    assert (found.mean_s, found.p50_s, found.ttft_p50_s) == (3.0, 2.5, 0.5)
    assert found.p95_s == pytest.approx(5.55)
    assert (found.per_minute, found.ceiling_share, found.speedup) == (40.0, 0.5, 2.0)
    assert row(latencies_s=(1.0,)).p95_s == 1.0
    assert row(wall_s=0.0).per_minute == 0.0


def test_the_scenarios_are_those_of_the_contract_and_ask_for_json() -> None:
    from reviewbot.cli.arguments import SCENARIOS as NAMES

    assert list(NAMES) == [scenario.name for scenario in SCENARIOS]
    for scenario in SCENARIOS:
        prompt = scenario.prompt("1")
        assert "JSON object" in prompt.messages[0].content
        assert "Answer: {" in prompt.messages[1].content
        assert prompt.prompt_tokens > 100
        assert 500 <= scenario.max_tokens <= 2_000
