"""Where templates come from: overrides of the project under review, else our own.

Our own lie in ``reviewbot/templates`` of an installed wheel, and in ``templates`` of a checkout: a
build back-end's force-include reaches wheels, but not editable installs.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, FunctionLoader, StrictUndefined, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from reviewbot.errors import UsageError

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


class _Override(FunctionLoader):
    """Gives the overrides, and remembers whether there was one."""

    def __init__(self, override: Callable[[str], str | None]) -> None:
        super().__init__(self._load)
        self._override = override
        self.used = False

    def _load(self, name: str) -> str | None:
        text = self._override(name)
        self.used = self.used or text is not None
        return text


class _Overridden(ImmutableSandboxedEnvironment):
    """Whoever wrote an override can mend its faults: they are told what is wrong, and it is no bug of ours."""

    def handle_exception(self, source: str | None = None) -> NoReturn:
        """Say what jinja says, where an override is in use."""
        error = sys.exception()
        loader = self.loader.loaders[0] if isinstance(self.loader, ChoiceLoader) else None
        if error is None or not (isinstance(loader, _Override) and loader.used):
            super().handle_exception(source)
        where = f"{error.name}, line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
        message = f"an overridden template cannot be used: {where}{getattr(error, 'message', error)}"
        raise UsageError(message) from error


def environment(override: Callable[[str], str | None] | None = None, *, autoescape: bool = False) -> Environment:
    """Build the environment. ``override`` gives a template's text by name, or None for our own.

    The environment is sandboxed: overrides come from a repository. A fault in one raises UsageError.
    """
    own = FileSystemLoader(folder())
    kind = ImmutableSandboxedEnvironment if override is None else _Overridden
    return kind(
        loader=own if override is None else ChoiceLoader([_Override(override), own]),
        autoescape=autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
