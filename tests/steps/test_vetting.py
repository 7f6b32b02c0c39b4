"""What a model's test may hold, judged by reading alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reviewbot.steps import vetting

MODULES = frozenset(
    {"asyncio", "http", "importlib", "inspect", "io", "math", "numpy", "os", "pathlib", "pytest", "sys"}
)
MODULES |= {"shop", "time", "unittest", "urllib", "concurrent", "threading", "socket", "pickle"}


def reasons(code: str) -> tuple[str, ...]:
    return vetting.vet(code, MODULES).reasons


def of_body(body: str, *, head: str = "", arguments: str = "") -> tuple[str, ...]:
    """Judge a test that is good but for one line."""
    return reasons(f"{head}\nfrom shop import f\n\n\ndef test_f({arguments}):\n    {body}\n    assert f(1) == 2\n")


@pytest.mark.parametrize(
    ("head", "arguments", "body"),
    [
        ("", "", "pass"),
        ("import os", "", "assert os.path.join('a', 'b') == f(0)"),
        ("import os", "monkeypatch", "monkeypatch.setattr(os, 'getcwd', lambda: 'x')"),
        ("import sys", "monkeypatch", "monkeypatch.setattr(sys, 'argv', ['x'])"),
        ("import sys", "", "assert sys.version_info > (3,)"),
        ("import http", "", "assert http.HTTPStatus.OK == 200"),
        ("from http import HTTPStatus", "", "assert HTTPStatus.OK == 200"),
        ("from urllib.parse import quote", "", "quote('a')"),
        ("import inspect", "", "inspect.signature(f)"),
        ("import importlib.metadata", "", "importlib.metadata.version('x')"),
        ("import numpy as np", "", "np.zeros(1)"),
        ("import pickle", "", "pickle.dumps(f(1))"),
        ("import threading", "", "threading.Thread(target=f).start()"),
        ("import time", "", "time.sleep(0.01)"),
        ("import io", "", "io.StringIO().write('x')"),
        ("import pytest", "", "pytest.approx(1)"),
        ("from unittest import mock", "", "mock.patch('shop.f')"),
        ("", "tmp_path", "(tmp_path / 'a').write_text('x')"),
        ("", "tmp_path", "open(tmp_path / 'a', 'w').close()"),
        ("", "", "open('data.json').read()"),
        ("", "archive", "archive.open('wax.txt')"),
        ("", "archive", "archive.open(f(1))"),
        ("", "input, compile", "input, vars = compile, 1"),
        ("", "request", "request.param"),
        ("", "skip", "f(1).skip(skip)"),
        ("from . import helpers", "", "helpers.f()"),
        ("", "", "getattr(f(1), 'real')"),
        ("def os(): return 1", "", "os()"),
    ],
)
def test_what_tests_need_is_let_through(head: str, arguments: str, body: str) -> None:
    assert () == of_body(body, head=head, arguments=arguments)


@pytest.mark.parametrize(
    ("head", "body", "said"),
    [
        ("import socket", "pass", "line 1 imports socket: network"),
        ("import socket as s", "pass", "network"),
        ("from subprocess import run", "pass", "imports subprocess: processes"),
        ("import multiprocessing.pool", "pass", "processes"),
        ("import ctypes", "pass", "the interpreter"),
        ("import _pytest.outcomes", "pass", "the machinery of tests"),
        ("import coverage", "pass", "the machinery of tests"),
        ("import leftpad", "pass", "imports leftpad, which is not installed"),
        ("from leftpad.deep import x", "pass", "imports leftpad.deep, which is not installed"),
        ("from shop import *", "pass", "imports *"),
        ("import http.client", "pass", "uses http.client"),
        ("from http.server import HTTPServer", "pass", "uses http.server"),
        ("import urllib.request as r", "pass", "uses urllib.request"),
        ("import importlib", "importlib.reload(f)", "uses importlib.reload"),
        ("import importlib.util", "pass", "uses importlib.util"),
        ("import inspect", "inspect.currentframe()", "uses inspect.currentframe"),
        ("import os", "os.system('id')", "uses os.system"),
        ("import os", "os.environ['KEY']", "uses os.environ"),
        ("import os", "os._exit(0)", "uses os._exit"),
        ("import os", "os.fork()", "uses os.fork"),
        ("import os as o", "o.popen('id')", "uses os.popen"),
        ("from os import system", "system('id')", "uses os.system"),
        ("from os import path as p", "p.expanduser('x')", "uses os.path.expanduser"),
        ("import os", "o = os", "uses the module os as a value"),
        ("import os", "setattr(os, 'x', 1)", "uses the module os as a value"),
        ("import os", "getattr(os, 'fork')", "uses the module os as a value"),
        ("import sys", "sys.exit(0)", "uses sys.exit"),
        ("import sys", "sys.settrace(None)", "uses sys.settrace"),
        ("import sys", "sys.modules.clear()", "uses sys.modules"),
        ("import threading", "threading.settrace(f)", "uses threading.settrace"),
        ("import pathlib", "pathlib.Path.home()", "uses pathlib.Path.home"),
        ("from pathlib import Path", "Path.home()", "keys and homes"),
        ("from pathlib import Path", "Path('x').write_text('y')", "writes a file outside of a temporary folder"),
        ("", "open('x', 'w').close()", "writes a file"),
        ("", "open('x', mode='ab').close()", "writes a file"),
        ("", "open('x', f(1)).close()", "writes a file"),
        ("from pathlib import Path", "Path('x').open('r+')", "writes a file"),
        ("", "open('/proc/self/environ').read()", "names '/proc/self/environ'"),
        ("", "f('~/.ssh/id_rsa')", "names '~/.ssh/id_rsa'"),
        ("from unittest import mock", "mock.patch('_pytest.runner.x')", "names '_pytest.runner.x'"),
        ("import pytest", "pytest.skip('x')", "uses pytest.skip: skips"),
        ("import pytest", "pytest.importorskip('x')", "skips"),
        ("import pytest", "pytest.exit('x')", "skips"),
        (
            "import pytest\n@pytest.mark.skipif(True, reason='')\ndef test_g(): assert f(1)",
            "pass",
            "pytest.mark.skipif",
        ),
        ("from pytest import mark\npytestmark = mark.xfail", "pass", "pytest.mark.xfail"),
        ("import unittest", "unittest.skip('x')", "skips"),
        ("", "self.skipTest('x')", "uses .skipTest"),
        ("import pytest", "pytest.main()", "the machinery of tests"),
        ("pytest_plugins = ['x']", "pass", "loads plugins"),
        ("", "x = 1  # pragma: no cover", "coverage pragma"),
        ("", "x = 1  # PRAGMA:no  branch", "coverage pragma"),
        ("import asyncio", "asyncio.create_subprocess_exec('id')", "processes"),
        ("import asyncio", "asyncio.open_connection('x', 1)", "network"),
        ("import concurrent.futures", "concurrent.futures.ProcessPoolExecutor()", "processes"),
        ("", "eval('1')", "uses eval"),
        ("", "x = exec", "uses exec"),
        ("", "compile('1', '', 'eval')", "calls compile"),
        ("", "__import__('socket')", "uses __import__"),
        ("", "().__class__.__base__.__subclasses__()", "uses .__subclasses__"),
        ("", "f.__globals__['x']", "uses .__globals__"),
        ("", "g.gi_frame.f_back", "uses .f_back"),
        ("", "getattr(f, 'a' + 'b')", "computed name"),
        ("", "getattr(f, '__globals__')", "computed name"),
        ("", "getattr(f)", "computed name"),
        ("", "request.config.stash", "uses .config"),
        ("import time", "time.sleep(1)", "sleeps for more than 0.1 s"),
        ("from time import sleep as nap", "nap(1)", "sleeps for more"),
        ("import time", "time.sleep(f(1))", "sleeps for more"),
        ("import asyncio", "asyncio.sleep(3)", "sleeps for more"),
    ],
)
def test_what_a_test_has_no_need_of_is_refused(head: str, body: str, said: str) -> None:
    assert said in "; ".join(of_body(body, head=head))


def test_fixtures_of_the_machinery_are_refused() -> None:
    assert "asks for the fixture pytestconfig" in "; ".join(of_body("pass", arguments="pytestconfig"))


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def test_x(:", "it cannot be parsed, line 1: invalid syntax"),
        ("x = '\0'", "it cannot be parsed: source code string cannot contain null bytes"),
        ("", "it holds no test function"),
        ("def test_x():\n    pass", "test_x asserts nothing that could be false"),
    ],
)
def test_what_is_no_test_is_refused(code: str, said: str) -> None:
    assert (said,) == reasons(code)


def test_reasons_are_bounded() -> None:
    assert 8 == len(reasons("".join(f"import missing_{number}\n" for number in range(50))))


def test_tests_are_counted() -> None:
    assert 2 == vetting.vet("def test_a():\n    assert f()\n\n\ndef test_b():\n    assert f()\n", MODULES).tests


@given(st.text())
def test_any_text_is_judged(code: str) -> None:
    vetted = vetting.vet(code, MODULES)
    assert vetted.reasons or vetted.tests
