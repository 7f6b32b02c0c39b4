"""The real ruff over real files in a temporary folder: whose rules count, what is kept, what is said."""

import ast
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reviewbot.analyzers.ruff import analyze
from reviewbot.analyzers.ruff.running import locate
from reviewbot.domain import edit
from reviewbot.domain.analysis import Analysis
from reviewbot.domain.finding import Category, Confidence, Finding, Severity
from reviewbot.domain.patch import FilePatch, Hunk, Status
from reviewbot.ports import Sources

Change = Callable[..., FilePatch]
Texts = Callable[..., Sources]
BROAD = {"ruff.toml": b"lint.select = ['ALL']\n"}


@pytest.fixture
def check(change: Change, texts: Texts) -> Callable[..., Analysis]:
    def check(
        new: str, old: str | None = None, path: str = "src/a.py", trusted: dict[str, bytes] | None = None
    ) -> Analysis:
        text = new.encode("utf-8", "surrogateescape")
        return analyze([change(path, new, old)], texts({path: text}, trusted or {}))

    return check


Check = Callable[..., Analysis]


def rules(analysis: Analysis) -> list[str | None]:
    return [found.rule for found in analysis.findings]


def only(analysis: Analysis) -> Finding:
    (found,) = analysis.findings
    return found


def test_what_ruff_says_of_an_added_line_is_a_finding(check: Check) -> None:
    analysis = check("def f():\n    return g()\n", "def f():\n    return 1\n")
    found = only(analysis)
    assert (found.rule, found.severity, found.category) == ("F821", Severity.HIGH, Category.BUG)
    assert (found.title, found.body) == ("Undefined name `g`", "")
    assert (found.quote, found.source, found.confidence) == ("    return g()", "ruff", Confidence.HIGH)
    assert found.span is not None
    assert (found.span.start, found.span.end) == (2, 2)
    assert analysis.covered == {"src/a.py"}
    assert analysis.notes == ("ruff ran with reviewbot's built-in profile.",)


def test_what_it_says_of_other_lines_is_not(check: Check) -> None:
    assert rules(check("x = g()\n\ny = 2\n", "x = g()\n\ny = 1\n")) == []


def test_one_finding_for_each_rule_names_the_other_lines(check: Check) -> None:
    found = only(check("a()\nb()\n\nc()\nd = 1\n"))
    assert (found.quote, found.also_at) == ("a()", (2, 4))


def test_an_unused_import_comes_with_its_removal(check: Check) -> None:
    new = "import os\nimport sys\n\nprint(sys.path)\n"
    found = only(check(new))
    assert found.suggestion is not None
    assert edit.apply(new, found.suggestion) == "import sys\n\nprint(sys.path)\n"


@pytest.mark.parametrize(
    ("new", "old"),
    [
        ("def f(x):\n    return x == (\n        None if '%s' % x else ''.format(x)\n    )\n", None),
        ("import sys, os\nprint(sys)\n", "import sys\nprint(sys)\n"),
        ("from a import (\n    b,\n    c,\n)\n\nb()\n", None),
        ("from typing import List\nimport os\nx: List = 'caf\u00e9 \U0001f600'.encode('utf-8')\n", None),
        ("import os\r\nimport sys\r\nprint(sys)\r\n", None),
        ("class A(object):\n    pass\n\n\nclass B(object): pass", None),
    ],
)
def test_a_taken_suggestion_parses_and_mends_its_finding(check: Check, new: str, old: str | None) -> None:
    offered = [found for found in check(new, old).findings if found.suggestion]
    assert offered
    for found in offered:
        assert found.suggestion is not None
        mended = edit.apply(new, found.suggestion)
        ast.parse(mended)
        ours = {one.quote for one in check(mended, old).findings if one.rule == found.rule}
        assert found.quote not in ours


def test_a_fix_that_changes_other_lines_is_not_offered(check: Check) -> None:
    new = "print((\n    'a'\n))\n"
    found = only(check(new, new.replace("((", "([")))
    assert (found.rule, found.suggestion) == ("UP034", None)
    assert any(one.suggestion for one in check(new).findings)


