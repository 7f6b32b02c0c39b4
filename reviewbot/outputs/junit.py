"""The report as JUnit XML, for every CI server that shows test results.

A file is a suite. Its findings are failures, what was not reviewed is skipped or an error, and a
reviewed file without findings is one passing case: "nothing found" must differ from "not looked at".
"""

from collections.abc import Iterator, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from reviewbot.domain.finding import Finding
from reviewbot.domain.outcome import Outcome, Report
from reviewbot.domain.runner import uncommanded
from reviewbot.domain.view import Gap, GapGroup, also_at, gaps, label, location, prose, rule_name, shown

_Missing = tuple[GapGroup, Gap]


def render(report: Report) -> str:
    """Render all suites; characters that XML 1.0 cannot hold are spelled out."""
    root = Element("testsuites", name="reviewbot")
    for path, found, missing in _by_path(report):
        _suite(root, path, found, missing)
    _count(root)
    root.set("time", f"{report.usage.wall_s:.3f}")
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{uncommanded(tostring(root, encoding="unicode"))}\n'


def _by_path(report: Report) -> Iterator[tuple[str, Sequence[Finding], Sequence[_Missing]]]:
    """Give every file of the diff once, then files that only a finding names."""
    found: dict[str, list[Finding]] = {label(entry.file.path): [] for entry in report.files}
    for finding in report.findings:
        found.setdefault(label(finding.path), []).append(finding)
    missing: dict[str, list[_Missing]] = {}
    for group in gaps(report):
        for gap in group.gaps:
            missing.setdefault(gap.path, []).append((group, gap))
    for path, findings in found.items():
        yield path, findings, missing.get(path, ())


def _suite(root: Element, path: str, found: Sequence[Finding], missing: Sequence[_Missing]) -> None:
    suite = SubElement(root, "testsuite", name=path)
    for finding in found:
        _failure(suite, path, finding)
    for group, gap in missing:
        case = SubElement(suite, "testcase", _case(path, gap.where or "review"))
        kind = "error" if group.outcome is Outcome.FAILED else "skipped"
        SubElement(case, kind, message=group.reason)
    if not found and not missing:
        SubElement(suite, "testcase", _case(path, "review"))
    _count(suite)


def _failure(suite: Element, path: str, finding: Finding) -> None:
    title = label(shown(finding.title))
    case = SubElement(suite, "testcase", _case(path, f"{rule_name(finding)}: {title}"))
    if finding.span is not None:
        case.set("file", path)
        case.set("line", str(finding.span.start))
    failure = SubElement(case, "failure", type=str(finding.severity), message=title)
    place = location(finding) if finding.span else f"{path} (without a place in the diff)"
    parts = (place, prose(finding.body), also_at(finding))
    failure.text = "\n\n".join(part for part in parts if part)


def _case(path: str, name: str) -> dict[str, str]:
    return {"classname": path, "name": name, "time": "0"}


def _count(element: Element) -> None:
    element.set("tests", str(len(list(element.iter("testcase")))))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(len(list(element.iter(tag)))))
