"""A shop with a bug and a new function, and how its tests are asked for and proven."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

from proving.scene import Project, ScriptedModel, drafting, project

from reviewbot.domain.candidate import Filter, Gap, Judged, Proved
from reviewbot.domain.prompt import Completion, Prompt, Task
from reviewbot.proving import prove

BASE = {
    "shop/__init__.py": "",
    "shop/cart.py": (
        'def grade(points):\n    """Give A for 90 and more, else B."""\n    return "A" if points >= 90 else "B"\n'
    ),
    "tests/test_shop.py": "def test_nothing():\n    assert 1 + 1 == 2\n",
}
HEAD = {
    **BASE,
    "shop/cart.py": (
        'def grade(points):\n    """Give A for 90 and more, else B."""\n    if points > 90:\n        return "A"\n'
        '    return "B"\n\n\ndef label(name, *, loud=False):\n    text = name.title()\n    if loud:\n'
        '        text += "!"\n    return text\n'
    ),
}
GRADE = "from shop.cart import grade\n\n\ndef test_grade():\n    assert (grade(91), grade(1)) == ('A', 'B')\n"
BUG = "from shop.cart import grade\n\n\ndef test_edge():\n    assert grade(90) == 'A'\n"
LABEL = "from shop.cart import label\n\n\ndef test_label():\n    assert label('ann') == 'Ann'\n"
LOUD = "from shop.cart import label\n\n\ndef test_loud():\n    assert label('ann', loud=True) == 'Ann!'\n"


def given(*codes: str, path: str = "tests/test_new.py") -> str:
    return json.dumps({"tests": [{"path": path, "code": code} for code in codes]})


def opinion(*, accept: bool, evidence: str | None = None) -> str:
    return json.dumps({"accept": accept, "reason": "it says so", "evidence": evidence})


def answering(*answers: str | Completion | Exception, verify: str = opinion(accept=False)) -> ScriptedModel:
    """Answer requests for tests one after another, the last answer again and again."""
    pending = list(answers)

    def script(prompt: Prompt) -> str | Completion | Exception:
        if prompt.task is Task.VERIFY:
            return verify
        return pending.pop(0) if len(pending) > 1 else pending[0]

    return ScriptedModel(script)


def proved(
    shop: Project,
    model: ScriptedModel,
    functions: Sequence[str] = ("grade",),
    *,
    time_s: float = 600.0,
    gaps: tuple[Gap, ...] | None = None,
    attempts: int = 3,
    **bench: object,
) -> Proved:
    asked = shop.gaps({"shop/cart.py": functions}) if gaps is None else gaps
    return asyncio.run(prove(drafting(model, attempts=attempts), asked, shop.bench(**bench), time_s))


def only(found: Proved) -> Judged:
    (judged,) = found.tests
    return judged


def stopped(found: Proved) -> list[tuple[Filter | None, str]]:
    return [(judged.filter, judged.reason or "") for judged in found.tests]


def suite(tmp_path: Path, **files: str) -> Project:
    named = {name.replace("__", "/").replace("_py", ".py"): text for name, text in files.items()}
    return project(tmp_path, BASE, {**HEAD, **named})