def test_a_text_that_is_newer_than_our_own_python_gets_suggestions_too(check: Check) -> None:
    new = "import os\n\ntry:\n    pass\nexcept ValueError, TypeError:\n    pass\n"
    assert only(check(new)).suggestion is not None


@pytest.mark.parametrize("new", ["\ufeffimport os\n", "x = 1\rimport os\n", "import os\n" + "x = 1\n" * 170_000])
def test_texts_whose_edits_cannot_be_applied_surely_get_no_suggestion(check: Check, new: str) -> None:
    found = next(found for found in check(new).findings if found.rule == "F401")
    assert found.suggestion is None


def test_rows_that_end_with_a_lone_carriage_return_are_numbered_as_git_does(check: Check) -> None:
    found = only(check("x = 1\ry = 2\ng()\n"))
    assert found.span is not None
    assert (found.span.start, found.quote) == (2, "g()")


def test_the_first_syntax_error_is_told_and_its_echoes_are_not(check: Check) -> None:
    analysis = check("x = 1\ndef f(:\n    pass\n)\nclass\n")
    found = only(analysis)
    assert (found.rule, found.severity, found.also_at) == ("invalid-syntax", Severity.HIGH, ())
    assert found.title.startswith("Invalid syntax: ")
    assert analysis.covered == {"src/a.py"}
    assert "src/a.py has invalid syntax: most rules of ruff could not run on it." in analysis.notes


def test_a_long_span_is_quoted_by_its_first_line_and_a_short_one_whole(check: Check) -> None:
    body = "".join(f"    x{number} = {number}\n" for number in range(12))
    long = f"import subprocess\n\nsubprocess.call(\n    'ls',\n{' ' * 4}# why\n" + "    # and\n" * 12
    found = only(check(f"{long}    shell=True,\n)\ndef f():\n{body}", trusted=select("S602")))
    assert found.quote == "subprocess.call("
    short = "try:\n    x = 1\nexcept Exception:\n    pass\n"
    assert only(check(short, trusted=select("S110"))).quote == "except Exception:\n    pass"


def select(*codes: str) -> dict[str, bytes]:
    return {"ruff.toml": f"lint.select = {list(codes)}\nlint.preview = true\n".encode()}


def test_a_hard_coded_password_is_quoted_up_to_its_value(check: Check) -> None:
    found = only(check("password = 'letmein'\n"))
    assert (found.rule, found.severity, found.category) == ("S105", Severity.LOW, Category.SECURITY)
    assert found.quote == "password = "


def test_a_secret_in_a_reported_line_is_neither_quoted_nor_suggested(check: Check) -> None:
    token = "ghp" + "_" + "R4nd0mL00k1ngT0k3nF0rT3st1ngM4sk5xQz"
    found = only(check(f'value = "{token}".encode("utf-8")\n'))
    assert (found.rule, found.quote, found.suggestion) == ("UP012", 'value = "ghp_', None)


def test_tests_may_hold_passwords_and_naive_dates(check: Check) -> None:
    new = "import datetime\n\npassword = 'letmein'\nnow = datetime.datetime.now()\n"
    assert rules(check(new, path="src/a.py")) == ["S105", "DTZ005"]
    for path in ("tests/deep/a.py", "pkg/testing/a.py", "test_a.py", "pkg/a_test.py", "conftest.py"):
        assert rules(check(new, path=path)) == []


def test_files_in_folders_that_ruff_leaves_out_by_default_are_read(check: Check) -> None:
    assert rules(check("g()\n", path="build/.venv/a.py")) == ["F821"]


def test_the_repositorys_own_rules_win_over_the_profile(check: Check) -> None:
    analysis = check("import os\nx = g()\n", trusted=select("T20"))
    assert rules(analysis) == []
    assert analysis.notes == ("ruff ran with the repository's own configuration.",)
    own = {"pyproject.toml": b"[tool.ruff.lint]\nselect = ['T20']\n"}
    found = only(check("print(1)\n", trusted=own))
    assert (found.rule, found.severity, found.category) == ("T201", Severity.LOW, Category.MAINTAINABILITY)


