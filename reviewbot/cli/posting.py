"""Posting from the command line: what goes wrong, what takes its place, and the exit code."""

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from reviewbot.cli import streams
from reviewbot.cli.hosting import FAILED, Host
from reviewbot.domain.outcome import Report
from reviewbot.domain.posting import Posted
from reviewbot.domain.view import plural
from reviewbot.errors import ForgeError, ReadOnlyError, Superseded
from reviewbot.pipeline import Change
from reviewbot.repository import committing
from reviewbot.repository.git import Git
from reviewbot.wiring import publishing
from reviewbot.wiring.publishing import Desk

_USERS = {"gitlab": "oauth2", "github": "x-access-token"}
"""What the forges want as the user's name beside a token."""
_LONGEST_SUMMARY = 1_000_000
"""Bytes that GitHub takes of a step's summary; of more it shows nothing."""


def publish(desk: Desk, report: Report, saved: Path, say: Callable[[str], None]) -> tuple[int, ReadOnlyError | None]:
    """Post a report. Gives the exit code of posting, and why nothing may be written, if that is so."""
    try:
        posted = desk.post(report)
    except Superseded as error:
        say(str(error))
        return 0, None
    except ReadOnlyError as error:
        say(str(error))
        return 0, error
    except ForgeError as error:
        streams.tell(f"{error}\nThe report is in {saved}: finish posting it with 'reviewbot post {saved}'")
        return FAILED, None
    _tell(posted, desk.request.dialect.request_word, say)
    return 0, None


def _tell(posted: Posted, word: str, say: Callable[[str], None]) -> None:
    say(
        f"posted to the {word}: {posted.created} new, {posted.resolved} resolved, summary {posted.summary}"
        + (f", {plural(posted.replied, 'answer')}" if posted.replied else "")
        if posted.created or posted.resolved or posted.replied or posted.summary != "kept"
        else f"nothing new to post: the {word} shows it all"
    )
    for _, placement, reason in posted.demoted:
        say(f"one comment stands in the {placement} instead of at its line: {reason}")
    for note in posted.notes:
        say(note)


def commit_tests(host: Host, git: Git, report: Report, say: Callable[[str], None]) -> int:
    """Commit the proven tests to the source branch; gives the exit code of that. Never called for a fork's change."""
    attended, proved = host.attended, report.tests
    if attended is None or attended.pipeline.token is None or proved is None or not proved.files:
        return 0
    request = attended.request
    count = len(proved.files)
    try:
        if attended.forge.request().head_sha != request.head_sha:
            return 0  # a newer push has come, and has a run of its own
        author = attended.forge.account().name
        made = committing.commit(
            git,
            request.head_sha,
            {file.path: file.code for file in proved.files},
            f"Tests for uncovered lines of {request.dialect.request_word} {request.number}\n\nGenerated and proven.\n",
            author,
        )
        committing.push(git, made, request.source_branch, _USERS[request.dialect.forge], attended.pipeline.token.value)
    except ForgeError as error:
        streams.tell(str(error))
        return FAILED
    say(f"committed {count} new test file{'s' if count > 1 else ''} to {request.source_branch}: {made[:7]}")
    return 0


def stand_in(host: Host, report: Report, *, annotated: bool) -> None:
    """Show what may not be posted: on GitHub as annotations, elsewhere in the log and the saved report alone.

    The runner reads both streams of a step; standard output carries the result only.
    """
    if host.pipeline.forge == "github" and not annotated and sys.stderr is not None:
        with suppress(OSError, ValueError):
            sys.stderr.write(streams.render("annotations", report))
            sys.stderr.flush()


def dry_run(change: Change, report: Report, desk: Desk | None, name: str) -> None:
    """Print what would be posted; outside of a pipeline, on a request without any thread."""
    from reviewbot.outputs import posting

    at = desk or publishing.local_desk(change, report)
    plan = at.reconcile(report).plan
    streams.write_text(posting.as_json(plan) if name == "json" else posting.as_text(plan))


def step_summary(report: Report, environ: Mapping[str, str]) -> None:
    """Add the report to the page of a GitHub job; what does not fit, or cannot be written, is left out."""
    path = environ.get("GITHUB_STEP_SUMMARY", "")
    text = streams.render("markdown", report).encode("utf-8", "backslashreplace") if path else b""
    if not text or len(text) > _LONGEST_SUMMARY:
        return
    with suppress(OSError), Path(path).open("ab") as file:
        file.write(text)
