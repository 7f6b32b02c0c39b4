"""Which pushes and webhooks come when, and the repository that has all their commits, for `webhook_reviews.py`."""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import gitrepo
from gitrepo import Repo
from jobs import numbered

_LINES, _STEP, _MOST_HEADS = 200, 10, 18


def repository(folder: Path, requests: int, heads: Mapping[int, int]) -> Repo:
    """Make all commits in one go. Head 3 of request 7 is branch ``7/3``; it has what heads 1 and 2 have, and more."""
    repo = gitrepo.init(folder)
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true")  # as both forges have it
    repo.commit({"app.rs": numbered(_LINES), "lib.rs": numbered(30)})
    lines = []
    for number in range(1, requests + 1):
        start = repo.head
        for head in range(1, heads.get(number, 1) + 1):
            wrong = {f"l{_STEP * at}": f"wrong {name}" for at, name in enumerate(wrongs(number, head), 1)}
            text = numbered(_LINES, **wrong)
            branch = f"refs/heads/{number}/{head}"
            lines.append(f"commit {branch}\ncommitter Ann <ann@example.org> {1_700_000_000 + head} +0000\ndata 1\nx")
            lines.append(f"from {start}\nM 100644 inline app.rs\ndata {len(text)}\n{text}")
            start = branch
    repo.git("fast-import", "--quiet", stdin="\n".join([*lines, "done", ""]).encode())
    return repo


def wrongs(number: int, head: int) -> list[str]:
    """Name what is wrong in a head."""
    return [f"r{number}h{at}" for at in range(1, head + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens at a time: a push to a request, or a webhook of it that arrives."""

    at_s: float
    number: int
    head: int
    push: bool


def imagined(webhooks: int, requests: int, seconds: float) -> tuple[Step, ...]:
    """Tell what happens: a fifth of the webhooks come twice, and a fifth come late, behind newer ones at times."""
    chance = random.Random(8)  # noqa: S311 - a load, not a secret
    pushes = Counter(range(1, requests + 1))
    while pushes.total() < max(requests, webhooks * 4 // 5):
        number = chance.randint(1, requests)
        pushes[number] += pushes[number] < _MOST_HEADS
    steps, sent = [], []
    for number, count in pushes.items():
        at_s = seconds * chance.random()
        for head in range(1, count + 1):
            late_s = 10 * chance.random() if chance.random() < 0.2 else 0.1
            steps.append(Step(at_s=at_s, number=number, head=head, push=True))
            sent.append(Step(at_s=at_s + late_s, number=number, head=head, push=False))
            at_s += chance.choice((0.3, 2.0, 8.0, 20.0))
    twice = [chance.choice(sent) for _ in range(webhooks - len(sent))]
    sent += [replace(step, at_s=step.at_s + 15 * chance.random()) for step in twice]
    return tuple(sorted([*steps, *sent], key=lambda step: step.at_s))