def test_a_file_that_the_repository_excludes_is_covered_and_silent(check: Check) -> None:
    analysis = check("g()\n", path="gen/a.py", trusted={"ruff.toml": b"exclude = ['gen']\n"})
    assert rules(analysis) == []
    assert analysis.covered == {"gen/a.py"}


def test_in_a_repository_of_many_projects_each_file_has_its_own_rules(change: Change, texts: Texts) -> None:
    trusted = {
        "one/.ruff.toml": b"lint.select = ['T20']\n",
        "one/ruff.toml": b"no toml",
        "two/pyproject.toml": b"[tool.ruff]\nextend = '../one/.ruff.toml'\nlint.extend-select = ['F821']\n",
        "three/pyproject.toml": b"[project]\nrequires-python = '>=3.9'\n",
        "broken/fixture/ruff.toml": b"lint.select = ['NONSENSE']\n",
    }
    files = {f"{folder}/pkg/a.py": b"print(g())\n" for folder in ("one", "two", "three")}
    changes = [change(path, text.decode()) for path, text in files.items()]
    analysis = analyze(changes, texts(files, trusted))
    said = sorted((found.path[:3], found.rule) for found in analysis.findings)
    assert said == [("one", "T201"), ("thr", "F821"), ("two", "F821"), ("two", "T201")]
    assert len(analysis.notes) == 2


def test_the_changes_own_configuration_is_never_used(change: Change, texts: Texts) -> None:
    files = {"a.py": b"g()\n", "ruff.toml": b"lint.select = ['T20']\n", "pyproject.toml": b"[tool.ruff]\n"}
    changes = [change(path, text.decode()) for path, text in files.items()]
    analysis = analyze(changes, texts(files))
    assert rules(analysis) == ["F821"]
    assert analysis.covered == {"a.py"}


@pytest.mark.parametrize(
    ("trusted", "why"),
    [
        ({"ruff.toml": b"lint = ["}, "ruff.toml is no valid TOML"),
        ({"ruff.toml": b"\xff"}, "ruff.toml is no valid TOML"),
        ({"ruff.toml": b"extend = '../x.toml'"}, "extends ../x.toml, which is not among the trusted"),
        ({"ruff.toml": b"extend = '/etc/passwd'"}, "extends /etc/passwd, which is not among the trusted"),
        ({"ruff.toml": b"extend = '~/ruff.toml'"}, "extends ~/ruff.toml, which is not among the trusted"),
        ({"ruff.toml": b"extend = 'b/ruff.toml'", "b/ruff.toml": b"["}, "extends b/ruff.toml, which is no valid"),
        ({"ruff.toml": b"extend = 'ruff.toml'"}, "extends itself"),
        ({"ruff.toml": b"required-version = '==0.0.1'"}, "Required version"),
        ({"ruff.toml": b"lint.select = ['NONSENSE']"}, "NONSENSE"),
        ({"a/../../ruff.toml": b"", "src/ruff.toml": b"lint.select = 3"}, "could not be used"),
    ],
)
def test_a_configuration_that_cannot_be_used_gives_way_to_the_profile_with_a_note(
    check: Check, trusted: dict[str, bytes], why: str
) -> None:
    analysis = check("g()\n", trusted=trusted)
    assert rules(analysis) == ["F821"]
    note, profile = analysis.notes
    assert why in note
    assert "/tmp" not in note  # noqa: S108 - where the files were laid out is nobody's business
    assert profile == "ruff ran with reviewbot's built-in profile."


def test_a_trusted_configuration_under_an_unsafe_path_is_refused(change: Change, texts: Texts) -> None:
    trusted = {"src/../ruff.toml": b"lint.select = ['T20']\n"}
    analysis = analyze([change("src/../a.py", "g()\n")], texts({"src/../a.py": b"g()\n"}, trusted))
    assert "not safe to write" in analysis.notes[0]


