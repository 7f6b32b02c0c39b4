"""A model's test → what is wrong with it, by reading alone: nothing of it has run yet.

This is a fence for honesty, not for safety: a test should say something, reach for nothing that a test has no need
of, and leave alone the machinery that counts its results. What keeps the machine safe is the sandbox, in which even
a test that gets past here finds no key and no network.
"""

import ast
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from reviewbot.steps.asserting import hollow, test_functions
from reviewbot.steps.importing import Imports, dotted, imports


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PRAGMA = re.compile(r"pragma:\s*no\s*(cover|branch)", re.IGNORECASE)
_REFUSED_MODULES = {
    "network": "aiohttp boto3 botocore ftplib grpc httpx imaplib nntplib paramiko poplib pycurl requests smtplib "
    "socket socketserver ssl telnetlib urllib3 websockets wsgiref xmlrpc webbrowser",
    "processes": "multiprocessing pexpect posix pty sh signal subprocess _posixsubprocess",
    "the interpreter": "_ctypes _imp _io _thread atexit bdb builtins cffi code codeop ctypes dis faulthandler fcntl gc "
    "imp marshal mmap opcode pdb pkgutil pydoc resource runpy shelve site symtable sysconfig trace tracemalloc "
    "zipimport",
    "the machinery of tests": "_pytest coverage pluggy pytest_cov reviewbot_probe xdist",
}
_REFUSED = {name: why for why, names in _REFUSED_MODULES.items() for name in names.split()}
_ALLOWED_OF = {
    "os": "PathLike curdir extsep fsdecode fsencode fspath getcwd linesep listdir name pardir path pathsep sep stat "
    "strerror walk scandir",
    "sys": "argv byteorder float_info getdefaultencoding getrecursionlimit getsizeof hash_info implementation int_info "
    "intern maxsize maxunicode platform stderr stdin stdout version version_info",
    "http": "HTTPStatus HTTPMethod",
    "importlib": "metadata resources",
    "inspect": "Parameter Signature cleandoc getdoc isabstract isawaitable isclass iscoroutine iscoroutinefunction "
    "isfunction isgenerator isgeneratorfunction ismethod signature",
    "urllib": "parse error",
}
_ALLOWED = {module: _words(names) for module, names in _ALLOWED_OF.items()}
_REFUSED_PATHS = {
    "skips": "pytest.skip pytest.xfail pytest.exit pytest.importorskip pytest.mark.skip pytest.mark.skipif "
    "pytest.mark.xfail unittest.skip unittest.skipIf unittest.skipUnless unittest.expectedFailure unittest.SkipTest",
    "processes": "asyncio.create_subprocess_exec asyncio.create_subprocess_shell asyncio.subprocess "
    "concurrent.futures.ProcessPoolExecutor",
    "network": "asyncio.open_connection asyncio.start_server asyncio.open_unix_connection asyncio.start_unix_server",
    "keys and homes": "pathlib.Path.home os.path.expanduser os.path.expandvars",
    "the machinery of tests": "pytest.main unittest.main pytest.Config pytest.hookimpl",
    "the interpreter": "threading.settrace threading.setprofile",
}
_BY_PATH = {name: why for why, names in _REFUSED_PATHS.items() for name in names.split()}
_REFUSED_NAMES = _words("breakpoint eval exec globals __import__ __builtins__ __loader__ __spec__")
_REFUSED_CALLS = _words("compile exit input locals quit vars")
"""Built-in functions whose names are common ones of variables too."""
_REFUSED_ATTRIBUTES = _words(
    "_exit _getframe ag_frame cr_frame expanduser f_back f_builtins f_globals f_locals gi_frame pluginmanager skipTest "
    "tb_frame tb_next __bases__ __base__ __builtins__ __closure__ __code__ __getattribute__ __globals__ __import__ "
    "__loader__ __mro__ __reduce__ __reduce_ex__ __spec__ __subclasses__ __traceback__"
)
_REFUSED_FIXTURES = frozenset({"pytestconfig", "pytester", "testdir", "record_testsuite_property"})
_OF_REQUEST = frozenset({"config", "session", "node"})
_PRIVATE_PATHS = ("/proc", "/sys/", "/etc/", "/dev/", "/root/", "~/", "_pytest.", "reviewbot_probe")
_MODE = re.compile(r"[rwaxbtU+]{1,4}")
_WRITING = re.compile(r"[wax+]")
_PATCHERS = frozenset({"setattr", "delattr", "object"})
_TEMPORARY = frozenset({"tmp_path", "tmpdir", "tmp_path_factory", "tmpdir_factory"})
_LONGEST_SLEEP_S = 0.1
_MOST_REASONS = 8

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Vetted:
    """What reading a test says of it."""

    reasons: tuple[str, ...]
    """Why it is refused; empty where it is not."""
    tests: int = 0
    """How many tests it holds, parametrised ones once."""


