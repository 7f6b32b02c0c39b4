"""Text → an estimate of its tokens, without a vocabulary to download.

A linear model over kinds of characters, fitted on 360 diffs of nine repositories in seven languages
against DeepSeek's own vocabulary; ``benchmarks/token_estimate.py`` repeats the measurement. Error a
diff: 5.8 % in the mean, -15 % to +11 % at the 5th and 95th percentile; -3 % in total. A fixed number
of characters a token is off by three times as much. At run time the provider's ``usage`` corrects the rest.
"""

import string

_LETTERS = string.ascii_letters.encode()
_DIGITS = string.digits.encode()
_PUNCTUATION = string.punctuation.encode()
_LEADS_2 = bytes(range(0xC2, 0xE0))
_LEADS_3 = bytes(range(0xE0, 0xF0))
_LEADS_4 = bytes(range(0xF0, 0xF5))

_CONTROLS = bytes({*range(0x20), 0x7F} - {*b"\t\n"})

_WEIGHTS = ((_LETTERS, 0.211), (_DIGITS, 0.968), (_PUNCTUATION, 0.607), (b"\n", 1.219), (_CONTROLS, 1.0))
# Blanks cost nothing between words and at the front of lines; in these forms they do.
_RUNS = ((b" " * 128, 1.2), (b"\t" * 16, 2.0), (b" \t", 1.0))
_WIDE_WEIGHTS = ((_LEADS_2, 0.439), (_LEADS_3, 0.631), (_LEADS_4, 2.0))


def tokens(text: str) -> int:
    """Estimate the tokens of a text, rounded up."""
    if not text:
        return 0
    data = text.encode("utf-8", "replace")
    length = len(data)
    weights = _WEIGHTS if text.isascii() else _WEIGHTS + _WIDE_WEIGHTS
    total = sum(weight * (length - len(data.translate(None, kind))) for kind, weight in weights)
    total += sum(weight * data.count(run) for run, weight in _RUNS)
    return int(total) + 1
