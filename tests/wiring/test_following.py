"""What becomes of comments, with a real clone and a real ledger."""

from dataclasses import replace
from pathlib import Path

import gitrepo
import pytest
from gitrepo import Repo
from steps.conversations import marked
from steps.posting_scene import BOT, claim, request

from reviewbot.domain.finding import Finding
from reviewbot.domain.thread import Marked, SummaryMark
from reviewbot.domain.uptake import Uptake
from reviewbot.observers import ledger
from reviewbot.settings.environment import Stores
from reviewbot.settings.schema import Settings
from reviewbot.wiring import following
from reviewbot.wiring.changes import Selection, opened
from reviewbot.wiring.following import Record
from reviewbot.wiring.publishing import Board

ALPHA = claim("alpha = 1", fingerprint="a" * 32)
BETA = claim("beta = 1", fingerprint="b" * 32)
CI = {"GITLAB_CI": "true"}


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Give a branch whose last commit changes alpha, and touches the file of beta."""
    made = gitrepo.init(tmp_path / "repo")
    made.commit({"app.py": "first\n"})
    made.branch("feature")
    made.commit({"app.py": "first\nalpha = 1\nbeta = 1\n"})
    made.commit({"app.py": "first\nalpha = 2\nbeta = 1\n"})
    return made


def board(seen: str, *more: Marked) -> Board:
    """Give the board as the run left it that saw this commit."""
    sticky = marked(id="t9")
    told = SummaryMark(head_sha=seen, base_sha="b" * 40, digest="d", done=True, findings=(), found=(), recipe="r")
    summary = replace(sticky, marks=(), summary=told, is_summary=True)
    return Board(own=BOT, marked=(*more, summary))


def follow(repo: Repo, record: Record, seen: str | None) -> dict[str, Uptake]:
    """Say what became of alpha and of beta, whose thread somebody has closed."""
    head = repo.git("rev-parse", "feature")
    base = repo.git("rev-parse", "main")
    threads = (_of(ALPHA), _of(BETA, resolved=True))
    at = Board(own=BOT, marked=threads) if seen is None else board(seen, *threads)
    selection = Selection(repo=repo.path, base="main", head=head, merge_base=base)
    with opened(selection, CI, repo.path) as source:
        told = following.follow(record, request(head_sha=head), at, source.change, selection, CI)
    return {one.fingerprint[:1]: one.uptake for one in told}


def _of(finding: Finding, **changes: object) -> Marked:
    one = marked(finding=finding, **changes)  # type: ignore[arg-type] # fields by name
    return replace(one, marks=tuple(replace(mark, fingerprint=finding.fingerprint) for mark in one.marks))


def kept(path: Path | None) -> Record:
    return Record(stores=Stores(ledger=path), settings=Settings())


def test_what_became_of_comments_is_told_once(repo: Repo, tmp_path: Path) -> None:
    record, seen = kept(tmp_path / "ledger.jsonl"), repo.git("rev-parse", "feature~1")
    assert {"a": Uptake.CHANGED, "b": Uptake.RESOLVED} == follow(repo, record, seen)
    assert {} == follow(repo, record, seen)
    assert 2 == len(list(ledger.read(tmp_path / "ledger.jsonl")))


@pytest.mark.parametrize("seen", [None, "f" * 40])
def test_without_what_the_last_run_saw_a_closed_thread_was_dismissed(
    repo: Repo, tmp_path: Path, seen: str | None
) -> None:
    found = follow(repo, kept(tmp_path / "ledger.jsonl"), seen)
    assert {"a": Uptake.CHANGED, "b": Uptake.DISMISSED} == found


def test_on_the_same_commit_nothing_has_moved(repo: Repo, tmp_path: Path) -> None:
    found = follow(repo, kept(tmp_path / "ledger.jsonl"), repo.git("rev-parse", "feature"))
    assert Uptake.DISMISSED is found["b"]


def test_where_nothing_is_kept_nothing_is_looked_for(repo: Repo) -> None:
    assert {} == follow(repo, kept(None), None)
    following.teller(kept(None), request())([ALPHA])


def test_metrics_alone_are_told_all_of_it_each_time(repo: Repo, tmp_path: Path) -> None:
    record = Record(stores=Stores(metrics=tmp_path / "metrics.txt"), settings=Settings())
    for _ in range(2):
        assert {"a": Uptake.CHANGED, "b": Uptake.DISMISSED} == follow(repo, record, None)


def test_what_is_posted_is_open(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    following.teller(kept(path), request())([ALPHA, BETA])
    assert [Uptake.OPEN, Uptake.OPEN] == list(ledger.uptakes(path).values())
