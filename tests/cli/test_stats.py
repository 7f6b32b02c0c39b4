"""``reviewbot stats``: as its golden files, true to the ledger, and clear about ledgers that are none."""

import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from telling_events import ATTEMPT, COMMENT, KEY, NOW, comment, request

from reviewbot.cli import run
from reviewbot.domain.events import Event
from reviewbot.domain.uptake import Uptake
from reviewbot.domain.usage import TokenUsage
from reviewbot.observers.ledger import Ledger
from reviewbot.outputs.stats import FORMATS, render
from reviewbot.outputs.stats.figures import GROUPINGS, Tally

HERE = Path(__file__).parent
GOLDEN = HERE / "golden_stats"
UPDATE = runpy.run_path(str(HERE / "update_golden_stats.py"))
NAMES = sorted(UPDATE["CASES"])

Ran = tuple[int, str, str]
Stats = Callable[..., Ran]


@pytest.fixture
def stats(capsysbinary: pytest.CaptureFixture[bytes]) -> Iterator[Stats]:
    """Run the command in this process."""
    handler = signal.getsignal(signal.SIGTERM)

    def stats(path: Path, *arguments: str) -> Ran:
        try:
            code = run(["stats", str(path), *arguments])
        except SystemExit as stop:
            code = int(str(stop.code))
        out, err = capsysbinary.readouterr()
        return code, out.decode(), err.decode()

    yield stats
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def written(path: Path, *events: Event) -> Path:
    ledger = Ledger(path, lambda: NOW)
    for event in events:
        ledger(event)
    return path


def figures(*events: Event, by: str = "day") -> dict[str, Any]:
    tally = Tally(by)
    for event in events:
        tally.add(NOW, event)
    value: dict[str, Any] = json.loads(render(tally.stats("l"), "json"))
    return value


@pytest.mark.parametrize("name", NAMES)
def test_statistics_are_as_their_golden_file(name: str, stats: Stats, path: Path) -> None:
    """``update_golden_stats.py`` beside this file writes them anew."""
    by, form = UPDATE["CASES"][name]
    UPDATE["write_ledger"](path)
    assert (0, (GOLDEN / name).read_bytes().decode(), "") == stats(path, "--by", by, "--format", form)


def test_no_golden_file_is_left_over() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == NAMES


def test_every_grouping_and_format_of_the_command_line_exists() -> None:
    from reviewbot.cli.arguments import parse

    for by in GROUPINGS:
        for form in FORMATS:
            options = parse(["stats", "x", "--by", by, "--format", form])
            assert (by, form) == (options.by, options.format)


def test_a_gateways_ledger_is_told_by_tenant() -> None:
    found = figures(request(tenant="shop"), request(tenant="shop"), request(), by="tenant")
    assert {"shop": 2, "no tenant": 1} == {group["name"]: group["requests"] for group in found["groups"]}


def test_figures_add_up() -> None:
    found = figures(
        request(),
        request(attempts=3, latency_s=4.0, ttft_s=None),
        request(outcome="cached", attempts=0, latency_s=0.0, usage=TokenUsage(), cost_usd=Decimal(0)),
        request(outcome="rate", attempts=6, latency_s=60.0, usage=TokenUsage(), cost_usd=Decimal(0)),
    )
    assert found["total"] == {
        "name": "total", "requests": 4, "ok": 3, "ok_share": 0.75, "cached": 1, "coalesced": 0, "reused_share": 0.25,
        "retries": 7, "prompt_tokens": 2_000, "cached_tokens": 800, "cached_token_share": 0.4,
        "completion_tokens": 400, "cost_usd": "0.000422", "unpriced_requests": 0, "latency_p50_s": 3.0,
        "latency_p95_s": 3.9, "ttft_p50_s": 0.5,
    }  # fmt: skip


def test_an_unknown_price_is_not_zero(stats: Stats, path: Path) -> None:
    assert figures(request(cost_usd=None))["total"]["cost_usd"] is None
    code, out, _ = stats(written(path, request(cost_usd=None)))
    assert code == 0
    assert "unknown" in out
    assert "requests per day\n2026-11-21  " + "█" * 40 + "  1\n" in out
    assert "≥: the price of 1 request is not known\n" in out


def test_an_amount_that_is_not_nothing_does_not_look_like_it(stats: Stats, path: Path) -> None:
    _, out, _ = stats(written(path, request(cost_usd=Decimal("0.00000001"))))
    assert "<$0.0001" in out


def test_almost_all_is_not_all(stats: Stats, path: Path) -> None:
    _, out, _ = stats(written(path, *[request() for _ in range(2_999)], request(outcome="rate")))
    assert " 99.9% " in out
    assert " 100% " not in out


def test_figures_of_nothing_are_unknown(stats: Stats, path: Path) -> None:
    nothing = request(outcome="rate", ttft_s=None, usage=TokenUsage(), cost_usd=Decimal(0))
    _, out, _ = stats(written(path, nothing))
    row = next(line for line in out.splitlines() if line.startswith("2026-11-21"))
    assert row.split() == ["2026-11-21", "1", "0.0%", "0.0%", "0", "-", "0", "$0.0000", "-", "-", "-", "0"]
    assert "Latency" not in stats(path, "--format", "html")[1]


def test_what_is_before_a_day_is_left_out(stats: Stats, path: Path) -> None:
    written(path, *[request(at=NOW - timedelta(days=day)) for day in (3, 2, 1, 0)])
    code, out, _ = stats(path, "--since", "2026-11-20", "--format", "json")
    assert (code, json.loads(out)["since"], json.loads(out)["total"]["requests"]) == (0, "2026-11-20", 2)


