"""A GitHub on loopback, standing on a real git repository: git decides which lines there are.

REST under a base path, GraphQL beside it. It judges the product and so shares nothing with it: refusals
are word for word those of forges.md 2.6, requests are held against GitHub's own schemas.

    with FakeGitHub(repo, base=base, head=head) as server:
        token = server.actions_token()
        client = github.Github(auth=github.Auth.Token(token), base_url=server.url, per_page=100, retry=None)
"""

import json
import threading
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Self

from fakes import github_diff, github_markup
from fakes.github_faults import Logged
from fakes.github_front import Front
from fakes.github_wire import handler
from fakes.github_world import Check, Comment, Email, Remark, Review, Setup, Token, World
from gitrepo import Repo

__all__ = ["FakeGitHub", "Setup"]


class FakeGitHub(Front):
    """The server, its state for assertions, and what a test does to it from outside.

    ``check_answers`` holds each answer against the schemas too; `drift` tells what was wrong. Slow for long lists.
    Leaving the block raises the fake's own first mistake, if it made one.
    """

    def __init__(
        self,
        repo: Repo,
        *,
        base: str,
        head: str,
        base_path: str = "",
        setup: Setup | None = None,
        check_answers: bool = False,
    ) -> None:
        super().__init__(World(repo, base, head, setup or Setup()), base_path, check_answers=check_answers)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self._server.daemon_threads = True
        root = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{root}{base_path}"
        """The base of the REST API."""
        self.graphql_url = f"{root}{self.graphql_path}"
        self.open(root)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.stopping.set()
        self.faults.clear()
        self._server.shutdown()
        self._server.server_close()
        if kind is None and self.failures:
            raise self.failures[0]

    # Tokens.

    def token(self, login: str, *, role: str = "write", pulls: bool = True) -> str:
        """Give a person's token; without ``pulls`` a fine-grained one that may only read."""
        with self.lock:
            account = self.world.account(login)
            self.world.roles[login] = role
            token = Token(account=account, kind="classic", pulls=pulls, issues=pulls, checks=False, statuses=pulls)
            return self._grant(f"person-{login}-{len(self.world.tokens)}", token)

    def actions_token(self, *, pulls: bool = True, contents: bool = False, checks: bool = True) -> str:
        """Give a workflow's token; without ``pulls`` and ``checks`` that of a fork's pull request."""
        return self._bot_token("github-actions[bot]", "actions", pulls=pulls, contents=contents, checks=checks)

    def app_token(self, name: str = "my-app", *, pulls: bool = True, contents: bool = True, checks: bool = True) -> str:
        """Give an installation token of a GitHub App."""
        return self._bot_token(f"{name}[bot]", "app", pulls=pulls, contents=contents, checks=checks)

    def _bot_token(self, login: str, kind: str, *, pulls: bool, contents: bool, checks: bool) -> str:
        with self.lock:
            account = self.world.account(login, role="none")
            token = Token(
                account=account, kind=kind, pulls=pulls, contents=contents, issues=pulls, checks=checks, statuses=checks
            )
            return self._grant(f"{kind}-{len(self.world.tokens)}", token)

    def _grant(self, secret: str, token: Token) -> str:
        self.world.tokens[secret] = token
        return secret

    # What happens on the forge meanwhile.

    def push(self, head: str) -> None:
        """Let a new head arrive: comments move with their lines or become outdated."""
        with self.lock:
            self.world.push(head)

    def push_base(self, base: str) -> None:
        """Let the target branch move on."""
        with self.lock:
            self.world.push_base(base)

    def close_pull(self, *, merged: bool = False) -> None:
        with self.lock:
            self.world.state, self.world.merged = "closed", merged

    # What stands there.

    @property
    def emails(self) -> tuple[Email, ...]:
        with self.lock:
            return tuple(self.world.emails)

    @property
    def comments(self) -> tuple[Comment, ...]:
        """Everybody's comments on lines and files, in the order of their creation; no pending ones."""
        with self.lock:
            return tuple(self.world.visible())

    @property
    def reviews(self) -> tuple[Review, ...]:
        """All reviews, pending ones included."""
        with self.lock:
            return tuple(self.world.reviews)

    @property
    def issue_comments(self) -> tuple[Remark, ...]:
        with self.lock:
            return tuple(self.world.remarks)

    @property
    def checks(self) -> tuple[Check, ...]:
        with self.lock:
            return tuple(self.world.checks)

    @property
    def writes(self) -> tuple[Logged, ...]:
        """The requests that were to change something."""
        return tuple(each for each in self.log if each.write)

    def resolved_by(self, comment: Comment) -> str | None:
        """Say who resolved the thread that a comment opened."""
        with self.lock:
            account = self.world.resolved.get(comment.reply_to or comment.id)
            return None if account is None else account.login

    def anchored_text(self, comment: Comment) -> str:
        """Give the lines that a comment was made on, from git's objects; empty for a comment on a file."""
        with self.lock:
            first, last = comment.original_start_line or comment.original_line, comment.original_line
            if first is None or last is None:
                return ""
            commit, path = comment.original_commit, comment.path
            if comment.side == "LEFT":
                entries = github_diff.read(self.world.repo, comment.original_base, commit)
                path = next(entry.old_path for entry in entries if entry.path == path)
                commit = comment.original_base
            return "\n".join(github_diff.lines(self.world.repo, commit, path)[first - 1 : last])

    def alive(self) -> tuple[github_markup.Alive, ...]:
        """Give what notifies, links, loads or is HTML in all that was posted."""
        with self.lock:
            bodies = [each.body for part in (self.world.comments, self.world.reviews) for each in part]
            bodies += [remark.body for remark in self.world.remarks]
        return tuple(found for body in bodies for found in github_markup.alive(body))

    def proposals(self, comment: Comment) -> tuple[github_markup.Proposal, ...]:
        """Give the suggestions in a comment."""
        with self.lock:
            return github_markup.proposals(self.world, comment)

    def applied(self, comment: Comment, index: int = 0) -> str:
        """Give the head's file with a suggestion of a comment applied, without its last newline."""
        with self.lock:
            return github_markup.applied(self.world, comment, index)

    def snapshot(self) -> dict[str, list[str]]:
        """Give what everybody sees and what is still pending, to be compared.

        Without ids, times, and the order of posting. A review with no text is not listed: its comments are.
        """
        with self.lock:
            world = self.world
            threads = [self._thread(number, comments) for number, comments in world.threads().items()]
            submitted = [review for review in world.reviews if review.state != "PENDING"]
            return {
                "threads": sorted(threads),
                "reviews": sorted(_line(r.user.login, r.state, r.body) for r in submitted if r.body),
                "pending": sorted(_line(r.user.login, r.body) for r in world.reviews if r not in submitted),
                "issue comments": sorted(_line(r.user.login, r.body, r.minimized) for r in world.remarks),
            }

    def _thread(self, number: int, comments: list[Comment]) -> str:
        opener, resolver = comments[0], self.world.resolved.get(number)
        place = [opener.path, opener.subject, opener.side, opener.original_start_line, opener.original_line]
        said = [[each.user.login, each.body, each.minimized] for each in comments]
        return _line(*place, opener.outdated, None if resolver is None else resolver.login, *said)


def _line(*parts: object) -> str:
    return json.dumps(parts, ensure_ascii=False)
