"""Every store of budgets keeps the same promises; each has its own way to fail."""

import asyncio
import sqlite3
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pytest
from redis_server import RedisServer, running_redis

from reviewbot.domain.claim import Cap, Claim, Fit, Ruling, Standing
from reviewbot.domain.surroundings import Surroundings
from reviewbot.errors import BudgetExceeded, UsageError
from reviewbot.llm.budget_store import MemoryBudgetStore
from reviewbot.llm.ports import BudgetStore
from reviewbot.llm.redis_budget import RedisBudgetStore
from reviewbot.llm.redis_link import RedisLink
from reviewbot.llm.sqlite_budget import SqliteBudgetStore

T = TypeVar("T")
AT_S = 1_800_000_000.5
DAY = Cap(period="day", account="all:day:2027-01-15", limit=1_000)
MONTH = Cap(period="month", account="all:month:2027-01", limit=5_000)
OPEN = Cap(period="run", account="all:open", limit=None)
WORLD = Surroundings(now=lambda: datetime.now(UTC), monotonic=time.monotonic, sleep=asyncio.sleep, chance=lambda: 0.5)


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    for server in running_redis():
        server.known_to_budgets()
        yield server


class Place:
    """A place that a test's stores share, as processes would."""

    def __init__(self, kind: str, folder: Path, url: str) -> None:
        self.kind, self.folder, self.url = kind, folder, url
        self._memory = MemoryBudgetStore()

    @asynccontextmanager
    async def store(self) -> AsyncIterator[BudgetStore]:
        """Open a store, as a new process would."""
        link = RedisLink.open(self.url or "redis://127.0.0.1:1", WORLD)
        stores: dict[str, Callable[[], BudgetStore]] = {
            "memory": lambda: self._memory,
            "sqlite": lambda: SqliteBudgetStore(self.folder, WORLD),
            "redis": lambda: RedisBudgetStore(link, WORLD),
        }
        store = stores[self.kind]()
        try:
            yield store
        finally:
            await store.aclose()
            await link.aclose()

    def use(self, work: Callable[[BudgetStore], Awaitable[T]]) -> T:
        async def session() -> T:
            async with self.store() as store:
                return await work(store)

        return asyncio.run(session())


