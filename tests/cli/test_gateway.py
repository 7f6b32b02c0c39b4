"""``reviewbot gateway`` from the command line, and a review that goes through one."""

import io
import json
import os
import socket
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import Reviewbot
from fakes.answers import Answer, Asked, findings
from fakes.model_server import serving
from gateway_scene import TOKEN, gateway

from reviewbot.gateway.journal import Journal
from reviewbot.gateway.tokens import digest

UPSTREAM = {"REVIEWBOT_BASE_URL": "http://127.0.0.1:9/v1"}


def test_a_token_is_hashed_for_the_file(reviewbot: Reviewbot) -> None:
    ran = reviewbot("gateway", "--hash-token", stdin=b"a-token\n")
    assert (0, digest("a-token") + "\n", "") == (ran.code, ran.out, ran.err)


def test_what_can_be_no_token_is_not_hashed(reviewbot: Reviewbot) -> None:
    ran = reviewbot("gateway", "--hash-token", stdin=b"two words\n")
    assert (2, "") == (ran.code, ran.out)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "gateway.example"])  # noqa: S104 - what is refused
def test_without_tokens_it_serves_this_machine_alone(reviewbot: Reviewbot, host: str) -> None:
    ran = reviewbot("gateway", "--host", host, "--port", "0", **UPSTREAM)
    assert 2 == ran.code
    assert "REVIEWBOT_GATEWAY_TOKENS=tenant=token" in ran.err


def test_a_port_that_is_taken_is_named(reviewbot: Reviewbot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = reviewbot("gateway", "--port", port, **UPSTREAM)
    assert 2 == ran.code
    assert f"cannot listen on 127.0.0.1, port {port}" in ran.err


def test_an_address_that_this_machine_does_not_have_is_named(reviewbot: Reviewbot) -> None:
    ran = reviewbot("gateway", "--host", "192.0.2.1", "--port", "0", REVIEWBOT_GATEWAY_TOKENS="a=b", **UPSTREAM)
    assert 2 == ran.code
    assert "cannot listen on 192.0.2.1" in ran.err


def test_a_gateway_without_an_upstream_says_what_to_set(reviewbot: Reviewbot) -> None:
    ran = reviewbot("gateway", "--port", "0")
    assert 2 == ran.code
    assert "REVIEWBOT_API_KEY" in ran.err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_what_is_no_port_is_named(reviewbot: Reviewbot, port: str) -> None:
    ran = reviewbot("gateway", f"--port={port}")
    assert 2 == ran.code
    assert f"'{port}' is no port" in ran.err


def test_a_missing_extra_is_named_with_what_installs_it(
    reviewbot: Reviewbot, process: Reviewbot, tmp_path: Path
) -> None:
    del reviewbot
    # A Python that finds no uvicorn, as one without the extra.
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util\nfound = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'uvicorn' else found(name, *rest)\n"
    )
    ran = process("gateway", PYTHONPATH=os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2]))))
    assert 2 == ran.code
    assert "(uvicorn): pip install 'reviewbot[gateway]'" in ran.err


def test_a_review_goes_through_a_gateway_and_the_next_one_is_answered_from_its_cache(
    reviewbot: Reviewbot, repo: gitrepo.Repo
) -> None:
    del repo
    claim = {
        "path": "app.py", "line": 5, "quote": "return undefined_name", "side": "RIGHT", "severity": "high",
        "category": "bug", "title": "Callers get no total", "body": "They add it up.", "suggestion": None,
    }  # fmt: skip

    def script(asked: Asked) -> Answer:
        return findings(claim) if asked.headers["x-reviewbot-task"] == "review" else Answer(text='{"summary": "s"}')

    with serving(script) as upstream, gateway(upstream) as team:
        environ = {"REVIEWBOT_BASE_URL": f"{team.base}/v1", "REVIEWBOT_API_KEY": TOKEN}
        first = reviewbot("review", "--format", "json", "--tests", "off", **environ)
        asked = upstream.hits
        second = reviewbot("review", "--format", "json", "--tests", "off", **environ)
        again = upstream.hits
        tasks = {line["task"] for line in team.lines}
    assert (0, "llm") == (first.code, first.report["engine"])
    assert "Callers get no total" in [finding["title"] for finding in first.report["findings"]]
    assert first.report["findings"] == second.report["findings"]
    assert (asked, True) == (again, asked > 0)
    assert "review" in tasks


def test_nothing_is_said_where_nobody_reads_any_more() -> None:
    closed = io.StringIO()
    closed.close()
    from reviewbot.wiring.surroundings import utc_now

    Journal(closed).said(utc_now(), "info", "hello")


def test_a_line_of_the_log_is_one_line_of_ascii() -> None:
    from reviewbot.wiring.surroundings import utc_now

    stream = io.StringIO()
    Journal(stream).said(utc_now(), "warning", "two\nlines \x1b[31m é")
    (line,) = stream.getvalue().splitlines()
    assert line.isascii()
    assert "two\nlines \x1b[31m é" == json.loads(line)["message"]
