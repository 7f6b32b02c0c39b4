"""The anchoring contract of the interface, sentence by sentence."""

from collections.abc import Iterator

import drawing
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from steps.strategies import patches

from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Span, Suggestion
from reviewbot.domain.patch import FilePatch, Hunk, Line, Patch, Side, Status
from reviewbot.steps import anchoring
from reviewbot.steps.prompting import readable

RIGHT, LEFT = Side.RIGHT, Side.LEFT
PATCH = drawing.patch("""
    app.py
        10 def total(rows):
      - 11     result = sum(rows)
      - 12     return result
      + 11     return sum(row.price for row in rows)

        12
        13 class Cart:
        14     def clear(self):
      - 16         self.rows = []
      + 15         self.rows.clear()
        16         return None
        40 def end():
      + 41     return None
        42     pass
""")


def finding(quote: str, hint: int | None = None, side: Side = RIGHT, path: str = "app.py", **fields: object) -> Finding:
    known: dict[str, object] = {
        "path": path,
        "severity": Severity.HIGH,
        "confidence": Confidence.MEDIUM,
        "category": Category.BUG,
        "title": "t",
        "body": "b",
        "quote": quote,
        "source": "llm",
        "side": side,
        "hint": hint,
    }
    return Finding(**{**known, **fields})  # type: ignore[arg-type]


def place(found: Finding, patch: Patch = PATCH) -> Finding:
    (placed,) = anchoring.place([found], patch, readable)
    return placed


def lines(
    quote: str, hint: int | None = None, side: Side = RIGHT, path: str = "app.py", patch: Patch = PATCH
) -> tuple[int, int] | None:
    """Give the lines at which a quote is anchored, None if it is adrift."""
    placed = place(finding(quote, hint, side, path), patch)
    if placed.span is None:
        return None
    assert placed.span.side is side
    return placed.span.start, placed.span.end


# Whole lines of the hunks, changed or context, on their side


@pytest.mark.parametrize(
    ("quote", "side", "expected"),
    [
        ("    return sum(row.price for row in rows)", RIGHT, (11, 11)),
        ("    result = sum(rows)\n    return result", LEFT, (11, 12)),
        ("def total(rows):", RIGHT, (10, 10)),
        ("def total(rows):", LEFT, (10, 10)),
        ("class Cart:", RIGHT, (13, 13)),
        ("class Cart:", LEFT, (14, 14)),
        ("def total(rows):\n    return sum(row.price for row in rows)\n\nclass Cart:", RIGHT, (10, 13)),
        ("def total(rows):\n    result = sum(rows)\n    return result\n\nclass Cart:", LEFT, (10, 14)),
        ("pass", RIGHT, (42, 42)),
    ],
)
def test_whole_lines_match_on_their_side(quote: str, side: Side, expected: tuple[int, int]) -> None:
    assert lines(quote, side=side) == expected


@pytest.mark.parametrize(
    ("quote", "side"),
    [
        ("    result = sum(rows)", RIGHT),
        ("    return sum(row.price for row in rows)", LEFT),
        ("    result = sum(rows)\n    return sum(row.price for row in rows)", RIGHT),
        ("def total(rows):\n    return result", LEFT),
        ("        return None\ndef end():", RIGHT),
        ("no such line", RIGHT),
        ("", RIGHT),
        (" \n\t\n", RIGHT),
        ("DEF TOTAL(ROWS):", RIGHT),
        ("def  total(rows):", RIGHT),
        ("tal(rows):\n    return sum(row.price", RIGHT),
    ],
)
def test_anything_else_is_adrift(quote: str, side: Side) -> None:
    assert lines(quote, hint=11, side=side) is None


def test_lines_of_different_hunks_are_no_neighbours() -> None:
    assert lines("    return None\n    pass", hint=41) == (41, 42)
    touching = drawing.patch("a\n  + 1 first()\n  @@\n  + 2 second()")
    assert lines("first()\nsecond()", path="a", patch=touching) is None


# Trailing white space and common indentation aside


