"""``reviewbot bench`` against the fake server: the contract's JSON, a table, and clear errors."""

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.model_server import Answer, Asked, refusal, serving

from reviewbot.bench import rendering
from reviewbot.bench.rows import Measured
from reviewbot.cli import run
from reviewbot.cli.bench import Meter
from reviewbot.domain.events import Progress

NAMES = ["completion", "module", "review", "bugfix", "tests"]
KEYS = [
    "scenario", "requests", "ok", "mean_s", "p50_s", "p95_s", "ttft_p50_s", "requests_per_minute", "ceiling_share",
    "sync_requests_per_minute", "cost_per_call_usd", "errors",
]  # fmt: skip

Ran = tuple[int, str, str]
Bench = Callable[..., Ran]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Bench]:
    """Run the command in this process, under an environment without surprises."""
    handler = signal.getsignal(signal.SIGTERM)

    def bench(*arguments: str, **environ: str) -> Ran:
        monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], **environ})  # noqa: TID251 - this is the place
        try:
            code = run(["bench", *arguments])
        except SystemExit as stop:
            code = int(str(stop.code))
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    yield bench
    signal.signal(signal.SIGTERM, handler)


def streamed(_: Asked) -> Answer:
    return Answer(text='{"findings": []}', ttft_s=0.02, event_delay_s=0.01, tokens=100)


def test_json_has_a_row_for_each_scenario_as_the_contract_says(bench: Bench) -> None:
    with serving(streamed, keys=["sk-1"]) as server:
        arguments = ("--requests", "4", "--connections", "2", "--format", "json", "--sync-baseline")
        code, out, err = bench("--base-url", server.base_url, *arguments, REVIEWBOT_API_KEY="sk-1")
        assert server.most_at_once == 2
    rows = json.loads(out)
    assert (code, err) == (0, "")
    assert [row["scenario"] for row in rows] == NAMES
    for row in rows:
        assert list(row) == KEYS
        assert (row["requests"], row["ok"], row["errors"]) == (4, 4, {})
        assert 0.02 <= row["ttft_p50_s"] < row["p50_s"] <= row["p95_s"] < 20
        assert 0 < row["ceiling_share"] < 20
        assert row["requests_per_minute"] > row["sync_requests_per_minute"] * 0.5 > 0
        assert 0 < row["cost_per_call_usd"] < 0.01


def test_the_endpoint_and_model_may_come_from_the_environment(bench: Bench) -> None:
    with serving(streamed) as server:
        code, out, _ = bench(
            "--scenario", "review", "--requests", "2", "--format", "json",
            REVIEWBOT_BASE_URL=server.base_url, REVIEWBOT_MODEL="home-made",
        )  # fmt: skip
        assert {"home-made"} == {asked.body["model"] for asked in server.asked}
    assert code == 0
    assert [(row["scenario"], row["cost_per_call_usd"]) for row in json.loads(out)] == [("review", None)]
    assert json.loads(out)[0]["sync_requests_per_minute"] is None


def test_the_table_names_model_endpoint_and_size_and_marks_unknown_cost(bench: Bench) -> None:
    with serving(streamed) as server:
        arguments = ("--model", "other", "--scenario", "tests", "--requests", "1", "--connections", "1")
        code, out, err = bench("--base-url", server.base_url, *arguments)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0] == "other at 127.0.0.1 · 1 request a scenario over 1 connection"
    assert lines[2].split() == ["scenario", "ok", "mean", "p50", "p95", "TTFT", "req/min", "ceiling", "cost/call"]
    assert lines[3].split()[:2] == ["tests", "1/1"]
    assert lines[3].endswith("unknown")


def test_every_prompt_is_asked_upstream_anew(bench: Bench) -> None:
    with serving(streamed) as server:
        bench("--base-url", server.base_url, "--scenario", "bugfix", "--requests", "6")
        bench("--base-url", server.base_url, "--scenario", "bugfix", "--requests", "6")
        assert len({asked.user for asked in server.asked}) == len(server.asked) == 18


def test_failed_requests_are_figures_and_no_error(bench: Bench) -> None:
    def short(asked: Asked) -> Answer:
        return Answer(finish_reason="length") if "(request 1 of" in asked.user else Answer()

    with serving(short) as server:
        code, out, _ = bench("--base-url", server.base_url, "--scenario", "review", "--requests", "3")
    assert code == 0
    assert "2/3" in out
    assert out.endswith("review: 1 request failed: 1 finish reason length\n")


def test_a_scenario_without_an_answer_exits_with_4_and_shows_the_table(bench: Bench) -> None:
    def only_alone(asked: Asked) -> Answer:
        return Answer() if "(request lone" in asked.user else refusal(400, "Not now")

    with serving(only_alone) as server:
        code, out, _ = bench("--base-url", server.base_url, "--scenario", "review", "--requests", "3")
    assert code == 4
    assert "0/3" in out
    assert "review: 3 requests failed: 3 request" in out


def test_a_budget_that_ends_in_the_middle_exits_with_5_and_shows_the_table(bench: Bench) -> None:
    with serving(streamed) as server:
        arguments = ("--scenario", "completion", "--requests", "100", "--connections", "1", "--format", "json")
        code, out, _ = bench("--base-url", server.base_url, *arguments, REVIEWBOT_BUDGET_RUN="0.0015")
    row = json.loads(out)[0]
    assert code == 5
    assert row["ok"] + row["errors"]["budget"] == 100
    assert 0 < row["ok"] < 100


