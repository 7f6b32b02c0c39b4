"""A merge request with every kind of change, comments on it, and a review that is as simple as can be.

Also a program, for tests that kill it: ``python -m forges.gitlab.gitlab_scene URL``.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import gitrepo
from fakes.gitlab_server import FakeGitLab, Rules
from gitrepo import Repo

from reviewbot.domain.finding import Placement, Span
from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment, Posted, PostingPlan, Resolve, Summary
from reviewbot.domain.thread import Thread
from reviewbot.forges.gitlab import Access, GitLabForge

TOKEN = "glpat" + "-bot-" + "0123456789abcdef"
PROJECT, IID = "group/project", 7
_MARK = re.compile(r"<!-- reviewbot:v1 finding fp=([0-9a-f]{32}) -->")
_SUMMARY_MARK = "<!-- reviewbot:v1 summary -->"
_SUMMARY_ROW = re.compile(r"^- ([0-9a-f]{32}) summary$", re.MULTILINE)

_NUMBERED = [f"line {number}" for number in range(1, 61)]
OLD = {
    "app.py": _NUMBERED,
    "old_name.py": [f"row {number}" for number in range(1, 31)],
    "gone.py": ["one", "two"],
    "logo.bin": ["\0\0binary"],
    "big.txt": ["start"],
    "quiet.py": ["nothing happens here"],
}
NEW = {
    "app.py": [*_NUMBERED[:9], "line ten", "line ten and a half", *_NUMBERED[10:39], *_NUMBERED[41:]],
    "new_name.py": [f"row {number}" for number in range(1, 15)] + ["row XV"] + OLD["old_name.py"][15:],
    "added.py": ["first", "second", "third"],
    "logo.bin": ["\0\0other"],
    "big.txt": [f"a long line {number:06} that fills the file" for number in range(800)],
    "quiet.py": OLD["quiet.py"],
}


def a_repository(folder: Path) -> Repo:
    """Make the two branches."""
    return gitrepo.filled(folder / "repo", _fill)


def _fill(repo: Repo) -> None:
    repo.commit({path: "\n".join(lines) + "\n" for path, lines in OLD.items()})
    repo.branch("feature")
    repo.git("rm", "--quiet", "gone.py", "old_name.py")
    repo.commit({path: "\n".join(lines) + "\n" for path, lines in NEW.items()})


@contextmanager
def a_server(folder: Path, rules: Rules | None = None) -> Iterator[FakeGitLab]:
    """Serve the merge request to a bot with a project token."""
    with FakeGitLab(a_repository(folder), rules=rules) as server:
        server.add_user("project_42_bot_9", token=TOKEN, kind="project", bot=True)
        yield server


@contextmanager
def a_forge(
    server: FakeGitLab | str,
    token: str = TOKEN,
    *,
    job_token: bool = False,
    pause: Callable[[float], None] = lambda _: None,
    timeout_s: float = 30.0,
) -> Iterator[GitLabForge]:
    """Open the adapter; it never really waits."""
    url = server if isinstance(server, str) else server.url
    access = Access(url=url, token=token, project=PROJECT, iid=IID, job_token=job_token)
    with GitLabForge(access, pause, timeout_s) as forge:
        yield forge


def a_comment(number: int, path: str, start: int | None, end: int | None = None, side: Side = Side.RIGHT) -> Comment:
    """Write a comment on lines, or on a file where there is no ``start``."""
    fingerprint = f"{number:032x}"
    mark = f"<!-- reviewbot:v1 finding fp={fingerprint} -->"
    span = None if start is None else Span(side=side, start=start, end=end or start)
    return Comment(
        fingerprint=fingerprint,
        title=f"finding {number}",
        placement=Placement.FILE if span is None else Placement.INLINE,
        path=path,
        old_path=path,
        span=span,
        body=f"finding {number} at its line\n\n{mark}",
        file_body=f"finding {number} at its file\n\n{mark}",
    )


EVERYWHERE = (
    a_comment(1, "app.py", 10),
    a_comment(2, "app.py", 40, 41, Side.LEFT),
    a_comment(3, "app.py", 12),
    a_comment(4, "app.py", 9, 11),
    a_comment(5, "app.py", 25),
    a_comment(6, "new_name.py", 15),
    a_comment(7, "added.py", 1, 3),
    a_comment(8, "gone.py", 2, side=Side.LEFT),
    a_comment(9, "app.py", None),
)
"""With what must stand at each: `ANCHORED`."""
ANCHORED = (
    "line ten",
    "line 40\nline 41",
    "line 11",
    "line 9\nline ten\nline ten and a half",
    "line 24",
    "row XV",
    "first\nsecond\nthird",
    "two",
    None,
)


def fingerprint(body: str) -> str | None:
    """Find a finding's mark."""
    found = _MARK.search(body)
    return found[1] if found else None


def review(
    forge: GitLabForge, comments: Sequence[Comment], before_posting: Callable[[], None] = lambda: None
) -> Posted:
    """Bring the merge request to where each comment stands once, older ones are resolved, and a summary says so."""
    own = forge.account()
    threads = [thread for thread in forge.threads() if thread.opener.author.id == own.id]
    found = {key: thread for thread in threads if (key := fingerprint(thread.opener.body)) and not thread.resolved}
    sticky = next((thread for thread in threads if _SUMMARY_MARK in thread.opener.body), None)
    told = _SUMMARY_ROW.findall(sticky.opener.body) if sticky else []
    wanted = {comment.fingerprint for comment in comments}
    standing = {key: Placement(thread.kind.value) for key, thread in found.items() if key in wanted}
    standing |= dict.fromkeys((key for key in told if key in wanted), Placement.SUMMARY)
    create = tuple(comment for comment in comments if comment.fingerprint not in standing)

    def summary(places: Mapping[str, Placement]) -> str | None:
        rows = {**standing, **places}
        text = "\n".join([_SUMMARY_MARK, *(f"- {key} {rows[key]}" for key in sorted(rows))])
        return None if sticky and text == sticky.opener.body else text

    plan = PostingPlan(
        request=forge.request(),
        create=create,
        keep=(),
        resolve=tuple(_resolve(key, thread) for key, thread in found.items() if key not in wanted),
        summary=Summary(
            thread_id=sticky.id if sticky else None,
            note_id=sticky.opener.id if sticky else None,
            body=summary({comment.fingerprint: comment.placement for comment in create}),
        ),
    )
    before_posting()
    return forge.carry_out(plan, summary)


def _resolve(key: str, thread: Thread) -> Resolve:
    return Resolve(thread_id=thread.id, fingerprint=key, title=key, reason="nothing is wrong there any more")


if __name__ == "__main__":
    with a_forge(sys.argv[1]) as opened:
        review(opened, EVERYWHERE[int(sys.argv[2]) :])
