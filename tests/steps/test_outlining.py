"""Python source → its outline."""

import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewbot.domain.outline import Call, Outline
from reviewbot.steps import outlining

SHOP = '''
    """A shop."""

    class Cart(Base, metaclass=Meta):
        """What a customer wants.

        More of it.
        """

        @property
        @cached(maxsize=3)
        def total(
            self,
            rows: list[Row],
        ) -> Money:
            # rounds up
            return sum(price(row) for row in rows)

        async def pay(self): return await self.bank.pay(self.total)

    def outer():
        @inner_decorator
        def inner(): ...
        return inner
    '''


def outline(text: str) -> Outline | None:
    return outlining.python({"a.py": textwrap.dedent(text).lstrip("\n")}).get("a.py")


def known(text: str) -> Outline:
    found = outline(text)
    assert found is not None
    return found


def test_definitions_stand_in_order_with_their_lines_decorators_included() -> None:
    expected = [("Cart", 3, 18), ("total", 9, 16), ("pay", 18, 18), ("outer", 20, 23), ("inner", 21, 22)]
    assert expected == [(found.name, found.start, found.end) for found in known(SHOP).definitions]


def test_a_header_is_what_stands_before_the_body_with_the_decorators_behind() -> None:
    headers = {found.name: " ".join(found.header.split()) for found in known(SHOP).definitions}
    assert {
        "Cart": "class Cart(Base, metaclass=Meta):",
        "total": "def total( self, rows: list[Row], ) -> Money: # rounds up @property @cached(maxsize=3)",
        "pay": "async def pay(self):",
        "outer": "def outer():",
        "inner": "def inner(): @inner_decorator",
    } == headers


def test_the_first_line_of_a_docstring_is_the_summary() -> None:
    assert ["What a customer wants.", "", "", "", ""] == [found.summary for found in known(SHOP).definitions]
    assert [""] == [found.summary for found in known("def f():\n    b'bytes'\n").definitions]
    assert [""] == [found.summary for found in known("def f():\n    ''\n").definitions]


def test_columns_count_bytes_and_a_header_is_cut_all_the_same_between_characters() -> None:
    assert ["def f(a='é😀'):"] == [found.header for found in known("def f(a='é😀'): return a\n").definitions]


def test_calls_have_their_line_and_the_last_name_before_the_dot() -> None:
    text = """
        plain(1)
        module.function(2)
        deep.er.method(3)
        super().parent()
        make().product()
        (a or
         b).either()
        table["x"]()
        """
    assert (
        Call(name="plain", line=1),
        Call(name="function", line=2, receiver="module"),
        Call(name="method", line=3, receiver="er"),
        Call(name="parent", line=4, receiver="super"),
        Call(name="super", line=4),
        Call(name="product", line=5, receiver="?"),
        Call(name="make", line=5),
        Call(name="either", line=7, receiver="?"),
    ) == known(text).calls


@pytest.mark.parametrize(
    "text",
    ["def f(:\n", "x = '\0'\n", "(" * 300, "-" * 100_000 + "1", "a" + ".b" * 50_000, "1" + "+1" * 50_000],
)
def test_what_does_not_parse_has_no_outline(text: str) -> None:
    assert outline(text) is None


def test_a_strange_escape_in_the_text_warns_nobody() -> None:
    assert known("def f():\n    return '\\d'\n").definitions[0].name == "f"


def test_lines_end_where_git_ends_them() -> None:
    text = "a = 'x'\r\n# old mac\rb\ndef f():\r\n    return g()\r\n"
    found = known(text)
    assert [("f", 3, 4)] == [(item.name, item.start, item.end) for item in found.definitions]
    assert [4] == [call.line for call in found.calls]


def test_only_python_is_read() -> None:
    texts = {"a.py": "f()", "stub.pyi": "def g(): ...", "b.js": "f()", "py": "f()", "broken.py": "("}
    assert ["a.py", "stub.pyi"] == list(outlining.python(texts))


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from("def f(x):\n    @a.\"'#=lambda,class 1\\\r\t"), max_size=60))
def test_any_text_has_an_outline_within_its_lines_or_none(text: str) -> None:
    found = outlining.python({"a.py": text}).get("a.py", Outline())
    last = text.count("\n") + 1
    assert all(1 <= item.start <= item.end <= last for item in found.definitions)
    assert all(1 <= call.line <= last for call in found.calls)
