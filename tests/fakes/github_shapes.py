"""What the fake GitHub knows, in the shapes that its REST API answers."""

from datetime import UTC, datetime, timedelta

from fakes.github_diff import FileDiff
from fakes.github_refusals import Json
from fakes.github_world import Account, Check, Comment, Issue, Remark, Review, World

_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
_REPOSITORY_URLS = (
    "archive assignees blobs branches collaborators comments commits compare contents contributors deployments "
    "downloads events forks git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels "
    "languages merges milestones notifications pulls releases stargazers statuses subscribers subscription tags "
    "teams trees"
)
_USER_URLS = "events followers following gists organizations received_events repos starred subscriptions"
_REACTIONS = "+1 -1 laugh confused heart hooray eyes rocket"
_COUNTS = "forks forks_count open_issues open_issues_count size stargazers_count watchers watchers_count"


def moment(seconds: int) -> str:
    return (_YEAR + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class Shapes:
    """Writes records as JSON, with addresses on this server: clients refuse any other host."""

    def __init__(self, world: World, api: str, web: str) -> None:
        self._world = world
        self.api = api
        self._web = web
        self.repo_url = f"{api}/repos/{world.full_name}"
        self._pull_api = f"{self.repo_url}/pulls/{world.setup.number}"
        self._pull_web = f"{web}/{world.full_name}/pull/{world.setup.number}"

    def user(self, account: Account) -> Json:
        url = f"{self.api}/users/{account.login}"
        return {f"{name}_url": f"{url}/{name}" for name in _USER_URLS.split()} | {
            "login": account.login,
            "id": account.id,
            "node_id": f"U_{account.id}",
            "avatar_url": f"{self._web}/avatars/{account.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self._web}/{account.login}",
            "type": "Bot" if account.bot else "User",
            "site_admin": False,
        }

    def repository(self, full_name: str, *, full: bool = False) -> Json:
        owner, _, name = full_name.partition("/")
        url, web = f"{self.api}/repos/{full_name}", f"{self._web}/{full_name}"
        shape: Json = {f"{part}_url": f"{url}/{part}" for part in _REPOSITORY_URLS.split()}
        shape |= dict.fromkeys(_COUNTS.split(), 0)
        shape |= {
            "id": 1 if full_name == self._world.full_name else 2,
            "node_id": f"R_{name}",
            "name": name,
            "full_name": full_name,
            "owner": self.user(self._world.account(owner, role="admin")),
            "private": self._world.setup.private,
            "html_url": web,
            "description": None,
            "fork": full_name != self._world.full_name,
            "url": url,
            "git_url": f"git:{web.partition(':')[2]}.git",
            "ssh_url": f"git@{full_name}.git",
            "clone_url": f"{web}.git",
            "svn_url": web,
            "mirror_url": None,
            "homepage": None,
            "language": None,
            "default_branch": self._world.setup.base_ref,
            "license": None,
        }
        shape |= {f"has_{part}": part == "issues" for part in ("issues", "projects", "wiki", "pages", "discussions")}
        shape |= {"archived": False, "disabled": False}
        shape |= dict.fromkeys(("pushed_at", "created_at", "updated_at"), moment(0))
        return shape | ({"network_count": 0, "subscribers_count": 0} if full else {"has_downloads": True})

    def pull(self) -> Json:
        world, setup = self._world, self._world.setup
        files = world.diff()
        return self._pull_links() | {
            "id": 70_000 + setup.number,
            "node_id": f"PR_{setup.number}",
            "number": setup.number,
            "state": world.state,
            "locked": False,
            "title": setup.title,
            "user": self.user(world.author),
            "body": setup.body,
            "labels": [self._label(at, name) for at, name in enumerate(setup.labels, 1)],
            "milestone": None,
            "created_at": moment(0),
            "updated_at": moment(0),
            "closed_at": None if world.state == "open" else moment(1),
            "merged_at": moment(1) if world.merged else None,
            "merge_commit_sha": None,
            "assignee": None,
            "head": self._end(setup.head_ref, world.head, setup.head_repo),
            "base": self._end(setup.base_ref, world.base, world.full_name),
            "author_association": self.association(world.author),
            "auto_merge": None,
            "draft": world.draft,
            "merged": world.merged,
            "mergeable": True,
            "mergeable_state": "draft" if world.draft else "clean",
            "merged_by": self.user(world.author) if world.merged else None,
            "comments": len(world.remarks),
            "review_comments": len(list(world.visible())),
            "maintainer_can_modify": False,
            "commits": len(world.commits()),
            "additions": sum(entry.count("+") for entry in files),
            "deletions": sum(entry.count("-") for entry in files),
            "changed_files": len(files),
        }

    def _pull_links(self) -> Json:
        pull, issue = self._pull_api, f"{self.repo_url}/issues/{self._world.setup.number}"
        links = {
            "self": pull,
            "html": self._pull_web,
            "issue": issue,
            "comments": f"{issue}/comments",
            "review_comments": f"{pull}/comments",
            "review_comment": f"{self.repo_url}/pulls/comments{{/number}}",
            "commits": f"{pull}/commits",
            "statuses": f"{self.repo_url}/statuses/{self._world.head}",
        }
        shape: Json = {"url" if name == "self" else f"{name}_url": link for name, link in links.items()}
        shape |= {"diff_url": f"{self._pull_web}.diff", "patch_url": f"{self._pull_web}.patch"}
        return shape | {"_links": {name: {"href": link} for name, link in links.items()}}

    def _end(self, ref: str, sha: str, full_name: str | None) -> Json:
        owner = self._world.author.login if full_name is None else full_name.partition("/")[0]
        return {
            "label": f"{owner}:{ref}",
            "ref": ref,
            "sha": sha,
            "user": self.user(self._world.account(owner)),
            "repo": None if full_name is None else self.repository(full_name),
        }

    def _label(self, number: int, name: str) -> Json:
        url = f"{self.repo_url}/labels/{name}"
        shape: Json = {"id": number, "node_id": f"LA_{number}", "url": url, "name": name}
        return shape | {"description": None, "color": "ededed", "default": False}

    def file(self, entry: FileDiff) -> Json:
        added, removed = entry.count("+"), entry.count("-")
        shape: Json = {
            "sha": entry.sha,
            "filename": entry.path,
            "status": entry.status,
            "additions": added,
            "deletions": removed,
            "changes": added + removed,
            "blob_url": f"{self._web}/{self._world.full_name}/blob/{self._world.head}/{entry.path}",
            "raw_url": f"{self._web}/{self._world.full_name}/raw/{self._world.head}/{entry.path}",
            "contents_url": f"{self.repo_url}/contents/{entry.path}?ref={self._world.head}",
        }
        if self._world.shows_patch(entry):
            shape["patch"] = "\n".join(hunk.text for hunk in entry.hunks).encode("utf-8", "replace").decode("utf-8")
        if entry.status in {"renamed", "copied"}:
            shape["previous_filename"] = entry.old_path
        return shape

    def association(self, account: Account) -> str:
        if account.login == self._world.setup.owner:
            return "OWNER"
        return "COLLABORATOR" if self._world.writer(account.login) and not account.bot else "NONE"

    def review(self, review: Review) -> Json:
        web = f"{self._pull_web}#pullrequestreview-{review.id}"
        shape: Json = {
            "id": review.id,
            "node_id": f"PRR_{review.id}",
            "user": self.user(review.user),
            "body": review.body,
            "state": review.state,
            "html_url": web,
            "pull_request_url": self._pull_api,
            "_links": {"html": {"href": web}, "pull_request": {"href": self._pull_api}},
            "commit_id": review.commit,
            "author_association": self.association(review.user),
        }
        return shape if review.submitted is None else shape | {"submitted_at": moment(review.submitted)}

    def comment(self, comment: Comment) -> Json:
        url = f"{self.repo_url}/pulls/comments/{comment.id}"
        web = f"{self._pull_web}#discussion_r{comment.id}"
        links = {"self": url, "html": web, "pull_request": self._pull_api}
        shape: Json = {
            "url": url,
            "pull_request_review_id": comment.review,
            "id": comment.id,
            "node_id": f"PRRC_{comment.id}",
            "diff_hunk": comment.hunk.encode("utf-8", "replace").decode("utf-8"),
            "path": comment.path,
            "commit_id": comment.commit,
            "original_commit_id": comment.original_commit,
            "user": self.user(comment.user),
            "body": comment.body,
            "created_at": moment(comment.created),
            "updated_at": moment(comment.updated),
            "html_url": web,
            "pull_request_url": self._pull_api,
            "author_association": self.association(comment.user),
            "_links": {name: {"href": link} for name, link in links.items()},
            "side": comment.side,
            "line": comment.line,
            "start_line": comment.start_line,
            "start_side": comment.start_side,
            "original_line": comment.original_line,
            "original_start_line": comment.original_start_line,
            "position": self._position(comment),
            "original_position": comment.original_position,
            "subject_type": comment.subject,
        }
        shape["reactions"] = self._rollup(comment, url)
        return shape if comment.reply_to is None else shape | {"in_reply_to_id": comment.reply_to}

    def _rollup(self, comment: Comment, url: str) -> Json:
        given = [content for number, _, content in self._world.reactions if number == comment.id]
        counts = {name: given.count(name) for name in _REACTIONS.split()}
        return counts | {"url": f"{url}/reactions", "total_count": len(given)}

    def reaction(self, number: int, account: Account, content: str) -> Json:
        return {
            "id": number,
            "node_id": f"REA_{number}",
            "user": self.user(account),
            "content": content,
            "created_at": moment(0),
        }

    def issue(self, issue: Issue) -> Json:
        url = f"{self.repo_url}/issues/{issue.number}"
        return {
            "id": issue.id,
            "node_id": f"I_{issue.id}",
            "url": url,
            "repository_url": self.repo_url,
            "html_url": f"{self._web}/{self._world.full_name}/issues/{issue.number}",
            "number": issue.number,
            "state": issue.state,
            "title": issue.title,
            "body": issue.body,
            "user": self.user(issue.user),
            "labels": [],
            "comments": 0,
            "created_at": moment(issue.created),
            "updated_at": moment(issue.created),
            "closed_at": None,
            "author_association": self.association(issue.user),
        }

    def _position(self, comment: Comment) -> int | None:
        entry = next((entry for entry in self._world.diff() if entry.path == comment.path), None)
        return None if entry is None or comment.line is None else entry.position(comment.side, comment.line)

    def remark(self, remark: Remark) -> Json:
        number = self._world.setup.number
        return {
            "id": remark.id,
            "node_id": f"IC_{remark.id}",
            "url": f"{self.repo_url}/issues/comments/{remark.id}",
            "html_url": f"{self._pull_web}#issuecomment-{remark.id}",
            "body": remark.body,
            "user": self.user(remark.user),
            "created_at": moment(remark.created),
            "updated_at": moment(remark.updated),
            "issue_url": f"{self.repo_url}/issues/{number}",
            "author_association": self.association(remark.user),
        }

    def check(self, check: Check) -> Json:
        given, url = check.fields, f"{self.repo_url}/check-runs/{check.id}"
        output = given.get("output") or {}
        names = ("details_url", "conclusion", "started_at", "completed_at", "external_id")
        return {name: given.get(name) for name in names} | {
            "id": check.id,
            "node_id": f"CR_{check.id}",
            "head_sha": given["head_sha"],
            "name": given["name"],
            "url": url,
            "html_url": f"{self._pull_web}/checks?check_run_id={check.id}",
            "status": given.get("status", "queued"),
            "check_suite": {"id": 5},
            "output": {name: output.get(name) for name in ("title", "summary", "text")}
            | {"annotations_count": len(check.annotations), "annotations_url": f"{url}/annotations"},
            "app": None,
            "pull_requests": [],
        }
