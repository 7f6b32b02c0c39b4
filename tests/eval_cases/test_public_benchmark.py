"""The script for the public benchmark: against a made-up clone of it and a model on loopback."""

import json
import runpy
from pathlib import Path
from typing import Any

import eval_scene
import pytest
from eval_scene import HIGH, NOWHERE, answering
from fakes.model_server import refusal, serving

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "eval" / "public50.py"
PROTOCOL: dict[str, Any] = runpy.run_path(str(SCRIPT))
URL = "https://forge.example/shop/pull/1"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Make what the script reads of the benchmark."""
    folder = tmp_path / "clone" / "offline" / "golden_comments"
    folder.mkdir(parents=True)
    golden = [{"pr_title": "Last item", "url": URL, "comments": [{"comment": "Off by one.", "severity": "High"}]}]
    (folder / "shop.json").write_text(json.dumps(golden))
    return tmp_path / "clone"


def reviewed(clone: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> int:
    """Review as the script does; the diff comes from here instead of the network."""
    monkeypatch.setenv("REVIEWBOT_BASE_URL", url)
    monkeypatch.setenv("PYTHONPATH", str(SCRIPT.parents[2]))
    monkeypatch.chdir(clone)
    offline = clone / "offline"

    def fetch(address: str) -> bytes:
        assert f"{URL}.diff" == address
        return eval_scene.COUNT.encode()

    failed: int = PROTOCOL["reviewed"](PROTOCOL["golden"](offline), offline / "results", fetch)
    return failed


def test_comments_in_line_are_handed_to_the_judge_and_no_others(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"tool": "other", "review_comments": []}
    results = clone / "offline" / "results"
    results.mkdir()
    (results / "benchmark_data.json").write_text(json.dumps({URL: {"pr_title": "Last item", "reviews": [other]}}))
    with serving(answering(count=[HIGH, {**NOWHERE, "path": "count.py"}])) as server:
        assert 0 == reviewed(clone, monkeypatch, server.base_url)
        assert 0 == reviewed(clone, monkeypatch, server.base_url)
    reviews = json.loads((results / "benchmark_data.json").read_text())[URL]["reviews"]
    comment = {"path": "count.py", "line": 3, "body": "It is wrong\n\n", "created_at": None}
    assert [
        other,
        {"tool": "reviewbot", "repo_name": "reviewbot", "pr_url": URL, "review_comments": [comment]},
    ] == reviews


def test_a_change_that_was_not_reviewed_is_counted_and_not_handed_on(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(lambda _: refusal(400, "no")) as server:
        assert 1 == reviewed(clone, monkeypatch, server.base_url)
    assert not (clone / "offline" / "results" / "benchmark_data.json").exists()
    assert f"failed: {URL}\n" in capsys.readouterr().err


def test_figures_are_over_all_changes_together() -> None:
    def judged(tp: int, fp: int, fn: int) -> dict[str, dict[str, int]]:
        return {"reviewbot": {"tp": tp, "fp": fp, "fn": fn}, "other": {"tp": 9, "fp": 9, "fn": 9}}

    evaluations = {"a": judged(1, 0, 3), "b": judged(2, 3, 0), "c": {"other": {"tp": 1, "fp": 1, "fn": 1}}}
    assert "2 changes: precision 50.0%, recall 50.0%, F1 50.0%" == PROTOCOL["told"](evaluations)
    assert "0 changes: precision -, recall -, F1 -" == PROTOCOL["told"]({})