@pytest.fixture(params=["memory", "sqlite", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind: str = request.param
    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""
    return Place(kind, tmp_path / "cache", url)


def claim(name: str, micros: int, *caps: Cap, at_s: float = AT_S) -> Claim:
    return Claim(id=name, micros=micros, caps=caps or (DAY, MONTH), at_s=at_s, until_s=at_s + 900)


def test_what_is_set_aside_counts_until_it_is_settled(place: Place) -> None:
    first, second, third = claim("a", 700), claim("b", 400), claim("c", 1_001)

    async def work(store: BudgetStore) -> list[object]:
        fits = [(await store.reserve(one)).fit for one in (first, second, third)]
        standings = await store.settle(first, 600)
        return [*fits, standings, (await store.reserve(second)).fit, (await store.reserve(claim("d", 401))).fit]

    expected = (Standing(cap=DAY, spent=600, held=0), Standing(cap=MONTH, spent=600, held=0))
    assert place.use(work) == [Fit.NOW, Fit.LATER, Fit.NEVER, expected, Fit.NOW, Fit.NEVER]


def test_a_claim_that_does_not_fit_one_account_is_set_aside_of_none(place: Place) -> None:
    async def work(store: BudgetStore) -> Ruling:
        await store.reserve(claim("a", 2_000))
        return await store.reserve(claim("b", 0))

    expected = (Standing(cap=DAY, spent=0, held=0), Standing(cap=MONTH, spent=0, held=0))
    assert Ruling(fit=Fit.NOW, standings=expected) == place.use(work)


def test_an_account_without_a_limit_only_counts(place: Place) -> None:
    async def work(store: BudgetStore) -> Ruling:
        await store.reserve(claim("a", 10**12, OPEN))
        await store.settle(claim("a", 10**12, OPEN), 10**11)
        return await store.reserve(claim("b", 10**12, OPEN))

    ruling = place.use(work)
    assert (ruling.fit, ruling.standings[0].spent) == (Fit.NOW, 10**11)


def test_what_is_settled_without_having_been_set_aside_is_booked_all_the_same(place: Place) -> None:
    async def work(store: BudgetStore) -> int:
        return (await store.settle(claim("lost", 500), 300))[0].spent

    assert place.use(work) == 300


def test_many_at_once_never_exceed_the_limit(place: Place) -> None:
    async def work(store: BudgetStore) -> int:
        rulings = await asyncio.gather(*(store.reserve(claim(f"{number}", 30)) for number in range(100)))
        return sum(ruling.fit is Fit.NOW for ruling in rulings)

    assert place.use(work) == 33


@pytest.fixture(params=["sqlite", "redis"])
def lasting(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    kind: str = request.param
    url = request.getfixturevalue("redis_server").url if kind == "redis" else ""
    return Place(kind, tmp_path / "cache", url)


def test_what_was_spent_is_known_to_the_next_process(lasting: Place) -> None:
    async def spend(store: BudgetStore) -> None:
        await store.reserve(claim("a", 700))
        await store.settle(claim("a", 700), 650)

    lasting.use(spend)
    assert lasting.use(lambda store: store.reserve(claim("b", 351))).fit is Fit.NEVER
    assert lasting.use(lambda store: store.reserve(claim("b", 350))).fit is Fit.NOW


def test_what_a_dead_process_set_aside_is_waited_for_at_first_and_then_counts_as_spent(lasting: Place) -> None:
    lasting.use(lambda store: store.reserve(claim("dead", 700)))
    assert lasting.use(lambda store: store.reserve(claim("b", 400, at_s=AT_S + 899))).fit is Fit.LATER
    ruling = lasting.use(lambda store: store.reserve(claim("b", 400, at_s=AT_S + 901)))
    assert (
        Ruling(
            fit=Fit.NEVER,
            standings=(Standing(cap=DAY, spent=700, held=0), Standing(cap=MONTH, spent=700, held=0)),
        )
        == ruling
    )


def test_a_request_that_took_longer_than_any_should_is_counted_at_what_it_cost(lasting: Place) -> None:
    async def work(store: BudgetStore) -> int:
        late = claim("late", 700)
        await store.reserve(late)
        await store.reserve(claim("b", 0, at_s=AT_S + 901))
        return (await store.settle(late, 100))[0].spent

    assert lasting.use(work) == 100


def test_processes_that_share_a_store_never_exceed_the_limit(lasting: Place) -> None:
    async def work(_: BudgetStore) -> int:
        async with lasting.store() as one, lasting.store() as other:
            claims = (
                store.reserve(claim(f"{number}-{id(store)}", 30)) for number in range(50) for store in (one, other)
            )
            return sum(ruling.fit is Fit.NOW for ruling in await asyncio.gather(*claims))

    assert lasting.use(work) == 33


def test_accounts_of_long_ago_are_forgotten_when_a_new_day_begins(tmp_path: Path) -> None:
    place = Place("sqlite", tmp_path, "")
    later_s = AT_S + 70 * 86_400

    async def work(store: BudgetStore) -> None:
        await store.settle(claim("a", 100), 100)
        await store.reserve(claim("dead", 100))
        new = Cap(period="day", account="all:day:new", limit=1_000)
        await store.reserve(claim("b", 100, new, at_s=later_s))

    place.use(work)
    with sqlite3.connect(tmp_path / "budget.sqlite3") as database:
        rows = database.execute("SELECT account FROM spent UNION SELECT account FROM held").fetchall()
    database.close()
    assert rows == [("all:day:new",)]


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = SqliteBudgetStore(tmp_path / "cache", WORLD)

    async def session() -> None:
        await store.check()
        await store.aclose()

    asyncio.run(session())
    assert stat.S_IMODE((tmp_path / "cache" / "budget.sqlite3").stat().st_mode) == 0o600


def _corrupt(folder: Path) -> None:
    (folder / "budget.sqlite3").write_bytes(b"no database" * 1_000)


def _newer(folder: Path) -> None:
    with sqlite3.connect(folder / "budget.sqlite3") as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA user_version = 99")
    database.close()


@pytest.mark.parametrize("spoil", [_corrupt, _newer])
def test_a_file_that_cannot_be_read_is_never_begun_anew_and_stops_requests(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path)
    before = (tmp_path / "budget.sqlite3").read_bytes()

    async def session() -> None:
        store = SqliteBudgetStore(tmp_path, WORLD)
        with pytest.raises(UsageError, match="REVIEWBOT_CACHE_DIR"):
            await store.check()
        with pytest.raises(BudgetExceeded, match="nothing more is sent"):
            await store.reserve(claim("a", 1))
        await store.aclose()

    asyncio.run(session())
    assert before == (tmp_path / "budget.sqlite3").read_bytes()


def test_what_cannot_be_settled_stays_set_aside_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def session() -> tuple[Standing, ...]:
        store = SqliteBudgetStore(tmp_path, WORLD)
        await store.reserve(claim("a", 700))
        await store._file.run(lambda database: database.execute("PRAGMA query_only = 1"))
        settled = await store.settle(claim("a", 700), 1)
        await store.aclose()
        return settled

    assert asyncio.run(session()) == ()
    assert "worst case" in caplog.text
    standings = Place("sqlite", tmp_path, "").use(lambda store: store.reserve(claim("b", 0))).standings
    assert [standing.held for standing in standings] == [700, 700]