@pytest.mark.parametrize(
    "quote",
    [
        "return sum(row.price for row in rows)",
        "            return sum(row.price for row in rows)",
        "\treturn sum(row.price for row in rows)",
        "    return sum(row.price for row in rows)  \t\r",
        "\n\n    return sum(row.price for row in rows)\n\n",
        "    return sum(row.price for row in rows)\r\n",
    ],
)
def test_white_space_around_a_line_does_not_matter(quote: str) -> None:
    assert lines(quote) == (11, 11)


def test_common_indentation_does_not_matter_but_that_of_one_line_does() -> None:
    assert lines("def clear(self):\n    self.rows.clear()") == (14, 15)
    assert lines("        def clear(self):\r\n            self.rows.clear()\r\n") == (14, 15)
    assert lines("def clear(self):\nself.rows.clear()") is None
    assert lines("def clear(self):\n        self.rows.clear()") is None


def test_blank_lines_inside_a_quote_count_whatever_white_space_they_have() -> None:
    spaced = drawing.patch("a\n  + 1 one\n  + 2    \n  + 3 two")
    assert lines("one\n\ntwo", path="a", patch=spaced) == (1, 3)
    assert lines("one\ntwo", path="a", patch=spaced) is None


# A single-line quote of at least 8 visible characters may also be part of one line


@pytest.mark.parametrize(
    ("quote", "expected"),
    [
        ("row.price", (11, 11)),
        ("  row.price for row  ", (11, 11)),
        ("sum(row.", (11, 11)),
        ("sum(row", None),
        ("in  rows", None),
        ("e  for r", None),
        ("for row i", None),
        ("e for row in", (11, 11)),
        ("self.rows.cl", (15, 15)),
    ],
)
def test_a_part_of_a_line_needs_8_visible_characters(quote: str, expected: tuple[int, int] | None) -> None:
    assert lines(quote) == expected


def test_a_part_keeps_its_own_quote_and_a_whole_line_gets_the_files() -> None:
    assert place(finding("  row.price ")).quote == "row.price"
    assert place(finding("return sum(row.price for row in rows)")).quote == "    return sum(row.price for row in rows)"


def test_a_quote_over_two_lines_is_no_part() -> None:
    assert lines("total(rows):\n    return sum(row.price for row in rows)") is None


def test_a_part_that_stands_twice_in_one_line_is_one_match() -> None:
    twice = drawing.patch("a\n  + 1 f(some_value, some_value)")
    assert lines("some_value", path="a", patch=twice) == (1, 1)


# Where it matches more than once, the match nearest to the hint wins; without a usable hint, or at equal
# distance, the finding is adrift


@pytest.mark.parametrize(
    ("hint", "expected"),
    [(16, (16, 16)), (1, (16, 16)), (28, (16, 16)), (29, (41, 41)), (41, (41, 41)), (9_000, (41, 41)), (None, None)],
)
def test_the_match_nearest_to_the_hint_wins(hint: int | None, expected: tuple[int, int] | None) -> None:
    assert lines("return None", hint) == expected


def test_at_equal_distance_a_finding_is_adrift() -> None:
    twice = drawing.patch("a\n  + 1 x = 1\n    2 y\n  + 3 x = 1")
    assert [lines("x = 1", hint, path="a", patch=twice) for hint in (1, 2, 3)] == [(1, 1), None, (3, 3)]


def test_distance_is_to_the_nearest_of_the_lines() -> None:
    blocks = drawing.patch("a\n  + 1 x\n  + 2 y\n  + 3 z\n    4 -\n    5 -\n  + 6 x\n  + 7 y\n  + 8 z")
    found = [lines("x\ny\nz", hint, path="a", patch=blocks) for hint in (2, 4, 5, 7)]
    assert found == [(1, 3), (1, 3), (6, 8), (6, 8)]
    overlapping = drawing.patch("a\n  + 1 x\n  + 2 x\n  + 3 x")
    assert [lines("x\nx", hint, path="a", patch=overlapping) for hint in (1, 2, 3)] == [(1, 2), None, (2, 3)]


def test_a_whole_line_and_a_part_of_another_are_two_matches() -> None:
    both = drawing.patch("a\n  + 1 value = compute()\n  + 9 value = compute() + 1")
    found = [lines("value = compute()", hint, path="a", patch=both) for hint in (None, 2, 8)]
    assert found == [None, (1, 1), (9, 9)]


