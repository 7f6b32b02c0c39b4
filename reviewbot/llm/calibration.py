"""How far token estimates are off, learned from what the provider counted.

Within a run the ratio corrects what is set aside from the budget; with a cache folder it is kept, and
the next run cuts its chunks by it.
"""

import json
from pathlib import Path
from tempfile import NamedTemporaryFile

_BOUNDS = (0.5, 2.0)
_STEP = 0.05  # coarse on purpose: chunks should not move with every answer
_MINIMUM_TOKENS = 1_000
_FILE = "token-ratios.json"


class Calibration:
    """A ratio of real to estimated tokens, starting from what earlier runs found."""

    def __init__(self, ratio: float = 1.0) -> None:
        self._start = ratio
        self._estimated = 0.0
        self._actual = 0

    def first(self, tokens: int) -> int:
        """Correct a raw estimate by what earlier runs found; the same throughout a run."""
        return round(tokens * self._start)

    def observe(self, estimated: int, actual: int) -> None:
        """Take in one answer: what `first` gave for its prompt, and what the provider counted."""
        if actual > 0:
            self._estimated += estimated / self._start
            self._actual += actual

    @property
    def ratio(self) -> float:
        """Real tokens for an estimated one."""
        if self._estimated < _MINIMUM_TOKENS:
            return self._start
        low, high = _BOUNDS
        return min(max(round(self._actual / self._estimated / _STEP) * _STEP, low), high)

    def correct(self, estimated: int) -> int:
        """Correct what `first` gave by what was seen since."""
        return round(estimated * self.ratio / self._start)


def load(folder: Path | None, model: str) -> Calibration:
    """Read what earlier runs found for a model; a missing or broken file is as good as none."""
    ratio = _read(folder).get(model, 1.0) if folder is not None else 1.0
    return Calibration(min(max(ratio, _BOUNDS[0]), _BOUNDS[1]))


def save(folder: Path | None, model: str, calibration: Calibration) -> None:
    """Keep the ratio for the next run. A folder that cannot be written loses nothing but that."""
    if folder is None:
        return
    ratios = {**_read(folder), model: calibration.ratio}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # A name that nobody can foresee: in CI the folder may lie where a change can put symbolic links.
        with NamedTemporaryFile("w", dir=folder, prefix=f".{_FILE}.", delete=False, encoding="utf-8") as part:
            json.dump(ratios, part, indent=1, sort_keys=True)
        Path(part.name).replace(folder / _FILE)
    except OSError:
        return


def _read(folder: Path) -> dict[str, float]:
    try:
        said = json.loads((folder / _FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    items = said.items() if isinstance(said, dict) else ()
    low, high = _BOUNDS
    return {key: float(value) for key, value in items if isinstance(value, int | float) and low <= value <= high}
