"""A pull request on the fake GitHub."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from fakes.github_server import FakeGitHub
from fakes.github_world import Issue
from fakes.model_server import ModelServer
from gitrepo import Repo
from posting.stage import Shown, Stage, without_usage

_FOLDS = {("html", "details"), ("html", "summary")}
"""The summary's own HTML."""


class GitHub(Stage):
    """A pull request."""

    word = "pull request"

    def __init__(self, folder: Path, repo: Repo, model: ModelServer, server: FakeGitHub) -> None:
        super().__init__(folder, repo, model)
        self.server = server
        self.environ |= {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": server.url,
            "GITHUB_GRAPHQL_URL": server.graphql_url,
            "GITHUB_REPOSITORY": "acme/app",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(folder / "event.json"),
            "GITHUB_BASE_REF": "main",
        }
        self.use(server.app_token())
        self.point(repo.git("rev-parse", "feature"))

    def use(self, token: str) -> None:
        """Run the next jobs with this token."""
        self.bot = self.server.world.tokens[token].account.login
        self.environ["GITHUB_TOKEN"] = token

    def point(self, head: str) -> None:
        setup = self.server.world.setup
        source = None if setup.head_repo is None else {"full_name": setup.head_repo}
        request = {"number": setup.number, "head": {"sha": head, "repo": source}, "base": {"ref": "main"}}
        self.event({"pull_request": request})

    def event(self, event: object) -> None:
        """Write the event that the next job runs for."""
        (self.folder / "event.json").write_text(json.dumps(event))

    def arrived(self, head: str) -> None:
        self.server.push(head)

    def _target_moved(self, base: str) -> None:
        self.server.push_base(base)

    def when(self, method: str, path: str, do: Callable[[], object]) -> None:
        self.server.faults.add(method, path, do)

    def kill_at(self, number: int, kill: Callable[[], object]) -> None:
        self.server.faults.cut(number, kill, answered=False)

    def trouble(self, method: str, path: str, kind: int | str, **more: Any) -> None:  # noqa: ANN401
        self.server.faults.add(method, path, kind, **more)

    def untroubled(self) -> int:
        return self.server.faults.left

    def calm(self) -> None:
        self.server.faults.clear()

    def ask(self, path: str, token: str, **body: Any) -> None:  # noqa: ANN401 - JSON
        """Post something to the repository's API as somebody else's program."""
        url = f"{self.server.url}/repos/acme/app/{path}"
        requests.post(url, headers={"Authorization": f"Bearer {token}"}, json=body, timeout=10).raise_for_status()

    def reply(self, id_: str, body: str, *, person: str = "carl", writes: bool = True) -> None:
        role = "write" if writes else "read"
        self.ask(f"pulls/7/comments/{id_}/replies", self.server.token(person, role=role), body=body)

    def author_replies(self, id_: str, body: str) -> None:
        self.reply(id_, body, person=self.server.world.setup.author, writes=False)

    def close(self, id_: str, *, person: str = "carl", writes: bool = True) -> None:
        with self.server.lock:
            account = self.server.world.account(person)
            self.server.world.roles[person] = "write" if writes else "read"
            self.server.world.resolved[int(id_)] = account

    def react(self, id_: str, *, up: bool = False, person: str = "carl", writes: bool = True) -> None:
        with self.server.lock:
            account = self.server.world.account(person)
            self.server.world.roles[person] = "write" if writes else "read"
            self.server.world.reactions.append((int(id_), account, "+1" if up else "-1"))

    def reopen(self, id_: str) -> None:
        with self.server.lock:
            del self.server.world.resolved[int(id_)]

    def pages(self) -> list[str]:
        with self.server.lock:
            return [issue.body for issue in self.server.world.issues]

    def edit_page(self, change: Callable[[str], str]) -> None:
        with self.server.lock:
            issue = self.server.world.issues[0]
            issue.body = change(issue.body)

    def open_issue(self, title: str, body: str) -> None:
        with self.server.lock:
            world = self.server.world
            user, number = world.account("mallory"), world.setup.number + 1 + len(world.issues)
            world.issues.append(Issue(id=world.next_id(), number=number, user=user, title=title, body=body))

    def next_request(self, files: Mapping[str, str | bytes], number: int = 70) -> None:
        with self.server.lock:
            world = self.server.world
            for part in (world.comments, world.reviews, world.remarks, world.reactions):
                part.clear()
            world.resolved.clear()
            world.setup = replace(world.setup, number=number)
            self.server.open(self.server.url.removesuffix(self.server.base_path))
        self.push(files)

    def without_issues(self) -> None:
        with self.server.lock:
            tokens, own = self.server.world.tokens, self.environ["GITHUB_TOKEN"]
            tokens[own] = replace(tokens[own], issues=False)

    def stranger_says(self, body: str) -> None:
        self.ask("issues/7/comments", self.server.token("mallory", role="read"), body=body)

    def shown(self) -> list[Shown]:
        openers = [one for one in self.server.comments if one.user.login == self.bot and one.reply_to is None]
        inline = [
            Shown(
                id=str(one.id),
                kind="inline",
                body=one.body,
                path=one.path,
                text=self.server.anchored_text(one),
                closed_by=self.server.resolved_by(one),
                outdated=one.outdated,
            )
            for one in openers
        ]
        reviews = [one for one in self.server.reviews if one.user.login == self.bot and one.body]
        remarks = [one for one in self.server.issue_comments if one.user.login == self.bot]
        return [
            *inline,
            *(Shown(id=str(one.id), kind="file", body=one.body) for one in reviews),
            *(Shown(id=str(one.id), kind="summary", body=one.body) for one in remarks),
        ]

    @property
    def bot_name(self) -> str:
        return self.bot

    def answers(self) -> list[str]:
        return [one.body for one in self.server.comments if one.user.login == self.bot and one.reply_to is not None]

    @property
    def emails(self) -> int:
        return len(self.server.emails)

    @property
    def requests(self) -> int:
        return len(self.server.log)

    @property
    def writes(self) -> int:
        return len(self.server.writes)

    def snapshot(self) -> object:
        seen = self.server.snapshot()
        return {part: [without_usage(line) for line in lines] for part, lines in seen.items()}

    def acts(self) -> list[object]:
        return [found for found in self.server.alive() if (found.kind, found.text) not in _FOLDS]
