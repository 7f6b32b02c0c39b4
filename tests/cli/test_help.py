"""Help: as its golden files, quick, and readable in any locale."""

import runpy
import subprocess
import sys
from pathlib import Path

import gitrepo
import pytest
from cli.conftest import ROOT, Reviewbot

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
UPDATE = runpy.run_path(str(HERE / "update_golden.py"))


@pytest.mark.parametrize("name", sorted(UPDATE["COMMANDS"]))
def test_help_is_as_its_golden_file(reviewbot: Reviewbot, name: str) -> None:
    """``update_golden.py`` beside this file writes them anew."""
    ran = reviewbot(*UPDATE["COMMANDS"][name], "--help", COLUMNS="40")
    assert (0, (GOLDEN / f"{name}.txt").read_text("utf-8"), "") == (ran.code, ran.out, ran.err)


def test_every_command_has_a_golden_file_and_no_file_is_left_over() -> None:
    assert sorted(f"{name}.txt" for name in UPDATE["COMMANDS"]) == sorted(path.name for path in GOLDEN.iterdir())
    first = (GOLDEN / "reviewbot.txt").read_text("utf-8")
    assert all(f"    {name} " in first for name in UPDATE["COMMANDS"] if name != "reviewbot")


def test_no_line_of_help_is_wider_than_its_width() -> None:
    wide = [line for path in GOLDEN.iterdir() for line in path.read_text("utf-8").splitlines() if len(line) > 112]
    assert [] == wide


@pytest.mark.parametrize("arguments", [("--help",), ("review", "--help"), ("--version",), ("review", "--nope"), ()])
def test_help_and_usage_import_nothing_heavy(arguments: tuple[str, ...]) -> None:
    code = (
        "import sys\nfrom reviewbot.cli import run\n"
        f"try:\n    run({list(arguments)!r})\nexcept SystemExit:\n    pass\n"
        "heavy = {'pydantic', 'httpx', 'rich', 'jinja2', 'pygments', 'tenacity', 'asyncio', 'github', 'gitlab'}\n"
        "sys.stderr.write('loaded: ' + ' '.join(sorted(heavy & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=gitrepo.environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.endswith("loaded: ")


def test_the_version_is_the_packages(reviewbot: Reviewbot) -> None:
    from reviewbot import __version__

    assert (0, f"reviewbot {__version__}\n") == ((ran := reviewbot("--version")).code, ran.out)


@pytest.mark.parametrize(
    "locale",
    [
        {"LANG": "C"},
        {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
    ],
)
def test_help_is_utf8_in_any_locale(process: Reviewbot, locale: dict[str, str]) -> None:
    ran = process("review", "--help", **locale)
    assert (0, (GOLDEN / "review.txt").read_text("utf-8"), "") == (ran.code, ran.out, ran.err)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("nope",), "invalid choice: 'nope'"),
        (("review", "--nope"), "unrecognized arguments: --nope"),
        (("review", "--form", "json"), "unrecognized arguments: --form json"),
        (("review", "--engine", "magic"), "argument --engine: invalid choice: 'magic'"),
        (("review", "--format", "yaml"), "argument --format: invalid choice: 'yaml'"),
        (("review", "--fail-on", "some"), "argument --fail-on: invalid choice: 'some'"),
        (("review", "--max-comments", "many"), "argument --max-comments: invalid int value: 'many'"),
        (("review", "--output", "html"), "argument --output: 'html' is not FORMAT=PATH with one of text, markdown"),
        (("review", "--output", "yaml=x"), "'yaml=x' is not FORMAT=PATH"),
        (("review", "--output", "html="), "'html=' is not FORMAT=PATH"),
        (("review", "--diff", "x", "--base", "main"), "--diff is the whole change: it does not go with --base"),
        (("plan", "--diff", "x", "--staged"), "--diff is the whole change: it does not go with --base"),
        (("review", "--staged", "--head", "x"), "--staged compares the index with HEAD"),
        (("plan", "--staged", "--base", "x"), "--staged compares the index with HEAD"),
        (("config",), "the following arguments are required: action"),
        (("config", "edit"), "argument action: invalid choice: 'edit'"),
    ],
)
def test_a_mistake_on_the_command_line_is_named_and_exits_with_2(
    reviewbot: Reviewbot, arguments: tuple[str, ...], said: str
) -> None:
    ran = reviewbot(*arguments)
    assert (2, "") == (ran.code, ran.out)
    assert said in ran.err
    assert "Traceback" not in ran.err
