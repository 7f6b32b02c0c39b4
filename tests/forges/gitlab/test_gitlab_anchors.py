"""A thousand findings on changes made by chance: each stands at the very text that it quotes."""

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import gitrepo
import pytest
from fakes.gitlab_server import FakeGitLab
from forges.gitlab.gitlab_scene import TOKEN, a_comment, a_forge, fingerprint, review

from reviewbot.domain.patch import Side
from reviewbot.domain.posting import Comment, Posted

WORDS = (
    "x = 1",
    "",
    "  indented",
    "@@ -1,2 +3,4 @@",
    "+plus",
    "-minus",
    "\\ no newline",
    "+++ b/x",
    "--- a/x",
    "ä€😀",
    "cr\r",
)
PATHS = ("plain.py", "with space.py", "ü/ß.txt", "deep/er/x.c", "quote'\"s.md")
PER_CHANGE = 100


def some_lines(chance: random.Random, count: int) -> list[str]:
    return [chance.choice(WORDS) for _ in range(count)]


def edited(chance: random.Random, lines: list[str]) -> list[str]:
    """Add, remove and replace lines here and there."""
    result = list(lines)
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(result))
        result[at : at + chance.randint(0, 4)] = some_lines(chance, chance.randint(0, 4))
    return result


def text(chance: random.Random, lines: list[str]) -> str:
    return "\n".join(lines) + ("\n" if chance.random() < 0.8 else "x")


def findings(
    chance: random.Random, old: dict[str, list[str]], new: dict[str, list[str]]
) -> Iterator[tuple[Comment, str]]:
    """Write comments on lines of either side, with what must stand there."""
    for number in range(PER_CHANGE):
        side = chance.choice((Side.LEFT, Side.RIGHT))
        path, lines = chance.choice(sorted((old if side is Side.LEFT else new).items()))
        start = chance.randint(1, len(lines))
        end = min(start + chance.choice((0, 0, 1, 5)), len(lines))
        yield a_comment(number, path, start, end, side), "\n".join(lines[start - 1 : end])


def _side(comment: Comment) -> Side | None:
    return comment.span.side if comment.span else None


@pytest.mark.parametrize("seed", range(10))
def test_every_comment_stands_at_the_text_that_it_quotes(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same changes each time
    repo = gitrepo.init(tmp_path / "repo")
    old = {path: some_lines(chance, chance.randint(5, 80)) for path in PATHS[:4]}
    repo.commit({path: text(chance, lines) for path, lines in old.items()})
    repo.branch("feature")
    new = {path: edited(chance, lines) for path, lines in old.items()}
    del new[PATHS[0]]
    new[PATHS[4]] = some_lines(chance, 20)
    repo.git("rm", "--quiet", PATHS[0])
    repo.commit({path: text(chance, lines) for path, lines in new.items()})
    old = {path: repo.git("show", f"main:{path}").split("\n") for path in old}
    new = {path: repo.git("show", f"feature:{path}").split("\n") for path in new if repo.git("show", f"feature:{path}")}
    wanted = list(findings(chance, old, new))
    with FakeGitLab(repo) as server:
        server.add_user("bot", token=TOKEN)
        with a_forge(server) as forge:
            shown = {file.path for file in forge.files()}
            comments = [(replace(comment, old_path=None), quote) for comment, quote in wanted if comment.path in shown]
            posted = review(forge, [comment for comment, _ in comments])
            assert Posted(created=len(comments), summary="created") == posted
        texts = {fingerprint(comment.body): comment.text for comment in server.comments()}
        assert () == server.broken
        for comment, quote in comments:
            last = quote.split("\n")[-1]
            # A range that begins outside of the hunks, or runs over both sides, is known by its last line.
            assert texts[comment.fingerprint] in (quote, last) or _side(comment) is Side.LEFT
            assert str(texts[comment.fingerprint]).split("\n")[-1] == last
