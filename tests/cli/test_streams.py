"""What goes where: the result to standard output, all else to standard error; colour, width, closed pipes."""

import errno
import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import ROOT, Reviewbot
from fakes.model_server import Answer, serving

from reviewbot.cli import streams
from reviewbot.domain.events import Progress
from reviewbot.errors import UsageError

ESCAPE = "\x1b["


def test_standard_output_carries_the_result_only_whatever_has_to_be_said(reviewbot: Reviewbot) -> None:
    with serving(lambda _: Answer()) as server:
        ran = reviewbot("review", "--format", "json", REVIEWBOT_BASE_URL=server.base_url)
    assert "llm" == ran.report["engine"]
    assert ["reviewbot: asking deepseek-flash at 127.0.0.1"] == ran.err.splitlines()


@pytest.mark.parametrize(
    ("arguments", "environ", "colored"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ((), {"NO_COLOR": ""}, False),
        ((), {"TERM": "xterm-256color", "CLICOLOR_FORCE": "1"}, False),
        (("--format", "json", "--color", "always"), {}, False),
    ],
)
def test_colour_is_by_flag_then_variables_then_terminal(
    reviewbot: Reviewbot, arguments: tuple[str, ...], environ: dict[str, str], *, colored: bool
) -> None:
    assert colored is (ESCAPE in reviewbot("review", *arguments, **environ).out)


def test_a_terminal_gets_colour() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    before, sys.stdout = sys.stdout, Terminal()
    try:
        assert streams.wants_color("auto", {})
        assert not streams.wants_color("auto", {"NO_COLOR": "1"})
    finally:
        sys.stdout = before


@pytest.mark.parametrize(
    ("columns", "widest"), [("60", 60), ("20", 60), ("80", 80), ("500", 120), ("0", 100), ("wide", 100)]
)
def test_prose_is_as_wide_as_the_terminal_within_bounds(
    reviewbot: Reviewbot, repo: gitrepo.Repo, columns: str, widest: int
) -> None:
    repo.write("app.py", "import os\n")
    out = reviewbot("review", COLUMNS=columns).out
    assert max(map(len, out.splitlines())) <= widest
    assert max(map(len, out.splitlines())) > widest - 20


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "ascii"}])
def test_output_is_utf8_in_any_locale(process: Reviewbot, repo: gitrepo.Repo, locale: dict[str, str]) -> None:
    repo.write("é.py", "print(undefiniert_ü)\n")
    ran = process("review", "--base", "HEAD", **locale)
    assert 0 == ran.code
    assert "é.py:1" in ran.out
    assert "undefiniert_ü" in ran.out
    failed = process("review", "--base", "ü", **locale)
    assert 2 == failed.code
    assert failed.err.startswith(("reviewbot: the base 'ü'", "reviewbot: the base '\\xfc'"))


def started(repo: gitrepo.Repo, *arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # type: ignore[call-overload,no-any-return]
        [sys.executable, "-m", "reviewbot", *arguments],
        cwd=repo.path,
        env={**repo.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


@pytest.mark.parametrize("fail_on", ["never", "high"])
def test_a_reader_that_goes_away_changes_neither_verdict_nor_calm(repo: gitrepo.Repo, fail_on: str) -> None:
    """As with ``| head -1``: under pipefail a failed gate must stay failed."""
    reader, writer = os.pipe()
    with started(repo, "review", "--fail-on", fail_on, "--format", "html", stdout=writer) as child:
        os.close(writer)
        os.close(reader)
        _, err = child.communicate(timeout=30)
    assert (0 if fail_on == "never" else 1, b"") == (child.returncode, err)


def test_a_full_disk_is_told(repo: gitrepo.Repo) -> None:
    full = Path(os.devnull).with_name("full")
    if not full.exists():
        pytest.skip("there is no device that is always full here")
    with full.open("wb") as device, started(repo, "review", stdout=device) as child:
        _, err = child.communicate(timeout=30)
    assert 2 == child.returncode
    assert f"reviewbot: standard output cannot be written: {os.strerror(errno.ENOSPC)}\n".encode() == err


@pytest.mark.parametrize(("closed", "code"), [(">&-", 1), ("2>&-", 1), (">&- 2>&-", 1), ("<&-", 1)])
def test_closed_standard_streams_change_nothing(repo: gitrepo.Repo, closed: str, code: int) -> None:
    command = f"exec '{sys.executable}' -m reviewbot review --fail-on high --output json=r.json {closed}"
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=repo.path,
        env={**repo.environ, "PYTHONPATH": str(ROOT), "REVIEWBOT_REDIS_URL": "x"},
        capture_output=True,
        check=False,
    )
    assert code == done.returncode
    assert b"Traceback" not in done.stderr
    json.loads((repo.path / "r.json").read_text())


def test_a_closed_standard_input_holds_no_diff(repo: gitrepo.Repo) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", f"exec '{sys.executable}' -m reviewbot review --diff - <&-"],
        cwd=repo.path,
        env={**repo.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    assert (2, b"reviewbot: --diff - reads standard input, and that is closed\n") == (done.returncode, done.stderr)


def test_an_interruption_of_static_rules_is_a_sentence(reviewbot: Reviewbot, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("reviewbot.cli.review.review_statically", interrupted)
    ran = reviewbot("review")
    assert (130, "", "reviewbot: interrupted\n") == (ran.code, ran.out, ran.err)


def test_sigterm_ends_even_where_interrupts_are_ignored(reviewbot: Reviewbot, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr("reviewbot.cli.review.review_statically", interrupted)
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert 130 == reviewbot("review").code
    finally:
        signal.signal(signal.SIGINT, handler)


def test_progress_is_a_bar_on_a_terminal_and_nothing_elsewhere(
    monkeypatch: pytest.MonkeyPatch, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    for quiet in (False, True):
        with streams.progress(quiet=quiet) as observe:
            observe(Progress(done=1, total=2))
    assert b"" == capsysbinary.readouterr().err

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with streams.progress(quiet=True) as observe:
        observe(Progress(done=1, total=2))
    assert "" == terminal.getvalue()
    with streams.progress(quiet=False) as observe:
        observe(Progress(done=0, total=2))
        observe(Progress(done=1, total=2, failed=1))
    assert "reviewing" in terminal.getvalue()
    assert "1 failed" in terminal.getvalue()


def test_a_sentence_for_people_shows_what_would_move_their_cursor(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    streams.tell("bad\x1b[2Jfile \udcff")
    assert b"reviewbot: bad\\x1b[2Jfile \\xff\n" == capsysbinary.readouterr().err


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ``--output json=/dev/stdout``, which a superuser could replace by a file."""
    (tmp_path / "file").write_text("old")
    (tmp_path / "stdout").symlink_to("file")
    monkeypatch.setattr(streams, "_DEVICES", tmp_path)
    monkeypatch.setattr(streams, "render", lambda *_: "new")
    streams.write_file(tmp_path / "stdout", "json", None)  # type: ignore[arg-type]
    assert (tmp_path / "stdout").is_symlink()
    assert "new" == (tmp_path / "file").read_text()


def test_a_write_that_fails_halfway_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.json"
    path.write_text("old")
    monkeypatch.setattr(streams, "render", lambda *_: "new")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=r"r\.json cannot be written: No space left"):
        streams.write_file(path, "json", None)  # type: ignore[arg-type]
    assert ["r.json"] == [entry.name for entry in tmp_path.iterdir()]
    assert "old" == path.read_text()
