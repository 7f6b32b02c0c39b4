"""A merge request on the fake GitLab."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from fakes.gitlab_faults import Logged
from fakes.gitlab_server import DEVELOPER, REPORTER, FakeGitLab
from fakes.gitlab_state import Award, Issue
from fakes.model_server import ModelServer
from gitrepo import Repo
from posting.stage import Shown, Stage, without_usage

TOKEN = "token-" + "of-the-bot"
_FOLDS = {"<details>", "</details>", "<summary>", "</summary>"}
"""The summary's own HTML."""


class GitLab(Stage):
    """A merge request."""

    word = "merge request"

    def __init__(self, folder: Path, repo: Repo, model: ModelServer, server: FakeGitLab) -> None:
        super().__init__(folder, repo, model)
        self.server = server
        self.bot = server.add_user("reviewbot", token=TOKEN, kind="project", bot=True)
        self.environ |= {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": server.url,
            "CI_API_V4_URL": f"{server.url}/api/v4",
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
            "CI_MERGE_REQUEST_EVENT_TYPE": "detached",
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "GITLAB_TOKEN": TOKEN,
        }
        self.point(repo.git("rev-parse", "feature"))

    def point(self, head: str) -> None:
        self.environ["CI_COMMIT_SHA"] = head

    def arrived(self, head: str) -> None:
        self.server.push(head)

    def _target_moved(self, base: str) -> None:
        """Leave the merge request the diff that it has: a new one comes with the next push."""

    def when(self, method: str, path: str, do: Callable[[], object]) -> None:
        def before(logged: Logged) -> None:
            if logged.method == method and re.search(path, logged.path):
                self.server.on_request = None
                do()

        self.server.on_request = before

    def kill_at(self, number: int, kill: Callable[[], object]) -> None:
        first = len(self.server.log)

        def before(_: Logged) -> None:
            if len(self.server.log) - first == number:
                kill()

        self.server.on_request = before

    def trouble(self, method: str, path: str, kind: int | str, **more: Any) -> None:  # noqa: ANN401
        self.server.faults.add(method, path, str(kind), **more)

    def untroubled(self) -> int:
        return len(self.server.faults.waiting)

    def calm(self) -> None:
        self.server.on_request = None
        self.server.faults.waiting.clear()

    def _token(self, person: str, level: int) -> str:
        token = f"token-of-{person}"
        if token not in self.server.state.tokens:
            self.server.add_user(person, token=token, level=level)
        return token

    def ask(self, method: str, path: str, token: str, **body: Any) -> None:  # noqa: ANN401 - JSON
        """Ask the merge request's API as somebody else's program."""
        url = f"{self.server.url}/api/v4/projects/42/merge_requests/{self.server.request.iid}/{path}"
        requests.request(method, url, headers={"PRIVATE-TOKEN": token}, json=body, timeout=10).raise_for_status()

    def reply(self, id_: str, body: str, *, person: str = "carl", writes: bool = True) -> None:
        token = self._token(person, DEVELOPER)
        self.ask("POST", f"discussions/{id_}/notes", token, body=body)
        self.server.state.levels[self.server.state.tokens[token].user.id] = DEVELOPER if writes else REPORTER

    def author_replies(self, id_: str, body: str) -> None:
        author = self.server.author
        self.server.add_token(author, "token-of-the-author")
        self.ask("POST", f"discussions/{id_}/notes", "token-of-the-author", body=body)
        self.server.state.levels[author.id] = REPORTER

    def close(self, id_: str, *, person: str = "carl", writes: bool = True) -> None:
        # GitLab lets only developers resolve, and the author, who may have lost the role since.
        token = self._token(person, DEVELOPER)
        self.ask("PUT", f"discussions/{id_}", token, resolved=True)
        user = self.server.state.tokens[token].user
        self.server.state.levels[user.id] = DEVELOPER if writes else REPORTER

    def react(self, id_: str, *, up: bool = False, person: str = "carl", writes: bool = True) -> None:
        token = self._token(person, DEVELOPER)
        user, state = self.server.state.tokens[token].user, self.server.state
        state.levels[user.id] = DEVELOPER if writes else REPORTER
        found = state.discussion(id_)
        assert found is not None
        state.awards.append(Award(found.notes[0].id, user, "thumbsup" if up else "thumbsdown"))

    def reopen(self, id_: str) -> None:
        self.ask("PUT", f"discussions/{id_}", self._token("carl", DEVELOPER), resolved=False)

    def pages(self) -> list[str]:
        return [issue.description for issue in self.server.state.issues]

    def edit_page(self, change: Callable[[str], str]) -> None:
        issue = self.server.state.issues[0]
        issue.description = change(issue.description)

    def open_issue(self, title: str, body: str) -> None:
        state = self.server.state
        user = state.tokens[self._token("mallory", REPORTER)].user
        number = len(state.issues) + 1
        state.issues.append(Issue(id=state.next_id(), iid=number, author=user, title=title, description=body))

    def next_request(self, files: Mapping[str, str | bytes], number: int = 8) -> None:
        state = self.server.state
        state.discussions.clear()
        state.awards.clear()
        state.request.iid = number
        self.environ["CI_MERGE_REQUEST_IID"] = str(number)
        self.push(files)
        state.discussions.clear()

    def without_issues(self) -> None:
        self.server.state.rules = replace(self.server.state.rules, issues=False)

    def stranger_says(self, body: str) -> None:
        self.ask("POST", "discussions", self._token("mallory", REPORTER), body=body)

    def shown(self) -> list[Shown]:
        state = self.server.state
        closers = {note.id: note.resolved_by for _, note in state.notes()}
        return [
            Shown(
                id=one.discussion_id,
                kind="summary" if one.kind == "plain" else one.kind,
                body=one.body,
                path=one.path,
                text=one.text or "",
                closed_by=user.username if (user := closers[one.note_id]) and one.kind != "plain" else None,
                outdated=one.outdated,
            )
            for one in self.server.comments(self.bot)
            if one.kind != "reply"
        ]

    @property
    def bot_name(self) -> str:
        return self.bot.username

    def answers(self) -> list[str]:
        return [one.body for one in self.server.comments(self.bot) if one.kind == "reply"]

    @property
    def emails(self) -> int:
        return self.server.emails

    @property
    def requests(self) -> int:
        return len(self.server.log)

    @property
    def writes(self) -> int:
        return len(self.server.writes)

    def snapshot(self) -> object:
        return self.server.snapshot(without_usage)

    def acts(self) -> list[object]:
        leaks = [leak for leak in self.server.leaks if leak.what.text not in _FOLDS]
        return [*self.server.quick_actions, *leaks, *self.server.broken]
