"""Write ``scripted.jsonl`` anew: made-up answers to all cases, so that the machinery can be tested without a model.

    python benchmarks/eval/update_scripted.py

No model has said any of this. The script knows the labels, and answers well and badly by turns: hits, hits elsewhere
than at the first place, second comments at the same place, comments at a wrong one, quotes that stand nowhere, empty
lists, answers with words around them, and answers that need a repair. Its verifier accepts whatever it is asked about.
The figures that follow are known in advance and say something of ``reviewbot eval``, and nothing of any model.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from reviewbot.domain.evaluation import Case, Expected
from reviewbot.domain.patch import Line, Side
from reviewbot.domain.prompt import Task
from reviewbot.domain.usage import TokenUsage
from reviewbot.steps.scoring import REACH, validity
from reviewbot.wiring.evaluating import cases, recordings
from reviewbot.wiring.evaluating.recordings import Entry, Head

HERE = Path(__file__).parent
HEAD = Head(
    scripted=True,
    model="scripted",
    note="Answers made up by benchmarks/eval/update_scripted.py to test the machinery; no model was asked.",
)
ACCEPTED = '{"accept": true, "reason": "made up", "evidence": null}'
NOWHERE = "result = compute(everything_at_once)"
VERDICT = TokenUsage(prompt_tokens=600, completion_tokens=len(ACCEPTED) // 4)
Claim = dict[str, object]


def written() -> str:
    """Give the recording's text."""
    labelled = cases.read(HERE / "cases")
    flawed = [case for case in labelled if case.expected]
    clean = [case for case in labelled if not case.expected]
    entries = [entry for at, case in enumerate(flawed) for entry in entries_of(case, answers(case, at))]
    entries += [entry for at, case in enumerate(clean) for entry in entries_of(case, quiet_answers(case, at))]
    return recordings.render(HEAD, entries)


def answers(case: Case, turn: int) -> Sequence[str]:
    """Answer a case with problems; a second text is what a repair brings."""
    hits = [hit(case, each) for each in case.expected]
    by_turn = {
        5: [listed([*hits, {**hits[0], "category": "maintainability", "title": "The same once more"}])],
        6: [listed([])],
        7: [listed([hit(case, each, last=True) for each in case.expected] + [nowhere(case)])],
        8: [listed([elsewhere(case)])],
        9: ["I found a problem, see above.", listed(hits)],
        10: [listed([nowhere(case)])],
    }
    return by_turn.get(turn % 11, [listed(hits)])


def quiet_answers(case: Case, turn: int) -> Sequence[str]:
    """Answer a clean case: most often by an empty list."""
    by_turn = {
        0: [listed([elsewhere(case)])],
        1: [f"Nothing to report.\n```json\n{listed([])}\n```"],
    }
    return by_turn.get(turn % 5, [listed([])])


def listed(claims: Sequence[Claim]) -> str:
    """Write an answer as interface and prompt ask for it."""
    return json.dumps({"findings": list(claims)}, ensure_ascii=False)


def entries_of(case: Case, texts: Sequence[str]) -> Iterator[Entry]:
    """Make the lines of a recording: the first answer, what a repair brings, and a verdict for each claim."""
    shown = sum(len(hunk.body) for file in case.patch.files for hunk in file.hunks)
    for at, text in enumerate(texts):
        usage = TokenUsage(prompt_tokens=shown // 4, completion_tokens=len(text) // 4)
        yield Entry(case=case.id, task=Task.REVIEW, repair=at > 0, text=text, usage=usage)
    for _ in range(validity(texts, case.patch)[1]):
        yield Entry(case=case.id, task=Task.VERIFY, text=ACCEPTED, usage=VERDICT)


def hit(case: Case, expected: Expected, *, last: bool = False) -> Claim:
    """Claim an expected problem at its first place, or at its last one."""
    place = expected.places[-1 if last else 0]
    quote = next(line.text for line in lines(case, place.path, place.side) if line.number(place.side) == place.start)
    return {
        "path": place.path, "line": place.start, "side": place.side, "quote": quote, "severity": expected.severity,
        "category": expected.category, "title": "As the label says", "body": expected.why, "suggestion": None,
    }  # fmt: skip


def nowhere(case: Case) -> Claim:
    """Claim something about code that the change does not have."""
    return {
        "path": case.patch.files[0].path, "line": 3, "side": "RIGHT", "quote": NOWHERE, "severity": "medium",
        "category": "bug", "title": "About code that is not there", "body": "", "suggestion": None,
    }  # fmt: skip


def elsewhere(case: Case) -> Claim:
    """Claim something about a line that is far from all labels, an added one if there is one."""
    path = case.patch.files[0].path
    far = [line for line in lines(case, path, Side.RIGHT) if is_far(line, case)]
    line = next((line for line in far if line.kind == "+"), next(iter(far)))
    return {
        "path": path, "line": line.new, "side": "RIGHT", "quote": line.text, "severity": "low", "category": "bug",
        "title": "There is nothing wrong here", "body": "", "suggestion": None,
    }  # fmt: skip


def is_far(line: Line, case: Case) -> bool:
    """Tell whether a comment at a line would be false; short lines are no usable quotes."""
    number = line.new or 0
    main = [each.places[0] for each in case.expected]
    others = [place for each in case.expected for place in each.places[1:]] + list(case.accepted)
    near = any(place.start - REACH <= number <= place.end + REACH for place in main)
    return not near and all(place.start != number for place in others) and len(line.text.strip()) > 8


def lines(case: Case, path: str, side: Side) -> Iterator[Line]:
    """Give the lines of one side of a file."""
    for file in case.patch.files:
        if file.path == path:
            for hunk in file.hunks:
                yield from (line for line in hunk.lines() if line.number(side) is not None)


if __name__ == "__main__":
    (HERE / "scripted.jsonl").write_text(written(), "utf-8")
