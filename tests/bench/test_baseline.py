"""The blocking client, over real HTTP."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
from fakes.model_server import Answer, Asked, refusal, serving

from reviewbot.bench.baseline import answers_per_minute
from reviewbot.bench.scenarios import SCENARIOS
from reviewbot.domain.endpoint import ApiKey, Endpoint, ModelOptions

PROMPTS = [SCENARIOS[0].prompt(str(number)) for number in range(4)]
MODEL = ModelOptions(name="m", max_tokens=50)


def ticking(step_s: float) -> Callable[[], float]:
    """Give a clock that goes on at every look."""
    ticks: Iterator[int] = count()
    return lambda: next(ticks) * step_s


def test_it_asks_one_request_at_a_time_plainly_under_the_first_key() -> None:
    with serving(lambda _: Answer(), keys=["sk-1"]) as server:
        endpoint = Endpoint(base_url=server.base_url + "/", keys=(ApiKey(value="sk-1"), ApiKey(value="sk-2")))
        # Looks at the clock: at the start, after each of four requests, at the end.
        assert answers_per_minute(endpoint, PROMPTS, MODEL, ticking(1.0)) == 48.0
        assert (server.most_at_once, server.connections, len(server.asked)) == (1, 1, 4)
    assert {False} == {asked.body["stream"] for asked in server.asked}
    assert {50} == {asked.body["max_tokens"] for asked in server.asked}
    assert all("stream_options" not in asked.body for asked in server.asked)
    assert {"reply"} == {asked.headers["x-reviewbot-task"] for asked in server.asked}


def test_what_fails_is_no_answer() -> None:
    answers = iter([Answer(), refusal(500, "x"), Answer(cut_after=0), Answer(raw=b"{}")])
    with serving(lambda _: next(answers)) as server:
        assert answers_per_minute(Endpoint(base_url=server.base_url), PROMPTS, MODEL, ticking(1.0)) == 12.0


def test_without_any_answer_there_is_no_figure() -> None:
    with serving(lambda _: refusal(500, "x")) as server:
        assert answers_per_minute(Endpoint(base_url=server.base_url), PROMPTS, MODEL, ticking(1.0)) is None


def test_it_stops_when_an_endpoint_takes_minutes() -> None:
    asked: list[Asked] = []

    def note(request: Asked) -> Answer:
        asked.append(request)
        return Answer()

    with serving(note) as server:
        rate = answers_per_minute(Endpoint(base_url=server.base_url), PROMPTS, MODEL, ticking(61.0))
    assert rate == pytest.approx(60 * 2 / 183)
    assert len(asked) == 2