def test_a_hint_alone_places_nothing_and_a_wrong_one_does_no_harm() -> None:
    assert lines("no such line", 11) is None
    assert lines("class Cart:", 9_000) == (13, 13)


def test_a_hint_counts_on_the_quotes_side() -> None:
    twice = drawing.patch("a\n  - 1 x\n  - 2 y\n  + 1 1\n  + 2 2\n  + 3 3\n  + 4 4\n  - 3 x\n    5 z")
    assert [lines("x", hint, LEFT, "a", twice) for hint in (1, 2, 3)] == [(1, 1), None, (3, 3)]


# What an adrift finding keeps


def test_an_adrift_finding_keeps_its_words_and_loses_its_suggestion() -> None:
    lost = finding("no such line", 3, path="./app.py", suggestion=Suggestion(start_line=0, line=0, replacement="x"))
    placed = place(lost)
    assert (placed.path, placed.quote, placed.hint) == ("app.py", "no such line", 3)
    assert (placed.span, placed.suggestion) == (None, None)
    assert place(finding("def total(rows):", path="other.py")).path == "other.py"


# Names of files


@pytest.mark.parametrize(
    "path", ["app.py", "./app.py", "a/app.py", "b/app.py", " app.py\n", "### app.py", "app.py (added)", '"app.py"']
)
def test_a_path_is_recognised_with_what_models_put_around_it(path: str) -> None:
    assert lines("class Cart:", path=path) == (13, 13)


@pytest.mark.parametrize("path", ["x/app.py", "p.py", "a/b/app.py", "app", "APP.PY", "", '"', '"app.py', "c/app.py"])
def test_another_path_is_another_file(path: str) -> None:
    assert lines("class Cart:", path=path) is None


def test_the_path_as_it_is_written_comes_first() -> None:
    patch = drawing.patch("b/app.py\n  + 1 same()\napp.py\n  + 2 same()\napp.py (added)\n  + 3 same()")
    assert lines("same()", path="b/app.py", patch=patch) == (1, 1)
    assert lines("same()", path="a/app.py", hint=2, patch=patch) == (2, 2)


RENAMED = drawing.patch("old.py -> new.py\n  - 1 before()\n  + 1 after()\n    2 both()")


@pytest.mark.parametrize("path", ["old.py", "new.py", "new.py (renamed from old.py)"])
def test_a_renamed_file_has_two_names_on_either_side(path: str) -> None:
    for quote, side in (("after()", RIGHT), ("before()", LEFT)):
        placed = place(finding(quote, side=side, path=path), RENAMED)
        assert (placed.path, placed.span) == ("new.py", Span(side=side, start=1, end=1))


def test_files_that_swap_their_names_are_found_by_the_new_one_then_by_the_old_one() -> None:
    swapped = drawing.patch("""
        a.py -> b.py
          - 1 one()
          + 1 only_in_b()
        b.py -> a.py
          - 1 one()
          + 1 only_in_a()
    """)
    assert place(finding("only_in_b()", path="b.py"), swapped).path == "b.py"
    assert place(finding("only_in_b()", path="a.py"), swapped).path == "b.py"
    assert place(finding("one()", side=LEFT, path="a.py"), swapped).path == "a.py"


def test_both_halves_of_a_type_change_are_searched() -> None:
    patch = drawing.patch("link (deleted)\n  - 1 content()\nlink (added)\n  + 1 target")
    assert lines("content()", side=LEFT, path="link", patch=patch) == (1, 1)
    assert lines("target", path="link", patch=patch) == (1, 1)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("caf\udce9.py", "caf\ufffd.py"),
        ("new\nline.py", "new\nline.py"),
        ("new\nline.py", '"new\\nline.py"'),
        ("caf\udce9\n.py", '"caf\\ufffd\\n.py"'),
        (" x ", " x "),
        (" x ", "x"),
    ],
)
def test_a_path_is_found_as_the_model_saw_it(path: str, said: str) -> None:
    (file,) = drawing.patch("x\n  + 1 compute()").files
    patch = Patch(files=(FilePatch(path=path, old_path=path, status=file.status, hunks=file.hunks),))
    placed = place(finding("compute()", path=said), patch)
    assert (placed.path, placed.span) == ((path, Span(side=RIGHT, start=1, end=1)) if said != "x" else ("x", None))


