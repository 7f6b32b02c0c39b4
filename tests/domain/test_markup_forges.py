"""What forges look for in rendered text, and what they commit with a click."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.domain import markup

GAP = "\u200b"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("@admin", f"@{GAP}admin"),
        ("@.x @-x", f"@{GAP}.x @{GAP}-x"),
        ("a @ b", "a @ b"),
        ("_www.evil.example_", f"_www{GAP}.evil.example_"),
        ("_GH-1_ GL-2 UTF-8", f"_GH{GAP}-1_ GL{GAP}-2 UTF-8"),
        ("[issue:1] [x]", rf"\[{GAP}issue:1\] \[x\]"),
        ("[[page]] [TOC]", rf"\[{GAP}\[page\]\] \[{GAP}TOC\]"),
        ("$$x$$", rf"\${GAP}\${GAP}x\${GAP}\${GAP}"),
        ("*iteration:1", f"*{GAP}iteration:1"),
        ("%{project_path} 5%", f"%{GAP}{{project_path}} 5%"),
        ("https://x //x", f"https:{GAP}//x //x"),
    ],
)
def test_a_reference_gets_a_gap_and_other_signs_stay(written: str, read: str) -> None:
    assert read == markup.body(written)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1a2b3c4", "1a2b3c4"),
        ("1a2b3c4d", f"1a2b3c{GAP}4d"),
        ("_1a2b3c4d_", f"_1a2b3c{GAP}4d_"),
        ("x1a2b3c4d", "x1a2b3c4d"),
        ("at 12345678 bytes", f"at 123456{GAP}78 bytes"),
        ("f" * 12, f"ffffff{GAP}ffffff"),
        ("f" * 65, "f" * 65),
    ],
)
def test_a_commits_id_falls_to_pieces_that_are_too_short_for_one(written: str, read: str) -> None:
    assert read == markup.body(written)


@pytest.mark.parametrize("write", [markup.code, markup.fence, markup.body, markup.text, markup.title, markup.html])
def test_nothing_opens_an_html_comment_not_even_code(write: Callable[[str], str]) -> None:
    assert "<!--" not in write("`<!-- reviewbot:v1 finding -->`\n```\n<!-- x")


@pytest.mark.parametrize(
    ("replacement", "block"),
    [
        ("x = 1", "```suggestion\nx = 1\n```"),
        ("", "```suggestion\n```"),
        ("// a\n/* b */\n/> c", "```suggestion\n// a\n/* b */\n/> c\n```"),
        ("a ``` b", "````suggestion\na ``` b\n````"),
        ("@admin #1", "```suggestion\n@admin #1\n```"),
        ("/close", None),
        ("x\n  /close", None),
        ("x\n\u3000/close", None),
        ("::error::x", None),
        ("<!-- x -->", None),
        ("x\r\ny\r", None),
        ("x\u202e", None),
        ("x\udcff", None),
        ('t = "' + "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz" + '"', None),
    ],
)
def test_only_what_is_harmless_as_it_stands_can_be_committed(replacement: str, block: str | None) -> None:
    assert block == markup.suggestion(replacement)


@given(st.text("`/ab \n", max_size=30), st.sampled_from(["", ":-1+0"]))
def test_a_block_to_be_committed_is_verbatim_and_closed_by_its_own_fence_only(content: str, lines: str) -> None:
    written = markup.suggestion(content, lines)
    if written is None:
        assert re.search(r"(?m)^\s*/[ab]", content)
        return
    opening, *rows, closing = written.split("\n")
    assert f"{closing}suggestion{lines}" == opening
    assert content == "\n".join(rows)
    assert all(closing not in row for row in rows)
