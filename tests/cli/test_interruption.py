"""Ctrl-C, and the SIGTERM of a cancelled job, while a model thinks: what is known by then is printed."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import ROOT, checked
from fakes.model_server import Answer, Asked, findings, serving

CONFIG = "[client]\nconcurrency = 1\n[chunks]\ntarget_tokens = 1\n"


IGNORING = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")
"""Starts a program as a shell starts one in the background: Ctrl-C is ignored."""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("starter", [(), IGNORING], ids=["in front", "in the background"])
def test_what_is_known_by_then_is_printed_and_saved(
    tmp_path: Path, number: signal.Signals, starter: tuple[str, ...]
) -> None:
    repo = gitrepo.init(tmp_path / "repo")
    repo.commit({".reviewbot.toml": CONFIG})
    repo.branch("topic")
    repo.commit({"a.go": "return first_one\n", "b.go": "return second_one\n"})
    waiting = threading.Event()
    release = threading.Event()

    def script(asked: Asked) -> Answer:
        if "second_one" in asked.user:
            waiting.set()
            release.wait(30)
            return Answer()
        return findings({
            "path": "a.go", "line": 1, "quote": "return first_one", "side": "RIGHT", "severity": "high",
            "category": "bug", "title": "a claim", "body": "", "suggestion": None,
        })  # fmt: skip

    with serving(script) as server:
        environ = {**repo.environ, "PYTHONPATH": str(ROOT), "REVIEWBOT_BASE_URL": server.base_url}
        with subprocess.Popen(
            [*starter, sys.executable, "-m", "reviewbot", "review", "--format", "json", "--output", "html=r.html"],
            cwd=repo.path,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as child:
            try:
                assert waiting.wait(30)
                os.kill(child.pid, number)
                out, err = child.communicate(timeout=30)
            finally:
                release.set()
                child.kill()
    report = checked(json.loads(out))
    assert (130, 130) == (child.returncode, report["verdict"]["exit_code"])
    assert {"a.go": "reviewed", "b.go": "skipped"} == {file["path"]: file["outcome"] for file in report["files"]}
    assert ["a claim"] == [finding["title"] for finding in report["findings"]]
    assert "interrupted" in report["verdict"]["reasons"][0]
    assert "a claim" in (repo.path / "r.html").read_text("utf-8")
    assert b"Traceback" not in err