@pytest.mark.parametrize(
    ("project", "old_enough"),
    [
        (b"[project]\nrequires-python = '>=3.8,<4'\n", False),
        (b"[project]\nrequires-python = '>=3.12'\n", True),
        (b"[tool.poetry.dependencies]\npython = '^3.8'\n", False),
        (b"[tool.poetry.dependencies]\npython = {version = '3'}\n", True),
        (b"[project]\nrequires-python = '>=3.99'\n", True),
        (b"[project]\nname = 'a'\n", True),
        (b"[project", True),
        (b"project = 1\n", True),
    ],
)
def test_the_oldest_python_of_the_project_decides_what_syntax_is_valid(
    check: Check, project: bytes, *, old_enough: bool
) -> None:
    analysis = check("type X = int\n", trusted={"pyproject.toml": project})
    assert rules(analysis) == ([] if old_enough else ["invalid-syntax"])


def test_rules_that_need_the_other_files_are_left_out(check: Check) -> None:
    new = "#!/usr/bin/env python3\nimport zlib\nimport ast\n\nprint(ast, zlib)\n"
    assert rules(check(new, path="pkg/a.py", trusted=select("INP", "EXE", "I"))) == []


def test_a_file_that_is_not_utf8_is_skipped(check: Check) -> None:
    analysis = check("x = 'caf\udce9'\ng()\n")
    assert rules(analysis) == []
    assert analysis.covered == frozenset()
    assert analysis.skipped == (("src/a.py", "ruff could not read it: stream did not contain valid UTF-8"),)


@pytest.mark.parametrize(
    "path",
    [
        *("../a.py", "/a.py", "a/../../b.py", "a//b.py", "./a.py", "a\\b.py", "a\0.py"),
        *("x" * 300 + ".py", "y/" * 3000 + "a.py", "\ud800.py"),
    ],
)
def test_a_path_that_is_not_safe_to_write_is_skipped(check: Check, path: str) -> None:
    analysis = check("g()\n", path=path)
    assert not analysis.findings
    ((skipped, reason),) = analysis.skipped
    assert (skipped, reason.startswith("its path")) == (path, True)
    assert analysis.covered == frozenset()


@pytest.mark.parametrize(
    "path", ["--config=x.py", "-", "a b\n.py", "caf\u00e9.py", "\udcff.py", "$HOME.py", "a/ruff.toml/b.py"]
)
def test_strange_names_are_only_names(check: Check, path: str) -> None:
    path = path if path.endswith(".py") else f"{path}.py"
    found = only(check("g()\n", path=path))
    assert found.path == path


def test_names_that_ruff_shows_alike_are_skipped(change: Change, texts: Texts) -> None:
    files = dict.fromkeys(("\udcff.py", "\udcfe.py", "a.py"), b"g()\n")
    analysis = analyze([change(path, text.decode()) for path, text in files.items()], texts(files))
    assert [found.path for found in analysis.findings] == ["a.py"]
    assert [path for path, _ in analysis.skipped] == ["\udcfe.py", "\udcff.py"]


def test_without_the_whole_text_only_an_added_file_is_read(change: Change, texts: Texts) -> None:
    added = change("a.py", "g()")
    (hunk,) = added.hunks
    cut = change("b.py", "g()", hunks=(Hunk(old_start=1, new_start=1, body=hunk.body, no_newline=(0,)),))
    modified = change("c.py", "g()\n", "x\n")
    analysis = analyze([added, cut, modified, change("d.py", "")], texts())
    assert [found.path for found in analysis.findings] == ["a.py", "b.py"]
    assert analysis.covered == {"a.py", "b.py", "d.py"}


def test_a_deleted_file_is_covered_and_other_kinds_are_not_read(change: Change, texts: Texts) -> None:
    files = [
        change("gone.py", "", "x = 1\n", status=Status.DELETED),
        change("link.py", "gone.py", new_mode="120000"),
        change("sub.py", "x", new_mode="160000"),
        change("binary.py", "", binary=True),
        change("odd.py", "", defect="cut off"),
        change("a.rb", "g()\n"),
    ]
    assert analyze(files, texts()) == Analysis(source="ruff", covered=frozenset({"gone.py"}))


def test_stubs_are_python(check: Check) -> None:
    assert rules(check("x: Undefined\n", path="a.pyi")) == ["F821"]


