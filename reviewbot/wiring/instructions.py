"""Settings and house-style files → what every request of a run begins with.

All of it comes from the trusted side: a change that brings its own AGENTS.md is reviewed by the old one.
"""

from collections.abc import Callable, Iterator, Sequence

from reviewbot.domain.finding import Severity
from reviewbot.repository.sources import Trust
from reviewbot.settings.schema import Settings
from reviewbot.steps.counting import tokens
from reviewbot.steps.instructing import PathRule

STYLE_TOKENS = 1_500
"""Most that house-style files may take of every request, all together."""
_CUT = "(cut here)"


def gathered(settings: Settings, trust: Trust | None) -> str:
    """Gather what the project tells the model; empty where it tells nothing.

    One text and no further variables of the template, so that a template of the project's own shows all of it.
    """
    style = house_style(settings.style_files, None if trust is None else trust.read)
    language = f"Write every title and body in {settings.language.strip()}." if settings.language.strip() else ""
    return "\n\n".join(part for part in (settings.instructions.strip(), style, language) if part)


def house_style(names: Sequence[str], read: Callable[[str], bytes | None] | None) -> str:
    """Put together the texts of the files that exist, each text once, up to `STYLE_TOKENS`."""
    parts: list[str] = []
    left = STYLE_TOKENS
    for name, text in _texts(names, read):
        heading = f"From {name}, as far as it bears on what you review:"
        shown = _fitting(text, left - tokens(heading))
        if not shown:
            break
        parts.append(f"{heading}\n{shown}")
        left -= tokens(heading) + tokens(shown)
    return "\n\n".join(parts)


def _texts(names: Sequence[str], read: Callable[[str], bytes | None] | None) -> Iterator[tuple[str, str]]:
    """Read the files. Projects give tools the same text under several names; it is told once."""
    seen: set[str] = set()
    for name in names:
        data = None if read is None else read(name)
        text = "" if data is None else data.decode("utf-8-sig", "replace").strip()
        if text and text not in seen:
            seen.add(text)
            yield name, text


def _fitting(text: str, most: int) -> str:
    """Cut a text behind its last line that fits."""
    if tokens(text) <= most:
        return text
    rows: list[str] = []
    used = tokens(_CUT)
    for row in text.split("\n"):
        used += tokens(f"{row}\n")
        if used > most:
            break
        rows.append(row)
    return "\n".join((*rows, _CUT)) if rows else ""


def path_rules(settings: Settings) -> tuple[PathRule, ...]:
    """Give the rules for paths, as the steps take them."""
    return tuple(
        PathRule(
            paths=rule.paths,
            instructions=rule.instructions,
            at_least=None if rule.severity_at_least is None else Severity(rule.severity_at_least),
            at_most=None if rule.severity_at_most is None else Severity(rule.severity_at_most),
        )
        for rule in settings.rules
    )
