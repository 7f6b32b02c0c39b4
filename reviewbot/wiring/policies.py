"""Settings → the rules of a review, and the texts that it is asked in."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from jinja2 import Environment

from reviewbot import templating
from reviewbot.domain.chunk import ContextBudget
from reviewbot.domain.finding import Severity
from reviewbot.domain.outline import Outliner
from reviewbot.errors import UsageError
from reviewbot.pipeline import Policy
from reviewbot.ports import Analyzer
from reviewbot.repository import outlines
from reviewbot.repository.sources import Trust
from reviewbot.settings.schema import Settings
from reviewbot.steps.filtering import Rules
from reviewbot.verifying import Standards
from reviewbot.wiring.instructions import path_rules

_OVERRIDES = ".reviewbot/templates"
_HINT = "files that no static rule understands: import their linter's report with --import FILE.sarif"


def policy(settings: Settings, engine: str, imports: Sequence[Path]) -> Policy:
    """Gather the rules of a review. Raises UsageError for an import that cannot be read."""
    chunks = settings.chunks
    return Policy(
        rules=Rules(
            ignore=settings.filter.ignore,
            include=settings.filter.include,
            max_file_bytes=settings.filter.max_file_bytes,
        ),
        budget=ContextBudget(
            ceiling_tokens=chunks.usable_tokens,
            answer_tokens=chunks.answer_tokens,
            target_tokens=chunks.target_tokens,
            overlap_lines=chunks.overlap_lines,
            context_tokens=chunks.context_tokens,
        ),
        max_comments=settings.max_comments,
        fail_on=None if settings.fail_on == "never" else Severity(settings.fail_on),
        analyzers=_analyzers(imports),
        text_checks=_text_checks(),
        hint=_HINT + ("" if engine == "llm" else ", or let a model review them"),
        path_rules=path_rules(settings),
        outliner=Outliner(suffixes=outlines.SUFFIXES, outline=outlines.by_grammar),
        standards=Standards(verify=settings.review.verify, style=settings.review.style),
    )


def templates(trust: Trust | None) -> Environment:
    """Build the prompts' environment; a project's own templates come from the trusted side."""

    def override(name: str) -> str | None:
        data = None if trust is None else trust.read(f"{_OVERRIDES}/{name}")
        return None if data is None else data.decode("utf-8", "replace")

    return templating.environment(override)


def _analyzers(imports: Sequence[Path]) -> tuple[Analyzer, ...]:
    from reviewbot.analyzers import ruff

    found: list[Analyzer] = [ruff.analyze]
    if imports:
        from reviewbot.analyzers import sarif

        logs = tuple(sarif.load(_import(path), str(path)) for path in imports)
        found.append(partial(sarif.analyze, logs=logs))
    return tuple(found)


def _import(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        message = f"--import {path} cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error


def _text_checks() -> tuple[Analyzer, ...]:
    from reviewbot.analyzers import conflicts, leftovers, secrets

    checks: tuple[Callable[..., object], ...] = (secrets.analyze, conflicts.analyze, leftovers.analyze)
    return tuple(checks)  # type: ignore[arg-type]