def test_without_ruff_every_file_has_failed(change: Change, texts: Texts) -> None:
    analysis = analyze([change("a.py", "g()\n")], texts(), locate=lambda: None)
    assert analysis.failed == (("a.py", "ruff was not found: install it beside reviewbot"),)
    assert analysis.covered == frozenset()


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Callable[[], str]]:
    def program(script: str) -> Callable[[], str]:
        path = tmp_path / "ruff"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return lambda: str(path)

    return program


Program = Callable[[str], Callable[[], str]]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo a panic >&2; exit 101", "ruff ended with code 101: a panic"),
        ("echo no json", "ruff's answer is not the JSON that was asked for"),
        ("echo '[{}]'", "ruff's answer is not the JSON that was asked for"),
        ("exec sleep 30", "ruff took longer than 0.3 s"),
    ],
)
def test_a_ruff_that_breaks_is_a_failure_of_its_files(
    change: Change, texts: Texts, program: Program, script: str, why: str
) -> None:
    start = time.monotonic()
    analysis = analyze([change("a.py", "g()\n")], texts(), locate=program(script), timeout_s=0.3)
    assert analysis.failed == (("a.py", why),)
    assert time.monotonic() - start < 10


def test_a_program_that_cannot_be_started_is_a_failure(change: Change, texts: Texts, tmp_path: Path) -> None:
    analysis = analyze([change("a.py", "g()\n")], texts(), locate=lambda: str(tmp_path / "none"))
    ((_, why),) = analysis.failed
    assert why.startswith("ruff could not be started: ")


def test_ruff_sees_nothing_of_our_environment(
    change: Change, texts: Texts, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REVIEWBOT_API_KEY", "key")
    script = program('case "$(env)" in *REVIEWBOT*) exit 7;; esac; case "$HOME" in */home) echo "[]";; esac')
    analysis = analyze([change("a.py", "g()\n")], texts(), locate=script)
    assert analysis.covered == {"a.py"}


def test_an_answer_without_a_place_is_read(change: Change, texts: Texts, program: Program) -> None:
    script = program(
        """printf '[{"code":null,"filename":"%s/a.py","message":"m","location":null,"end_location":null}]' "$PWD" """
    )
    found = only(analyze([change("a.py", "g()\n")], texts(), locate=script))
    assert (found.rule, found.title) == ("invalid-syntax", "Invalid syntax: m")


def test_ruff_is_found_beside_us_else_on_an_absolute_search_path(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(locate() or "").is_file()
    program("exit 0")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "ruff.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(__import__("sys").modules, "ruff", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert locate() == str(tmp_path / "ruff")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", os.curdir)
    assert locate() is None


def test_two_runs_say_the_same(check: Check) -> None:
    new = "import os, sys\nx = g()\ny = h()\nassert (1, 2)\n"
    assert check(new, trusted=BROAD) == check(new, trusted=BROAD)


def test_a_file_that_names_its_encoding_is_read_in_it(check: Check) -> None:
    analysis = check("# -*- coding: latin-1 -*-\nx = 'caf\udce9'\ng()\n")
    assert rules(analysis) == ["F821"]
    assert analysis.skipped == ()


def test_a_change_cannot_silence_ruff_for_its_whole_file(check: Check) -> None:
    assert rules(check("# ruff: noqa\ng()\n")) == ["F821"]
    assert rules(check("# flake8: noqa: F821\ng()\n")) == ["F821"]


def test_what_stood_in_the_file_before_still_silences_it(check: Check) -> None:
    analysis = check("# ruff: noqa: F821\nx = 1\ng()\n", "# ruff: noqa: F821\nx = 1\n")
    assert rules(analysis) == []
    assert analysis.silenced == ()


def test_a_comment_on_a_line_silences_it_and_is_told(check: Check) -> None:
    analysis = check("g()  # noqa: F821\nh()  # noqa\nk()  # noqa: E501\n")
    assert [finding.quote for finding in analysis.findings] == ["k()  # noqa: E501"]
    assert [rejection.title for rejection in analysis.silenced] == [
        "F821 in line 1: Undefined name `g`",
        "F821 in line 2: Undefined name `h`",
    ]
    assert {rejection.reason for rejection in analysis.silenced} == {"silenced by a noqa comment on its line"}
