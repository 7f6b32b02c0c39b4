"""Changes and sources for analyzers, built from old and new texts."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from reviewbot.domain.patch import FilePatch, Hunk, Status

Change = Callable[..., FilePatch]


@dataclass(frozen=True)
class Texts:
    """Sources from two dictionaries: the new texts, and the configuration files of the trusted side."""

    new: Mapping[str, bytes] = field(default_factory=dict)
    trusted: Mapping[str, bytes] = field(default_factory=dict)

    def new_text(self, file: FilePatch) -> bytes | None:
        return self.new.get(file.path)

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        return {path: text for path, text in self.trusted.items() if path.rsplit("/", 1)[-1] in names}


def _rows(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []


def _hunk(old: list[str], new: list[str], group: list[tuple[str, int, int, int, int]]) -> Hunk:
    body: list[str] = []
    for tag, old_start, old_end, new_start, new_end in group:
        if tag == "equal":
            body += [f" {row}" for row in old[old_start:old_end]]
        else:
            body += [f"-{row}" for row in old[old_start:old_end]]
            body += [f"+{row}" for row in new[new_start:new_end]]
    return Hunk(old_start=group[0][1] + 1, new_start=group[0][3] + 1, body="\n".join(body))


def make_change(path: str, new: str, old: str | None = None, **fields: object) -> FilePatch:
    """Give what git would say of the change from ``old`` (None: the file is added) to ``new``."""
    before, after = _rows(old or ""), _rows(new)
    groups = difflib.SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(3)
    known = {
        "path": path,
        "old_path": None if old is None else path,
        "status": Status.ADDED if old is None else Status.MODIFIED,
        "hunks": tuple(_hunk(before, after, group) for group in groups),
    }
    return FilePatch(**{**known, **fields})  # type: ignore[arg-type]


@pytest.fixture
def change() -> Change:
    return make_change


@pytest.fixture
def texts() -> type[Texts]:
    return Texts