def test_a_days_budget_is_kept_over_runs_at_the_operators_prices(bench: Bench, tmp_path: Path) -> None:
    """Each answer of 100 tokens costs USD 0.1, and none can cost more than USD 0.5."""
    operator = tmp_path / "operator.toml"
    operator.write_text('[[price]]\nmodel = "home-grown"\nprompt = 0\ncompletion = 1_000\n')
    environ = {
        "REVIEWBOT_CONFIG": str(operator),
        "REVIEWBOT_MODEL": "home-grown",
        "REVIEWBOT_CACHE_DIR": str(tmp_path / "kept"),
        "REVIEWBOT_BUDGET_DAY": "1.05",
        "REVIEWBOT_API_KEY": "sk-1",
    }
    with serving(streamed) as server:
        arguments = ("--base-url", server.base_url, "--scenario", "completion", "--connections", "1")
        code, out, _ = bench(*arguments, "--requests", "2", "--format", "json", **environ)
        assert (0, 0.1) == (code, json.loads(out)[0]["cost_per_call_usd"])
        # 5 requests are paid, and the worst case of a 7th is more than what is left.
        assert 5 == len(server.asked)
        code, _, _ = bench(*arguments, "--requests", "20", **environ)
        assert (5, 6) == (code, len(server.asked))


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"REVIEWBOT_BUDGET_DAY": "1"}, "a day's or month's budget needs a store that outlives the run"),
        (
            {"REVIEWBOT_BUDGET_RUN": "1", "REVIEWBOT_MODEL": "home-grown"},
            "the price of model 'home-grown' is not known",
        ),
    ],
)
def test_a_budget_that_could_not_be_kept_is_refused(bench: Bench, environ: dict[str, str], said: str) -> None:
    code, out, err = bench("--base-url", "http://127.0.0.1:9/v1", **environ)
    assert (2, "") == (code, out)
    assert said in err


def test_the_answers_of_a_fallback_are_not_measured(bench: Bench, tmp_path: Path) -> None:
    operator = tmp_path / "operator.toml"
    with serving(lambda _: refusal(401, "no")) as first, serving(streamed) as second:
        operator.write_text(f'engine = "static"\n[[fallback]]\nbase_url = "{second.base_url}"\nmodel = "spare"\n')
        environ = {"REVIEWBOT_CONFIG": str(operator), "REVIEWBOT_API_KEY": "sk-1"}
        code, _, _ = bench("--base-url", first.base_url, **environ)
    assert (4, []) == (code, second.asked)


def test_an_endpoint_that_refuses_the_key_ends_it_at_once(bench: Bench) -> None:
    with serving(streamed, keys=["sk-1"]) as server:
        code, out, err = bench("--base-url", server.base_url, REVIEWBOT_API_KEY="sk-wrong")
        assert server.hits <= 3
    assert (code, out) == (4, "")
    assert "sk-wrong" not in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is nothing to measure: give --base-url URL, or set REVIEWBOT_BASE_URL or REVIEWBOT_API_KEY"),
        (("--base-url", "nonsense"), "the endpoint 'nonsense' is no http(s) URL"),
        (("--base-url", "http://x", "--requests", "0"), "argument --requests: '0' is no number from 1 to"),
        (("--base-url", "http://x", "--connections", "many"), "argument --connections: 'many' is no number from 1 to"),
        (("--base-url", "http://x", "--scenario", "poem"), "invalid choice: 'poem'"),
    ],
)
def test_a_mistake_is_named_and_exits_with_2(bench: Bench, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = bench(*arguments)
    assert (code, out) == (2, "")
    assert said in err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_on_a_terminal_and_leaves_no_trace() -> None:
    stream = Terminal()
    meter = Meter(stream)
    meter("review", Progress(done=3, total=1_000))
    meter("review", Progress(done=4, total=1_000, failed=1))
    meter.clear()
    assert stream.getvalue() == (
        "\r\x1b[Kreview: 3 of 1,000\r\x1b[Kreview: 4 of 1,000, 1 failed\r\x1b[K"
    )  # fmt: skip


def test_elsewhere_there_is_no_progress() -> None:
    stream = io.StringIO()
    Meter(stream)("review", Progress(done=3, total=4))
    Meter(stream).clear()
    assert stream.getvalue() == ""


def measured(**changes: object) -> Measured:
    values: dict[str, object] = {
        "scenario": "module", "requests": 100, "connections": 50, "latencies_s": (2.1,) * 99, "ttfts_s": (0.4,) * 99,
        "wall_s": 4.25, "lone_s": 2.05, "sync_per_minute": 29.2, "cost_usd": Decimal("0.0891"), "errors": {},
    }  # fmt: skip
    return Measured(**(values | changes))  # type: ignore[arg-type]


def test_the_table_reads_well() -> None:
    rows = [
        measured(errors={"timeout": 1}),
        measured(scenario="review", latencies_s=(), ttfts_s=(), sync_per_minute=None, cost_usd=None),
    ]
    assert rendering.as_text(rows, "m at h") == (
        "m at h\n"
        "\n"
        "scenario      ok   mean    p50    p95   TTFT  req/min  ceiling  blocking/min  speedup  cost/call\n"
        "module    99/100  2.10s  2.10s  2.10s  0.40s    1,398    95.5%          29.2    47.9x   $0.00090\n"
        "review     0/100      -      -      -      -        0     0.0%             -        -    unknown\n"
        "\n"
        "TTFT: to the first content, median · ceiling: share of connections ÷ latency of a lone request\n"
        "blocking/min: one blocking client, one request at a time · speedup: requests a minute over that\n"
        "module: 1 request failed: 1 timeout\n"
    )
