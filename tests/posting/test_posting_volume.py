"""Many findings at random places of many diffs: each stands on the lines that it quotes, and none is lost."""

from pathlib import Path
from random import Random

import gitrepo
import pytest
from gitrepo import Repo
from posting.volume import FORGES, Tally, posted

DIFFS, FINDINGS = 10, 20


def change(path: Path, seed: int) -> Repo:
    """Make a change of everything that git knows: edits, renames, new and deleted files, odd names and line ends."""
    chance = Random(seed)  # noqa: S311 - a change that can be made again
    repo = gitrepo.init(path)
    names = ["plain.py", "dir with space/naïve file.txt", "ünïcode/日本.md", "crlf.cs", "no newline.c", "'quote\".go"]
    texts = {name: [f"{name} line {number}" for number in range(chance.randint(20, 80))] for name in names}
    repo.commit({name: _text(name, lines) for name, lines in texts.items()} | {"gone.rb": "one\ntwo\nthree\n"})
    repo.branch("feature")
    for name in chance.sample(names, 3):
        repo.git("mv", name, f"{name}.moved")
        texts[f"{name}.moved"] = texts.pop(name)
    repo.git("rm", "--quiet", "gone.rb")
    edited = {name: _text(name, _edited(lines, chance)) for name, lines in texts.items()}
    repo.commit(edited | {"new/älso.kt": "".join(f"new {number}\n" for number in range(chance.randint(1, 30)))})
    return repo


def _text(name: str, lines: list[str]) -> str:
    end = "\r\n" if "crlf" in name else "\n"
    text = "".join(f"{line}{end}" for line in lines)
    return text.removesuffix("\n") if "no newline" in name else text


def _edited(lines: list[str], chance: Random) -> list[str]:
    edited = list(lines)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(edited))
        edited[at : at + chance.randint(0, 3)] = [f"edit {chance.random()}" for _ in range(chance.randint(0, 3))]
    return edited


@pytest.mark.parametrize("forge", sorted(FORGES))
def test_every_finding_stands_on_the_lines_that_it_quotes(tmp_path: Path, forge: str) -> None:
    total = Tally()
    for seed in range(DIFFS):
        repo = change(tmp_path / str(seed), seed)
        total.add(posted(forge, repo, FINDINGS, seed, lambda _: None))
    count = DIFFS * FINDINGS
    assert [] == total.astray
    assert (count, total.inline) == (total.inline + total.filed, total.exact)
    assert total.filed < count / 5
    assert (0, 0) == (total.refused, total.again)
    assert DIFFS * (2 if forge == "github" else 1) == total.mails
