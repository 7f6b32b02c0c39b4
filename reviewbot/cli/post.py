"""``reviewbot post``: the second half of a review, in a job of its own or after an outage."""

import argparse
import time
from collections.abc import Mapping
from pathlib import Path

from reviewbot.cli import hosting, posting, recalling, streams
from reviewbot.errors import Superseded, UsageError
from reviewbot.outputs import posting as rendering
from reviewbot.settings import pipelines
from reviewbot.wiring import saved
from reviewbot.wiring.changes import Selection
from reviewbot.wiring.forges import Attended, attended

_LARGEST = 200_000_000
"""Bytes."""
_UNTRUSTED = (
    "the report is not signed by a job that shares a secret with this one: it adds comments, and resolves nothing. "
    "Set REVIEWBOT_CACHE_SECRET in both jobs to have it believed"
)


def post(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Post a saved report; gives the exit code of posting. The verdict was the review job's to give."""
    say = streams.Notes(quiet=options.quiet)
    text = _read(options.report)
    pipeline = pipelines.detect(environ)
    if pipeline is None:
        message = "post needs the pipeline of a merge request or pull request: its variables are not set here"
        raise UsageError(message)
    try:
        with attended(pipeline, time.sleep) as found:  # noqa: TID251 - the command line is the world
            return _post(options, environ, text, found, say)
    except Superseded as error:
        say(str(error))
        return 0


def _post(
    options: argparse.Namespace, environ: Mapping[str, str], text: bytes, found: Attended, say: streams.Notes
) -> int:
    host = hosting.Host(pipeline=found.pipeline, attended=found)
    selection = hosting.selected(Selection(repo=options.repo), host)
    with saved.restored(text, str(options.report), found, selection, environ, options.config) as restored:
        if not restored.desk.trusted:
            say(_UNTRUSTED)
        if options.dry_run:
            plan = restored.desk.reconcile(restored.report).plan
            streams.write_text(rendering.as_json(plan) if options.format == "json" else rendering.as_text(plan))
            return 0
        code, read_only = posting.publish(restored.desk, restored.report, options.report, say)
        if code == 0 and read_only is None:
            recalling.write_down(found.pipeline, restored.desk, restored.recalled, say)
        if read_only is not None:
            posting.stand_in(host, restored.report, annotated=False)
        return code


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            message = f"{path} is larger than any report: {_LARGEST:,} bytes are the most that is read"
            raise UsageError(message)
        return path.read_bytes()
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror or error}. 'reviewbot review' in a pipeline writes it"
        raise UsageError(message) from error
