"""The audit log, by itself and in a running gateway."""

import json
import logging
import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fakes.answers import Answer
from fakes.model_server import serving
from gateway_scene import MODEL, TOKEN, gateway, question

from reviewbot.domain.served import Served
from reviewbot.domain.usage import TokenUsage
from reviewbot.gateway.audit import AuditLog

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SERVED = Served(
    at=NOON,
    request_id="r-1",
    path="/v1/chat/completions",
    tenant="shop",
    task="review",
    model=MODEL,
    parameters=(("temperature", "0.2"),),
    status=200,
    source="miss",
    key_id="3f2a9c01",
    answered_by="deepseek-flash-1017",
    attempts=2,
    usage=TokenUsage(prompt_tokens=10, completion_tokens=3),
    cost_usd=Decimal("0.0000123"),
    latency_s=1.25,
)


class Clock:
    """A clock to turn."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def lines(folder: Path) -> list[dict[str, Any]]:
    return [
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("ascii").splitlines()
    ]


def test_a_line_tells_who_asked_for_what_and_what_became_of_it(tmp_path: Path) -> None:
    AuditLog(tmp_path / "audit", Clock(), 90)(SERVED)
    assert [
        {
            "at": "2026-11-22T12:00:00.000Z",
            "id": "r-1",
            "path": "/v1/chat/completions",
            "tenant": "shop",
            "task": "review",
            "model": MODEL,
            "answered_by": "deepseek-flash-1017",
            "parameters": {"temperature": "0.2"},
            "stream": False,
            "status": 200,
            "error": None,
            "cache": "miss",
            "key": "3f2a9c01",
            "attempts": 2,
            "prompt_tokens": 10,
            "cached_tokens": 0,
            "completion_tokens": 3,
            "cost_usd": "0.0000123",
            "latency_s": 1.25,
            "ttft_s": None,
        }
    ] == lines(tmp_path / "audit")


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "audit"
    AuditLog(folder, Clock(), 90)(SERVED)
    (path,) = folder.iterdir()
    assert (0o700, 0o600) == (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(path.stat().st_mode))


def test_each_day_has_a_file_and_those_that_are_too_old_go(tmp_path: Path) -> None:
    clock = Clock()
    log = AuditLog(tmp_path, clock, 2)
    for _ in range(4):
        log(SERVED)
        clock.now += timedelta(days=1)
    assert ["audit-2026-11-23.jsonl", "audit-2026-11-24.jsonl", "audit-2026-11-25.jsonl"] == sorted(
        path.name for path in tmp_path.iterdir()
    )


def test_nothing_goes_that_is_not_known_to_be_an_old_log(tmp_path: Path) -> None:
    foreign = ["audit-2020-01-01.jsonl.gz", "audit-2020.jsonl", "notes.txt", "2020-01-01.jsonl"]
    for name in (*foreign, "audit-2020-01-01.jsonl"):
        (tmp_path / name).touch()
    AuditLog(tmp_path, Clock(), 90)(SERVED)
    assert sorted([*foreign, "audit-2026-11-22.jsonl"]) == sorted(path.name for path in tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_told_of_once_and_used_again_when_it_can(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "audit"
    folder.write_text("a file where the folder should be")
    log = AuditLog(folder, Clock(), 90)
    with caplog.at_level(logging.WARNING, "reviewbot"):
        log(SERVED)
        log(SERVED)
    folder.unlink()
    log(SERVED)
    assert (1, 1) == (len(caplog.records), len(lines(folder)))


def test_what_a_client_made_up_is_kept_short_and_on_one_line(tmp_path: Path) -> None:
    AuditLog(tmp_path, Clock(), 90)(replace(SERVED, model="a\n\u2028b" * 1_000, tenant=None))
    (line,) = lines(tmp_path)
    assert (200, None) == (len(line["model"]), line["tenant"])


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_running_gateway_keeps_one_where_it_is_told_to(tmp_path: Path, by_variable: bool) -> None:
    config, folder = tmp_path / "gateway.toml", tmp_path / "audit"
    config.write_text("" if by_variable else f"[gateway]\naudit = {str(folder)!r}\n")
    variables: dict[str, Any] = {"REVIEWBOT_AUDIT": str(folder)} if by_variable else {}
    with (
        serving(lambda _: Answer(text="a secret answer")) as upstream,
        gateway(upstream, config=config, **variables) as running,
    ):
        running.ask(question("a private question"), x_request_id="one")
        running.ask(question("a private question"), x_request_id="two")
        running.ask(token="nobody's", x_request_id="three")
        assert "reviewbot_gateway_dropped_lines_total" in running.get("/metrics").text
    found = lines(folder)
    assert [("one", "team", 200, "miss"), ("two", "team", 200, "hit"), ("three", None, 401, None)] == [
        (line["id"], line["tenant"], line["status"], line["cache"]) for line in found
    ]
    assert (MODEL, True, None) == (found[0]["answered_by"], float(found[0]["cost_usd"]) > 0, found[1]["cost_usd"])
    text = json.dumps(found)
    assert not any(secret in text for secret in ("private question", "secret answer", TOKEN, "upstream-key", "nobody"))


def test_the_ledger_of_a_gateway_is_written_to_its_end(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    with serving(lambda _: Answer(text="x")) as upstream, gateway(upstream, REVIEWBOT_LEDGER=str(ledger)) as running:
        for number in range(20):
            running.ask(question(str(number)))
    assert 20 == len(lines(tmp_path))
