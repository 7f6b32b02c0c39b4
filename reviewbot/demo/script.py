"""The answers that stand in for a model's: read from a file, each chosen by what is asked, and given once."""

import json
import threading
import tomllib
from dataclasses import dataclass
from typing import Final

MODEL: Final = "scripted-demo"
"""What the demo calls its model, wherever a model's name is shown."""
_EMPTY: Final = {"review": '{"findings": []}', "tests": '{"tests": []}'}
_UNSURE: Final = '{"accept": false, "reason": "the demo has no answer to this", "evidence": null}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, and what it answers."""

    task: str
    """``review``, ``tests`` or ``verify``."""
    asked: str
    """Words that stand in the request."""
    text: str


def read(text: str) -> tuple[Answer, ...]:
    """Read a script, which is TOML. Raises KeyError or ValueError where it is none: it is part of the program."""
    entries = tomllib.loads(text)["answers"]
    return tuple(Answer(task=entry["task"], asked=entry["asked"], text=json.dumps(entry["says"])) for entry in entries)


class Script:
    """Gives the answers of a script. A request that none is left for is answered with nothing to say."""

    def __init__(self, answers: tuple[Answer, ...]) -> None:
        self._left = list(answers)
        self._lock = threading.Lock()  # requests come in on several threads

    def answer(self, task: str, asked: str) -> str:
        """Answer a request, given its task and all that it says."""
        with self._lock:
            for answer in self._left:
                if answer.task == task and answer.asked in asked:
                    self._left.remove(answer)
                    return answer.text
        return _EMPTY.get(task, _UNSURE)
