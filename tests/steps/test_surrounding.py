"""What stands around a hunk."""

import textwrap

import pytest
from steps.context_scene import Sources, index, lines, patch, plan, told

from reviewbot.domain.chunk import Excerpt
from reviewbot.domain.outline import Call, Outline
from reviewbot.steps import redacting, surrounding

TOKEN = "ghp_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"


def text(source: str) -> str:
    return textwrap.dedent(source).lstrip("\n")


SHOP = text('''
    """A shop."""
    from money import convert


    class Cart(Base):
        """What a customer wants."""

        def total(self, rows):
            """Sum it up, in cents."""
            result = 0
            for row in rows:
                result += row.price
            return result

        def empty(self):
            self.rows = []


    def checkout(cart):
        return cart.pay(convert(cart.rows, "EUR"))
    ''')
MONEY = "def convert(amount: int, to: str) -> int:\n    return amount\n"


def changed(old: str, new: str, source: str = SHOP) -> dict[str, str]:
    assert source.count(old) == 1
    return {"shop.py": source.replace(old, new)}


def test_the_enclosing_definitions_are_told_from_the_outside_in() -> None:
    found = told({"shop.py": SHOP}, changed("row.price", "row.cost"))
    assert [
        "inside: class Cart(Base): # What a customer wants.",
        "inside: def total(self, rows): # Sum it up, in cents.",
    ] == found


def test_a_removed_line_is_told_where_it_stood() -> None:
    found = told({"shop.py": SHOP}, changed("            result += row.price\n", "            pass\n"))
    assert "inside: def total(self, rows): # Sum it up, in cents." in found
    gone = told({"shop.py": SHOP}, changed("        return result\n", ""))
    assert "inside: def total(self, rows): # Sum it up, in cents." in gone


def test_what_the_hunk_shows_or_git_says_behind_its_numbers_is_not_told_again() -> None:
    after = changed("def total(self, rows):", "def total(self, rows, tax):")
    assert ["inside: class Cart(Base): # What a customer wants."] == told({"shop.py": SHOP}, after)
    (file,) = patch({"shop.py": SHOP}, changed("row.price", "row.cost")).files
    (hunk,) = file.hunks
    found = index(patch({}, {"shop.py": SHOP}), Sources({"shop.py": SHOP}))
    named = Excerpt(hunk=type(hunk)(old_start=12, new_start=12, body=hunk.body, section="    def total(self, rows):"))
    notes = surrounding.notes(found, "shop.py", named, frozenset())
    assert ["inside: class Cart(Base): # What a customer wants."] == [note.text for note in notes]


def test_a_called_function_of_another_changed_file_is_told_with_its_signature() -> None:
    before = {"shop.py": SHOP, "money.py": MONEY}
    after = {**changed("self.rows = []", "self.rows = convert(0, 1)"), "money.py": MONEY + "# the end\n"}
    assert "calls: def convert(amount: int, to: str) -> int: (money.py:1)" in told(before, after)


def test_a_called_function_of_the_same_file_is_told_unless_it_is_shown() -> None:
    found = told({"shop.py": SHOP}, changed("self.rows = []", "self.rows = []; self.total([])"))
    assert "calls: def total(self, rows): (shop.py:8)" in found
    both = changed("self.rows = []", "self.rows = []; self.total([])")["shop.py"].replace("(self, rows)", "(self, r)")
    assert not [line for line in told({"shop.py": SHOP}, {"shop.py": both}) if line.startswith("calls")]


def test_callers_and_tests_within_the_change_are_named_with_their_places() -> None:
    before = {"money.py": MONEY, "shop.py": SHOP, "tests/test_money.py": "from money import convert\n"}
    after = {
        "money.py": MONEY.replace("return amount", "return -amount"),
        "shop.py": f"{SHOP}# changed\n",
        "tests/test_money.py": "from money import convert\ndef test_it():\n    assert convert(1, 2) == 1\n",
    }
    found = told(before, after)
    assert "convert is called by: checkout (shop.py:20)" in found
    # Its lines are shown in the same request.
    assert not [line for line in found if "tested by" in line]


def test_tests_of_the_trusted_side_are_named() -> None:
    tests = {
        "tests/test_money.py": "from money import convert\ndef test_euros():\n    x = 1\n    convert(1, 2)\n",
        "elsewhere.py": "convert(1, 2)\n",
    }
    after = {"money.py": MONEY.replace("return amount", "return -amount")}
    found = told({"money.py": MONEY}, after, tests)
    assert "convert is tested by: test_euros (tests/test_money.py:2)" in found
    assert not [line for line in found if "elsewhere" in line]


def test_many_callers_are_counted() -> None:
    callers = "".join(f"def caller_{at}():\n    return convert(1, 2)\n" for at in range(9))
    before = {"money.py": MONEY, "use.py": callers}
    after = {"money.py": MONEY.replace("return amount", "return -amount"), "use.py": f"{callers}# x\n"}
    (named,) = [line for line in told(before, after) if "is called by" in line]
    assert named.startswith("convert is called by: caller_0 (use.py:2), caller_1 (use.py:4)")
    assert named.endswith(" and 5 more")