# Quotes as they come


def test_a_quote_with_the_diffs_marks_matches_lines_of_that_kind() -> None:
    assert lines("+    return sum(row.price for row in rows)") == (11, 11)
    assert lines(" def total(rows):\n+    return sum(row.price for row in rows)\n ") == (10, 11)
    assert lines("-    result = sum(rows)\n-    return result", side=LEFT) == (11, 12)
    assert lines("+class Cart:") is None
    assert lines("-    result = sum(rows)") is None


def test_of_a_quote_with_marks_only_the_lines_of_its_side_count() -> None:
    both = "-    result = sum(rows)\n-    return result\n+    return sum(row.price for row in rows)"
    assert (lines(both), lines(both, side=LEFT)) == ((11, 11), (11, 12))


def test_a_quote_with_marks_is_no_part_of_a_line() -> None:
    """The code that is quoted is ``-1 + value``, and that stands nowhere."""
    patch = drawing.patch("a\n  + 1 total = 1 + value")
    assert lines("-1 + value", path="a", patch=patch) is None
    assert lines("+ value and", path="a", patch=patch) is None
    assert lines("total = 1 + value", path="a", patch=patch) == (1, 1)


def test_code_that_looks_like_a_mark_is_read_as_code_first() -> None:
    listed = drawing.patch("a.md\n  + 1 - item one\n  + 2  item one\n  + 9 + more")
    assert lines("- item one", path="a.md", patch=listed) == (1, 1)
    assert lines("+ more", path="a.md", patch=listed) == (9, 9)
    assert lines("+", path="a.md", patch=listed) is None
    assert lines("+\n+", path="a.md", patch=listed) is None


def test_crlf_text_is_matched_without_its_carriage_returns_and_quoted_with_them() -> None:
    patch = drawing.patch("a\n  + 1 if x:\r\n  + 2     compute()\r\n    3 end\r")
    for quote in ("if x:\n    compute()", "if x:\r\n    compute()\r\n"):
        placed = place(finding(quote, path="a"), patch)
        assert (placed.span, placed.quote) == (Span(side=RIGHT, start=1, end=2), "if x:\r\n    compute()\r")


def test_undecodable_text_is_matched_as_the_model_saw_it_and_quoted_as_it_is() -> None:
    patch = drawing.patch("a\n  + 1 name = 'caf\udce9' + x\n  + 2 y = 1")
    whole = place(finding("name = 'caf\ufffd' + x", path="a"), patch)
    assert (whole.span, whole.quote) == (Span(side=RIGHT, start=1, end=1), "name = 'caf\udce9' + x")
    readable_part = place(finding("name = 'caf", path="a"), patch)
    assert (readable_part.span, readable_part.quote) == (Span(side=RIGHT, start=1, end=1), "name = 'caf")
    part = place(finding("'caf\ufffd' + x", path="a"), patch)
    assert (part.span, part.quote) == (Span(side=RIGHT, start=1, end=1), "name = 'caf\udce9' + x")


@pytest.mark.parametrize("separator", ["\u2028", "\x0c", "\x85", "\x1c", "\r", "\x0b"])
def test_only_a_newline_ends_a_line(separator: str) -> None:
    patch = drawing.patch(f"a\n  + 1 first(){separator}second()\n  + 2 third()")
    assert lines(f"first(){separator}second()\nthird()", path="a", patch=patch) == (1, 2)
    assert lines("first()\nsecond()", path="a", patch=patch) is None


def test_a_huge_quote_is_adrift_without_much_work() -> None:
    file = drawing.patch("a\n" + "\n".join(f"  + {number} x" for number in range(1, 2_000)))
    assert lines("x\n" * 100_000, path="a", patch=file) is None
    assert lines("y\n" * 100_000, path="a", patch=file) is None


# Suggestions


def suggested(quote: str, text: str, side: Side = RIGHT, patch: Patch = PATCH) -> tuple[int, int, str] | None:
    path = patch.files[0].path
    suggestion = Suggestion(start_line=0, line=0, replacement=text)
    placed = place(finding(quote, side=side, path=path, suggestion=suggestion), patch)
    assert placed.span is not None
    found = placed.suggestion
    return None if found is None else (found.start_line, found.line, found.replacement)


