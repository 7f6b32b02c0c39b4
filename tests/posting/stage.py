"""A change request on any forge, the clone that its jobs run in, and people who take part."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakes.model_server import ModelServer
from gitrepo import Repo
from jobs import KEY, Job, Ran, named, run

_FINGERPRINT = re.compile(r"fp=([0-9a-f]{32})")
_USAGE = re.compile(r"Usage: [^\n\\]*")


def without_usage(text: str) -> str:
    """Take out of a summary what the run used: it differs from run to run."""
    return _USAGE.sub("", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Something that the bot has written and people see."""

    id: str
    """What `Stage.reply` and `Stage.close` want."""
    kind: str
    """``inline``, ``file`` (also in a review's body) or ``summary``."""
    body: str
    path: str | None = None
    text: str = ""
    """The code that it stands on."""
    closed_by: str | None = None
    outdated: bool = False


class Stage(ABC):
    """What is the same on both forges. ``environ`` is the job's, ``model`` what it asks."""

    word: str
    """What users call it."""

    def __init__(self, folder: Path, repo: Repo, model: ModelServer) -> None:
        self.folder = folder
        self.repo = repo
        self.model = model
        self.environ = {"REVIEWBOT_BASE_URL": model.base_url, "REVIEWBOT_API_KEY": KEY}
        self.clone = repo.clone(folder / "clone")
        self.clone.git("checkout", "--quiet", "--detach", "origin/feature")

    # What happens.

    def job(self, *argv: str, **environ: str) -> Job:
        """Start a command in the clone."""
        return Job(argv, self.clone.path, {**self.environ, **environ})

    def run(self, *argv: str, **environ: str) -> Ran:
        """Run a command in the clone."""
        return run(argv, self.clone.path, {**self.environ, **environ})

    def review(self, *options: str, **environ: str) -> Ran:
        """Review, and post."""
        return self.run("review", *options, **environ)

    def push(self, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit to the feature branch, push, and let the next job's clone have it."""
        self.commit(files)
        return self.arrive()

    def commit(self, files: Mapping[str, str | bytes] | None = None) -> str:
        """Commit in the feature branch; nobody hears of it yet."""
        return self.repo.commit(files)

    def arrive(self) -> str:
        """Let the feature branch's tip arrive at the forge and in the clone."""
        head = self.repo.git("rev-parse", "feature")
        self.arrived(head)
        self.clone.git("fetch", "--quiet", "--force", "origin")
        self.clone.git("checkout", "--quiet", "--detach", head)
        self.point(head)
        return head

    def target(self, files: Mapping[str, str | bytes]) -> None:
        """Commit to the main branch."""
        self.repo.git("checkout", "--quiet", "main")
        self.repo.commit(files)
        self.repo.git("checkout", "--quiet", "feature")
        self.clone.git("fetch", "--quiet", "origin")
        self._target_moved(self.repo.git("rev-parse", "main"))

    @abstractmethod
    def arrived(self, head: str) -> None:
        """Let the forge hear of it."""

    @abstractmethod
    def _target_moved(self, base: str) -> None:
        """Let the forge hear of it."""

    @abstractmethod
    def point(self, head: str) -> None:
        """Make the job one for that commit."""

    @abstractmethod
    def when(self, method: str, path: str, do: Callable[[], object]) -> None:
        """Let something happen once, just before the first such request is answered."""

    @abstractmethod
    def kill_at(self, number: int, kill: Callable[[], object]) -> None:
        """Kill once the request of that number, from now, has had its effect, and before it is answered."""

    @abstractmethod
    def trouble(self, method: str, path: str, kind: int | str, **more: Any) -> None:  # noqa: ANN401 - the fault's fields
        """Let requests go wrong, in the words of the forge's own list of faults."""

    @abstractmethod
    def untroubled(self) -> int:
        """Say how many kinds of trouble have not come about yet."""

    @abstractmethod
    def calm(self) -> None:
        """Let nothing more go wrong."""

    @abstractmethod
    def reply(self, id_: str, body: str, *, person: str = "carl", writes: bool = True) -> None:
        """Let a person answer in a thread, who may write to the project or not."""

    @abstractmethod
    def author_replies(self, id_: str, body: str) -> None:
        """Let the change's author answer in a thread, who may not write to the project."""

    @abstractmethod
    def close(self, id_: str, *, person: str = "carl", writes: bool = True) -> None:
        """Let a person resolve a thread, who may write to the project or not."""

    @abstractmethod
    def react(self, id_: str, *, up: bool = False, person: str = "carl", writes: bool = True) -> None:
        """Let a person give a thumb to a thread's first comment."""

    @abstractmethod
    def reopen(self, id_: str) -> None:
        """Let a person open a thread again."""

    @abstractmethod
    def pages(self) -> list[str]:
        """Give the texts of all issues, the oldest first."""

    @abstractmethod
    def edit_page(self, change: Callable[[str], str]) -> None:
        """Let a person edit the first issue."""

    @abstractmethod
    def open_issue(self, title: str, body: str) -> None:
        """Let a stranger open an issue."""

    @abstractmethod
    def next_request(self, files: Mapping[str, str | bytes], number: int = 8) -> None:
        """Let the forge hold another change request instead, with nothing said on it yet."""

    @abstractmethod
    def without_issues(self) -> None:
        """Take from the bot's token the permission for issues, or from the project the issues."""

    @abstractmethod
    def stranger_says(self, body: str) -> None:
        """Let a stranger post a comment of that text."""

    # What is seen.

    @abstractmethod
    def shown(self) -> list[Shown]:
        """Give all that the bot's account has opened, the oldest first."""

    @property
    @abstractmethod
    def bot_name(self) -> str:
        """As whom the bot writes."""

    @abstractmethod
    def answers(self) -> list[str]:
        """Give what the bot has said in threads after opening them, in order."""

    @property
    @abstractmethod
    def emails(self) -> int:
        """How many were sent."""

    @property
    @abstractmethod
    def requests(self) -> int:
        """How many the forge has had."""

    @property
    @abstractmethod
    def writes(self) -> int:
        """How many of them were to change something."""

    @abstractmethod
    def snapshot(self) -> object:
        """Give all that people see, but for what a run used, to be compared."""

    @abstractmethod
    def acts(self) -> list[object]:
        """Give what runs, notifies, links or loads in all that was posted."""

    @property
    def summary(self) -> str:
        """The sticky comment."""
        (body,) = [one.body for one in self.shown() if one.kind == "summary"]
        return body

    def places(self) -> dict[str, list[str]]:
        """Say where each name is spoken of; what is closed says by whom."""
        found: dict[str, list[str]] = {}
        for one in self.shown():
            names = named(one.body)
            # The summary may speak of one both in its table and below.
            for name in dict.fromkeys(names) if one.kind == "summary" else names:
                found.setdefault(name, []).append(
                    f"{one.kind} closed by {one.closed_by}" if one.closed_by else one.kind
                )
        return {name: sorted(places) for name, places in sorted(found.items())}

    def thread(self, name: str) -> Shown:
        """Give the one thread that speaks of a name."""
        (one,) = [one for one in self.shown() if one.kind != "summary" and name in named(one.body)]
        return one

    def fingerprints(self) -> list[str]:
        """Give the fingerprints in all open threads."""
        texts = "\n".join(one.body for one in self.shown() if one.closed_by is None)
        return sorted(_FINGERPRINT.findall(texts))
