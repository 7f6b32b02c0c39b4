"""What a CI runner takes as a command when it stands at the start of a printed line."""

import re

_COMMAND = re.compile(r"^([ \t]*)([:#])(?=:|#(?:vso|teamcity)?\[)", re.MULTILINE)


def uncommanded(markup: str) -> str:
    """Spell the first character of such lines as XML and HTML allow: they read the same, and no runner obeys."""
    return _COMMAND.sub(lambda match: f"{match[1]}&#{ord(match[2])};", markup)