OUTER = "def clear(self):\n    self.rows.clear()"
INNER = "    def clear(self):\n        self.rows.clear()"
DEEPER = "        def clear(self):\n            self.rows.clear()"


@pytest.mark.parametrize(
    ("quote", "text", "expected"),
    [
        (INNER, "    def clear(self):\n        del self.rows[:]", "    def clear(self):\n        del self.rows[:]"),
        (OUTER, "def clear(self):\n    del self.rows[:]", "    def clear(self):\n        del self.rows[:]"),
        (OUTER, "def clear(self):\n\n    pass\n\n", "    def clear(self):\n\n        pass"),
        (DEEPER, "        pass", "    pass"),
        # The model took the indentation off the quote alone.
        (OUTER, "    def clear(self):\n        pass", "    def clear(self):\n        pass"),
        # It moved the code out of the class on purpose.
        (INNER, "def clear(self):\n    pass", "def clear(self):\n    pass"),
        (OUTER, "", ""),
        (OUTER, "\n", ""),
        (OUTER, "def clear(self):\r\n    pass\r\n", "    def clear(self):\n        pass"),
        (OUTER, "a\u2028b\x0cc", "    a\u2028b\x0cc"),
    ],
)
def test_a_suggestion_gets_the_lines_and_the_indentation_of_what_it_replaces(
    quote: str, text: str, expected: str
) -> None:
    assert suggested(quote, text) == (14, 15, expected)


def test_a_suggestion_that_changes_nothing_is_none() -> None:
    assert suggested("class Cart:", "class Cart:") is None
    assert suggested(OUTER, OUTER) is None
    assert suggested(OUTER, f"{INNER}\n") is None


def test_a_suggestion_for_a_part_of_a_line_is_dropped() -> None:
    assert suggested("row.price", "row.cost") is None


def test_a_suggestion_for_the_old_side_is_dropped() -> None:
    assert suggested("result = sum(rows)", "x", side=LEFT) is None
    gone = drawing.patch("a (deleted)\n  - 1 first()")
    assert suggested("first()", "x", side=LEFT, patch=gone) is None


def test_a_suggestion_for_context_lines_is_kept() -> None:
    assert suggested("class Cart:", "class Cart(list):") == (13, 13, "class Cart(list):")


def test_a_suggestion_with_the_diffs_marks_loses_them_with_the_quotes() -> None:
    quote = "+        self.rows.clear()"
    assert suggested(quote, "+        del self.rows[:]") == (15, 15, "        del self.rows[:]")
    both = "-        self.rows.clear()\n+        a()\n         b()"
    assert suggested(quote, both) == (15, 15, "        a()\n        b()")
    assert suggested(quote, "        del self.rows[:]") == (15, 15, "        del self.rows[:]")
    assert suggested("self.rows.clear()", "+1") == (15, 15, "        +1")


def test_mixed_indentation_is_left_as_the_model_wrote_it() -> None:
    tabs = drawing.patch("a\n  + 1 \tfirst()\n  + 2     second()")
    assert suggested("\tfirst()\n    second()", "x", patch=tabs) == (1, 2, "x")


# Whatever is asked


def _sides(file: FilePatch, side: Side) -> Iterator[list[Line]]:
    for hunk in file.hunks:
        yield [line for line in hunk.lines() if line.number(side) is not None]


@st.composite
def asked(draw: st.DrawFn) -> tuple[Patch, Finding]:
    """Draw a change and a finding that quotes it, more or less."""
    patch = draw(patches())
    file = draw(st.sampled_from(patch.files))
    side = draw(st.sampled_from(Side))
    rows = draw(st.sampled_from([[line.text for line in lines] for lines in _sides(file, side)] or [[]])) or ["nothing"]
    start = draw(st.integers(0, len(rows) - 1))
    quote = "\n".join(rows[start : start + draw(st.integers(1, 3))])
    match draw(st.sampled_from(["as it is", "indented", "part", "marked", "crlf", "any"])):
        case "indented":
            quote = "\n".join(f"   {row}" for row in quote.split("\n"))
        case "part":
            quote = quote[draw(st.integers(0, 5)) :][: draw(st.integers(1, 20))]
        case "marked":
            quote = "\n".join(draw(st.sampled_from("+- ")) + row for row in quote.split("\n"))
        case "crlf":
            quote = quote.replace("\n", "\r\n")
        case "any":
            quote = draw(st.text(max_size=20))
        case _:
            pass
    hint = draw(st.none() | st.integers(1, 40))
    suggestion = draw(st.none() | st.builds(Suggestion, start_line=st.just(0), line=st.just(0), replacement=st.text()))
    return patch, finding(quote, hint, side, file.path, suggestion=suggestion)


