"""Reads a comment as a forge would, knowing nothing of how it was written, and says what in it is alive.

Markdown by a CommonMark parser; what forges look for in the rendered text, by their documented forms; quick
actions more strictly than GitLab's QuickActions::Extractor, which leaves out some code blocks.
"""

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OWN_MARK = re.compile(r"<!-- reviewbot:v1 (?:finding fp=[0-9a-f]{32}|summary head=[0-9a-f]{40}) data=\S* sig=\S+ -->")
OWN_TAGS = re.compile(r"(?:</?details>|<summary>[^<>]*</summary>|\s)*")
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180e\u200c-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufe00-\ufe0e\ufeff\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e01ef]"
)
COMMAND = re.compile(r"\s*/\w")
LIVE = {
    "a mention": r"@[\w.-]",
    "an issue": r"#\d",
    "a merge request": r"!\d",
    "an epic": r"&\d",
    "a label": r"~[\w\"]",
    "a milestone": r"%[\w\"{]",
    "a snippet": r"\$\d",
    "a formula": r"\$[^\s\u200b].*\$|\$\$",
    "an alert": r"\^\w",
    "a reference with a word": r"(?i)(?:GH|GL)-\d",
    "a reference in brackets": r"\[(?:issue|epic|vulnerability|work_item):|\[\[|\[_?TOC|\*iteration:",
    "a commit": r"(?<![^\W_])[0-9a-fA-F]{8,64}(?![^\W_])",
    "an address": r"\w://|(?i:www)\.|\w@\w",
}
"""By name, what forges look for in the text that they show, outside of code."""
UNWANTED = {"link_open", "image", "hr", "html_inline", "s_open", "blockquote_open", "code_block", "lheading_open"}
FENCE_INFO = re.compile(r"|diff|suggestion(?::-\d+\+\d+)?")


def alive(markdown: str, secrets: tuple[str, ...], *, headings: int, tables: int) -> list[str]:
    """List everything in a comment that is more than text to be read; ``headings`` and ``tables`` are our own."""
    read = re.sub(r"[\\\u200b]", "", markdown)
    found = [f"secret {secret[:4]}" for secret in secrets if secret in read]
    found += [f"hidden {match[0]!r}" for match in HIDDEN.finditer(markdown)]
    found += [f"quick action {line!r}" for line in markdown.splitlines() if COMMAND.match(line)]
    if markdown.count("<!--") != 1 or OWN_MARK.search(markdown) is None or not markdown.endswith("-->"):
        found.append(f"{markdown.count('<!--')} marks")
    tokens = [token for outer in PARSER.parse(markdown) for token in (outer, *(outer.children or ()))]
    kinds = [token.type for token in tokens]
    found += [kind for kind in kinds if kind in UNWANTED]
    found += ["another heading"] * (kinds.count("heading_open") != headings)
    found += ["another table"] * (kinds.count("table_open") > tables)
    for token in tokens:
        found += _in_token(token)
    return found


def _in_token(token: Token) -> Iterator[str]:
    if token.type == "html_block" and not OWN_TAGS.fullmatch(OWN_MARK.sub("", token.content)):
        yield f"html {token.content!r}"
    if token.type == "fence" and not FENCE_INFO.fullmatch(token.info):
        yield f"fence {token.info!r}"
    if token.type == "text":
        for name, pattern in LIVE.items():
            match = re.search(pattern, token.content)
            if match is not None:
                yield f"{name} {match[0]!r}"


def suggestions(markdown: str) -> list[tuple[str, str]]:
    """Give the blocks that a click would commit: their first line, and their content without its newline."""
    return [
        (token.info, token.content.removesuffix("\n"))
        for token in PARSER.parse(markdown)
        if token.type == "fence" and token.info.startswith("suggestion")
    ]
