"""Changes given as texts before and after, and what is told around their hunks."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.outline import NO_OUTLINER
from reviewbot.domain.patch import FilePatch, Patch
from reviewbot.steps import diffing, equipping, gathering
from reviewbot.steps.chunking import Plan
from reviewbot.steps.counting import tokens
from reviewbot.steps.instructing import PathRule
from reviewbot.steps.surrounding import Index

Texts = Mapping[str, str]


def patch(before: Texts, after: Texts, around: int = 0) -> Patch:
    """Give the change from one set of files to another, with ``around`` lines of context."""
    return diffing.bare("".join(_diff(path, before, after, around) for path in sorted({**before, **after})).encode())


def _diff(path: str, before: Texts, after: Texts, around: int) -> str:
    old, new = before.get(path, ""), after.get(path, "")
    if old == new:
        return ""
    first = f"a/{path}" if path in before else "/dev/null"
    second = f"b/{path}" if path in after else "/dev/null"
    mode = "" if path in before else "new file mode 100644\n"
    rows = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), first, second, n=around)
    return f"diff --git a/{path} b/{path}\n{mode}{''.join(rows)}"


@dataclass
class Sources:
    """New texts by path, the trusted side's files, and a record of what was read."""

    texts: Texts
    trusted: Texts = field(default_factory=dict)
    read: list[str] = field(default_factory=list)

    def new_text(self, file: FilePatch) -> bytes | None:
        """Give a text of the change."""
        self.read.append(file.path)
        text = self.texts.get(file.path)
        return None if text is None else text.encode("utf-8", "surrogateescape")

    def trusted_files(self, names: frozenset[str]) -> Mapping[str, bytes]:
        """Give texts by base name."""
        return {path: text.encode() for path, text in self.trusted.items() if path.rpartition("/")[2] in names}


def index(change: Patch, sources: Sources, hide: Callable[[str], str] = str) -> Index:
    """Index a change in Python."""
    return gathering.index(change.files, sources, NO_OUTLINER, hide)


def plan(
    before: Texts,
    after: Texts,
    *,
    budget: ContextBudget | None = None,
    trusted: Texts | None = None,
    rules: tuple[PathRule, ...] = (),
    hide: Callable[[str], str] = str,
) -> Plan:
    """Cut a change into chunks, each with what stands around."""
    change = patch(before, after)
    found = index(change, Sources(after, trusted or {}), hide)
    return equipping.plan(list(enumerate(change.files)), rules, found, budget or ContextBudget(), 0, tokens)


def told(before: Texts, after: Texts, trusted: Texts | None = None) -> list[str]:
    """Give all that is told around the hunks of a change."""
    return lines(plan(before, after, trusted=trusted))


def lines(found: Plan) -> list[str]:
    """Give what is told, in the order of the prompts."""
    return [
        line
        for chunk in found.chunks
        for entry in chunk.files
        for excerpt in entry.excerpts
        for line in excerpt.context
    ]
