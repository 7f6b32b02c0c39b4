"""Write ``reviewbot stats``'s golden files anew: ``python tests/cli/update_golden_stats.py``, then read the diff."""

import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reviewbot.domain.events import Event, RequestEnded

HERE = Path(__file__).parent
GOLDEN = HERE / "golden_stats"
FIRST = datetime(2026, 11, 2, 7, 30, tzinfo=UTC)
CASES = {
    "by-day.txt": ("day", "text"),
    "by-model.txt": ("model", "text"),
    "by-key.txt": ("key", "text"),
    "by-task.json": ("task", "json"),
    "by-day.html": ("day", "html"),
}


def write_ledger(path: Path) -> None:
    """Write a ledger as of a small team: quiet days, a bad one, and one model without a price."""
    from telling_events import BREAKER, BUDGET, KEY

    from reviewbot.observers.ledger import Ledger

    write = Ledger(path, lambda: FIRST + timedelta(days=9))
    events: list[Event] = [*_requests(), KEY, BREAKER, BUDGET]
    for event in events:
        write(event)
    for at, told in _comments():
        Ledger(path, _clock(at))(told)
    with path.open("a") as file:
        file.write("a foreign line\n" + '{"kind":"request","at":"2026-11-1')


def _clock(at: datetime) -> Callable[[], datetime]:
    return lambda: at


def _comments() -> Iterator[tuple[datetime, "Event"]]:
    """Tell of comments as runs do: as they are posted, and again when more is known."""
    from telling_events import comment

    from reviewbot.domain.uptake import Uptake

    ends = [*Uptake, Uptake.APPLIED, Uptake.CHANGED, Uptake.CHANGED, Uptake.IGNORED]
    for number in range(23):
        source = "ruff" if number % 5 == 4 else "llm"
        category = ("bug", "bug", "security", "performance")[number % 4]
        at = FIRST + timedelta(days=9 + number // 8)
        for uptake in dict.fromkeys([Uptake.OPEN, ends[number % len(ends)]]):
            yield at, comment(fingerprint=f"{number:032x}", source=source, category=category, uptake=uptake)
            at += timedelta(days=1)


def _requests() -> Iterator["RequestEnded"]:
    from telling_events import request

    from reviewbot.domain.usage import TokenUsage

    for day, count in enumerate((12, 30, 7, 41, 18, 0, 0, 25, 60, 3)):
        for number in range(count):
            size = 1 + number % 7
            shared = "cached" if number % 9 == 4 else "coalesced" if number % 23 == 11 else "ok"
            outcome = "timeout" if day == 8 and number % 6 == 0 else shared
            failed, asked = outcome == "timeout", outcome in {"ok", "timeout"}
            unpriced = number % 10 == 9
            tokens = TokenUsage(prompt_tokens=900 * size, cached_tokens=512 * (size - 1), completion_tokens=140 * size)
            yield request(
                at=FIRST + timedelta(days=day, minutes=7 * number),
                task="verify" if number % 5 == 3 else "review",
                model="qwen3-<coder>" if unpriced else "deepseek-flash",
                key_id=None if unpriced else ("3f2a9c01", "b7e10d44")[number % 2],
                attempts=6 if failed else 2 if number % 8 == 0 else int(asked),
                outcome=outcome,
                usage=tokens if outcome == "ok" else TokenUsage(),
                cost_usd=None if unpriced else Decimal("0.000173") * size * asked,
                latency_s=1.1 + 0.35 * size if asked else 0.002,
                ttft_s=0.4 + 0.05 * size if outcome == "ok" else None,
            )


def rendered() -> dict[str, str]:
    """Give what each case prints."""
    from reviewbot.observers.ledger import read
    from reviewbot.outputs import stats
    from reviewbot.outputs.stats.figures import Tally

    documents = {}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.jsonl"
        write_ledger(path)
        for name, (by, form) in CASES.items():
            tally, reading = Tally(by), read(path)
            for entry in reading:
                tally.add(entry.at, entry.event)
            documents[name] = stats.render(tally.stats(path.name, foreign=reading.foreign, torn=reading.torn), form)
    return documents


def main() -> None:
    """Write a file for each case."""
    sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent)]
    GOLDEN.mkdir(exist_ok=True)
    for name, document in rendered().items():
        # Exact newlines on every system: the tests compare bytes.
        (GOLDEN / name).write_bytes(document.encode())


if __name__ == "__main__":
    main()