@settings(max_examples=250, deadline=None)
@given(asked())
def test_the_quote_of_an_anchored_finding_stands_verbatim_at_its_span(question: tuple[Patch, Finding]) -> None:
    patch, found = question
    placed = place(found, patch)
    if placed.span is None:
        assert (placed.quote, placed.suggestion) == (found.quote, None)
        return
    span = placed.span
    shown = {
        line.number(span.side): line.text
        for file in patch.files
        if file.path == placed.path
        for lines in _sides(file, span.side)
        for line in lines
    }
    text = "\n".join(shown[number] for number in range(span.start, span.end + 1))
    assert span.side is found.side
    assert placed.quote in text
    assert placed.quote == text or (span.start == span.end and len(placed.quote) >= 8)
    if placed.suggestion is not None:
        assert (placed.suggestion.start_line, placed.suggestion.line) == (span.start, span.end)
        assert (placed.quote, span.side) == (text, RIGHT)


def test_many_findings_on_many_equal_lines_take_no_longer_than_their_number() -> None:
    body = "\n".join(["+x = 1;"] * 5_000)
    added = FilePatch(
        path="a.js", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body=body),)
    )
    claims = [finding("x = 1;", hint=number, path="a.js") for number in range(1, 101)]
    placed = anchoring.place(claims, Patch(files=(added,)), readable)
    assert [claim.span.start if claim.span else None for claim in placed] == list(range(1, 101))


def test_a_quote_of_hundreds_of_lines_is_no_quote() -> None:
    body = "\n".join(["+x"] * 400)
    added = FilePatch(
        path="a.js", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body=body),)
    )
    (placed,) = anchoring.place([finding("\n".join(["x"] * 300), hint=1, path="a.js")], Patch(files=(added,)), readable)
    assert placed.span is None


def test_a_code_fence_around_a_quote_or_a_suggestion_is_no_part_of_it() -> None:
    fenced = finding(
        "```python\n    return None\n```", hint=41, suggestion=drawing_suggestion("```\n    return 1\n```")
    )
    (placed,) = anchoring.place([fenced], PATCH, readable)
    assert placed.span == Span(side=RIGHT, start=41, end=41)
    assert placed.suggestion == Suggestion(start_line=41, line=41, replacement="    return 1")


def test_spaces_for_a_files_tabs_are_no_suggestion() -> None:
    tabbed = FilePatch(
        path="a.go", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body="+\tx := 2"),)
    )
    claim = finding("    x := 2", hint=1, path="a.go", suggestion=drawing_suggestion("    x := 3"))
    (placed,) = anchoring.place([claim], Patch(files=(tabbed,)), readable)
    assert placed.span is not None
    assert placed.suggestion is None


def test_a_suggestion_for_crlf_lines_keeps_them() -> None:
    windows = FilePatch(
        path="a.cs", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body="+x = 1;\r"),)
    )
    claim = finding("x = 1;", hint=1, path="a.cs", suggestion=drawing_suggestion("x = 2;\ny = 3;"))
    (placed,) = anchoring.place([claim], Patch(files=(windows,)), readable)
    assert placed.suggestion == Suggestion(start_line=1, line=1, replacement="x = 2;\r\ny = 3;\r")


def test_an_adrift_quote_shows_no_secret() -> None:
    token = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    (placed,) = anchoring.place([finding(f'token = "{token}"')], PATCH, readable)
    assert placed.span is None
    assert token not in placed.quote


def drawing_suggestion(text: str) -> Suggestion:
    """Give a suggestion as the decoder does: without lines yet."""
    return Suggestion(start_line=0, line=0, replacement=text)
