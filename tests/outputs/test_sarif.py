"""SARIF 2.1.0: the parts of the standard that this output uses, closed against any other key."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import unquote_to_bytes

import jsonschema
import pytest

from reviewbot.domain.finding import Category, Finding, Span, Suggestion
from reviewbot.domain.outcome import Report
from reviewbot.domain.patch import Side
from reviewbot.outputs.sarif import render

Schema = Mapping[str, object]


def closed(required: str, **properties: object) -> Schema:
    """Describe an object with these keys and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def many(items: Schema) -> Schema:
    return {"type": "array", "items": items}


TEXT: Schema = {"type": "string", "minLength": 1}
LINE: Schema = {"type": "integer", "minimum": 1}
LEVEL: Schema = {"enum": ["none", "note", "warning", "error"]}
BAG: Schema = {"type": "object"}
MESSAGE = closed("text", text=TEXT, markdown=TEXT)
ARTIFACT = closed("uri", uri={"type": "string", "format": "uri-reference"}, uriBaseId=TEXT)
REGION = closed(
    "startLine",
    startLine=LINE,
    endLine=LINE,
    startColumn=LINE,
    endColumn=LINE,
    snippet=closed("text", text={"type": "string"}),
)
LOCATION = closed(
    "physicalLocation",
    physicalLocation=closed("artifactLocation", artifactLocation=ARTIFACT, region=REGION),
)
FIX = closed(
    "artifactChanges",
    description=MESSAGE,
    artifactChanges=many(
        closed(
            "artifactLocation replacements",
            artifactLocation=ARTIFACT,
            replacements=many(
                closed(
                    "deletedRegion",
                    deletedRegion=REGION,
                    insertedContent=closed("text", text={"type": "string"}),
                )
            ),
        )
    ),
)
RESULT = closed(
    "message ruleId",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=many(LOCATION),
    relatedLocations=many(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    fixes=many(FIX),
    properties=BAG,
)
RULE = closed(
    "id", id=TEXT, shortDescription=MESSAGE, defaultConfiguration=closed("level", level=LEVEL), properties=BAG
)
DRIVER = closed("name", name=TEXT, version=TEXT, semanticVersion=TEXT, rules=many(RULE))
NOTIFICATION = closed("message", level=LEVEL, message=MESSAGE, descriptor=closed("id", id=TEXT))
INVOCATION = closed(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    exitCode={"type": "integer"},
    toolExecutionNotifications=many(NOTIFICATION),
)
RUN = closed(
    "tool",
    tool=closed("driver", driver=DRIVER),
    invocations=many(INVOCATION),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=many(RESULT),
    properties=BAG,
)
LOG: Schema = {
    "type": "object",
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": many(RUN),
    },
    "required": ["version", "runs"],
    "additionalProperties": False,
}


def test_the_log_has_the_shape_of_the_standard(report: Report, quiet: Report) -> None:
    for each in (report, quiet, replace(report, findings=(), files=())):
        jsonschema.validate(json.loads(render(each)), LOG)


def test_each_rule_stands_once_and_results_point_at_theirs(report: Report) -> None:
    [run] = json.loads(render(report))["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert rules == ["github-token", "llm/bug", "F821", "llm/test", "llm/maintainability"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    assert [result["level"] for result in run["results"]] == [
        "error",
        "error",
        "warning",
        "warning",
        "note",
        "note",
    ]


def test_only_security_rules_have_a_security_severity(report: Report) -> None:
    [run] = json.loads(render(report))["runs"]
    scores = [rule["properties"].get("security-severity") for rule in run["tool"]["driver"]["rules"]]
    assert scores == ["9.5", None, None, None, None]


def test_a_path_keeps_its_bytes_in_the_uri(report: Report) -> None:
    [run] = json.loads(render(report))["runs"]
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]]
    assert uris[0] == "a%20b/%3Cscript%3E.py"
    assert unquote_to_bytes(uris[-1]) == b"caf\xe9/r\xff.txt"