def test_a_call_outside_of_all_definitions_is_its_modules() -> None:
    before = {"money.py": MONEY, "run.py": "x = 1\nconvert(1, 2)\n"}
    after = {"money.py": MONEY.replace("return amount", "return -amount"), "run.py": "x = 2\nconvert(1, 2)\n"}
    assert "convert is called by: its module (run.py:2)" in told(before, after)


def test_a_function_that_calls_itself_is_no_caller() -> None:
    source = "def walk(tree):\n    x = 1\n    for child in tree:\n        walk(child)\n"
    found = told({"a.py": source}, {"a.py": source.replace("x = 1", "x = 2; walk(x)")})
    assert ["inside: def walk(tree):"] == found


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        ("fetch_rows(1)", True),
        ("self.fetch_rows(1)", True),
        ("store.fetch_rows(1)", True),  # the module of that name
        ("Store.fetch_rows(1)", True),  # the class of that name
        ("anything.fetch_rows(1)", True),  # a name that only one definition has
        ("fetch_rows", False),
        ("anything.append(1)", False),  # a name that every list has
        ("store.append(1)", True),
        ("twice(1)", False),
        ("anything.twice(1)", False),
        ("left.twice(1)", True),
        ("unknown(1)", False),
    ],
)
def test_a_call_means_a_definition_only_where_that_is_no_guess(call: str, meant: bool) -> None:
    store = "class Store:\n    def fetch_rows(self, n):\n        ...\n\n    def append(self, row):\n        ...\n"
    before = {"store.py": store, "left.py": "def twice(a): ...\n", "right.py": "def twice(b): ...\n", "use.py": "x\n"}
    after = {path: f"{source}# changed\n" for path, source in before.items()} | {"use.py": f"{call}\n"}
    assert meant is any(line.startswith("calls: ") for line in told(before, after))


def test_of_overloads_in_one_file_two_are_told_and_more_say_nothing() -> None:
    def calls(many: int) -> int:
        source = "".join(f"def over(a{at}):\n    return 1\n\n" for at in range(many)) + "def use():\n    x\n"
        found = told({"a.py": source}, {"a.py": source.replace("    x\n", "    over(1)\n")})
        return sum(line.startswith("calls: ") for line in found)

    assert [1, 2, 0] == [calls(1), calls(2), calls(3)]


def test_a_secret_among_default_values_is_hidden_before_anything_is_cut() -> None:
    source = f'def send(to, {"x" * 210}, token="{TOKEN}"):\n    """Uses {TOKEN}."""\n    a = 1\n    return a\n'
    after = {"a.py": source.replace("a = 1", "a = 2")}
    redactions = redacting.Redactions()
    (line,) = lines(plan({"a.py": source}, after, hide=redactions.hide))
    assert "ghp_" not in line
    assert "…" in line
    assert len(redactions) == 1


def test_a_header_over_several_lines_is_told_in_one() -> None:
    source = "def f(\n    a,\n    b='x',\n):\n    c = 1\n    return c\n"
    assert ["inside: def f( a, b='x', ):"] == told({"a.py": source}, {"a.py": source.replace("c = 1", "c = 2")})


def test_a_file_that_does_not_parse_has_no_context_and_is_no_error() -> None:
    assert [] == told({"a.py": "def f(:\n    x\n    y\n"}, {"a.py": "def f(:\n    x\n    z\n"})


def test_lines_beyond_the_last_definition_belong_to_none() -> None:
    found = surrounding.index({"a.py": Outline(calls=(Call(name="f", line=1),))}, {}, str)
    (file,) = patch({"a.py": "x\n"}, {"a.py": "f()\n"}).files
    assert () == surrounding.notes(found, "a.py", Excerpt(hunk=file.hunks[0]), frozenset())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/a.py", True), ("src/tests/deep/a.py", True), ("test_a.py", True), ("a_test.go", True),
        ("src/a.spec.ts", True), ("ATest.java", True), ("spec/a_spec.rb", True), ("__tests__/a.js", True),
        ("latest.py", False), ("contest.go", False), ("src/testing.py", False), ("attests/a.py", False),
    ],
)  # fmt: skip
def test_tests_are_known_by_name_or_folder(path: str, expected: bool) -> None:
    assert expected is surrounding.is_test(path)


def test_the_names_that_tests_would_have_follow_the_language() -> None:
    files = patch(
        {}, dict.fromkeys(("src/a.py", "b.go", "C.java", "d.ts", "README", "odd-name.py", "tests/e.py"), "x\n")
    )
    assert {
        "test_a.py", "a_test.py", "b_test.go", "CTest.java", "CTests.java", "d.test.ts", "d.spec.ts",
    } == surrounding.names_of_tests(files.files)  # fmt: skip


def test_of_a_sweeping_change_only_some_tests_are_looked_for() -> None:
    files = patch({}, {f"m{at}.go": "x\n" for at in range(100)}).files
    assert 40 == len(surrounding.names_of_tests(files))
