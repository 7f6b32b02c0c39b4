"""What strangers wrote, after `markup`: read by a CommonMark parser, and by the rules of the forges."""

import re
import time
from collections.abc import Callable
from html import unescape

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reviewbot.domain import markup
from reviewbot.domain.view import label, prose, visible

HOSTILE = st.text(
    st.sampled_from("`~*_[]()!<>/\\@#:=-+|$&%.1ax \n\r\t\u2028\u202e\x1b\udcff\x85")
    | st.characters(exclude_categories=()),
    max_size=80,
)
ALLOWED_IN_A_BODY = {
    "paragraph_open",
    "paragraph_close",
    "inline",
    "text",
    "softbreak",
    "hardbreak",
    "fence",
    "code_inline",
    "em_open",
    "em_close",
    "strong_open",
    "strong_close",
    "bullet_list_open",
    "bullet_list_close",
    "ordered_list_open",
    "ordered_list_close",
    "list_item_open",
    "list_item_close",
}
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def tokens(markdown: str) -> list[Token]:
    return [token for outer in PARSER.parse(markdown) for token in (outer, *(outer.children or ()))]


def harmless(markdown: str) -> bool:
    """Say whether no line starts a quick action of GitLab or a command of GitHub's runner."""
    return not any(re.match(r"\s*(/|::)", line) for line in markdown.splitlines())


@settings(deadline=None)
@given(HOSTILE)
@example("1. /close")
@example(" /close")
def test_a_phrase_means_nothing_but_itself(phrase: str) -> None:
    written = markup.text(phrase)
    assert harmless(written)
    kinds = {token.type for token in tokens(written)}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text"}
    read = "".join(token.content for token in tokens(written) if token.type == "text")
    assert read.replace("\u200b", "") == label(phrase).strip().replace("\u200b", "")


@settings(deadline=None)
@given(HOSTILE)
def test_a_title_keeps_code_and_nothing_else(phrase: str) -> None:
    written = markup.title(phrase)
    assert harmless(written)
    kinds = {token.type for token in tokens(written)}
    assert kinds <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}


@settings(deadline=None)
@given(HOSTILE)
@example("a\n---")
@example("`` ` ``\n<b>")
@example("- - # x\n    indented\n> quote\n[a]: b")
def test_a_body_has_no_html_no_link_no_image_and_no_heading(phrase: str) -> None:
    written = markup.body(phrase)
    assert harmless(written)
    assert {token.type for token in tokens(written)} <= ALLOWED_IN_A_BODY


@settings(deadline=None)
@given(HOSTILE)
@example("a\n```\n/close\n````\n~~~")
def test_a_fence_cannot_be_closed_by_its_content(content: str) -> None:
    written = markup.fence(content, "py`\n<b>")
    assert harmless(written)
    [block] = tokens(f"{written}\n\nafter")[:1]
    assert block.type == "fence"
    assert block.info == "pyb"
    assert block.content.replace("\u200b", "").removesuffix("\n") == visible(content).removesuffix("\n")
    assert [token.type for token in tokens(f"{written}\n\nafter")][1:] == [
        "paragraph_open",
        "inline",
        "text",
        "paragraph_close",
    ]


@settings(deadline=None)
@given(HOSTILE)
def test_a_code_span_holds_all_of_its_phrase(phrase: str) -> None:
    written = markup.code(phrase)
    assert harmless(written)
    if not label(phrase).strip():
        assert written == ""
        return
    kinds = [token.type for token in tokens(written)]
    assert kinds == ["paragraph_open", "inline", "code_inline", "paragraph_close"]


@settings(deadline=None)
@given(HOSTILE)
def test_a_phrase_between_tags_cannot_open_or_close_one(phrase: str) -> None:
    written = markup.html(phrase)
    assert harmless(written)
    assert not set(written) & set("<>\"'\n")


@settings(deadline=None)
@given(HOSTILE)
@pytest.mark.parametrize("write", [markup.text, markup.title, markup.html])
def test_nobody_is_called(write: Callable[[str], str], phrase: str) -> None:
    written = re.sub(r"(`+).*?(?<!`)\1(?!`)", "", unescape(write(phrase)))
    assert not re.search(r"@\w|#\d|(?<!\\)!\[|\w://", written)


def test_a_cell_of_a_table_keeps_its_code_in_one_cell() -> None:
    table = f"| a | b |\n| --- | --- |\n| {markup.code('x | y', cell=True)} | {markup.text('p | q')} |"
    cells = [token.content for token in PARSER.parse(table) if token.type == "inline"]
    assert cells == ["a", "b", "`x | y`", "p | q"]


@pytest.mark.parametrize(
    ("markdown", "parts"),
    [
        ("", []),
        ("a\n\n\nb", [("a\n\n\nb", False)]),
        ("a\n```py\nx\n```\nb", [("a", False), ("x", True), ("b", False)]),
        ("```\nopen\n/close", [("open\n/close", True)]),
        ("````\n```\n````", [("```", True)]),
        ("~~~\n```\n~~~", [("```", True)]),
        ("```\r\nx\r\n```\r\n", [("x", True)]),
        ("```\n```", []),
    ],
)
def test_a_body_is_split_at_its_fences(markdown: str, parts: list[tuple[str, bool]]) -> None:
    assert [(block.text, block.code) for block in markup.blocks(markdown)] == parts


def test_inline_code_is_found_by_its_run_of_backticks() -> None:
    parts = [(part.text, part.code) for part in markup.spans("a `b` `` c`d `` `e")]
    assert parts == [("a ", False), ("b", True), (" ", False), ("c`d", True), (" `e", False)]


@settings(deadline=None)
@given(HOSTILE)
def test_spans_lose_no_visible_character(phrase: str) -> None:
    kept = "".join(part.text for part in markup.spans(prose(phrase)))
    assert set(prose(phrase)) - set("` \t") <= set(kept) | set("\u200b")


def test_lists_emphasis_and_code_survive() -> None:
    written = markup.body("1. **one** `a<b>`\n2) *two*\n  - three\n+ four")
    assert written == "1. **one** `a<b>`\n2) *two*\n  - three\n+ four"


@pytest.mark.parametrize("pattern", ["`", "` ``", "``` ` ", "[", "*_", "- ", "@a", "\\", " ", "1.", "&", "/"])
def test_long_hostile_text_takes_no_time(pattern: str) -> None:
    body = pattern * (60_000 // len(pattern))
    start = time.process_time()
    markup.body(body)
    markup.title(body)
    assert time.process_time() - start < 2
