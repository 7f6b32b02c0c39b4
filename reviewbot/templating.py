"""Where templates come from: overrides of the project under review, else our own.

Our own lie in ``reviewbot/templates`` of an installed wheel, and in ``templates`` of a checkout: a
build back-end's force-include reaches wheels, but not editable installs.
"""

from collections.abc import Callable
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MARKER = "prompts"


def folder() -> Path:
    """Give the folder with our own templates.

    Raises FileNotFoundError if the installation is broken.
    """
    package = Path(__file__).parent
    for candidate in (package / "templates", package.parent / "templates"):
        if (candidate / _MARKER).is_dir():
            return candidate
    message = f"reviewbot's templates are missing beside {package}: reinstall reviewbot"
    raise FileNotFoundError(message)


def environment(override: Callable[[str], str | None] | None = None, *, autoescape: bool = False) -> Environment:
    """Build the environment. ``override`` gives a template's text by name, or None for our own.

    The environment is sandboxed: overrides come from a repository.
    """
    own = FileSystemLoader(folder())
    loader = own if override is None else ChoiceLoader([FunctionLoader(override), own])
    return ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
