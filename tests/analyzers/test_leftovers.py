"""Debugging aids that somebody left, in code and not in what is said about it."""

from collections.abc import Callable

import pytest

from reviewbot.analyzers.leftovers import analyze
from reviewbot.domain.finding import Category, Finding, Severity
from reviewbot.domain.patch import FilePatch
from reviewbot.ports import Sources

Change = Callable[..., FilePatch]
Texts = Callable[..., Sources]


@pytest.fixture
def find(change: Change, texts: Texts) -> Callable[..., tuple[Finding, ...]]:
    def find(path: str, new: str, old: str | None = None) -> tuple[Finding, ...]:
        analysis = analyze([change(path, new, old)], texts())
        assert not analysis.covered
        return analysis.findings

    return find


Find = Callable[..., tuple[Finding, ...]]


@pytest.mark.parametrize(
    ("path", "line", "rule"),
    [
        ("a.js", "debugger;", "leftover-debugger"),
        ("a.js", "  if (x) { debugger; }", "leftover-debugger"),
        ("a.tsx", "  debugger", "leftover-debugger"),
        ("a.js", "const url = 'https://a.b'; debugger; // why", "leftover-debugger"),
        ("a.test.ts", "describe.only('all', () => {", "focused-test"),
        ("a.test.js", "  it.only(`adds`, async () => {", "focused-test"),
        ("a.spec.mts", "test.only (", "focused-test"),
        ("a.rb", "  binding.pry", "leftover-debugger"),
        ("a.rb", "x = 1; byebug # later", "leftover-debugger"),
        ("a.rb", "list.each { |item| binding.irb }", "leftover-debugger"),
        ("a.rake", "byebug if slow?", "leftover-debugger"),
        ("a.php", "var_dump($user);", "leftover-dump"),
        ("a.php", "    dd($query);", "leftover-dump"),
        ("a.php", "#[Pure] function f() { dd(1); }", "leftover-dump"),
    ],
)
def test_a_leftover_is_reported(find: Find, path: str, line: str, rule: str) -> None:
    (found,) = find(path, f"x\n{line}\n", "x\n")
    assert (found.rule, found.quote, found.source) == (rule, line, "leftovers")


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a.js", "// debugger;"),
        ("a.js", " * it.only('x', f)"),
        ("a.js", "/* debugger; */"),
        ("a.js", 'log("debugger;")'),
        ("a.js", "log('; debugger;')"),
        ("a.js", "log(`it.only(${x})`)"),
        ("a.js", "this.debugger = debugger_;"),
        ("a.js", "plot.test.only(x)"),
        ("a.js", "audit.only(x)"),
        ("a.ts", "const debuggers = 1;"),
        ("a.rb", "# binding.pry"),
        ("a.rb", "gem 'byebug'"),
        ("a.rb", "byebug = 1"),
        ("a.php", "// var_dump($x);"),
        ("a.php", "# dd($x);"),
        ("a.php", "$this->dd($x);"),
        ("a.php", "Str::dd($x);"),
        ("a.php", "function dd($x) {"),
        ("a.php", "add($x);"),
        ("a.py", "breakpoint()"),
        ("a.java", "debugger;"),
        ("Makefile", "debugger;"),
    ],
)
def test_what_is_none_is_left_alone(find: Find, path: str, line: str) -> None:
    assert find(path, f"x\n{line}\n", "x\n") == ()


def test_one_finding_for_each_rule_and_file_names_the_other_lines(find: Find) -> None:
    debugger, focused = find("a.js", "debugger;\nit.only(x)\ny()\ndebugger;\n")
    assert (debugger.also_at, focused.also_at) == ((4,), ())
    assert (debugger.severity, debugger.category) == (Severity.MEDIUM, Category.BUG)
    assert (focused.severity, focused.category) == (Severity.MEDIUM, Category.TEST)
    assert find("a.php", "dd(1);\n")[0].severity is Severity.LOW


def test_lines_that_did_not_change_are_left_alone(find: Find) -> None:
    assert find("a.js", "debugger;\ny\n", "debugger;\nx\n") == ()
