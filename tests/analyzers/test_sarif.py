"""Results of other tools: which are taken over, where they stand, and what hostile logs can do (nothing)."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.analyzers.sarif import analyze, load
from reviewbot.domain import edit
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Suggestion
from reviewbot.domain.patch import FilePatch, Hunk, Status
from reviewbot.errors import UsageError
from reviewbot.ports import Sources

Change = Callable[..., FilePatch]
Texts = Callable[..., Sources]
OLD = "one\ntwo\nthree\n"
NEW = "one\nconst a = 1;\nvar b = 2;\nthree\n"


def result(line: int = 2, uri: str = "src/a.js", **fields: object) -> dict[str, Any]:
    place = {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
    known = {"ruleId": "no-a", "message": {"text": "A is bad."}, "locations": [{"physicalLocation": place}]}
    return {**known, **fields}


def run(*results: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"tool": {"driver": {"name": "ESLint"}}, "results": list(results), **fields}


@pytest.fixture
def read(change: Change, texts: Texts) -> Callable[..., Analysis]:
    def read(*runs: dict[str, Any], path: str = "src/a.js", new: str = NEW) -> Analysis:
        files = [change(path, new, OLD), change("src/b.js", "x\n"), change("c.py", "x\n")]
        log = load(json.dumps({"version": "2.1.0", "runs": list(runs)}), "r.sarif")
        return analyze(files, texts(), logs=[log])

    return read


Read = Callable[..., Analysis]


def only(analysis: Analysis) -> Finding:
    (found,) = analysis.findings
    return found


def test_a_result_on_an_added_line_is_a_finding(read: Read) -> None:
    analysis = read(run(result(), result(line=1), result(uri="gone.js")))
    found = only(analysis)
    assert (found.path, found.rule, found.source) == ("src/a.js", "no-a", "eslint")
    assert (found.title, found.body, found.quote) == ("A is bad", "", "const a = 1;")
    assert (found.severity, found.category) == (Severity.MEDIUM, Category.BUG)
    assert found.confidence is Confidence.HIGH
    assert found.span is not None
    assert (found.span.start, found.span.end) == (2, 2)
    assert analysis.notes == ("r.sarif (eslint): 3 results, 1 on added lines.",)


def test_results_are_told_once_for_each_rule_and_file(read: Read) -> None:
    first, other = read(run(result(3), result(2), result(2, ruleId="no-b"))).findings
    assert (first.rule, first.also_at, other.also_at) == ("no-a", (3,), ())


def test_without_a_rule_the_message_tells_results_apart(read: Read) -> None:
    unnamed = [{**result(message={"text": text}), "ruleId": None} for text in ("x", "y", "x")]
    first, other = read(run(*unnamed)).findings
    assert (first.title, first.rule, first.body) == ("x", None, "")
    assert other.title == "y"


@pytest.mark.parametrize(
    ("location", "bases"),
    [
        ({"uri": "./src/a.js"}, {}),
        ({"uri": "src%2Fa.js"}, {}),
        ({"uri": "src\\a.js"}, {}),
        ({"uri": "file:///home/runner/work/x/src/a.js"}, {}),
        ({"uri": "file://localhost/C:/x/src/a.js"}, {}),
        ({"uri": "/builds/group/x/src/a.js"}, {}),
        ({"uri": "C:\\x\\src\\a.js"}, {}),
        ({"uri": "src/a.js", "uriBaseId": "%SRCROOT%"}, {}),
        ({"uri": "src/a.js", "uriBaseId": "%SRCROOT%"}, {"%SRCROOT%": {"uri": "file:///w/"}}),
        ({"uri": "a.js", "uriBaseId": "SRC"}, {"SRC": {"uri": "src/", "uriBaseId": "R"}, "R": {"uri": "file:///w/"}}),
        ({"uri": "a.js", "uriBaseId": "SRC"}, {"SRC": {"uri": "src/", "uriBaseId": "R"}, "R": {}}),
        ({"uri": "file:///w/x/src/a.js"}, {"%SRCROOT%": {"uri": "file:///w/x/"}, "OTHER": {"uri": "file:///w"}}),
        ({"index": 0}, {}),
    ],
)
def test_locations_are_matched_as_tools_write_them(read: Read, location: dict[str, Any], bases: dict[str, Any]) -> None:
    place = {"physicalLocation": {"artifactLocation": location, "region": {"startLine": 2}}}
    artifacts = [{"location": {"uri": "src/a.js"}}, {}]
    found = read(run(result(locations=[place]), originalUriBaseIds=bases, artifacts=artifacts)).findings
    assert [one.path for one in found] == ["src/a.js"]


@pytest.mark.parametrize(
    ("location", "bases"),
    [
        ({"uri": "a.js"}, {}),
        ({"uri": "lib/src/a.js"}, {}),
        ({"uri": "../src/a.js"}, {}),
        ({"uri": "https://evil.example/src/a.js"}, {}),
        ({"uri": "file:///w/other/src/a.js"}, {"%SRCROOT%": {"uri": "file:///w/"}}),
        ({"uri": "/" + "x/" * 3000 + "src/a.js"}, {}),
        ({"uri": "a.js", "uriBaseId": "A"}, {"A": {"uriBaseId": "A"}}),
        ({"index": 1}, {}),
        ({"index": 7}, {}),
        ({}, {}),
    ],
)
def test_a_location_elsewhere_is_not_matched(read: Read, location: dict[str, Any], bases: dict[str, Any]) -> None:
    place = {"physicalLocation": {"artifactLocation": location, "region": {"startLine": 2}}}
    artifacts = [{"location": {"uri": "z.js"}}, {}]
    assert read(run(result(locations=[place]), originalUriBaseIds=bases, artifacts=artifacts)).findings == ()


def test_of_an_absolute_path_the_longest_ending_counts(change: Change, texts: Texts) -> None:
    log = load(json.dumps({"version": "2.1.0", "runs": [run(result(1, "/w/src/a.js"))]}), "r")
    files = [change("a.js", "x\n"), change("src/a.js", "x\n")]
    assert [found.path for found in analyze(files, texts(), logs=[log]).findings] == ["src/a.js"]


def test_the_first_location_in_the_change_counts(read: Read) -> None:
    places = result()["locations"] + result(uri="c.py", line=1)["locations"]
    assert only(read(run(result(locations=[{}, *places])))).path == "src/a.js"


def test_suppressed_unchanged_and_passed_results(read: Read) -> None:
    analysis = read(
        run(
            result(suppressions=[{"kind": "inSource"}]),
            result(ruleId="open", suppressions=[{"kind": "external", "status": "rejected"}]),
            result(kind="pass"),
            result(kind="notApplicable"),
            result(baselineState="absent"),
        )
    )
    assert only(analysis).rule == "open"
    assert analysis.notes == ("r.sarif (eslint): 2 results, 1 on added lines, 1 suppressed.",)


def rules(*rules: dict[str, Any], extension: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    extensions = [] if extension is None else [{"name": "pack", "rules": extension}]
    return {"tool": {"driver": {"name": "ESLint", "rules": list(rules)}, "extensions": extensions}}


@pytest.mark.parametrize(
    ("given", "rule", "severity", "category"),
    [
        ({"level": "error"}, {}, Severity.HIGH, Category.BUG),
        ({"level": "note"}, {}, Severity.LOW, Category.MAINTAINABILITY),
        ({"level": "none"}, {}, Severity.LOW, Category.MAINTAINABILITY),
        ({"kind": "informational", "level": "error"}, {}, Severity.LOW, Category.MAINTAINABILITY),
        ({}, {"defaultConfiguration": {"level": "error"}}, Severity.HIGH, Category.BUG),
        ({}, {"properties": {"security-severity": "9.1"}}, Severity.CRITICAL, Category.SECURITY),
        ({}, {"properties": {"security-severity": 7.5}}, Severity.HIGH, Category.SECURITY),
        ({"properties": {"security-severity": "5"}}, {}, Severity.MEDIUM, Category.SECURITY),
        ({}, {"properties": {"security-severity": "0.1"}}, Severity.LOW, Category.SECURITY),
        ({}, {"properties": {"security-severity": "severe"}}, Severity.MEDIUM, Category.BUG),
        ({}, {"properties": {"tags": ["external/cwe/cwe-079"]}}, Severity.MEDIUM, Category.SECURITY),
        ({}, {"properties": {"tags": ["x", "Performance"]}}, Severity.MEDIUM, Category.PERFORMANCE),
        ({"properties": {"tags": ["style"]}}, {}, Severity.MEDIUM, Category.MAINTAINABILITY),
    ],
)
def test_severity_and_category_come_from_result_and_rule(
    read: Read, given: dict[str, Any], rule: dict[str, Any], severity: Severity, category: Category
) -> None:
    found = only(read({**run(result(**given)), **rules({"id": "no-a", **rule})}))
    assert (found.severity, found.category) == (severity, category)


ERROR = {"defaultConfiguration": {"level": "error"}}


@pytest.mark.parametrize(
    ("given", "extension"),
    [
        ({"ruleId": None, "ruleIndex": 1}, None),
        ({"ruleId": "bad", "ruleIndex": 1}, None),
        ({"ruleId": "bad", "ruleIndex": 99}, None),
        ({"ruleId": "bad/7"}, None),
        ({"ruleId": None, "rule": {"id": "bad"}}, None),
        ({"ruleId": None, "rule": {"index": 0, "toolComponent": {"index": 0}}}, [{"id": "bad", **ERROR}]),
        ({"ruleId": "more"}, [{"id": "more", **ERROR}]),
    ],
)
def test_a_rule_is_found_by_index_and_by_id(
    read: Read, given: dict[str, Any], extension: list[dict[str, Any]] | None
) -> None:
    known = rules({"id": "good"}, {"id": "bad", **ERROR}, extension=extension)
    assert only(read({**run(result(**given)), **known})).severity is Severity.HIGH


@pytest.mark.parametrize(
    ("message", "title", "body"),
    [
        ({"text": "First.\nSecond."}, "First", "First.\nSecond."),
        ({"text": "'{0}' and {1} of {2} {{x}}", "arguments": ["a", "b"]}, "'a' and b of {2} {x}", ""),
        ({"text": "literal {0} {{x}}"}, "literal {0} {{x}}", ""),
        ({"text": "see [this value](1) here"}, "see this value here", ""),
        ({"id": "m", "arguments": ["q"]}, "By id q", ""),
        ({"id": "unknown"}, "What the rule says", ""),
        ({"text": "a\tb\x1b[31m\u202e"}, "a b [31m", ""),
        ({"text": "long " * 100}, ("long " * 100)[:199] + "…", ("long " * 100).strip()),
        ({"text": ""}, "eslint no-a", ""),
    ],
)
def test_a_message_becomes_title_and_body(read: Read, message: dict[str, Any], title: str, body: str) -> None:
    rule = {
        "id": "no-a",
        "messageStrings": {"m": {"text": "By id {0}"}},
        "shortDescription": {"text": "What the rule says"},
    }
    found = only(read({**run(result(message=message)), **rules(rule)}))
    assert (found.title, found.body) == (title, body)


def test_a_secret_in_message_or_line_is_not_repeated(read: Read) -> None:
    token = "ghp" + "_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    new = f"one\nconst a = '{token}';\nthree\n"
    found = only(read(run(result(message={"text": f"Found {token}."})), new=new))
    assert (found.title, found.quote) == ("Found ghp_…", "const a = 'ghp_")


def fix(
    content: str | None, uri: str = "src/a.js", *, region: dict[str, int] | None = None, **lines: int
) -> list[dict[str, Any]]:
    replacement: dict[str, Any] = {"deletedRegion": region or lines}
    if content is not None:
        replacement["insertedContent"] = {"text": content}
    return [{"artifactChanges": [{"artifactLocation": {"uri": uri}, "replacements": [replacement]}]}]


@pytest.mark.parametrize(
    ("content", "region", "expected"),
    [
        ("let", {"startLine": 3, "startColumn": 1, "endColumn": 4}, "one\nconst a = 1;\nlet b = 2;\nthree\n"),
        ("x", {"startLine": 2}, "one\nx\nvar b = 2;\nthree\n"),
        ("x", {"startLine": 2, "endLine": 3}, "one\nx\nthree\n"),
        (None, {"startLine": 2, "startColumn": 1, "endLine": 3, "endColumn": 1}, "one\nvar b = 2;\nthree\n"),
        (None, {"startLine": 3, "startColumn": 1, "endLine": 4, "endColumn": 1}, "one\nconst a = 1;\nthree\n"),
    ],
)
def test_a_single_replacement_in_added_lines_is_a_suggestion(
    read: Read, content: str | None, region: dict[str, int], expected: str
) -> None:
    found = only(read(run(result(fixes=fix(content, region=region)))))
    assert found.suggestion is not None
    assert edit.apply(NEW, found.suggestion) == expected


@pytest.mark.parametrize(("kind", "column"), [("utf16CodeUnits", 5), ("unicodeCodePoints", 4)])
def test_columns_are_counted_as_the_run_says(read: Read, kind: str, column: int) -> None:
    fixes = fix("X", startLine=2, startColumn=column, endColumn=column + 1)
    found = only(read(run(result(fixes=fixes), columnKind=kind), new="one\n'\U0001f600'b\nthree\n"))
    assert found.suggestion == Suggestion(start_line=2, line=2, replacement="'\U0001f600'X"[:3] + "X")


@pytest.mark.parametrize(
    "fixes",
    [
        fix("x", startLine=1),
        fix("x", startLine=2, endLine=4),
        fix("x", startLine=3, endLine=2),
        fix("x", startLine=99),
        fix("x", startLine=2, startColumn=-5, endColumn=99),
        fix("x", startLine=2, startColumn=9, endColumn=2),
        fix("x", uri="src/b.js", startLine=2),
        fix("x"),
        fix("x" + "\n" * 20, startLine=2),
        [{"artifactChanges": []}],
        [{"artifactChanges": [{"artifactLocation": {}, "replacements": [{"deletedRegion": {}}]}]}],
        [{"artifactChanges": [{"artifactLocation": {"uri": "src/a.js"}, "replacements": []}]}],
    ],
)
def test_any_other_fix_is_not_offered(read: Read, fixes: list[dict[str, Any]]) -> None:
    assert only(read(run(result(fixes=fixes)))).suggestion is None


def test_covered_is_what_the_tool_evidently_reads(read: Read) -> None:
    assert read(run(result())).covered == {"src/a.js", "src/b.js"}
    assert read(run(artifacts=[{"location": {"uri": "lib/z.py"}}, {}])).covered == {"c.py"}
    assert read(run()).covered == frozenset()
    assert read(run(result(uri="x/Dockerfile")), path="Dockerfile").covered == {"Dockerfile"}


def test_a_run_that_failed_and_a_secret_scanner_cover_nothing(read: Read) -> None:
    failed = read(run(result(), invocations=[{"executionSuccessful": False}]))
    assert failed.covered == frozenset()
    assert failed.notes[0].endswith("The tool says that its run did not succeed.")
    assert read({**run(result()), "tool": {"driver": {"name": "gitleaks"}}}).covered == frozenset()


def test_a_run_without_results_and_a_nameless_tool_are_read(read: Read) -> None:
    analysis = read({"tool": {"driver": {}}, "results": None})
    assert analysis.notes == ("r.sarif (sarif): 0 results, 0 on added lines.",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("[]", "should be an object"),
        ("{}", "version: Field required"),
        ('{"version": "2.1.0"}', "runs: Field required"),
        ('{"version": "2.1.0", "runs": [{}]}', "runs.0.tool: Field required"),
        ('{"version": "2.1.0", "runs": {}}', "runs: "),
        ('{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": 3}}}]}', "runs.0.tool.driver.name: "),
        ('{"version": "2.0.0", "runs": []}', "is SARIF '2.0.0', not 2.1.0"),
        ('{"version": "2.1.0", "runs": ' + "[" * 100_000, "Invalid JSON"),
        ('{"version": "2.1.0", "runs": [{"tool": {"driver": {"rules": [{"id": ' + "9" * 5000, ""),
        ("\udcff", "Invalid JSON"),
    ],
)
def test_what_is_no_sarif_is_refused_with_the_files_name_and_what_to_do(text: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(text, "odd.sarif")
    assert str(caught.value).startswith("odd.sarif ")
    assert why in str(caught.value)
    assert "--import" in str(caught.value)


def test_a_byte_order_mark_is_no_fault() -> None:
    assert load('\ufeff{"version": "2.1.0", "runs": []}', "a").runs == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def bag(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


NUMBER = st.integers(-2, 5) | st.integers() | JSON
REGION = bag(startLine=NUMBER, endLine=NUMBER, startColumn=NUMBER, endColumn=NUMBER)
HERE = st.just({"uri": "a.js"})
PLACE = bag(physicalLocation=bag(artifactLocation=HERE | JSON, region=REGION))
REPLACED = bag(deletedRegion=REGION, insertedContent=bag(text=st.text()))
FIX = bag(artifactChanges=st.lists(bag(artifactLocation=HERE, replacements=st.lists(REPLACED, max_size=1)), max_size=1))
RESULT = bag(
    ruleId=JSON,
    ruleIndex=st.integers(),
    message=bag(text=st.text(), arguments=st.lists(st.text())),
    locations=st.lists(PLACE, max_size=2),
    fixes=st.lists(FIX, max_size=1) | JSON,
    properties=JSON,
)


@given(results=st.lists(RESULT, max_size=3), fields=st.dictionaries(st.text(max_size=5), JSON, max_size=2))
def test_nothing_that_a_log_says_ends_in_another_error(results: list[dict[str, Any]], fields: dict[str, Any]) -> None:
    text = json.dumps({"version": "2.1.0", "runs": [run(*results, **fields)]})
    try:
        log = load(text, "a")
    except UsageError:
        return
    file = FilePatch(
        path="a.js", old_path=None, status=Status.ADDED, hunks=(Hunk(old_start=1, new_start=1, body="+x\n+y"),)
    )
    found = analyze([file], NOTHING, logs=[log])
    assert all(one.span and one.span.start in (1, 2) for one in found.findings)


class _Nothing:
    def new_text(self, file: FilePatch) -> bytes | None:
        raise NotImplementedError

    def trusted_files(self, names: frozenset[str]) -> dict[str, bytes]:
        raise NotImplementedError


NOTHING = _Nothing()
