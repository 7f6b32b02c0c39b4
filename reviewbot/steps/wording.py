"""Prose → the words that carry its meaning, and whether two texts say the same or the opposite.

Good enough to see that two claims about the same lines repeat each other, without a model: words are
taken out of identifiers, cut to their stems and compared as sets. English, which models are asked in.
"""

import re
from typing import Final

Words = frozenset[str]

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+|\d+")
_CONTRACTION = re.compile(r"n['\u2019]t\b")
_UNDONE = re.compile(r"un(\w{2,}ed)")
"""``unused``, ``unchecked``: the word without its prefix, which is a negation."""
_SUFFIXES: Final = ("ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e")
_SHORTEST_STEM: Final = 3
_LONGEST_TEXT: Final = 4_000
"""Characters that are looked at."""
_NEGATIONS: Final = frozenset({"not", "no", "never", "without", "cannot", "nothing", "neither", "lacks", "missing"})
_EMPTY: Final = (
    "a an and are as at be been but by can could do does for from has have here if in into is it its may might of on "
    "or should so than that the then there these this to too was when where which will with would you your code line "
    "lines value function method"
)
_STOP: Final = frozenset(_EMPTY.split())
_OPPOSITES: Final = (
    "short long", "before after", "more less", "always never", "open closed", "inclusive exclusive", "larger smaller",
    "first last", "required optional", "missing redundant", "early late", "ascending descending", "minimum maximum",
    "increases decreases", "added removed", "true false", "safe unsafe", "allowed forbidden",
)  # fmt: skip


def words(text: str) -> Words:
    """Give the stems of a text's words, without those that say nothing of their own and without negations."""
    found = (_plain(match[0]) for match in _WORD.finditer(_cut(text)))
    return frozenset(_stem(word) for word in found if word not in _STOP and word not in _NEGATIONS)


def shared(first: Words, second: Words) -> float:
    """Give how much of the shorter text the other one says too, 0 to 1."""
    shorter = min(len(first), len(second))
    return len(first & second) / shorter if shorter else 0.0


def opposed(first: str, second: str) -> bool:
    """Tell whether one text may deny what the other says. Errs on the side of yes."""
    if _negations(first) != _negations(second):
        return True
    ours, theirs = _said(first), _said(second)
    ours, theirs = ours - theirs, theirs - ours  # what both say denies nothing
    return any((one in ours and other in theirs) or (other in ours and one in theirs) for one, other in _PAIRS)


def _cut(text: str) -> str:
    return _CONTRACTION.sub(" not", text[:_LONGEST_TEXT])


def _plain(word: str) -> str:
    word = word.lower()
    undone = _UNDONE.fullmatch(word)
    return undone[1] if undone else word


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _SHORTEST_STEM:
            return word[: -len(suffix)]
    return word


def _said(text: str) -> frozenset[str]:
    return frozenset(match[0].lower() for match in _WORD.finditer(_cut(text)))


def _negations(text: str) -> int:
    said = [match[0].lower() for match in _WORD.finditer(_cut(text))]
    return sum(word in _NEGATIONS or _UNDONE.fullmatch(word) is not None for word in said)


_PAIRS: Final = tuple((pair.split()[0], pair.split()[1]) for pair in _OPPOSITES)
