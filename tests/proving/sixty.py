"""Sixty candidates for twenty gaps: twenty good tests, and forty that are bad, each in a way of its own.

Every gap is answered with three candidates. The name of a bad one says what is bad about it.
"""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import dedent

from reviewbot.domain.candidate import Filter


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A function that no test runs, and a good test of it."""

    module: str
    name: str
    code: str
    good: str
    call: str
    """An expression that runs all of it, for bad tests."""


def _asked(module: str, name: str, code: str, call: str, good: str) -> Asked:
    return Asked(module=module, name=name, code=dedent(code).strip(), call=call, good=good)


GAPS = (
    _asked("tax", "gross", "def gross(net):\n    return net + net // 5", "gross(100)", "gross(100) == 120"),
    _asked("tax", "net", "def net(gross):\n    return gross * 5 // 6", "net(120)", "net(120) == 100"),
    _asked("tax", "rate", "def rate(land):\n    return RATES[land]", "rate('de')", "rate('de') == 19"),
    _asked("cart", "total", "def total(rows):\n    return sum(rows) + 1", "total([1, 2])", "total([1, 2]) == 4"),
    _asked(
        "cart", "cheapest", "def cheapest(rows):\n    return min(rows)", "cheapest([3, 2])", "cheapest([3, 2]) == 2"
    ),
    _asked("cart", "count", "def count(rows):\n    return len(rows) * 2", "count([7])", "count([7]) == 2"),
    _asked(
        "text",
        "title",
        "def title(word):\n    return word[:1].upper() + word[1:]",
        "title('ab')",
        "title('ab') == 'Ab'",
    ),
    _asked(
        "text",
        "initials",
        "def initials(words):\n    return '.'.join(w[0] for w in words)",
        "initials(['ab', 'cd'])",
        "initials(['ab', 'cd']) == 'a.c'",
    ),
    _asked("text", "pad", "def pad(word):\n    return word.rjust(4, '-')", "pad('ab')", "pad('ab') == '--ab'"),
    _asked(
        "dates",
        "is_leap",
        "def is_leap(year):\n    return year % 4 == 0 and year % 100 != 0",
        "is_leap(2024)",
        "is_leap(2024) and not is_leap(1900)",
    ),
    _asked("dates", "quarter", "def quarter(month):\n    return (month + 2) // 3", "quarter(5)", "quarter(5) == 2"),
    _asked("stock", "left", "def left(have, sold):\n    return have - sold", "left(5, 2)", "left(5, 2) == 3"),
    _asked("stock", "is_low", "def is_low(have):\n    return have < 3", "is_low(2)", "is_low(2) and not is_low(3)"),
    _asked(
        "stock",
        "save",
        "def save(path):\n    path.write_text('saved')\n    return path.read_text()",
        "save(tmp_path / 'a')",
        "save(tmp_path / 'a') == 'saved'",
    ),
    _asked("ship", "weight", "def weight(rows):\n    return sum(rows) / 1000", "weight([500])", "weight([500]) == 0.5"),
    _asked("ship", "zone", "def zone(code):\n    return code // 10000", "zone(20095)", "zone(20095) == 2"),
    _asked(
        "mail",
        "domain",
        "def domain(address):\n    return address.split('@')[1]",
        "domain('a@b.c')",
        "domain('a@b.c') == 'b.c'",
    ),
    _asked(
        "mail",
        "mask",
        "def mask(address):\n    return address[0] + '*' + address[-1]",
        "mask('abc')",
        "mask('abc') == 'a*c'",
    ),
    _asked("points", "earn", "def earn(cents):\n    return cents // 100", "earn(250)", "earn(250) == 2"),
    _asked(
        "points",
        "level",
        "def level(points):\n    return 'gold' if points > 99 else 'plain'",
        "level(100)",
        "level(100) == 'gold' and level(99) == 'plain'",
    ),
)

STATIC = {
    "no_python": "def test_{n}(:\n    assert {call}\n",
    "no_test": "{imports}RESULT = {call}\n",
    "no_assertion": "{imports}def test_{n}(tmp_path):\n    {call}\n",
    "true": "{imports}def test_{n}(tmp_path):\n    {call}\n    assert True\n",
    "not_none": "{imports}def test_{n}(tmp_path):\n    assert {call} is not None\n",
    "isinstance": "{imports}def test_{n}(tmp_path):\n    assert isinstance({call}, object)\n",
    "itself": "{imports}def test_{n}(tmp_path):\n    x = {call}\n    assert x == x\n",
    "socket": "import socket\n{imports}def test_{n}(tmp_path):\n    socket.socket().close()\n    assert {good}\n",
    "http": "import urllib.request\n{imports}def test_{n}(tmp_path):\n    assert {good}\n",
    "environ": "import os\n{imports}def test_{n}(tmp_path):\n    assert {good} and os.environ\n",
    "proc": "{imports}def test_{n}(tmp_path):\n    assert {good} and open('/proc/self/environ').read()\n",
    "writes": (
        "{imports}def test_{n}():\n    with open('x.txt', 'w') as file:\n        file.write('x')\n    assert {good}\n"
    ),
    "fork": "import os\n{imports}def test_{n}(tmp_path):\n    assert os.fork() or {good}\n",
    "subprocess": "import subprocess\n{imports}def test_{n}(tmp_path):\n    assert {good} or subprocess.run(['id'])\n",
    "multiprocessing": "import multiprocessing\n{imports}def test_{n}(tmp_path):\n    assert {good}\n",
    "exits": "import os\n{imports}def test_{n}(tmp_path):\n    assert {good}\n    os._exit(0)\n",
    "skips": "import pytest\n{imports}def test_{n}(tmp_path):\n    assert {good}\n    pytest.skip('later')\n",
    "pragma": "{imports}def test_{n}(tmp_path):  # pragma: no cover\n    assert {good}\n",
    "unknown_import": "import no_such_package\n{imports}def test_{n}(tmp_path):\n    assert {good}\n",
    "outcome": "import _pytest.runner\n{imports}def test_{n}(tmp_path):\n    assert {good}\n",
    "builtin": "{imports}def test_{n}(tmp_path):\n    __import__('so' + 'cket')\n    assert {good}\n",
    "outside": "{imports}def test_{n}(tmp_path):\n    assert {good}\n",
    "sleeps": "import time\n{imports}def test_{n}(tmp_path):\n    time.sleep(5)\n    assert {good}\n",
}
COLLECTED = {
    "no_such_name": "{imports}from shop.{module} import no_such_name\n\n\ndef test_{n}(tmp_path):\n    assert {good}\n",
    "broken_import": "{imports}VALUE = 1 // 0\n\n\ndef test_{n}(tmp_path):\n    assert {good}\n",
}
PASSES = {
    "wrong": "{imports}def test_{n}(tmp_path):\n    assert {call} == 'wrong'\n",
    "crashes": "{imports}def test_{n}(tmp_path):\n    {call}.no_such_method()\n    assert {good}\n",
    "hangs": "import threading\n{imports}def test_{n}(tmp_path):\n    assert {good}\n    threading.Event().wait()\n",
    "spins": "{imports}def test_{n}(tmp_path):\n    assert {good}\n    while True:\n        pass\n",
    "leaves_a_file": (
        "from pathlib import Path\n{imports}def test_{n}(tmp_path):\n    Path('left.txt').touch()\n    assert {good}\n"
    ),
    "alters_a_source": (
        "from pathlib import Path\n{imports}def test_{n}(tmp_path):\n"
        "    Path('shop/text.py').write_text('')\n    assert {good}\n"
    ),
    "forges": (
        "import sys\n{imports}def test_{n}(tmp_path):\n"
        "    sys.stdout.write('0' * 32 + ' {{}}')\n    raise SystemExit(0)\n    assert {good}\n"
    ),
    "interrupts": "{imports}def test_{n}(tmp_path):\n    assert {good}\n    raise KeyboardInterrupt\n",
}
COVERS = {
    "covered_before": "from shop import {module}\n\n\ndef test_{n}():\n    assert {module}.known() == '{module}'\n",
    "replaces_the_target": (
        "from shop import {module}\n\n\ndef test_{n}(monkeypatch):\n"
        "    monkeypatch.setattr({module}, '{name}', lambda *given: 7)\n    assert {module}.{name}() == 7\n"
    ),
}
REPEATS = {
    "set_order": (
        "{imports}def test_{n}(tmp_path):\n    assert {good}\n    assert ''.join(set('abcdefgh')) == '{order}'\n"
    ),
    "test_order": (
        "{imports}SEEN = []\n\n\ndef test_{n}_one(tmp_path):\n    assert {good}\n"
        "    assert SEEN == []\n    SEEN.append(1)\n\n\ndef test_{n}_two():\n    assert SEEN == [1]\n"
        "    SEEN.append(2)\n\n\ndef test_{n}_three():\n    assert SEEN == [1, 2]\n"
    ),
}
MUTANTS = {
    "other_assertion": "{imports}def test_{n}(tmp_path):\n    {call}\n    rows = [1]\n    assert rows == [1]\n",
    "any_result": "{imports}def test_{n}(tmp_path):\n    assert [{call}] != []\n",
}
SUITE = {
    "pollutes": (
        "from shop import {module}\nfrom shop.{module} import {name}\n\n\ndef test_{n}(tmp_path):\n"
        "    {module}.NAME = 'x'\n    assert {good}\n"
    ),
}
BAD: tuple[tuple[str, str, Filter], ...] = tuple(
    (name, code, stage)
    for stage, kinds in (
        (Filter.STATIC, STATIC),
        (Filter.COLLECTED, COLLECTED),
        (Filter.PASSES, PASSES),
        (Filter.COVERS, COVERS),
        (Filter.REPEATS, REPEATS),
        (Filter.MUTANTS, MUTANTS),
        (Filter.SUITE, SUITE),
    )
    for name, code in kinds.items()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """One of the sixty."""

    path: str
    code: str
    stage: Filter | None
    """The filter that has to stop it; None for a good one."""


def proposed() -> Mapping[str, tuple[Proposed, ...]]:
    """Give the three candidates for each gap, the good one in the middle, by ``module.name``."""
    order = _order()
    pairs = [BAD[at : at + 2] for at in range(0, len(BAD), 2)]
    return {
        f"{gap.module}.{gap.name}": (_bad(gap, pair[0], order), _good(gap), _bad(gap, pair[1], order))
        for gap, pair in zip(GAPS, pairs, strict=True)
    }


def _good(gap: Asked) -> Proposed:
    code = (
        f"from shop.{gap.module} import {gap.name}\n\n\ndef test_{gap.name}(tmp_path):\n"
        f'    """What the shop promises is what its customers get."""\n    assert {gap.good}\n'
    )
    return Proposed(path=f"tests/test_{gap.module}_{gap.name}.py", code=code, stage=None)


def _bad(gap: Asked, kind: tuple[str, str, Filter], order: str) -> Proposed:
    name, template, stage = kind
    code = template.format(
        n=name,
        imports=f"from shop.{gap.module} import {gap.name}\n\n\n",
        call=gap.call,
        good=gap.good,
        module=gap.module,
        name=gap.name,
        order=order,
    )
    path = f"../tests/test_{name}.py" if name == "outside" else f"tests/test_{name}.py"
    return Proposed(path=path, code=code, stage=stage)


def _order() -> str:
    """Give the order that a set has in the first run, whose hash seed is 0."""
    command = [sys.executable, "-c", "print(''.join(set('abcdefgh')))"]
    done = subprocess.run(command, env={"PYTHONHASHSEED": "0"}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def base() -> Mapping[str, str]:
    """Give the shop as it was: modules that know their name, and tests of that."""
    files = {"shop/__init__.py": "", "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['tests']\n"}
    for module in dict.fromkeys(gap.module for gap in GAPS):
        files[f"shop/{module}.py"] = f"NAME = '{module}'\n\n\ndef known():\n    return NAME\n"
        files[f"tests/test_{module}.py"] = (
            f"from shop import {module}\n\n\ndef test_{module}_known():\n    assert {module}.known() == '{module}'\n"
        )
    return files


def head() -> Mapping[str, str]:
    """Give the modules that the change alters: each with new functions."""
    files = dict(base())
    for gap in GAPS:
        files[f"shop/{gap.module}.py"] += f"\n\n{gap.code}\n"
    files["shop/tax.py"] += "\n\nRATES = {'de': 19, 'fr': 20}\n"
    return files


def missing() -> Mapping[str, tuple[str, ...]]:
    """Give the functions that no test runs, by path."""
    modules = dict.fromkeys(gap.module for gap in GAPS)
    return {f"shop/{module}.py": tuple(gap.name for gap in GAPS if gap.module == module) for module in modules}
