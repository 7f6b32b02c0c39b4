"""Gap → the request for its tests; failing test → the request to judge whether the code is at fault.

The system message is the same, byte for byte, for all requests of a run. What follows is data: secrets are taken out
of it, and it stands between marks that its author cannot foresee.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jinja2 import Environment

from reviewbot.domain.candidate import Candidate, Gap, Point
from reviewbot.domain.prompt import Prompt, Task
from reviewbot.domain.trial import Failure
from reviewbot.steps import dialogue
from reviewbot.steps.prompting import readable
from reviewbot.steps.redacting import Redactions

_MOST_LINES = 160
"""Of a definition; of a longer one what stands around the gap is shown."""
_AROUND = 12
_LONGEST_NEIGHBOUR = 5_000
"""Characters of one file of tests."""
_LONGEST_ANSWER = 8_000
"""Characters of a faulty answer that are shown again."""
_LONGEST_FEEDBACK = 1_500


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a request for tests shows besides the gap."""

    module: str
    """The source's name in an import; empty where it is not known."""
    target: str
    """Path for new tests."""
    neighbours: tuple[tuple[str, str], ...] = ()
    """Tests and fixtures that are near, with their paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """An earlier test that was not taken, and why."""

    path: str
    reason: str
    code: str = ""


class Briefs:
    """Writes the requests of one run: the instructions are rendered once, and secrets are numbered once."""

    def __init__(self, templates: Environment, instructions: str, count: Callable[[str], int]) -> None:
        self._templates = templates
        self._count = count
        self._redactions = Redactions()
        self._system = {
            Task.TESTS: self._render("tests.system", instructions=instructions),
            Task.VERIFY: self._render("suspicion.system"),
        }

    @property
    def redacted(self) -> int:
        """Secrets that were taken out so far."""
        return len(self._redactions)

    def tests(self, gap: Gap, points: frozenset[Point], context: Context, feedback: Sequence[Feedback]) -> Prompt:
        """Ask for tests of what is left of a gap."""
        missing = sorted(point.line for point in points if not point.branch)
        partial = sorted(point.line for point in points if point.branch)
        user = self._user(
            "tests.user",
            _material(gap, missing, partial, context, feedback),
            path=gap.path,
            module=context.module,
            definition=gap.name or "none, these lines run when the module is imported",
            missing=", ".join(map(str, missing)),
            partial=", ".join(map(str, partial)),
            target=context.target,
        )
        return self._prompt(Task.TESTS, user)

    def suspicion(self, gap: Gap, candidate: Candidate, failure: Failure) -> Prompt:
        """Ask whether the code breaks its promise where a test says so."""
        test = failure.id.rpartition("::")[2]
        definition = _numbered(gap, gap.missing, gap.partial)
        material = "\n\n".join(
            (
                f"The definition:\n{definition}",
                f"The test {candidate.path}:\n{candidate.code[:_LONGEST_NEIGHBOUR]}",
                f"What pytest says:\n{failure.text[:_LONGEST_FEEDBACK]}",
            )
        )
        title = f"{gap.name or gap.path} breaks what {test} asserts: {failure.message.partition(chr(10))[0][:200]}"
        return self._prompt(Task.VERIFY, self._user("suspicion.user", material, title=title, path=gap.path))

    def repair(self, prompt: Prompt, answer: str, fault: str) -> Prompt:
        """Ask once more after an answer that cannot be used, showing it and what is wrong with it."""
        asked = self._render("tests.repair", fault=fault)
        return dialogue.once_more(prompt, answer, asked, self._count, longest=_LONGEST_ANSWER)

    def _user(self, template: str, material: str, **words: str) -> str:
        """Render data between marks, with one line for each of the words around it."""
        shown = self._redactions.hide(readable(material))
        mark = dialogue.mark(shown)
        plain = {key: " ".join(self._redactions.hide(readable(value)).split()) for key, value in words.items()}
        return self._render(template, material=shown, mark=mark, **plain)

    def _render(self, template: str, **values: str) -> str:
        return self._templates.get_template(f"prompts/{template}.j2").render(**values)

    def _prompt(self, task: Task, user: str) -> Prompt:
        return dialogue.opening(task, self._system[task], user, self._count)


def shown(gap: Gap) -> str:
    """Give a definition's code as requests show it, without numbers: what evidence must be found in."""
    return readable("\n".join((gap.header, *gap.code)))


def _material(
    gap: Gap, missing: Sequence[int], partial: Sequence[int], context: Context, feedback: Sequence[Feedback]
) -> str:
    parts = []
    if gap.imports:
        parts.append("The module's imports:\n" + "\n".join(gap.imports))
    parts.append(f"The definition:\n{_numbered(gap, missing, partial)}")
    parts += (f"Tests near by, {path}:\n{text[:_LONGEST_NEIGHBOUR]}" for path, text in context.neighbours)
    for entry in feedback:
        code = f"\n{entry.code[:_LONGEST_NEIGHBOUR]}" if entry.code else ""
        parts.append(f"Your test {entry.path}: {entry.reason[:_LONGEST_FEEDBACK]}{code}")
    return "\n\n".join(parts)


def _numbered(gap: Gap, missing: Sequence[int], partial: Sequence[int]) -> str:
    """Write a definition with its numbers, and with marks at the lines that are asked for."""
    marks = dict.fromkeys(partial, "?") | dict.fromkeys(missing, "!")
    chosen = _chosen(gap, marks)
    rows = [f"      {gap.header}"] if gap.header else []
    for offset, text in enumerate(gap.code):
        number = gap.start + offset
        if number in chosen:
            rows.append(f"{number:5}{marks.get(number, ' ')} {text}".rstrip())
        elif rows and rows[-1] != _LEFT_OUT:
            rows.append(_LEFT_OUT)
    return "\n".join(rows)


_LEFT_OUT = "      …"


def _chosen(gap: Gap, marks: dict[int, str]) -> set[int]:
    last = gap.start + len(gap.code)
    if len(gap.code) <= _MOST_LINES:
        return set(range(gap.start, last))
    around = {line for mark in marks for line in range(mark - _AROUND, mark + _AROUND + 1)}
    return around | set(range(gap.start, gap.start + _AROUND))
