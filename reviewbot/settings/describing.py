"""What the settings are for, in the words that stand under them in `schema`.

Read when somebody asks: pydantic's own ``use_attribute_docstrings`` reads them whenever the module is imported, which
costs every command a twentieth of a second.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from pydantic import BaseModel


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Write the texts under a model's fields into its JSON schema; for pydantic's ``json_schema_extra``."""
    for kind in reversed(model.__mro__):
        if issubclass(kind, BaseModel) and kind is not BaseModel:
            for name, words in _described(kind).items():
                schema["properties"][name]["description"] = words


def _described(model: type[BaseModel]) -> Mapping[str, str]:
    (defined,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
    rows = defined.body if isinstance(defined, ast.ClassDef) else []
    found = {}
    for field, text in pairwise(rows):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
            found[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value))
    return found
