"""What a body does on GitHub's page: what in it is alive, and what its suggestions would change."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from fakes import github_diff
from fakes.github_world import Comment, World
from markdown_it import MarkdownIt
from markdown_it.token import Token

_ALIVE = {
    "mention": re.compile(r"(?<![\w`/.])@[A-Za-z\d][\w-]*(?:/[\w-]+)?"),
    "reference": re.compile(r"(?<![\w&/])(?:[\w.-]+/[\w.-]+)?#\d+\b|\bGH-\d+\b", re.IGNORECASE),
    "link": re.compile(r"\bhttps?://\S+|\bwww\.\S+", re.IGNORECASE),
}
_TAG = re.compile(r"</?([A-Za-z][A-Za-z\d-]*)[^>]*>")
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Something in a body that is more than text."""

    kind: str
    """``mention``, ``reference``, ``link``, ``image`` or ``html``."""
    text: str
    """For HTML the name of the tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A suggestion block: new text for the lines of its comment."""

    lines: tuple[str, ...]
    start: int | None
    end: int | None
    broken: str | None
    """Why GitHub would not apply it."""


def alive(body: str) -> tuple[Alive, ...]:
    """Give what would notify people, link, load or be rendered as HTML; code and HTML comments are dead."""
    return tuple(_alive(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body)))


def _alive(tokens: list[Token]) -> Iterator[Alive]:
    for token in tokens:
        if token.type in {"html_block", "html_inline"}:
            # An HTML comment may hold anything; what stands around it counts.
            bare = _COMMENT.sub("", token.content)
            yield from (Alive(kind="html", text=match[1].lower()) for match in _TAG.finditer(bare))
            yield from _in_text(_TAG.sub(" ", bare))
        elif token.type == "image":
            yield Alive(kind="image", text=str(token.attrs.get("src", "")))
        elif token.type == "link_open":
            yield Alive(kind="link", text=str(token.attrs.get("href", "")))
        elif token.type == "inline":
            yield from _alive(token.children or [])
            yield from _in_text("".join(_shown(child) for child in token.children or []))


def _shown(token: Token) -> str:
    # Mentions are sought in the rendered text: a backslash before the sign is gone by then.
    if token.type == "text":
        return token.content
    return "`" if token.type == "code_inline" else " "


def _in_text(text: str) -> Iterator[Alive]:
    for kind, pattern in _ALIVE.items():
        yield from (Alive(kind=kind, text=match[0]) for match in pattern.finditer(html.unescape(text)))


def proposals(world: World, comment: Comment) -> tuple[Proposal, ...]:
    """Give the suggestions of a comment, each with what is wrong with it [forges.md 2.2]."""
    start = comment.start_line if comment.start_line is not None else comment.line
    broken = _broken(world, comment)
    return tuple(
        Proposal(lines=tuple(token.content.split("\n")[:-1]), start=start, end=comment.line, broken=broken)
        for token in MarkdownIt("commonmark").parse(comment.body)
        if token.type == "fence" and token.info.strip() == "suggestion"
    )


def _broken(world: World, comment: Comment) -> str | None:
    if comment.subject == "file":
        return "a comment on a file has no lines to replace"
    if comment.line is None:
        return "the comment is outdated"
    if "LEFT" in {comment.side, comment.start_side}:
        return "suggestions cannot be applied to removed lines"
    entry = next(entry for entry in world.diff() if entry.path == comment.path)
    found = entry.find("RIGHT", comment.line)
    assert found is not None, "a comment that is not outdated stands on a line of the diff"
    hunk, last = found
    first = last if comment.start_line is None else hunk.find("RIGHT", comment.start_line)
    if any(row.kind == "-" for row in hunk.rows[first : last + 1]):
        return "suggestions cannot be applied over removed lines"
    return None


def applied(world: World, comment: Comment, index: int = 0) -> str:
    """Give the file's text with a suggestion applied."""
    proposal = proposals(world, comment)[index]
    assert proposal.broken is None, proposal.broken
    assert proposal.start is not None
    assert proposal.end is not None
    rows = github_diff.lines(world.repo, world.head, comment.path)
    return "\n".join([*rows[: proposal.start - 1], *proposal.lines, *rows[proposal.end :]])
