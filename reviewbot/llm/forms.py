"""In which form an endpoint takes requests: the strictest that it is known not to refuse.

An endpoint that refuses a form with 400 is asked in the next simpler one; what helped is remembered, and
nothing else, since a 400 may have another cause.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """How a request asks for its answer."""

    answer: str
    """``json_schema``, ``json_object`` or ``text``."""
    usage: bool = True
    """Whether a stream is asked to report its usage; some servers know no such option."""


class Forms:
    """The forms of one endpoint, the strictest first."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._known = [*(Form(answer) for answer in answers), Form(answers[-1], usage=False)]
        self._at = 0

    def candidates(self) -> Iterator[Form]:
        """Yield the form to ask in, then the simpler ones."""
        yield from self._known[self._at :]

    def worked(self, form: Form) -> None:
        """Remember a form that an answer came in."""
        self._at = max(self._at, self._known.index(form))
