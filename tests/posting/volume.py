"""Many findings at every kind of place of a real diff, through the real adapters: what stands where in the end."""

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from random import Random

from fakes.github_server import FakeGitHub
from fakes.gitlab_server import FakeGitLab
from gitrepo import Repo

from reviewbot.domain.finding import Category, Confidence, Finding, Placement, Severity, Span, Suggestion
from reviewbot.domain.outcome import Comparison, FileReport, Outcome, Report
from reviewbot.domain.patch import FilePatch, Hunk, Patch, Side
from reviewbot.forges import github, gitlab
from reviewbot.ports import Forge
from reviewbot.repository import changes
from reviewbot.repository.git import locate
from reviewbot.steps import diffing, listing, marking, reconciling
from reviewbot.steps.marking import Signer
from reviewbot.steps.prompting import readable
from reviewbot.steps.reconciling import Run, Scene
from reviewbot.templating import environment

TOKEN = "token-" + "of-the-bot"
_SIGNER = Signer((b"made-up",))
_MARK = re.compile(r"fp=([0-9a-f]{32})")
_MOST_ROWS = 4

Pause = Callable[[float], None]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What became of the findings."""

    findings: int = 0
    inline: int = 0
    filed: int = 0
    """At their file, as planned: ranges of the old side with an unchanged end, files without a shown diff."""
    exact: int = 0
    """Of those at a line the ones whose line, or lines, are the quoted ones."""
    refused: int = 0
    """Writes that the forge has answered with an error."""
    astray: list[str] = field(default_factory=list)
    """Findings that do not stand in exactly one place, the one that was planned."""
    again: int = 0
    """Writes of a second run."""
    mails: int = 0
    seconds: float = 0.0

    def add(self, other: "Tally") -> None:
        """Take another request's numbers in."""
        self.astray += other.astray
        self.seconds += other.seconds
        for name in ("findings", "inline", "filed", "exact", "refused", "again", "mails"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def patch_between(repo: Repo, base: str, head: str) -> Patch:
    """Read a diff as a review does."""
    text = changes.between(locate(repo.path, repo.environ), base, head, {})
    return diffing.listed(listing.entries(text.listing), text.text)


def scatter(patch: Patch, count: int, chance: Random) -> tuple[Finding, ...]:
    """Make findings on added, removed and unchanged lines, alone or several; no two on the same."""
    places = [(file, hunk) for file in patch.files for hunk in file.hunks if not _is_latin(file.path)]
    found: dict[tuple[str, Span], Finding] = {}
    for _ in range(count * 20):
        if len(found) == count or not places:
            break
        file, hunk = chance.choice(places)
        finding = _finding(file, hunk, chance, len(found))
        if finding is not None and finding.span is not None:
            found.setdefault((file.path, finding.span), finding)
    return tuple(found.values())


def _is_latin(path: str) -> bool:
    """Tell a path that is no UTF-8: no forge can be told of it."""
    return any("\ud800" <= char <= "\udfff" for char in path)


def _finding(file: FilePatch, hunk: Hunk, chance: Random, number: int) -> Finding | None:
    side = chance.choice(tuple(Side))
    lines = [line for line in hunk.lines() if line.number(side) is not None]
    if not lines:
        return None
    first = chance.randrange(len(lines))
    rows = lines[first : first + chance.randint(1, _MOST_ROWS)]
    start, end = rows[0].number(side) or 0, rows[-1].number(side) or 0
    wanted = side is Side.RIGHT and chance.random() < 0.5
    return Finding(
        path=file.path,
        severity=Severity.HIGH,
        confidence=Confidence.MEDIUM,
        category=Category.BUG,
        title=f"Finding {number}",
        body="Why.",
        quote="\n".join(line.text for line in rows),
        source="llm",
        side=side,
        span=Span(side=side, start=start, end=end),
        suggestion=Suggestion(start_line=start, line=end, replacement="new text") if wanted else None,
        fingerprint=f"{number:032x}",
        placement=Placement.INLINE,
    )


def report_on(patch: Patch, findings: Sequence[Finding]) -> Report:
    """Write the report that a review would have written."""
    files = tuple(FileReport(file=file, outcome=Outcome.REVIEWED) for file in patch.files)
    comparison = Comparison(base_sha=None, head_sha=None, description="")
    return Report(engine="llm", model="any", comparison=comparison, files=files, findings=tuple(findings))


def publish(forge: Forge, report: Report) -> Mapping[str, str]:
    """Do what a job does from its report on; give the places that were planned, by fingerprint."""
    request, own, threads = forge.request(), forge.account(), forge.threads()
    marked = marking.read(threads, own, _SIGNER, request)
    scene = Scene(request=request, own=own, files=forge.files(), marked=marked)
    made = reconciling.reconcile(scene, Run(report=report), environment(lambda _: None), _SIGNER)
    forge.carry_out(made.plan, made.summary)
    return {comment.fingerprint: comment.placement.value for comment in made.plan.create}


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A request on a fake forge, and the adapter before it."""

    forge: Forge
    stands: Callable[[], Iterator[tuple[str, str, str]]]
    """Yields what the bot says where: kind, body, and the code that it stands on."""
    writes: Callable[[], list[int]]
    """Statuses of all writes."""
    mails: Callable[[], int]


@contextmanager
def _on_gitlab(repo: Repo, pause: Pause) -> Iterator[Opened]:
    with FakeGitLab(repo) as server:
        bot = server.add_user("reviewbot", token=TOKEN, kind="project", bot=True)
        access = gitlab.Access(url=server.url, token=TOKEN, project="42", iid=7)
        with gitlab.GitLabForge(access, pause) as forge:
            yield Opened(
                forge=forge,
                stands=lambda: ((one.kind, one.body, one.text or "") for one in server.comments(bot)),
                writes=lambda: [logged.status or 0 for logged in server.writes],
                mails=lambda: server.emails,
            )


@contextmanager
def _on_github(repo: Repo, pause: Pause) -> Iterator[Opened]:
    with FakeGitHub(repo, base=repo.git("rev-parse", "main"), head=repo.git("rev-parse", "feature")) as server:
        access = github.Access(
            api_url=server.url,
            graphql_url=server.graphql_url,
            token=server.app_token(),
            repository="acme/app",
            pause=pause,
        )

        def stands() -> Iterator[tuple[str, str, str]]:
            yield from (("inline", one.body, server.anchored_text(one)) for one in server.comments)
            yield from (("file", review.body, "") for review in server.reviews)
            yield from (("summary", remark.body, "") for remark in server.issue_comments)

        yield Opened(
            forge=github.GitHubForge(access, 7),
            stands=stands,
            writes=lambda: [logged.status for logged in server.writes],
            mails=lambda: len(server.emails),
        )


FORGES: Mapping[str, Callable[[Repo, Pause], AbstractContextManager[Opened]]] = {
    "gitlab": _on_gitlab,
    "github": _on_github,
}


def posted(forge: str, repo: Repo, count: int, seed: int, pause: Pause) -> Tally:
    """Post findings on the change between the branches ``main`` and ``feature``, twice, and look where they are."""
    base = repo.git("merge-base", "main", "feature")
    patch = patch_between(repo, base, "feature")
    report = report_on(patch, scatter(patch, count, Random(seed)))  # noqa: S311 - places that can be found again
    with FORGES[forge](repo, pause) as opened:
        started = time.monotonic()
        planned = publish(opened.forge, report)
        seconds = time.monotonic() - started
        first = opened.writes()
        tally = _counted(report.findings, planned, opened.stands())
        publish(opened.forge, report)
        tally.again = len(opened.writes()) - len(first)
        tally.refused = sum(status >= 400 for status in first)
        tally.seconds, tally.mails = seconds, opened.mails()
    return tally


def _counted(findings: Sequence[Finding], planned: Mapping[str, str], stands: Iterator[tuple[str, str, str]]) -> Tally:
    places: dict[str, list[tuple[str, str]]] = {}
    for kind, body, text in stands:
        for mark in _MARK.findall(body):
            places.setdefault(mark, []).append((kind, text))
    tally = Tally(findings=len(findings))
    for finding in findings:
        (place, text), *more = places.get(finding.fingerprint) or [("nowhere", "")]
        if more or place == "summary" or place != planned.get(finding.fingerprint):
            tally.astray.append(f"{finding.path}:{finding.span}: {place}")
        elif place == "file":
            tally.filed += 1
        else:
            tally.inline += 1
            tally.exact += _plain(text) == _plain(finding.quote)
    return tally


def _plain(text: str) -> str:
    return readable(text).replace("\r", "")
