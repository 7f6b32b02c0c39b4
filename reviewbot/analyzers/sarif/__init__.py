"""Takes over what other tools found, from their SARIF files: every language without running anything.

The files may come from a job that ran the change's own code, so they are untrusted: `log` checks them at
the door, and what they say is shown like anything else that a stranger wrote.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reviewbot.analyzers.sarif import locating
from reviewbot.analyzers.sarif.log import Fix, Region, Result, Rule, Run, SarifLog, load
from reviewbot.domain import edit, place, secret
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Category, Confidence, Finding, Severity, Suggestion
from reviewbot.domain.patch import FilePatch
from reviewbot.ports import Sources

__all__ = ["SarifLog", "analyze", "load"]

_NO_PROBLEM: Final = frozenset({"pass", "notApplicable"})
_ONLY_SECRETS: Final = frozenset({"gitleaks", "trufflehog", "detect-secrets"})
"""Tools that read every text and understand none: they do not count as a review."""
_LEVELS: Final = {"error": Severity.HIGH, "warning": Severity.MEDIUM}
_SCORES: Final = ((9.0, Severity.CRITICAL), (7.0, Severity.HIGH), (4.0, Severity.MEDIUM))
"""Lower bounds of ``security-severity``, as GitHub's code scanning reads it."""
_TAGS: Final = {
    "security": Category.SECURITY,
    "performance": Category.PERFORMANCE,
    "efficiency": Category.PERFORMANCE,
    "correctness": Category.BUG,
    "reliability": Category.BUG,
    "test": Category.TEST,
    "maintainability": Category.MAINTAINABILITY,
    "style": Category.MAINTAINABILITY,
}


def analyze(
    files: Sequence[FilePatch],
    sources: Sources,  # noqa: ARG001 - the diff is enough
    *,
    logs: Sequence[SarifLog],
) -> Analysis:
    """Report the imported results that start on added lines.

    Covered are the files that a run mentions, and those with the ending of a file that it mentions:
    the tool evidently reads that language.
    """
    readable = [file for file in files if not (file.binary or file.defect or file.is_submodule)]
    changes = {file.path: place.added(file) for file in readable}
    runs = [(log.name, run) for log in logs for run in log.runs]
    found = [_read(name, run, changes) for name, run in runs]
    return Analysis(
        findings=tuple(finding for one in found for finding in one.findings),
        covered=frozenset(path for _, run in runs for path in _covered(run, changes)),
        notes=tuple(one.note for one in found),
    )


@dataclass(frozen=True, slots=True)
class _Read:
    findings: tuple[Finding, ...]
    note: str


@dataclass(frozen=True, slots=True)
class _Placed:
    path: str
    region: Region
    start: int
    result: Result
    rule: Rule

    @property
    def group(self) -> tuple[str, str]:
        return self.path, self.rule.id or _message(self.result, self.rule)


def _read(name: str, run: Run, changes: Mapping[str, place.Added]) -> _Read:
    failing = [one for one in run.results if one.kind not in _NO_PROBLEM and one.baseline_state != "absent"]
    rules = _rules(run)
    open_ = [one for one in failing if not _is_suppressed(one)]
    placed = [where for one in open_ if (where := _place(one, run, rules, changes))]
    groups = place.first_of_each(placed, key=lambda one: one.group, line=lambda one: one.start)
    findings = tuple(_finding(first, run, changes[first.path], others) for first, others in groups)
    said = f"{name} ({_source(run)}): {len(failing)} results, {len(placed)} on added lines"
    suppressed = len(failing) - len(open_)
    note = f"{said}, {suppressed} suppressed." if suppressed else f"{said}."
    return _Read(findings, note if _succeeded(run) else f"{note} The tool says that its run did not succeed.")


def _succeeded(run: Run) -> bool:
    return all(invocation.execution_successful for invocation in run.invocations)


def _is_suppressed(result: Result) -> bool:
    return any(suppression.status == "accepted" for suppression in result.suppressions)


def _source(run: Run) -> str:
    return place.one_line(run.tool.driver.name, most=60).lower() or "sarif"


def _covered(run: Run, changes: Iterable[str]) -> Iterator[str]:
    if not _succeeded(run) or _source(run) in _ONLY_SECRETS:
        return
    spoken = locating.spoken_of(run)
    kinds = {_kind(path) for path in spoken}
    yield from (path for path in changes if _kind(path) in kinds)


def _kind(path: str) -> str:
    """Give what tells a file's language: its ending, or its name (``Dockerfile``)."""
    name = posixpath.basename(path)
    return posixpath.splitext(name)[1].lower() or name


def _place(result: Result, run: Run, rules: Mapping[str, Rule], changes: Mapping[str, place.Added]) -> _Placed | None:
    for location in result.locations:
        where = location.physical_location
        path = locating.resolved(where.artifact_location, run)
        known = locating.match(path, changes) if path else None
        start = where.region.start_line
        if known is not None and start is not None and start in changes[known].texts:
            return _Placed(known, where.region, start, result, _rule(result, run, rules))
    return None


def _rules(run: Run) -> dict[str, Rule]:
    """Index the rules of the tool and its extensions by id; the tool's own win."""
    components = (run.tool.driver, *run.tool.extensions)
    return {rule.id: rule for component in reversed(components) for rule in component.rules}


