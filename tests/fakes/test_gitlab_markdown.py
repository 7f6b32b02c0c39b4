"""What the fake GitLab thinks would act in a text. It judges the product's, so it must not be lenient."""

import pytest
from fakes.gitlab_markdown import Offer, acting, commands, offers
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("body", "left", "run"),
    [
        ("/close", "", ("/close",)),
        ("a\n/close\nb", "a\nb", ("/close",)),
        ("a\r\n/assign @ann\r\nb", "a\nb", ("/assign @ann",)),
        ("a\r/close\rb", "a\nb", ("/close",)),
        ("/unheard_of", "", ("/unheard_of",)),
        ("a /close\n  /close\n/usr/bin/env\n/ close\n\\/close", None, ()),
        ("```\n/close\n```", None, ()),
        ("```sh\n/close\n```\n/merge", "```sh\n/close\n```", ("/merge",)),
        ("```\n/close", "```", ("/close",)),
        ("````\n/close\n````", "````\n````", ("/close",)),
        ("~~~\n/close\n~~~", "~~~\n~~~", ("/close",)),
        ("> ```\n/close\n> ```", "> ```\n> ```", ("/close",)),
        ("\u200b/close", None, ()),
    ],
)
def test_a_line_that_begins_with_a_command_is_run(body: str, left: str | None, run: tuple[str, ...]) -> None:
    assert (body if left is None else left, run) == commands(body)


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("ask @ann", ["mention"]),
        ("ask \\@ann and &#64;bob", ["mention", "mention"]),
        ("mail ann@example.org", []),
        ("see #12, !3, group/project#4 and &5", ["reference"] * 4),
        ("\\#12", ["reference"]),
        ("50% of $0.12, C# 7, a != b, & more, GL-7", ["reference"]),
        ('~bug ~"two words" %1', ["reference"] * 3),
        ("![x](https://e.example/p.png)", ["image", "link"]),
        ("[x](y) [x][y] [x]: y", ["link"] * 3),
        ("\\[x](y) \\!\\[x](y)", []),
        ("<https://e.example> or <ftp://e.example>", ["link", "link"]),
        ("https://e.example and www.e.example", ["link", "link"]),
        ("https:\u200b//e.example, @\u200bann, #\u200b1", []),
        ("<b>x</b> <img src=x>", ["html"] * 3),
        ("\\<b> &lt;b&gt; a < b > c", []),
        ("<!-- @ann #1 <b> [x](y)\n\n@ann -->", []),
        ("<!-- open @ann", ["mention"]),
        ("`@ann` and ``#1 ` <b>``", []),
        ("`@ann\n\n#1`", ["mention", "reference"]),
        ("\\`@ann\\`", ["mention"]),
        ("```\n@ann\n#1\n```\n", []),
        ("````\n```\n@ann\n````", []),
        ("```\n@ann", ["mention"]),
    ],
)
def test_what_acts_outside_of_code_is_found(body: str, kinds: list[str]) -> None:
    assert sorted(kinds) == sorted(found.kind for found in acting(body))


@given(st.text(alphabet=st.sampled_from("@#!ann1 <>[]()\n/"), max_size=40))
def test_nothing_acts_in_a_closed_code_block(text: str) -> None:
    block = f"```\n{text}\n```"
    assert (block, ()) == commands(block)
    assert () == acting(block)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_the_same_text_with_a_call_before_it_always_acts(text: str) -> None:
    assert "mention" in {found.kind for found in acting(f"@ann\n\n{text}")}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("```suggestion\na\n```", [Offer(0, 0, "a\n")]),
        ("```suggestion:-2+1\na\nb\n```", [Offer(2, 1, "a\nb\n")]),
        ("```suggestion:+1\n```", [Offer(0, 1, "")]),
        ("````suggestion\n```\n````", [Offer(0, 0, "```\n")]),
        ("```suggestion:-101\n```", [Offer(101, 0, "", "reaches more than 100 lines")]),
        ("```python\na\n```", []),
        ("```suggestion\nopen", []),
    ],
)
def test_suggestions_are_read_with_their_reach(body: str, found: list[Offer]) -> None:
    assert found == list(offers(body))
