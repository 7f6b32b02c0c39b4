"""Write the help texts anew: ``python tests/cli/update_golden.py``, then read the diff."""

import contextlib
import io
import sys
from pathlib import Path

HERE = Path(__file__).parent
COMMANDS = {
    "reviewbot": (),
    "review": ("review",),
    "plan": ("plan",),
    "config": ("config",),
    "bench": ("bench",),
    "stats": ("stats",),
    "cover": ("cover",),
    "post": ("post",),
    "init": ("init",),
    "doctor": ("doctor",),
    "eval": ("eval",),
    "demo": ("demo",),
    "gateway": ("gateway",),
    "worker": ("worker",),
}


def helped(arguments: tuple[str, ...]) -> str:
    """Give what ``reviewbot ARGUMENTS --help`` prints."""
    from reviewbot.cli.arguments import parse

    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        parse([*arguments, "--help"])
    return out.getvalue()


def main() -> None:
    """Write a file for each command."""
    sys.path.insert(0, str(HERE.parent.parent))
    for name, arguments in COMMANDS.items():
        (HERE / "golden" / f"{name}.txt").write_text(helped(arguments), "utf-8")


if __name__ == "__main__":
    main()