def _rule(result: Result, run: Run, rules: Mapping[str, Rule]) -> Rule:
    """Find the rule by index, else by id; without metadata a rule that has its id alone."""
    reference = result.rule
    component = run.tool.driver
    if 0 <= reference.tool_component.index < len(run.tool.extensions):
        component = run.tool.extensions[reference.tool_component.index]
    index = max(result.rule_index, reference.index)
    name = result.rule_id or reference.id or ""
    if 0 <= index < len(component.rules) and name in ("", component.rules[index].id):
        return component.rules[index]
    # An id may be more special than its rule: "CA1000/1" is a case of "CA1000".
    return rules.get(name) or rules.get(name.rpartition("/")[0]) or Rule(id=name)


def _finding(placed: _Placed, run: Run, added: place.Added, others: tuple[int, ...]) -> Finding:
    result, rule, region = placed.result, placed.rule, placed.region
    span, quote = added.quote(placed.start, region.end_line or placed.start)
    message = secret.mask(_message(result, rule)[:_LONGEST_MESSAGE]).strip()
    title = place.one_line(message.split("\n", 1)[0]) or f"{_source(run)} {rule.id}".strip()
    name = place.one_line(rule.id, most=100)
    whole = place.one_line(message, most=len(message) + 1) == title
    return Finding(
        path=placed.path,
        severity=_severity(result, rule),
        confidence=Confidence.HIGH,
        category=_category(result, rule),
        title=title,
        body="" if whole else message,
        quote=quote,
        source=_source(run),
        rule=name or None,
        span=span,
        suggestion=_suggestion(placed, run, added),
        also_at=others,
    )


_LONGEST_MESSAGE: Final = 4_000
"""Characters; a comment with more is not read."""
_ARGUMENT: Final = re.compile(r"\{\{|\}\}|\{(\d{1,3})\}")
_LINK: Final = re.compile(r"\[([^\[\]]{1,200})\]\(\d{1,5}\)")


def _message(result: Result, rule: Rule) -> str:
    given = result.message
    text = given.text
    if text is None and given.id is not None and given.id in rule.message_strings:
        text = rule.message_strings[given.id].text
    if text is None:
        return rule.short_description.text or ""
    if given.arguments:
        text = _ARGUMENT.sub(lambda found: _filled(found, given.arguments), text)
    # Links to related locations: their targets are numbers that mean nothing outside of the log.
    return _LINK.sub(r"\1", text)


def _filled(found: re.Match[str], arguments: Sequence[str]) -> str:
    if found[1] is None:
        return found[0][0]
    return arguments[int(found[1])] if int(found[1]) < len(arguments) else found[0]


def _level(result: Result, rule: Rule) -> str:
    if result.kind != "fail":
        return "note"
    return result.level or rule.default_configuration.level or "warning"


def _severity(result: Result, rule: Rule) -> Severity:
    score = _score(result, rule)
    if score is None:
        return _LEVELS.get(_level(result, rule), Severity.LOW)
    return next((severity for least, severity in _SCORES if score >= least), Severity.LOW)


def _score(result: Result, rule: Rule) -> float | None:
    for bag in (result.properties, rule.properties):
        try:
            if bag.security_severity is not None:
                return float(bag.security_severity)
        except ValueError:
            continue
    return None


def _category(result: Result, rule: Rule) -> Category:
    tags = [tag.lower() for tag in (*result.properties.tags, *rule.properties.tags)]
    if _score(result, rule) is not None or any(tag.startswith("external/cwe") for tag in tags):
        return Category.SECURITY
    known = (_TAGS[tag] for tag in tags if tag in _TAGS)
    usual = Category.MAINTAINABILITY if _level(result, rule) in ("note", "none") else Category.BUG
    return next(known, usual)


def _suggestion(placed: _Placed, run: Run, added: place.Added) -> Suggestion | None:
    """Offer the first fix, if it is one replacement in added lines of the same file."""
    for fix in placed.result.fixes[:1]:
        region = _only_region(fix, placed.path, run)
        if region is None:
            return None
        replaced, content = region
        offered = _offered(replaced, content, run, added)
        return offered if offered and added.takes(offered) else None
    return None


def _only_region(fix: Fix, path: str, run: Run) -> tuple[Region, str] | None:
    if len(fix.artifact_changes) != 1 or len(fix.artifact_changes[0].replacements) != 1:
        return None
    (change,) = fix.artifact_changes
    where = locating.resolved(change.artifact_location, run)
    if where is None or locating.match(where, [path]) is None:
        return None
    (replacement,) = change.replacements
    return replacement.deleted_region, replacement.inserted_content.text or ""


def _offered(region: Region, content: str, run: Run, added: place.Added) -> Suggestion | None:
    first = region.start_line
    last = region.end_line or first
    if first is None or last is None or last < first or not added.holds(first, max(first, last - 1)):
        return None
    # Only the added lines are needed: numbered from the first of them, with room for an end after the last.
    rows = [added.texts.get(number, "") for number in range(first, last + 1)]
    columns = (region.start_column, region.end_column)
    if run.column_kind == "utf16CodeUnits":
        columns = (_code_points(rows[0], columns[0]), columns[1] and _code_points(rows[-1], columns[1]))
    start, end = columns
    change = edit.Edit(1, start, last - first + 1, end or len(rows[-1]) + 1, content)
    offered = edit.suggestion("\n".join(rows), [change])
    return offered and Suggestion(
        start_line=offered.start_line + first - 1,
        line=offered.line + first - 1,
        replacement=offered.replacement,
    )


def _code_points(row: str, column: int) -> int:
    """Give a column in UTF-16 units as one in code points; one outside of the line stays outside."""
    units = row.encode("utf-16-le", "surrogatepass")
    if not 1 <= column <= len(units) // 2 + 1:
        return 0
    return len(units[: (column - 1) * 2].decode("utf-16-le", "surrogatepass")) + 1