def test_new_lines_get_a_region_and_nothing_else_does(report: Report) -> None:
    [run] = json.loads(render(report))["runs"]
    places = [result["locations"][0]["physicalLocation"] for result in run["results"]]
    assert places[1]["region"]["startLine"] == 15
    assert places[1]["region"]["endLine"] == 16
    assert places[1]["region"]["snippet"]["text"] == "    while len(rows) != limit:\n        rows += query()"
    assert "region" not in places[3]
    assert "region" not in places[4]
    assert run["results"][4]["properties"]["oldStartLine"] == 15


def test_a_region_outside_of_the_hunks_has_no_snippet(report: Report, finding: Callable[..., Finding]) -> None:
    far = finding(span=Span(side=Side.RIGHT, start=900, end=900), fingerprint="")
    [result] = json.loads(render(replace(report, findings=(far,))))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 900, "endLine": 900}
    assert "partialFingerprints" not in result


def test_further_places_are_related_locations(report: Report) -> None:
    [run] = json.loads(render(report))["runs"]
    related = run["results"][2]["relatedLocations"]
    assert [place["physicalLocation"]["region"]["startLine"] for place in related] == [90, 91]


def test_a_message_escapes_what_would_be_a_link_or_a_placeholder(
    report: Report, finding: Callable[..., Finding]
) -> None:
    odd = finding(title=r"see [a](b) and {0} in c:\d")
    [result] = json.loads(render(replace(report, findings=(odd,))))["runs"][0]["results"]
    assert result["message"]["text"] == r"see \[a\](b) and {{0}} in c:\\d"
    assert result["message"]["markdown"] == r"**see \[a\](b) and {{0}} in c:\\d**"


@pytest.mark.parametrize(
    ("replacement", "region", "text"),
    [
        ("a\nb", {"startLine": 14, "endLine": 16}, "a\nb"),
        ("", {"startLine": 14, "endLine": 17, "startColumn": 1, "endColumn": 1}, ""),
    ],
)
def test_a_fix_replaces_whole_lines(
    report: Report, finding: Callable[..., Finding], replacement: str, region: object, text: str
) -> None:
    fixed = finding(suggestion=Suggestion(start_line=14, line=16, replacement=replacement))
    [result] = json.loads(render(replace(report, findings=(fixed,))))["runs"][0]["results"]
    [change] = result["fixes"][0]["artifactChanges"]
    assert change["replacements"] == [{"deletedRegion": region, "insertedContent": {"text": text}}]


def test_a_fix_that_cannot_be_written_exactly_is_not_offered(report: Report, finding: Callable[..., Finding]) -> None:
    raw = finding(suggestion=Suggestion(start_line=14, line=16, replacement="\udcff"))
    [result] = json.loads(render(replace(report, findings=(raw,))))["runs"][0]["results"]
    assert result["fixes"] == []


def test_files_not_reviewed_are_notifications_and_a_failure_is_not_success(report: Report, quiet: Report) -> None:
    invocation = json.loads(render(report))["runs"][0]["invocations"][0]
    assert invocation["executionSuccessful"] is False
    assert invocation["exitCode"] == 4
    assert [note["level"] for note in invocation["toolExecutionNotifications"]] == [
        "error",
        "error",
        "note",
        "note",
        "note",
    ]
    assert invocation["toolExecutionNotifications"][3]["message"]["text"] == ("skipped, not reviewed: logo.png: binary")
    assert json.loads(render(quiet))["runs"][0]["invocations"][0]["executionSuccessful"] is True


def test_the_category_of_a_models_finding_is_its_rule(report: Report, finding: Callable[..., Finding]) -> None:
    found = finding(category=Category.PERFORMANCE)
    [result] = json.loads(render(replace(report, findings=(found,))))["runs"][0]["results"]
    assert result["ruleId"] == "llm/performance"
