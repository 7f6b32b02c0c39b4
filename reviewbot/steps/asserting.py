"""Test functions → those that assert nothing which could be false.

Coverage without an oracle proves nothing: of eleven smoke tests written by a ghostwriter none noticed that its
target had come to return None.
"""

import ast
from collections.abc import Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef

_SHALLOW_CALLS = {"isinstance", "issubclass", "callable", "hasattr", "bool"}
_SHALLOW_METHODS = {"assertIsNotNone", "assertIsInstance", "assertNotIsInstance", "assertLogs"}
_BROAD = {"Exception", "BaseException"}


def test_functions(tree: ast.Module) -> tuple[_Function, ...]:
    """List what pytest would collect of a file, by its default names."""
    found: list[_Function] = []
    for node in tree.body:
        if isinstance(node, _Function) and node.name.startswith("test"):
            found.append(node)
        elif isinstance(node, ast.ClassDef) and _collected(node):
            found += (item for item in node.body if isinstance(item, _Function) and item.name.startswith("test"))
    return tuple(found)


def hollow(tree: ast.Module) -> tuple[str, ...]:
    """Name the tests that assert nothing, or nothing that could be false.

    An assertion may stand in a function of the same file that the test calls.
    """
    checks = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, _Function) and not node.name.startswith("test") and _asserts(node, frozenset())
    }
    return tuple(node.name for node in test_functions(tree) if not _asserts(node, frozenset(checks)))


def _collected(node: ast.ClassDef) -> bool:
    return node.name.startswith("Test") or any("TestCase" in ast.unparse(base) for base in node.bases)


def _asserts(function: _Function, checks: frozenset[str]) -> bool:
    return any(
        (isinstance(node, ast.Assert) and not _trivial(node.test))
        or (isinstance(node, ast.With | ast.AsyncWith) and any(_expects(item.context_expr) for item in node.items))
        or (isinstance(node, ast.Call) and (_asserting(node) or _called(node) in checks))
        for node in ast.walk(function)
    )


def _trivial(test: ast.expr) -> bool:
    """Tell whether an asserted expression holds whatever the code does, or says only that there is something."""
    if isinstance(test, ast.BoolOp):
        parts = [_trivial(value) for value in test.values]
        return all(parts) if isinstance(test.op, ast.And) else any(parts)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return not any(_names(test.operand))
    if isinstance(test, ast.Compare):
        return _idle(test)
    if isinstance(test, ast.Call):
        return _called(test) in _SHALLOW_CALLS
    if isinstance(test, ast.NamedExpr | ast.Tuple | ast.Lambda | ast.JoinedStr):
        return True
    return not any(_names(test))


def _idle(test: ast.Compare) -> bool:
    """Tell of a comparison that it is between constants, of a thing with itself, or with ``is not None`` alone."""
    operands = [test.left, *test.comparators]
    if not any(name for operand in operands for name in _names(operand)):
        return True
    if len({ast.dump(operand) for operand in operands}) == 1:
        return True
    one_none = any(isinstance(operand, ast.Constant) and operand.value is None for operand in operands)
    return one_none and isinstance(test.ops[0], ast.IsNot | ast.NotEq)


def _names(node: ast.expr) -> Iterator[str]:
    return (found.id for found in ast.walk(node) if isinstance(found, ast.Name))


def _expects(context: ast.expr) -> bool:
    """Tell whether a ``with`` expects an exception or a warning that is not just any."""
    if not isinstance(context, ast.Call):
        return False
    name = _called(context)
    wanted = context.args[0] if context.args else None
    matched = any(keyword.arg == "match" for keyword in context.keywords)
    broad = isinstance(wanted, ast.Name) and wanted.id in _BROAD and not matched
    return name in {"raises", "warns", "assertRaises", "assertRaisesRegex", "assertWarns"} and not broad


def _asserting(call: ast.Call) -> bool:
    """Tell whether a call is an assertion by itself: of unittest, or of a mock."""
    if not isinstance(call.func, ast.Attribute) or not call.func.attr.startswith("assert"):
        return False
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    if call.func.attr in _SHALLOW_METHODS:
        return False
    mocks = call.func.attr.startswith("assert_")
    return mocks or (any(True for argument in arguments for _ in _names(argument)) and not _same(call.args))


def _same(arguments: list[ast.expr]) -> bool:
    return len(arguments) > 1 and ast.dump(arguments[0]) == ast.dump(arguments[1])


def _called(call: ast.Call) -> str:
    """Give the last part of what is called."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