def vet(code: str, modules: Collection[str]) -> Vetted:
    """Read a test file; ``modules`` are the top-level names that can be imported."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
        return Vetted(reasons=(f"it cannot be parsed{where}: {getattr(error, 'msg', error)}",))
    known = imports(tree)
    reasons = [*_contents(tree, code), *_imported(known, modules), *_uses(tree, known)]
    return Vetted(reasons=tuple(dict.fromkeys(reasons))[:_MOST_REASONS], tests=len(test_functions(tree)))


def _contents(tree: ast.Module, code: str) -> Iterator[str]:
    if not test_functions(tree):
        yield "it holds no test function"
    for name in hollow(tree):
        yield f"{name} asserts nothing that could be false"
    if _PRAGMA.search(code):
        yield "it holds a coverage pragma"


def _imported(known: Imports, modules: Collection[str]) -> Iterator[str]:
    for module, line in known.modules:
        root = module.partition(".")[0]
        if root in _REFUSED:
            yield f"line {line} imports {module}: {_REFUSED[root]}"
        elif root not in modules:
            yield f"line {line} imports {module}, which is not installed; nothing is ever installed for a test"
        else:
            yield from _path(module, line)
    for line in known.stars:
        yield f"line {line} imports *, which hides what the test uses"


def _uses(tree: ast.Module, known: Imports) -> Iterator[str]:
    patched = {id(node.args[0]) for node in ast.walk(tree) if isinstance(node, ast.Call) and _patches(node)}
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for name, line in known.names:
        yield from _path(name, line)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and id(node) not in inner:
            name = dotted(node, known)
            if name in _ALLOWED and id(node) not in patched:
                yield f"line {node.lineno} uses the module {name} as a value"
            yield from _path(name, node.lineno)
        yield from _node(node)
        if isinstance(node, ast.Call):
            yield from _call(node, known)
    yield from _writes(tree)


def _patches(call: ast.Call) -> bool:
    """Tell whether a call replaces an attribute of its first argument, to be restored after the test."""
    return bool(call.args) and isinstance(call.func, ast.Attribute) and call.func.attr in _PATCHERS


def _path(name: str, line: int) -> Iterator[str]:
    """Judge a dotted name, spelled out from what was imported."""
    root, _, rest = name.partition(".")
    allowed = _ALLOWED.get(root)
    if allowed is not None and rest and rest.partition(".")[0] not in allowed:
        yield f"line {line} uses {name}: not among what a test may use of {root}"
    parts = name.split(".")
    for end in range(2, len(parts) + 1):
        refused = ".".join(parts[:end])
        if refused in _BY_PATH:
            yield f"line {line} uses {refused}: {_BY_PATH[refused]}"


def _node(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and node.id in _REFUSED_NAMES:
        yield f"line {node.lineno} uses {node.id}"
    elif isinstance(node, ast.Name) and node.id == "pytest_plugins":
        yield f"line {node.lineno} loads plugins"
    elif isinstance(node, ast.Attribute) and (node.attr in _REFUSED_ATTRIBUTES or _of_request(node)):
        yield f"line {node.lineno} uses .{node.attr}"
    elif isinstance(node, ast.arg) and node.arg in _REFUSED_FIXTURES:
        yield f"line {node.lineno} asks for the fixture {node.arg}"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(_PRIVATE_PATHS):
        yield f"line {node.lineno} names {node.value[:40]!r}"


def _of_request(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "request" and node.attr in _OF_REQUEST


def _call(node: ast.Call, known: Imports) -> Iterator[str]:
    called = dotted(node.func, known).rpartition(".")[2] or _last(node.func)
    if isinstance(node.func, ast.Name) and called in _REFUSED_CALLS:
        yield f"line {node.lineno} calls {called}"
    if isinstance(node.func, ast.Name) and called == "getattr" and not _plain_getattr(node):
        yield f"line {node.lineno} looks up an attribute by a computed name"
    if called == "sleep" and node.args and not _short(node.args[0]):
        yield f"line {node.lineno} sleeps for more than {_LONGEST_SLEEP_S} s"


def _plain_getattr(node: ast.Call) -> bool:
    name = node.args[1] if len(node.args) > 1 else None
    return isinstance(name, ast.Constant) and isinstance(name.value, str) and name.value not in _REFUSED_ATTRIBUTES


def _short(length: ast.expr) -> bool:
    value = length.value if isinstance(length, ast.Constant) else None
    return isinstance(value, int | float) and value <= _LONGEST_SLEEP_S


def _writes(tree: ast.Module) -> Iterator[str]:
    """Find files opened for writing by tests that asked for no temporary folder."""
    allowed = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, _Function) and _TEMPORARY & {argument.arg for argument in function.args.args}
        for inner in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and id(node) not in allowed and _opens_to_write(node):
            yield f"line {node.lineno} writes a file outside of a temporary folder: take the fixture tmp_path"


def _opens_to_write(node: ast.Call) -> bool:
    called = _last(node.func)
    if called in {"write_text", "write_bytes"}:
        return True
    builtin = isinstance(node.func, ast.Name)
    if called != "open":
        return False
    modes = [keyword.value for keyword in node.keywords if keyword.arg == "mode"] or node.args[builtin : builtin + 1]
    return any(_writing(mode) if isinstance(mode, ast.Constant) else builtin for mode in modes)


def _writing(mode: ast.Constant) -> bool:
    """Tell of a constant whether it is a mode to write in; elsewhere ``open`` may take a name there."""
    value = mode.value
    return isinstance(value, str) and _MODE.fullmatch(value) is not None and _WRITING.search(value) is not None


def _last(called: ast.expr) -> str:
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""
