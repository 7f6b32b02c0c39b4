"""Pull requests and their files, as GitHub tells them."""

from reviewbot.domain.request import GITHUB, ChangeRequest, ForgeFile
from reviewbot.forges.github.access import Access
from reviewbot.forges.github.calls import Calls
from reviewbot.forges.github.payloads import ChangedFile, Comparison, Pull
from reviewbot.forges.github.people import person


def head_of(calls: Calls, access: Access, number: int) -> str:
    """Ask for the newest commit of a pull request."""
    return calls.get(access.path(f"pulls/{number}"), Pull).head.sha


def read_request(calls: Calls, access: Access, number: int) -> ChangeRequest:
    """Ask how a pull request stands.

    Its ``base.sha`` is the tip of the base branch; GitHub's diff starts from the merge base, which has to be asked for.
    """
    pull = calls.get(access.path(f"pulls/{number}"), Pull)
    # A page of one commit: nobody needs the list.
    compared = calls.get(access.path(f"compare/{pull.base.sha}...{pull.head.sha}"), Comparison, per_page="1")
    return ChangeRequest(
        dialect=GITHUB,
        project=access.repository,
        number=pull.number,
        url=pull.html_url,
        title=pull.title,
        description=pull.body or "",
        author=person(pull.user),
        labels=tuple(label.name for label in pull.labels),
        draft=pull.draft,
        open=pull.state == "open",
        from_fork=pull.head.repo is None or pull.base.repo is None or pull.head.repo != pull.base.repo,
        head_sha=pull.head.sha,
        base_sha=compared.merge_base_commit.sha,
        start_sha=pull.base.sha,
        source_branch=pull.head.ref,
        target_branch=pull.base.ref,
    )


def read_files(calls: Calls, access: Access, number: int) -> tuple[ForgeFile, ...]:
    """Read the diff of a pull request; GitHub lists 3,000 files at most."""
    return tuple(map(forge_file, calls.get_all(access.path(f"pulls/{number}/files"), ChangedFile)))


def forge_file(file: ChangedFile) -> ForgeFile:
    """Translate a file; one without a patch has changes if it is too large, and none if it is binary."""
    renamed = file.status == "renamed"
    mere_rename = renamed and file.patch is None and not file.changes
    old_path = file.previous_filename if renamed else None if file.status in {"added", "copied"} else file.filename
    return ForgeFile(
        path=file.filename,
        old_path=old_path,
        hunks="" if mere_rename else file.patch,
        withheld=None if mere_rename or file.patch is not None else "too large" if file.changes else "binary",
    )


def find_request(access: Access, *, head_owner: str, head_branch: str, head_sha: str) -> int | None:
    """Find the open pull request that a ``workflow_run`` belongs to; None if there is none at that commit any more.

    The event's own list of pull requests is empty for forks (GitHub's documentation of ``workflow_run``).
    """
    query = {"state": "open", "head": f"{head_owner}:{head_branch}"}
    pulls = Calls(access).get_all(access.path("pulls"), Pull, **query)
    return next((pull.number for pull in pulls if pull.head.sha == head_sha), None)
