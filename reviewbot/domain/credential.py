"""Whether a literal looks like a credential that somebody was given or chose, or like a placeholder.

Tokens with a fixed prefix are found by their form. A password has no form: what is left is how its
characters are spread, and that it is neither a word, a name, a path, an address nor a template.
"""

import math
import re
from collections import Counter
from typing import Final

_STANDS_FOR: Final = re.compile(
    r"change.?me|example|sample|dummy|placeholder|your|fake|mock|test|demo|todo|insert|replace|redacted|hidden"
    r"|secret|passw|p(?:a|@|%40)ss|x-oauth|token|credential|api.?key|x{4}|\*{3}|\.{3}|…|foo|bar|qwert|abc123|12345|abcde|0{6}|null|undefined",
    re.IGNORECASE,
)
_TEMPLATE: Final = re.compile(r"[{}<>()\[\]|]|\$[A-Za-z_]|%[sdr]|%[A-Z_]{3,}%|://|^\$\d|^sha\d+[-:]|^[@/#.]")
_WORDS: Final = re.compile(r"[A-Za-z]*+\d{0,4}+(?:[^A-Za-z0-9]++[A-Za-z]*+\d{0,4}+)*+")
_ATTRIBUTE: Final = re.compile(r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)++")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}(?:\.[\w-]{1,64})+")
_SAMPLE_HOST: Final = re.compile(
    r"(?:.*\.)?(?:example(?:\.[a-z]+)?|localhost|test|invalid|host|hostname)", re.IGNORECASE
)

_SPREAD_BITS: Final = 2.4
"""Bits per character. Random hexadecimal has about 3.5, ``xxxx`` 0, ``1234567890`` repeated 3.3."""
_SHORT: Final = 12
_SHORT_BITS: Final = 2.5
_QUOTED_BITS: Final = 3.0
_BARE_BITS: Final = 3.5
_BARE_DIGITS: Final = 3


def entropy(text: str) -> float:
    """Give Shannon's entropy in bits per character; 0 for the empty string."""
    shares = [count / len(text) for count in Counter(text).values()]
    return -sum(share * math.log2(share) for share in shares)


def is_spread(token: str) -> bool:
    """Tell a token of a known form from that form filled with ``xxxx`` or ``0000``."""
    return entropy(token[-40:]) >= _SPREAD_BITS


def is_placeholder(value: str) -> bool:
    """Tell a value that stands for a secret, or that is made of words: a name, a path, an address."""
    return bool(
        _STANDS_FOR.search(value)
        or _TEMPLATE.search(value)
        or _WORDS.fullmatch(value)
        or _UUID.fullmatch(value)
        or _ADDRESS.fullmatch(value)
    )


def looks_quoted(value: str) -> bool:
    """Judge a quoted literal that is given to a name such as ``password``."""
    least = _SHORT_BITS if len(value) < _SHORT else _QUOTED_BITS
    return _has_letter(value) and entropy(value) >= least and not is_placeholder(value)


def looks_bare(value: str) -> bool:
    """Judge a value without quotes, as in ``.env`` files and YAML: code stands there more often."""
    digits = sum(character.isdigit() for character in value)
    return (
        not _ATTRIBUTE.fullmatch(value)
        and digits >= _BARE_DIGITS
        and entropy(value) >= _BARE_BITS
        and looks_quoted(value)
    )


def looks_like_login(password: str, *, user: str, host: str) -> bool:
    """Judge the password of a URL, ``user:password@host``."""
    if password == user or _SAMPLE_HOST.fullmatch(host):
        return False
    if _STANDS_FOR.search(password) or _TEMPLATE.search(password):
        return False
    return _has_letter(password) and not password.isalpha()


def _has_letter(value: str) -> bool:
    return any(character.isalpha() for character in value)
