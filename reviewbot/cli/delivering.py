"""A report → a saved file, comments, and standard output, in this order: a crash while posting loses nothing."""

from pathlib import Path

from reviewbot.cli import hosting, posting, recalling, streams
from reviewbot.cli.review_run import Run
from reviewbot.domain.outcome import Report
from reviewbot.errors import UsageError
from reviewbot.settings import environment
from reviewbot.steps import gating, sealing
from reviewbot.wiring import publishing
from reviewbot.wiring.memory import Recalled
from reviewbot.wiring.publishing import Desk

PIPELINE_REPORT = Path("reviewbot-report.json")


def deliver(run: Run, report: Report, desk: Desk | None, recalled: Recalled) -> int:
    """Save the report, post it, and show it, in this order: a crash while posting loses nothing."""
    options = run.options
    in_pipeline = environment.in_pipeline(run.environ)
    saved = options.save_report or (PIPELINE_REPORT if in_pipeline else None)
    faults = [] if saved is None else _save(run, report, saved)
    posted = 0
    if options.dry_run:
        posting.dry_run(run.source.change, report, desk, options.format)
    else:
        posted = _posted(run, report, desk, recalled, saved or PIPELINE_REPORT)
    faults += [fault for name, path in options.outputs if (fault := _written(name, path, report))]
    if not options.dry_run:
        streams.write_stdout(options.format, report, options.color, run.environ)
    if faults:
        # Told last, so that one bad path loses nothing of the result.
        raise UsageError("\n".join(faults))
    return gating.heaviest((report.verdict.exit_code, posted))


def _posted(run: Run, report: Report, desk: Desk | None, recalled: Recalled, saved: Path) -> int:
    """Post, or show what may not be posted; gives the exit code of posting."""
    host = run.host
    posting.step_summary(report, run.environ)
    if host is None:
        return 0
    code, read_only = (0, host.read_only) if desk is None else posting.publish(desk, report, saved, run.say)
    if host.trouble is not None:
        streams.tell(f"nothing was posted: {host.trouble}\nThe report is in {saved}: 'reviewbot post {saved}' posts it")
        code = hosting.FAILED
    if desk is not None and code == 0 and read_only is None:
        recalling.write_down(run.pipeline, desk, recalled, run.say)
    if read_only is not None:
        posting.stand_in(host, report, annotated=run.options.format == "annotations")
    elif code == 0 and run.settings.tests.mode == "commit" and run.source.git is not None:
        code = posting.commit_tests(host, run.source.git, report, run.say)
    return code


def _save(run: Run, report: Report, path: Path) -> list[str]:
    """Write the report for a later job, signed where there is a secret to sign with."""
    text = streams.render("json", report)
    if run.pipeline is not None:
        secrets = publishing.report_secrets(run.environ, run.engine.endpoint, run.pipeline)
        text = sealing.seal(text, secrets, publishing.binding(run.pipeline))
    try:
        streams.write_to(path, text)
    except UsageError as error:
        return [str(error)]
    return []


def _written(name: str, path: Path, report: Report) -> str | None:
    try:
        streams.write_file(path, name, report)
    except UsageError as error:
        return str(error)
    return None
