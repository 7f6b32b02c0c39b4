"""What one request to a model shows: excerpts of hunks that fit its context."""

from dataclasses import dataclass

from reviewbot.domain.patch import FilePatch, Hunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """A run of a hunk's lines. Its first ``overlap`` lines were shown by the excerpt before."""

    hunk: Hunk
    """The lines shown, numbered as in the patch."""
    overlap: int = 0
    """Leading lines that are repeated for orientation; another excerpt answers for them."""
    context: tuple[str, ...] = ()
    """What stands around it, a line each, without secrets; told and not shown, since it is no part of the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileExcerpts:
    """What a chunk shows of one file."""

    index: int
    """Place of the file in the patch: a path alone does not identify it (type changes)."""
    file: FilePatch
    excerpts: tuple[Excerpt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What one request shows."""

    id: int
    """Counts from 1, in the order of sending."""
    files: tuple[FileExcerpts, ...]
    prompt_tokens: int
    """Estimate of the whole prompt, instructions included."""
    rules: tuple[str, ...] = ()
    """The project's own instructions for the paths that it shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooLong:
    """A changed line that no request can hold."""

    index: int
    """Place of the file in the patch."""
    kind: str
    number: int
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextBudget:
    """How many tokens a prompt may have. All figures are estimates of the model's tokens."""

    ceiling_tokens: int = 120_000
    """Prompt and answer together: 128,000 of the window less a margin."""
    answer_tokens: int = 8_000
    """Kept free for the answer."""
    target_tokens: int = 12_000
    """Wanted size of a prompt: models read small contexts better, and small chunks run at once."""
    overlap_lines: int = 3
    """Lines repeated where a hunk is split."""
    context_tokens: int = 1_200
    """Most that a chunk may tell of what stands around its hunks.

    More than a structured 2,000 made every model worse that was measured (SWE-PRBench, arXiv 2603.26130).
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkOutcome:
    """What became of a chunk that was not reviewed."""

    chunk: Chunk
    failed: bool
    """False where it was left out on purpose, as when the budget ended."""
    reason: str
