"""``reviewbot demo``: the whole job offline, on a throw-away project, with scripted answers in a model's place.

What is shown is `review` itself, with the options that a pipeline would give it. The answers alone are made up.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from reviewbot import templating
from reviewbot.cli import arguments, streams
from reviewbot.cli.review import review
from reviewbot.demo import project
from reviewbot.demo.script import MODEL, Script, read
from reviewbot.demo.serving import serving

_STEPS = 4
_GATE_FAILED = 1
_BUG = 70
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "TERM", "NO_COLOR", "FORCE_COLOR", "SYSTEMROOT")
"""What of the environment the demo may know. Not the keys, and no pipeline's variables: it asks and posts nothing."""
_NO_PYTEST = (
    "pytest is not installed beside reviewbot, so that generated tests cannot be run and are not shown; "
    "'pip install pytest' changes that"
)


def demo(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Show a review. Gives 0 where it went as it should: that its gate fails is part of the show."""
    return show(options, environ, proving=find_spec("pytest") is not None)


def show(options: argparse.Namespace, environ: Mapping[str, str], *, proving: bool) -> int:
    """Show a review, with generated tests or without. Raises UsageError where a program or a folder is not usable."""
    say, began = streams.Notes(quiet=options.quiet), time.monotonic()
    sources = templating.folder() / "demo"
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(TemporaryDirectory(prefix="reviewbot-demo-")))
        folder, saved = (options.keep or temporary / "shop").absolute(), temporary / "report.json"
        known = _environ(environ)
        with _step(say, 1, f"a throw-away project: branch {project.HEAD} changes what is on {project.BASE}"):
            project.lay_out(folder, sources, known)
        with _step(say, 2, "its own tests, run under coverage.py"):
            project.measure(folder, known)
        with _step(say, 3, "scripted answers, no model: a server on loopback stands in for an endpoint"):
            script = Script(read((sources / "answers.toml").read_text("utf-8")))
            url = stack.enter_context(serving(script))
        with _step(say, 4, f"the review, by the real client, at {urlsplit(url).netloc}"):
            asked = _asked(folder, saved, options, proving=proving)
            code = review(asked, {**known, "REVIEWBOT_BASE_URL": url})
        tests = len(json.loads(saved.read_text("utf-8"))["tests"])
    for sentence in remarks(code, tests, proving=proving):
        say(sentence)
    if options.keep is not None:
        say(f"the project is in {options.keep}")
    say(f"the page is {options.output} · {time.monotonic() - began:.1f} s in all")
    return 0 if code == _GATE_FAILED else code or _BUG


def remarks(code: int, tests: int, *, proving: bool) -> Iterator[str]:
    """Say what was shown and what could not be: of the review its exit code, and how many tests were judged."""
    if not proving:
        yield _NO_PYTEST
    elif not tests:
        yield "no generated test could be run here: the page says why, under 'Generated tests'"
    if code == _GATE_FAILED:
        yield "the gate fails on purpose: new lines of the project are not covered by its tests"
    else:
        yield f"the review ended with exit code {code}, and should have with {_GATE_FAILED}, since its gate has to fail"


@contextmanager
def _step(say: Callable[[str], None], number: int, what: str) -> Iterator[None]:
    say(f"{number}/{_STEPS} {what}")
    began = time.monotonic()
    yield
    say(f"    done in {time.monotonic() - began:.1f} s")


def _environ(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of all that the demo starts: our own Python first, and nothing that could be a secret."""
    known = {name: environ[name] for name in _KEPT if name in environ}
    return {**known, "VIRTUAL_ENV": sys.prefix, "REVIEWBOT_MODEL": MODEL, "PYTHONDONTWRITEBYTECODE": "1"}


def _asked(folder: Path, saved: Path, options: argparse.Namespace, *, proving: bool) -> argparse.Namespace:
    """Spell the command line of the review, and read it as any other."""
    return arguments.parse(
        [
            "review", "--repo", str(folder), "--base", project.BASE, "--head", project.HEAD, "--no-post",
            "--engine", "llm", "--coverage", str(folder / project.REPORT), "--tests", "suggest" if proving else "off",
            "--save-report", str(saved), "--output", f"html={options.output}",
            *(["--quiet"] if options.quiet else []), *(["--debug"] if options.debug else []),
        ]
    )  # fmt: skip