@pytest.mark.parametrize(("form", "said"), [("text", "no requests since 2026-12-01"), ("html", "no requests since")])
def test_nothing_since_a_day_is_no_error(stats: Stats, path: Path, form: str, said: str) -> None:
    code, out, err = stats(written(path, request()), "--since", "2026-12-01", "--format", form)
    assert (code, err) == (0, "")
    assert said in out


def test_a_ledger_with_events_alone_has_no_requests(stats: Stats, path: Path) -> None:
    assert stats(written(path, KEY))[1] == (
        "ledger.jsonl · no requests\n\naccepted share: not recorded\nevents: 1 key change\n"
    )


def test_a_comment_counts_once_by_the_best_that_is_known_of_it() -> None:
    """Whatever the order: runs without a ledger of their own that is kept tell all of it again."""
    steps = [comment(uptake=uptake) for uptake in (Uptake.OPEN, Uptake.APPLIED, Uptake.IGNORED)]
    elsewhere = [comment(number=8, uptake=Uptake.OPEN), comment(project="43", uptake=Uptake.DISMISSED)]
    for events in ([*steps, *elsewhere], [*elsewhere, *reversed(steps)]):
        found = figures(*events)
        total = found["comments"]["total"]
        assert (0.333333, 3, 1) == (found["accepted_share"], total["comments"], total["applied"])
        assert (0, 1, 1) == (total["ignored"], total["open"], total["dismissed"])


def test_without_comments_nothing_is_accepted_and_nothing_refused() -> None:
    found = figures(request())
    assert (None, []) == (found["accepted_share"], found["comments"]["by_source"])


def test_a_ledger_with_comments_alone_shows_them(stats: Stats, path: Path) -> None:
    written(path, comment(uptake=Uptake.OPEN), COMMENT)
    out = stats(path)[1]
    assert out.startswith("ledger.jsonl · no requests\n\ncomments")
    assert ["ruff", "1", "100%", "0", "1", "0", "0", "0", "0"] in [line.split() for line in out.splitlines()]
    assert "\naccepted share: 100% of 1 comment\n" in out
    assert "100% of 1 comment" in stats(path, "--format", "html")[1]


def test_other_events_than_those_of_a_ledger_do_not_count() -> None:
    assert figures(ATTEMPT)["events"] == {"keys": 0, "breakers": 0, "budgets": 0}


def test_groups_other_than_days_come_with_the_dearest_first() -> None:
    found = figures(
        request(model="b"), request(model="c"), request(model="a", cost_usd=None), request(model="c"), by="model"
    )
    assert [group["name"] for group in found["groups"]] == ["c", "b", "a"]


def test_a_line_with_a_wrong_date_draws_no_century(stats: Stats, path: Path) -> None:
    written(path, request(at=datetime(1999, 1, 1, tzinfo=UTC)), request())
    assert len(json.loads(stats(path, "--format", "json")[1])["days"]) == 92
    assert stats(path)[1].count("\n2026-") == 1 + 31
    assert "1999-01-01" in stats(path)[1]


def test_no_name_can_move_the_cursor_or_leave_its_cell(stats: Stats, path: Path) -> None:
    written(path, request(model="\x1b[2J<script>alert(1)</script>"))
    assert "\\x1b[2J<script>" in stats(path, "--by", "model")[1]
    page = stats(path, "--by", "model", "--format", "html")[1]
    assert "<script" not in page
    assert "\x1b" not in page


class Page(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def test_the_page_has_no_script_and_loads_nothing() -> None:
    text = (GOLDEN / "by-day.html").read_text("utf-8")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert [name for name, _ in page.attributes if name in {"src", "href"} or name.startswith("on")] == []
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text


def test_a_day_without_answers_breaks_the_line_of_latencies() -> None:
    text = (GOLDEN / "by-day.html").read_text("utf-8")
    assert text.count("<polyline") == 4  # two stretches of days, p50 and p95
    assert text.count('<path class="dot') == 16


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no ledger {path}: a ledger is written where REVIEWBOT_LEDGER names its path"),
        (b"", "the ledger {path} is empty: no request has been made since it was begun"),
        (b"\n\n", "the ledger {path} is empty"),
        (b"x,y\n1,2\n", "{path} is no ledger of reviewbot: none of its 2 lines is an entry"),
        (b"\x89PNG\r\n", "{path} is no ledger of reviewbot: its only line is no entry"),
        (b'{"kind":"req', "{path} is no ledger of reviewbot: its only line is no entry"),
    ],
)
def test_a_ledger_that_is_none_is_explained(stats: Stats, path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        path.write_bytes(content)
    code, out, err = stats(path)
    assert (code, out) == (2, "")
    assert said.format(path=path) in err


def test_a_ledger_that_cannot_be_read_is_explained(stats: Stats, tmp_path: Path) -> None:
    assert (2, "", f"reviewbot: the ledger {tmp_path} cannot be read: Is a directory\n") == stats(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "'yesterday' is no day: write it as 2026-11-22"),
        (["--by", "hour"], "invalid choice: 'hour'"),
        (["--format", "yaml"], "invalid choice: 'yaml'"),
    ],
)
def test_a_mistake_on_the_command_line_is_named(stats: Stats, path: Path, arguments: list[str], said: str) -> None:
    code, out, err = stats(path, *arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("command", ["stats", "bench"])
def test_help_imports_nothing_heavy(command: str) -> None:
    code = (
        "import sys\nfrom reviewbot.cli import run\n"
        f"try:\n    run([{command!r}, '--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'pydantic', 'httpx', 'rich', 'jinja2', 'tenacity', 'asyncio', 'prometheus_client', 'json'}\n"
        "sys.stderr.write('loaded: ' + ' '.join(sorted(heavy & set(sys.modules))))"
    )
    environ = {"PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stderr.endswith("loaded: ")
