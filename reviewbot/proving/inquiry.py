"""Asks a Python what it has; run inside the sandbox, in the project's own Python. Prints one line of JSON."""

import importlib.util
import json
import os
import pkgutil
import sys


def modules() -> "list[str]":
    """List the top-level names that can be imported: built in, on the path, or of an installed distribution."""
    names = set(sys.builtin_module_names) | {module.name for module in pkgutil.iter_modules()}
    names |= set(getattr(sys, "stdlib_module_names", ()))
    if sys.version_info >= (3, 10):  # noqa: UP036 - it is the project's Python, which may be older than ours
        from importlib.metadata import packages_distributions

        names |= set(packages_distributions())
    return sorted(names)


def has(name: str) -> bool:
    """Tell whether a module is installed, without importing it."""
    return importlib.util.find_spec(name) is not None


def options() -> "list[str]":
    """Give the options of pytest that switch off other measurements and other processes, where there are such."""
    if "PYTEST_DISABLE_PLUGIN_AUTOLOAD" in os.environ:  # noqa: TID251 - that of the sandbox
        return []
    return [option for module, option in (("pytest_cov", "--no-cov"), ("xdist", "-n0")) if has(module)]


def main() -> None:
    """Print what there is."""
    said = {
        "modules": modules(),
        "missing": [name for name in ("pytest", "coverage") if not has(name)],
        "options": options(),
        "formats": has("ruff"),
    }
    sys.stdout.write("\n" + json.dumps(said) + "\n")


if __name__ == "__main__":
    main()
